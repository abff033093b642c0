// The catalogue of events in a real browser, as `contoso up` serves it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LONGEST, SIZES, isAccessible, screenshots, shop, visit } from "./browser.js";

const LIST = `${shop.site}/schemas/index.html`;
const { events } = await fetch(`${shop.site}/schemas/events.json`).then((answer) => answer.json());
const pages = ["index.html", "changelog.html", ...events.map(({ page }) => page)];

test("the operations page leads to it", LONGEST, () => visit({}, async (page) => {
  await page.goto(`${shop.site}/operations.html`);
  await page.getByRole("link", { name: "Events and their schemas" }).click();
  await page.getByRole("heading", { level: 1, name: "Events" }).waitFor();
  for (const { type } of events) await page.getByRole("link", { name: type, exact: true }).waitFor();
}));

test("search by keys alone", LONGEST, () => visit({}, async (page) => {
  await page.goto(LIST);
  await page.keyboard.press("/");
  await page.keyboard.type("VISITOR consent");
  const shown = page.locator("[data-text]:visible");
  assert.equal(await shown.count(), 1);
  assert.match(await page.locator("#count").textContent(), /^1 of /);
  assert.match(page.url(), /q=VISITOR/);
  await page.keyboard.press("ArrowDown");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /click\.recorded/);
  await page.keyboard.press("ArrowUp");
  assert.equal(await page.evaluate(() => document.activeElement.id), "search");
  await page.reload();
  assert.equal(await shown.count(), 1, "the address keeps what is looked for");
  await page.locator("#search").focus();
  await page.keyboard.press("Escape");
  assert.equal(await shown.count(), events.length);
  await page.keyboard.type("no such words anywhere");
  await page.getByText("No event has all of these words.").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.type("ProductDiscontinued");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.match(page.url(), /product\.discontinued/);
}));

test("an event's page has its tree, its examples and who reads it", LONGEST, () => visit({}, async (page) => {
  const event = events.find(({ type }) => type === "com.contoso.product.changed.v1");
  await page.goto(`${shop.site}/schemas/${event.page}`);
  const text = await page.locator("main").innerText();
  for (const wanted of ["state", "updatedAt", "timestamp-millis", "required", "default null", "ProductProjection", "price-alerts", "minorUnits", '"amount": "99.99"']) {
    assert.ok(text.includes(wanted), `${wanted}: ${text}`);
  }
}));

test("every page in both schemes on both sizes", { timeout: 4 * LONGEST.timeout }, async () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const [name, viewport] of Object.entries(SIZES)) {
      await visit({ colorScheme, viewport }, async (page) => {
        for (const file of pages) {
          await page.goto(`${shop.site}/schemas/${file}`);
          await page.getByRole("heading", { level: 1 }).waitFor();
          await isAccessible(page, `${file}, ${colorScheme}, ${name}`);
          await page.screenshot({ path: `${screenshots}/catalogue-${file}-${colorScheme}-${name}.png`, fullPage: true });
        }
      });
    }
  }
});
