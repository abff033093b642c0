// What operators and the demo partner look at, in a real browser: the verdict, the flow on a phone, the charts' frame, and what arrived.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LONGEST, SIZES, isAccessible, products, screenshots, shop, until, visit } from "./browser.js";

const OPERATIONS = `${shop.site}/operations.html`;
const PARTNER = `${shop.site}/partner`;
const SCHEMES = ["light", "dark"];

/** Opens the operations page with an overview that `alter` changed. */
async function operations(page, alter = (overview) => overview) {
  await page.route("**/api/ops/overview*", async (route) => {
    const answer = await route.fetch();
    const overview = await answer.json().catch(() => null);
    if (!answer.ok() || !overview) return route.fulfill({ response: answer });
    return route.fulfill({ status: 200, contentType: "application/json", body: JSON.stringify(alter(overview)) });
  });
  await page.goto(OPERATIONS);
  await page.locator("#flow svg").waitFor();
}

const letters = (count, isMore = false, records = count) => ({
  count, records, isMore, byOwner: { Trends: count },
  newest: [{ name: "Trends/2026-01-05/clicks-0-1.json", owner: "Trends", at: new Date().toISOString(), cause: "the body is no CloudEvent" }],
});

test("the verdict is not good beside dead letters, nor where they are not known", LONGEST, () => visit({}, async (page) => {
  let deadLetters = letters(1);
  let givenUp = null;
  await operations(page, (overview) => ({ ...overview, measuredAt: new Date().toISOString(), anomalies: null, flows: overview.flows.map((flow) => ({ ...flow, lag: 0 })), deadLetters, partners: { ...overview.partners, givenUp: givenUp ?? overview.partners.givenUp } }));
  const state = (level, text) => page.locator(`#state.${level}`, { hasText: text }).waitFor();
  await state("bad", /^1 dead letter$/);
  await isAccessible(page, "a board with a dead letter");
  await page.screenshot({ path: `${screenshots}/verdict.png` });
  deadLetters = letters(2000, true);
  await state("bad", /^2,000 or more dead letters$/);
  deadLetters = letters(6, false, 2);
  await state("bad", /^6 dead letters of 2 records$/);
  deadLetters = null;
  await state("warn", /^Dead letters are not known$/);
  deadLetters = { count: 0, records: 0, isMore: false, byOwner: {}, newest: [] };
  await state("good", /^All flows keep up$/);
  givenUp = letters(12);
  await state("bad", /^12 given up by Event Grid$/);
  await page.getByRole("link", { name: "What was done with earlier ones" }).waitFor();
  await page.getByRole("link", { name: "Look at what was given up" }).press("Enter");
  await page.waitForURL(/dead-letters\.html\?origin=event-grid-delivery$/);
}));

for (const colorScheme of SCHEMES) {
  test(`the flow on a phone in ${colorScheme} says that it goes on, and a keyboard follows it`, LONGEST, () => visit({ colorScheme, viewport: SIZES.phone }, async (page) => {
    await operations(page);
    const flow = page.locator("#flow");
    await page.locator("#flow-hint", { hasText: "Scroll sideways" }).waitFor();
    await flow.and(page.locator(".more-right:not(.more-left)")).waitFor();
    await flow.focus();
    await page.keyboard.press("ArrowRight");
    await flow.and(page.locator(".more-left")).waitFor();
    await flow.evaluate((region) => { region.scrollLeft = region.scrollWidth; });
    await flow.and(page.locator(".more-left:not(.more-right)")).waitFor();
    await isAccessible(page, "the flow on a phone");
    await page.screenshot({ path: `${screenshots}/flow-phone-${colorScheme}.png` });
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.locator("#flow-hint").waitFor({ state: "hidden" });
  }));
}

