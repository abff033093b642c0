// The page of dead letters in a real browser: what there is, one of them whole, and how they are thrown away.

import assert from "node:assert/strict";
import { test } from "node:test";

import { EventHubProducerClient } from "@azure/event-hubs";

import { LONGEST, SIZES, isAccessible, isInSight, screenshots, shop, until, visit } from "./browser.js";

const LETTERS = `${shop.site}/dead-letters.html`;
const rows = (page) => page.locator("#list tbody tr");

/** Sends events to hub `clicks` that no function can read, and waits until they are parked. */
async function spoil(count, text) {
  const before = await letters();
  const producer = new EventHubProducerClient(shop.eventHubs.connectionString, "clicks");
  try {
    await producer.sendBatch(Array.from({ length: count }, (_, index) => ({ body: Buffer.from(`${text} ${index}`), contentType: "text/plain" })));
  } finally {
    await producer.close();
  }
  // Two functions read the hub, and each parks for itself.
  await until("letters", async () => {
    const now = await letters();
    return { ok: now === before + 2 * count, state: `${now} of ${before + 2 * count}` };
  });
}

async function letters() {
  const answer = await fetch(`${shop.functions}/api/ops/dead-letters`);
  return answer.ok ? (await answer.json()).letters : -1;
}

test("without letters the page says so", LONGEST, () => visit({}, async (page) => {
  await page.goto(LETTERS);
  await page.locator("#state.good", { hasText: /^None$/ }).waitFor();
  await page.getByText("None. Every record was handled.").waitFor();
  await isAccessible(page, "no letters");
}));

for (const colorScheme of ["light", "dark"]) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`letters are listed and opened in ${colorScheme} on a ${size}`, LONGEST, () => visit({ colorScheme, viewport }, async (page) => {
      if (await letters() === 0) await spoil(3, "<b onload=alert(1)>no event</b>");
      await page.goto(`${shop.site}/operations.html`);
      await page.getByRole("link", { name: "Look at them" }).press("Enter");
      await page.locator("#state.bad", { hasText: "6 letters of 3 records" }).waitFor();
      await isAccessible(page, "dead letters");
      await page.screenshot({ path: `${screenshots}/dead-letters-${size}-${colorScheme}.png`, fullPage: true });
      await rows(page).first().getByRole("link").press("Enter");
      await page.locator("#letter p.wrong", { hasText: "Not decoded" }).waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.id), "letter", "a keyboard goes on at the letter");
      await isInSight(page, "#letter");
      await isAccessible(page, "a dead letter");
      await page.screenshot({ path: `${screenshots}/dead-letter-${size}-${colorScheme}.png`, fullPage: true });
      const shown = page.url();
      await page.goto(shown);
      await page.locator("#letter p.wrong", { hasText: "Not decoded" }).waitFor();
      await isInSight(page, "#letter");
      await page.getByRole("link", { name: "Close" }).press("Enter");
      await page.locator("#letter").waitFor({ state: "hidden" });
      assert.equal(await page.evaluate(() => document.activeElement.closest("tr")?.rowIndex), 1, "and at its row when it is closed");
      // A cause leads to its letters, which are further down.
      await page.locator("#groups").getByRole("link").first().press("Enter");
      await page.waitForURL(/cause=/);
      await isInSight(page, "#list-panel");
    }));
  }
}

test("chosen letters and all of a filter are dropped with a reason, after a question", LONGEST, () => visit({}, async (page) => {
  await page.goto(`${LETTERS}?function=Trends`);
  await page.locator("#state.bad", { hasText: "3 letters of 3 records" }).waitFor();
  await page.getByLabel("Choose all 3 shown").press("Space");
  await page.getByRole("button", { name: "Drop the 3 chosen" }).waitFor();
  await page.getByLabel("Choose all 3 shown").press("Space");
  await rows(page).first().getByRole("checkbox").press("Space");
  await page.getByRole("button", { name: "Drop the 1 chosen" }).press("Enter");
  await page.getByRole("dialog").getByText("1 letter would be gone").waitFor();
  await page.getByLabel("Your name, for the log").fill("night shift");
  // Without a reason it does not end.
  await page.getByRole("dialog").getByRole("button", { name: "Drop" }).press("Enter");
  await page.getByLabel("Reason, for the log").fill("a test");
  await isAccessible(page, "the question");
  await page.getByRole("button", { name: "Cancel" }).press("Enter");
  assert.equal(await letters(), 6, "who keeps it has it");
  await page.getByRole("button", { name: "Drop the 1 chosen" }).press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Drop" }).press("Enter");
  await page.locator("#done", { hasText: "1 letter dropped." }).waitFor();
  await page.locator("#log tr", { hasText: "night shift" }).filter({ hasText: "a test" }).waitFor();
  await page.locator("#state.bad", { hasText: "2 letters of 2 records" }).waitFor();

  await page.getByRole("button", { name: "Drop all 2 of this filter" }).press("Enter");
  await page.getByLabel("Reason, for the log").fill("the rest of it");
  await page.getByRole("dialog").getByRole("button", { name: "Drop" }).press("Enter");
  await page.locator("#done", { hasText: "2 letters dropped." }).waitFor();
  await page.locator("#list").getByText("No letter fits.").waitFor();
  assert.equal(await letters(), 3, "another function's letters stay");
  await page.getByRole("link", { name: "All letters" }).press("Enter");
  await page.locator("#state.bad", { hasText: "3 letters of 3 records" }).waitFor();
  await page.screenshot({ path: `${screenshots}/dead-letters-dropped.png`, fullPage: true });
}));

