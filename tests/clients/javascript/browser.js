// A browser on a running shop, for the suites of its pages. Standard input has the shop's ready line and `pages`: where the browser
// is, where screenshots go, and the key of `OpsApi` where the shop asks for one.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before } from "node:test";

import { chromium } from "playwright-core";

export const shop = JSON.parse(readFileSync(0, "utf8"));
const { browser: executablePath, screenshots, key } = shop.pages;
export { key, screenshots };
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// A busy machine is slow; a state that comes ends the wait.
export const PATIENCE = 30_000;
export const LONGEST = { timeout: 4 * PATIENCE };

export const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };

let browser;

before(async () => {
  // Containers give processes little shared memory and no namespaces of their own.
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
});
after(() => browser?.close());

/**
 * Runs `body` with a page of a new visitor, and holds it to a quiet console. `expected` are statuses of answers that the case is about, which
 * the browser reports by itself.
 */
export async function visit({ colorScheme = "light", viewport = SIZES.desktop, quiet = true, expected = [], ...more } = {}, body) {
  const context = await browser.newContext({ colorScheme, viewport, locale: "en-US", reducedMotion: "reduce", ...more });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // A product that another case took off sale may be in a list still; the browser reports that answer itself.
    // And 503 is what the app says while its store keeps it waiting, as on a busy machine; pages ask again.
    const isExpected = [410, 503, ...expected].some((status) => message.text().includes(`status of ${status} (`));
    if (["error", "warning"].includes(message.type()) && !isExpected) complaints.push(`${message.text()} ${message.location().url}`);
  });
  try {
    await body(page, context);
    if (quiet) assert.deepEqual(complaints, []);
  } catch (error) {
    await page.screenshot({ path: `${screenshots}/failed.png` }).catch(() => {});
    throw new Error(`${error.message}\nconsole: ${complaints.join("\n")}`, { cause: error });
  } finally {
    // A route that still waits for its answer would fail when its context is gone.
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await context.close();
  }
}

/** No serious finding, and nothing wider than the screen. */
export async function isAccessible(page, what) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  const findings = serious.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map(({ html, failureSummary }) => `${html}\n  ${failureSummary}`).join("\n  ")}`);
  assert.deepEqual(findings, [], what);
  const surplus = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(surplus, 0, `${what} is wider than the screen`);
}

/** The head of `selector` is on the screen, below the bar of the page. */
export async function isInSight(page, selector) {
  await until(`${selector} in sight`, async () => {
    const [top, bar, height] = await page.evaluate((wanted) => [
      document.querySelector(wanted).getBoundingClientRect().top, document.querySelector("header").getBoundingClientRect().bottom, innerHeight,
    ], selector);
    return { ok: top >= bar && top < height / 2, state: `${top} of ${bar} to ${height}` };
  });
}

/** The first products of the shop. */
export async function products(count) {
  const { categories } = await answered("/api/site/categories");
  const lists = await Promise.all(categories.map(async ({ name }) => {
    const { items } = await answered(`/api/site/products?category=${encodeURIComponent(name)}&limit=100`);
    return items.map((item) => ({ ...item, category: name }));
  }));
  const all = lists.flat();
  assert.ok(all.length >= count, `the shop has ${all.length} products`);
  return all.slice(0, count);
}

/** What the app answers, once it is not too busy to. */
async function answered(path) {
  let found;
  await until(`an answer to ${path}`, async () => {
    const answer = await fetch(shop.functions + path);
    const state = await answer.text();
    if (answer.ok) found = JSON.parse(state);
    return { ok: answer.ok, state };
  });
  return found;
}

/** Waits until `probe` says so, and reports what it said last where that no longer changes. */
export async function until(what, probe) {
  let last;
  for (let deadline; ;) {
    const { ok, state } = await probe();
    if (ok) return;
    if (state !== last) deadline = Date.now() + 2 * PATIENCE;
    last = state;
    if (Date.now() > deadline) throw new Error(`${what}: ${state}`);
    await new Promise((again) => setTimeout(again, 200));
  }
}

/** Lets the page remember its visitor while it shows `item`, whose click is then on its way: one that leaves before it sees a product has not looked at it. */
export async function remember(page, item) {
  await page.locator("h1", { hasText: item.name }).waitFor();
  const sent = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/api/clicks"));
  await page.getByRole("button", { name: "Yes, remember" }).click();
  await sent;
}

/** Opens the page of a product. */
export const product = (page, { id }) => page.goto(`${shop.site}/?product=${encodeURIComponent(id)}`);