for (const [size, viewport] of Object.entries(SIZES)) {
  test(`axes, tiles and boxes have their size on a ${size}`, LONGEST, () => visit({ viewport }, async (page) => {
    const minute = Math.floor(Date.now() / 60_000);
    const clicks = Array.from({ length: 179 }, (_, index) => ({ minute: minute - 179 + index, views: 1_000_000 + index, visitors: 9 }));
    await operations(page, (overview) => ({ ...overview, clicks, deadLetters: letters(3), trending: overview.trending && { ...overview.trending, rising: [] } }));
    await page.locator("#clicks svg text").first().waitFor();
    const beyond = await page.evaluate(() => {
      const frame = document.querySelector("#clicks").getBoundingClientRect();
      const labels = [...document.querySelectorAll("#clicks svg text")];
      return labels.filter((label) => { const box = label.getBoundingClientRect(); return box.left < frame.left - 1 || box.right > frame.right + 1; }).map((label) => label.textContent);
    });
    assert.deepEqual(beyond, [], "labels stay in the chart");
    const outside = await page.evaluate(() => [...document.querySelectorAll("#flow .node")].filter((node) => {
      const [box, name] = [node.querySelector("rect"), node.querySelector(".name")].map((part) => part.getBoundingClientRect());
      return name.right > box.right - 3;
    }).map((node) => node.textContent));
    assert.deepEqual(outside, [], "names stay in their boxes");
    // Tiles beside each other are as high.
    const tiles = await page.locator("#figures li").evaluateAll((all) => all.map((tile) => tile.getBoundingClientRect()).map(({ top, height }) => [Math.round(top), Math.round(height)]));
    for (const [top, height] of tiles) for (const [other, another] of tiles) if (top === other) assert.equal(height, another, `tiles are ${tiles}`);
    const small = await page.locator("#flow text").evaluateAll((texts) => texts.filter((text) => text.textContent && text.getBoundingClientRect().height < 11).map((text) => text.textContent));
    assert.deepEqual(small, [], "letters of the flow can be read");
    // A panel is as high as what it holds.
    const empty = await page.locator("#board .column .panel").evaluateAll((panels) => panels.map((panel) => {
      const last = panel.lastElementChild.getBoundingClientRect();
      return [panel.querySelector("h2").textContent, Math.round(panel.getBoundingClientRect().bottom - last.bottom)];
    }).filter(([, rest]) => rest > 40));
    assert.deepEqual(empty, [], "no box is empty");
  }));
}

test("what is red leads to its letters, and the table says the same", LONGEST, () => visit({}, async (page) => {
  const byOwner = { Trends: 2, CaptureBatch: 3 };
  await operations(page, (overview) => ({ ...overview, deadLetters: { ...letters(5, false, 4), byOwner } }));
  await page.locator("summary", { hasText: "as a table" }).press("Enter");
  for (const [name, many] of Object.entries(byOwner)) {
    const row = page.locator("#flow-table tr", { hasText: name });
    await row.getByRole("link", { name: `${many} dead letters` }).waitFor();
    assert.equal(await row.getByText("keeps up").count(), 0);
  }
  await page.locator("#figures").getByRole("link", { name: /Dead letters.*5.*letters, of 4 records/ }).waitFor();
  await page.locator("#state").getByRole("link", { name: "5 dead letters of 4 records" }).waitFor();
  await page.locator("#flow").getByRole("link", { name: /CaptureBatch/ }).press("Enter");
  await page.waitForURL(/dead-letters\.html\?function=CaptureBatch$/);
}));

test("a chart of three hours shows three hours, and what was not counted as such", LONGEST, () => visit({}, async (page) => {
  const minute = Math.floor(Date.now() / 60_000);
  await operations(page, (overview) => ({ ...overview, clicks: [{ minute: minute - 20, views: 5, visitors: 2 }] }));
  await page.locator("#clicks .unknown", { hasText: "not counted" }).waitFor();
  const { width } = await page.locator("#clicks .unknown rect").boundingBox();
  assert.ok(width > 700, `${width} pixels are not counted`);
}));

test("a board whose API is gone is dimmed, its age goes on, and no key is asked for", LONGEST, () => visit({ quiet: false }, async (page) => {
  await operations(page);
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.route("**/api/ops/**", (route) => route.abort());
  await page.locator("#state.bad", { hasText: "The API does not answer. Trying again…" }).waitFor();
  await page.locator("#board.stale").waitFor();
  const age = () => page.locator("#age").textContent();
  const before = await age();
  await until("an age that goes on", async () => ({ ok: await age() !== before, state: await age() }));
  await isAccessible(page, "a board whose API is gone");
  await page.reload();
  await page.locator("#state.bad", { hasText: "The API does not answer. Trying again…" }).waitFor();
  assert.equal(await page.locator("#key").isVisible(), false);
}));