test("a replay tells what became of it, and who did it", LONGEST, () => visit({}, async (page) => {
  await page.goto(`${LETTERS}?function=RecentlyViewed`);
  await page.locator("#state.bad", { hasText: "3 letters of 3 records" }).waitFor();
  await page.getByRole("button", { name: "Replay all 3 of this filter" }).press("Enter");
  await page.getByLabel("Your name, for the log").fill("night shift");
  await page.getByRole("dialog").getByText("3 records would be given once more").waitFor();
  await isAccessible(page, "the question of a replay");
  await page.getByRole("dialog").getByRole("button", { name: "Replay" }).press("Enter");
  // They are as bad as before.
  await page.locator("#done", { hasText: "Replay: 3 parked again." }).waitFor();
  await page.locator("#log tr", { hasText: "night shift" }).filter({ hasText: "replay" }).waitFor();
  assert.equal(await letters(), 3);
  // What became of each has an address, which the log leads to as well.
  const each = page.locator("#replayed tbody tr", { hasText: "parked again" });
  await each.nth(2).waitFor();
  assert.match(new URL(page.url()).search, /batch=/);
  await isAccessible(page, "what became of a replay");
  await page.screenshot({ path: `${screenshots}/dead-letters-replayed.png`, fullPage: true });
  await page.getByRole("link", { name: "All letters" }).press("Enter");
  await page.locator("#batch").waitFor({ state: "hidden" });
  await page.locator("#log").getByRole("link", { name: "What became of them" }).first().press("Enter");
  await each.nth(2).waitFor();
  await each.first().getByRole("link").press("Enter");
  await page.locator("#letter p.wrong").first().waitFor();
}));

test("letters that come while one reads are not taken for those that were read", LONGEST, () => visit({}, async (page) => {
  await page.goto(`${LETTERS}?function=RecentlyViewed`);
  await page.locator("#state.bad", { hasText: "3 letters of 3 records" }).waitFor();
  await page.getByRole("button", { name: "Drop all 3 of this filter" }).press("Enter");
  await page.getByLabel("Your name, for the log").fill("night shift");
  await page.getByLabel("Reason, for the log").fill("those that were read");
  await spoil(1, "one more");
  await page.getByRole("dialog").getByRole("button", { name: "Drop" }).press("Enter");
  await page.locator("#done", { hasText: "3 letters dropped." }).waitFor();
  await page.locator("#state.bad", { hasText: "1 letter of 1 record" }).waitFor();
}));

test("a filter that nothing fits does not say that all is well", LONGEST, () => visit({}, async (page) => {
  await page.goto(`${LETTERS}?function=Trendz&from=2026-01-05`);
  await page.locator("#state", { hasText: /^No letter fits$/ }).waitFor();
  assert.equal(await page.locator("#state.good").count(), 0);
  await page.getByText("No function called “Trendz” has parked anything.").waitFor();
  assert.equal(await page.getByLabel("Parked from (UTC)").inputValue(), "2026-01-05T00:00");
}));

test("storage that does not answer is told in the API's words", LONGEST, () => visit({ quiet: false }, async (page) => {
  const detail = "Dead letters cannot be read or dropped just now; try again.";
  await page.route("**/api/ops/dead-letters?**", (route) => route.fulfill({ status: 503, json: { detail }, contentType: "application/problem+json" }));
  await page.route("**/api/ops/dead-letters", (route) => route.fulfill({ status: 503, json: { detail }, contentType: "application/problem+json" }));
  await page.goto(LETTERS);
  await page.locator("#state.bad", { hasText: detail }).waitFor();
}));

test("an API that does not answer is told", LONGEST, () => visit({ quiet: false }, async (page) => {
  await page.route("**/api/**", (route) => route.abort());
  await page.goto(LETTERS);
  await page.locator("#state.bad", { hasText: "The API does not answer. Trying again…" }).waitFor();
  await isAccessible(page, "letters without an API");
}));
