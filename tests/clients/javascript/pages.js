// The storefront and the operations page in a real browser, on a running shop. Standard input has the shop's ready line and
// `pages`: where the browser is, where screenshots go, and the key of `OpsApi` where the shop asks for one.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { CosmosClient } from "@azure/cosmos";
import { chromium } from "playwright-core";

const shop = JSON.parse(readFileSync(0, "utf8"));
const { browser: executablePath, screenshots, key } = shop.pages;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const cosmos = new CosmosClient({ endpoint: shop.cosmos.endpoint, key: shop.cosmos.key });
const MINUTE = 60_000;
// A busy machine is slow; a state that comes ends the wait.
const PATIENCE = 30_000;
const LONGEST = { timeout: 4 * PATIENCE };

const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };

let browser;

before(async () => {
  // Containers give processes little shared memory and no namespaces of their own.
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
});
after(() => browser?.close());

/** Runs `body` with a page of a new visitor, and holds it to a quiet console. */
async function visit({ colorScheme = "light", viewport = SIZES.desktop, quiet = true } = {}, body) {
  const context = await browser.newContext({ colorScheme, viewport, locale: "en-US", reducedMotion: "reduce" });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // A product that another case took off sale may be in a list still; the browser reports that answer itself.
    const isGone = message.text().includes("410 (Gone)");
    if (["error", "warning"].includes(message.type()) && !isGone) complaints.push(`${message.text()} ${message.location().url}`);
  });
  try {
    await body(page, context);
    if (quiet) assert.deepEqual(complaints, []);
  } catch (error) {
    await page.screenshot({ path: `${screenshots}/failed.png` }).catch(() => {});
    throw new Error(`${error.message}\nconsole: ${complaints.join("\n")}`, { cause: error });
  } finally {
    await context.close();
  }
}