test("a board is paused and goes on, and its time range is in the address", LONGEST, () => visit({}, async (page) => {
  const minute = Math.floor(Date.now() / 60_000);
  const clicks = Array.from({ length: 170 }, (_, index) => ({ minute: minute - 170 + index, views: 5, visitors: 2 }));
  let asked = 0;
  await operations(page, (overview) => { asked += 1; return { ...overview, clicks }; });
  const points = async () => (await page.locator("#clicks .line").getAttribute("points")).split(" ").length;
  await page.locator("#clicks .line").waitFor({ state: "attached" });
  assert.ok(await points() >= 170);
  await page.getByLabel("Time range").selectOption("Last hour");
  assert.equal(await points(), 60);
  assert.match(page.url(), /[?&]minutes=60$/);

  await page.getByRole("button", { name: "Pause" }).press("Enter");
  await page.locator("#state.warn", { hasText: /^Paused$/ }).waitFor();
  await isAccessible(page, "a paused board");
  // What was asked before may still be answered; after that nobody asks, however often the page is shown again.
  await page.waitForLoadState("networkidle");
  const before = asked;
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await page.waitForLoadState("networkidle");
  assert.equal(asked, before);
  await page.getByRole("button", { name: "Go on" }).press("Enter");
  await until("the board asks again", async () => ({ ok: asked > before, state: String(asked) }));
  await page.locator("#state", { hasText: "Paused" }).waitFor({ state: "detached" });

  await page.reload();
  await page.locator("#clicks .line").waitFor({ state: "attached" });
  assert.equal(await points(), 60, "the address says what is shown");
}));

test("while the API does not answer board and partners' page say so", LONGEST, () => visit({ quiet: false }, async (page) => {
  await page.route("**/api/**", (route) => route.abort());
  await page.goto(OPERATIONS);
  await page.locator("#state.bad", { hasText: "The API does not answer. Trying again…" }).waitFor();
  await isAccessible(page, "a board without an API");
  await page.goto(`${shop.site}/partners.html`);
  await page.getByLabel("Partner", { exact: true }).fill("acme");
  await page.getByLabel("Key", { exact: true }).fill("cpk_none");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").filter({ hasText: "The API does not answer." }).waitFor();
  await isAccessible(page, "the partners' page without an API");
}));

async function change(id, what) {
  await until(`a change of ${id}`, async () => {
    const answer = await fetch(`${shop.functions}/api/products/${id}`, { method: "PATCH", headers: { "content-type": "application/json" }, body: JSON.stringify(what) });
    return { ok: answer.ok, state: await answer.text() };
  });
}

test("the demo partner's page tells what changed, by arrival", LONGEST, async () => {
  const [, , , , , , first, second] = await products(8);
  const lower = (Number(first.price.amount) * .9).toFixed(2);
  for (const colorScheme of SCHEMES) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      await visit({ colorScheme, viewport }, async (page) => {
        await page.goto(PARTNER);
        const top = (name) => page.locator("#events > li:first-child", { hasText: name });
        await page.locator("#events > li").first().waitFor();
        if (colorScheme === "light" && size === "phone") {
          await change(first.id, { price: { amount: lower, currency: "USD" } });
          await top(first.name).waitFor();
          await top(first.name).locator(".changes", { hasText: new RegExp(`Price .*${first.price.amount}.* now .*${lower} ↓ 10% less`) }).waitFor();
          await change(second.id, { stock: 7 });
          await top(second.name).locator(".changes", { hasText: "Stock" }).waitFor();
        }
        const arrivals = await page.locator("#events time").evaluateAll((times) => times.map((time) => time.dateTime));
        assert.deepEqual(arrivals.map(Date.parse), arrivals.map(Date.parse).toSorted((a, b) => b - a), "newest arrival first");
        await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Operations" }).waitFor();
        // What is open stays open while more comes.
        const details = page.locator("#events > li:first-child details");
        await details.locator("summary").press("Enter");
        await details.locator("pre", { hasText: '"productId"' }).waitFor();
        await isAccessible(page, "the demo partner's page");
        await page.screenshot({ path: `${screenshots}/demo-partner-${size}-${colorScheme}.png`, fullPage: true });
      });
    }
  }
});

test("without a stack the demo partner's page says so", LONGEST, () => visit({ quiet: false }, async (page) => {
  await page.goto(PARTNER);
  await page.locator("#events > li").first().waitFor();
  await page.context().setOffline(true);
  await page.locator("#state.bad", { hasText: "The local stack does not answer." }).waitFor();
  assert.ok(await page.locator("#events > li").count() > 0, "what came stays");
  await page.context().setOffline(false);
  await page.locator("#state.good").waitFor();
}));
