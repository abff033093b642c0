// The page of a hub in a real browser: its events by key and time, decoded, and one of them whole.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LONGEST, SIZES, isAccessible, isInSight, products, screenshots, shop, until, visit } from "./browser.js";

const HUB = `${shop.site}/hub.html`;
const rows = (page) => page.locator("#events tbody tr");
const settle = (page) => page.locator("#state", { hasText: /^(Live|Older events|Paused)$/ }).waitFor();

for (const colorScheme of ["light", "dark"]) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`a hub of the flow is opened in ${colorScheme} on a ${size}`, LONGEST, () => visit({ colorScheme, viewport }, async (page) => {
      await page.goto(`${shop.site}/operations.html`);
      await page.locator("#flow").getByRole("link", { name: /^hub products/ }).press("Enter");
      await page.waitForURL(/\/hub\.html\?hub=products$/);
      await page.locator("h1", { hasText: "Hub products" }).waitFor();
      await rows(page).first().waitFor();
      assert.match(await rows(page).first().textContent(), /product\.changed\.v1/);
      await isAccessible(page, "a hub");
      await page.screenshot({ path: `${screenshots}/hub-${size}-${colorScheme}.png`, fullPage: true });
      await rows(page).first().getByRole("link").press("Enter");
      await page.locator("#event pre", { hasText: '"productId"' }).waitFor();
      await page.locator("#event dd", { hasText: "com.contoso.product.ProductChanged" }).first().waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.id), "event", "a keyboard goes on at the event");
      await page.locator("#state", { hasText: "Paused" }).waitFor();
      await isAccessible(page, "an event of a hub");
      await page.screenshot({ path: `${screenshots}/event-${size}-${colorScheme}.png`, fullPage: true });
      const shown = page.url();
      await isInSight(page, "#event");
      await page.getByRole("link", { name: "Close" }).press("Enter");
      await page.locator("#event").waitFor({ state: "hidden" });
      assert.equal(await page.evaluate(() => document.activeElement.closest("tr")?.rowIndex), 1, "and at its row when it is closed");
      // The address of an event shows it to somebody else too.
      await page.goto(shown);
      await page.locator("#event pre", { hasText: '"productId"' }).waitFor();
      await isInSight(page, "#event");
    }));
  }
}

test("a keyboard alone finds the events of a key and of a time, and the address keeps them", LONGEST, () => visit({}, async (page) => {
  const [, , chosen] = await products(3);
  await page.goto(`${HUB}?hub=products`);
  await rows(page).first().waitFor();
  await page.getByLabel("Partition key", { exact: true }).focus();
  await page.keyboard.type(chosen.id);
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`[?&]key=${chosen.id}(&|$)`));
  const keys = async () => {
    const found = await page.locator("#events tbody tr td:nth-child(4)").allTextContents();
    return { ok: found.length > 0 && found.every((key) => key === chosen.id), state: found.join() };
  };
  await until("events of the key alone", keys);
  await page.reload();
  await until("the same after a reload", keys);
  assert.equal(await page.getByLabel("Partition key", { exact: true }).inputValue(), chosen.id);

  await page.getByLabel("Stored from (UTC)").fill("2099-01-01T00:00:00");
  await page.getByRole("button", { name: "Show" }).press("Enter");
  await page.getByText("No event fits.").waitFor();
  assert.match(page.url(), /from=2099-01-01T00%3A00%3A00Z/);
  await isAccessible(page, "no event fits");
  await page.getByRole("link", { name: "All events" }).press("Enter");
  await rows(page).first().waitFor();
  assert.match(page.url(), /\?hub=products$/);
}));

test("older events are behind a link, and each is shown once", LONGEST, () => visit({}, async (page) => {
  await page.goto(`${HUB}?hub=products`);
  const places = () => page.locator("#events tbody tr td:nth-child(2)").allTextContents();
  const seen = new Set();
  await rows(page).first().waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  for (const place of await places()) seen.add(place);
  const first = seen.size;
  const older = page.getByRole("link", { name: "Older" });
  await older.press("Enter");
  await page.waitForURL(/cursor=/);
  await settle(page);
  await until("other events", async () => {
    const now = await places();
    return { ok: now.length > 0 && now.every((place) => !seen.has(place)), state: now.join() };
  });
  assert.ok(first > 0);
  await isInSight(page, "#list");
  await page.getByRole("link", { name: "Newer" }).waitFor();
  await page.getByRole("link", { name: "Newest" }).press("Enter");
  await until("the newest again", async () => {
    const now = await places();
    return { ok: now.some((place) => seen.has(place)), state: now.join() };
  });
}));

test("rows stay while one reads, and what is new is behind a button", LONGEST, () => visit({}, async (page) => {
  const [, , , known] = await products(4);
  await page.goto(`${HUB}?hub=products`);
  await rows(page).first().waitFor();
  await page.mouse.wheel(0, 300);
  await page.waitForFunction(() => scrollY > 100);
  const before = await rows(page).first().textContent();
  await until("a change", async () => {
    const answer = await fetch(`${shop.functions}/api/products/${known.id}`, { method: "PATCH", headers: { "content-type": "application/json" }, body: JSON.stringify({ stock: 77 }) });
    return { ok: answer.ok, state: await answer.text() };
  });
  const fresh = page.getByRole("button", { name: /new events?$/ });
  await fresh.waitFor();
  assert.equal(await rows(page).first().textContent(), before);
  await fresh.press("Enter");
  await rows(page).filter({ hasText: "77" }).first().waitFor();
  await isInSight(page, "#list");
}));

test("a hub that there is not, and an API that does not answer, are told", LONGEST, () => visit({ quiet: false }, async (page) => {
  await page.goto(`${HUB}?hub=nothing`);
  await page.getByRole("alert").filter({ hasText: "there is no such hub" }).waitFor();
  await page.locator("h1", { hasText: /^No such hub$/ }).waitFor();
  assert.equal(await page.locator("#hub option", { hasText: "nothing" }).count(), 0);
  await isAccessible(page, "no such hub");
  await page.goto(`${HUB}?hub=products&from=2026-02-02T00:00:00Z&to=2026-02-01T00:00:00Z`);
  await page.getByRole("alert").filter({ hasText: "“Stored before” must be later than “Stored from”" }).waitFor();
  await page.goto(`${HUB}?hub=products&event=0/999999`);
  await page.locator("#event", { hasText: "No such event" }).waitFor();
  await isInSight(page, "#event");
  await page.locator("#state.bad", { hasText: "No such event" }).waitFor();
  await page.route("**/api/**", (route) => route.abort());
  await page.goto(`${HUB}?hub=clicks`);
  await page.locator("#state.bad", { hasText: "The API does not answer. Trying again…" }).waitFor();
  await isAccessible(page, "a hub without an API");
}));

test("who pauses is asked for nothing", LONGEST, () => visit({}, async (page) => {
  let asked = 0;
  await page.route("**/api/ops/hubs/**", (route) => { asked += 1; return route.continue(); });
  await page.goto(`${HUB}?hub=products`);
  await page.locator("#state", { hasText: "Live" }).waitFor();
  await page.getByRole("button", { name: "Pause" }).press("Enter");
  await page.locator("#state.warn", { hasText: "Paused" }).waitFor();
  await page.waitForLoadState("networkidle");
  const before = asked;
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await page.waitForLoadState("networkidle");
  assert.equal(asked, before);
  await page.getByRole("button", { name: "Go on" }).press("Enter");
  await until("the page asks again", async () => ({ ok: asked > before, state: String(asked) }));
}));