/** No serious finding, and nothing wider than the screen. */
async function isAccessible(page, what) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  const findings = serious.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map(({ html, failureSummary }) => `${html}\n  ${failureSummary}`).join("\n  ")}`);
  assert.deepEqual(findings, [], what);
  const surplus = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(surplus, 0, `${what} is wider than the screen`);
}

async function products(count) {
  const api = (path) => fetch(shop.functions + path).then((answer) => answer.json());
  const { categories } = await api("/api/site/categories");
  const lists = await Promise.all(categories.map(async ({ name }) => {
    const { items } = await api(`/api/site/products?category=${encodeURIComponent(name)}&limit=100`);
    return items.map((item) => ({ ...item, category: name }));
  }));
  const all = lists.flat();
  assert.ok(all.length >= count, `the shop has ${all.length} products`);
  return all.slice(0, count);
}

async function setPrice(id, amount) {
  const answer = await fetch(`${shop.functions}/api/products/${id}`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ price: { amount, currency: "USD" } }),
  });
  assert.ok(answer.ok, `PATCH ${id}: ${answer.status}`);
}

const upsert = (database, container, item) => cosmos.database(database).container(container).items.upsert(item);
const product = (page, { id }) => page.goto(`${shop.site}/?product=${encodeURIComponent(id)}`);

if (!key) {
  test("a price changes before the reader's eyes", LONGEST, () => visit({}, async (page) => {
    const [first] = await products(1);
    await product(page, first);
    await page.locator("h1", { hasText: first.name }).waitFor();
    await page.evaluate(() => { globalThis.sameDocument = true; });
    const amount = (Number(first.price.amount) - 1).toFixed(2);
    await setPrice(first.id, amount);
    await page.locator("#price", { hasText: amount }).waitFor();
    await page.locator("#was", { hasText: first.price.amount }).waitFor();
    assert.match(await page.locator("#announcer").textContent(), new RegExp(`fell from .*${first.price.amount}.* to .*${amount}`));
    assert.equal(await page.evaluate(() => globalThis.sameDocument), true, "without loading the page again");
    await page.screenshot({ path: `${screenshots}/price-change.png` });

    await fetch(`${shop.functions}/api/products/${first.id}`, { method: "DELETE" });
    await page.locator("h1", { hasText: "No longer sold" }).waitFor();
  }));

  test("a click appears in recently viewed, and a private tab forgets it", LONGEST, () => visit({}, async (page, context) => {
    const [first, second, third] = (await products(4)).slice(1);
    await product(page, first);
    await page.getByRole("button", { name: "Yes, remember" }).click();
    const recent = page.locator("#recently-viewed-list a");
    await product(page, second);
    await recent.filter({ hasText: first.name }).waitFor();
    const id = await page.evaluate(() => localStorage.getItem("contoso.visitor"));
    assert.match(id, /^[\w-]{8,64}$/);

    // The private mode has an id of its own, which another tab does not see.
    const tab = await context.newPage();
    await product(tab, third);
    await tab.getByRole("switch", { name: /Private/ }).click();
    await tab.getByRole("button", { name: "Yes, remember" }).click();
    await product(tab, second);
    await tab.locator("#recently-viewed-list").waitFor({ state: "attached" });
    const own = () => tab.evaluate(() => sessionStorage.getItem("contoso.visitor"));
    await tab.waitForFunction(() => sessionStorage.getItem("contoso.visitor") !== null);
    assert.notEqual(await own(), id);
    assert.equal(await tab.locator("#recently-viewed-list a", { hasText: first.name }).count(), 0);
    assert.equal(await tab.evaluate(() => localStorage.getItem("contoso.visitor")), id, "what was known stays as it was");
    await tab.getByRole("switch", { name: /Private/ }).click();
    assert.equal(await own(), null);
    await tab.close();
  }));

  test("without consent no id is kept or sent", LONGEST, () => visit({}, async (page) => {
    const [, , , fourth] = await products(4);
    await product(page, fourth);
    const sent = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/api/clicks"));
    await page.getByRole("button", { name: "No, thanks" }).click();
    assert.deepEqual((await sent).postDataJSON(), { productId: fourth.id, category: fourth.category, consent: false });
    await page.locator("#known", { hasText: "counted without you" }).waitFor();
    assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), ["contoso.consent"]);
  }));

  test("an injected outage shows as an anomaly", LONGEST, async () => {
    const now = Math.floor(Date.now() / MINUTE);
    const time = (minutesAgo) => new Date((now - minutesAgo) * MINUTE).toISOString();
    await Promise.all(Array.from({ length: 120 }, (_, ago) => {
      const views = ago < 10 ? 0 : Math.round(900 + 250 * Math.sin(ago / 25) + (ago > 50 && ago < 60 ? 900 : 0));
      return upsert("analytics", "minutes", {
        id: `${time(ago).slice(0, 16)}Z`, day: time(ago).slice(0, 10), minute: now - ago, views, visitors: Math.round(views * 0.4),
        categories: {}, products: {}, otherViews: 0, repeats: 0, pages: {},
      });
    }));
    const range = { observed: 0, expectedLow: 640, expected: 900, expectedHigh: 1180, score: 14.5, peak: 0 };
    const anomalies = {
      id: "current", at: time(0),
      open: [{ id: "outage", scope: "total", kind: "outage", startedAt: time(10), detectedAt: time(8), endedAt: null, ...range }],
      recent: [{ id: "spike", scope: "total", kind: "spike", startedAt: time(59), detectedAt: time(57), endedAt: time(51), ...range, observed: 1800, peak: 1850 }],
    };
    const known = await products(12);
    const trend = (count, scale) => known.slice(count, count + 6).map(({ id, category }, index) => ({
      productId: id, category, views: Math.round(scale / (index + 1)), visitors: Math.round(scale / (index + 2)), expected: 4 + index, score: 9 - index,
    }));
    const trending = { at: time(0), windowMinutes: 60, top: trend(0, 800), rising: trend(6, 90) };
    await visit({}, async (page) => {
      await page.goto(`${shop.site}/operations.html`);
      await page.locator("#flow svg").waitFor();
      const shown = [
        page.locator('#clicks .mark[data-kind="outage"]'),
        page.locator("#state", { hasText: "1 anomaly is open" }),
        page.locator("#anomalies tr", { hasText: "Outage" }),
        page.locator("#top a", { hasText: known[0].name }),
      ];
      // Timers of the app write the same documents and know of no outage: then it is injected again.
      const deadline = Date.now() + 2 * PATIENCE;
      for (;;) {
        await Promise.all([upsert("analytics", "anomalies", anomalies), upsert("site", "trending", { id: "all", ...trending })]);
        const results = await Promise.allSettled(shown.map((locator) => locator.waitFor({ timeout: 5000 })));
        const failed = results.find(({ status }) => status === "rejected");
        if (!failed) break;
        if (Date.now() > deadline) throw failed.reason;
      }
      await page.locator("#flow .sub", { hasText: "lag 0" }).first().waitFor();
    });
  });

  for (const colorScheme of ["light", "dark"]) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      test(`both pages in ${colorScheme} on a ${size}`, LONGEST, () => visit({ colorScheme, viewport }, async (page) => {
        const [, shown] = await products(2);
        await page.goto(shop.site);
        await page.locator(".grid .card").first().waitFor();
        await isAccessible(page, "the list");
        await page.screenshot({ path: `${screenshots}/list-${size}-${colorScheme}.png`, fullPage: true });
        await page.locator(".grid .card", { hasText: shown.name }).first().press("Enter");
        await page.locator("#price").waitFor();
        assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1", "a keyboard goes on at the product");
        await page.getByRole("button", { name: "Yes, remember" }).click();
        await page.locator("#known", { hasText: "remembered" }).waitFor();
        await isAccessible(page, "the product");
        await page.screenshot({ path: `${screenshots}/product-${size}-${colorScheme}.png`, fullPage: true });
        await page.goto(`${shop.site}/operations.html`);
        await page.locator("#flow svg").waitFor();
        await page.locator("#age", { hasText: "measured" }).waitFor();
        await page.locator("summary", { hasText: "as a table" }).press("Enter");
        await page.locator("#flow-table th", { hasText: "ProductProjection" }).waitFor();
        await isAccessible(page, "the operations page");
        await page.screenshot({ path: `${screenshots}/operations-${size}-${colorScheme}.png`, fullPage: true });
      }));
    }
  }
} else {
  test("the operations page asks for a key and keeps it for the tab", LONGEST, () => visit({ quiet: false }, async (page) => {
    await page.goto(`${shop.site}/operations.html`);
    await page.locator("#key-input").fill("wrong");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("alert").filter({ hasText: "does not take this key" }).waitFor();
    await isAccessible(page, "the question for the key");
    await page.locator("#key-input").fill(key);
    await page.locator("#key-input").press("Enter");
    await page.locator("#flow svg").waitFor();
    await page.reload();
    await page.locator("#flow svg").waitFor();
    assert.ok(!page.url().includes(key), "the key is not in the address");
  }));
}
