// The storefront and the operations page in a real browser: what they show of the shop.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CosmosClient } from "@azure/cosmos";
import { EventHubProducerClient } from "@azure/event-hubs";

import { LONGEST, PATIENCE, SIZES, isAccessible, key, product, products, screenshots, shop, until, visit } from "./browser.js";

const cosmos = new CosmosClient({ endpoint: shop.cosmos.endpoint, key: shop.cosmos.key });
const MINUTE = 60_000;

/** Two outages in the traffic, in minutes ago: one is over, one is not. */
const OVER = { from: 26, to: 18 };
const LASTING = { from: 10, to: 0 };

async function setPrice(id, amount) {
  await until(`the price of ${id}`, async () => {
    const answer = await fetch(`${shop.functions}/api/products/${id}`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ price: { amount, currency: "USD" } }),
    });
    return { ok: answer.ok, state: await answer.text() };
  });
}

/** Runs a function of a timer now, as the control port does for whoever asks. */
async function fire(name) {
  await until(`a run of ${name}`, async () => {
    const answer = await fetch(`${shop.control}/functions/${name}/fire`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    const state = await answer.text();
    return { ok: answer.ok && JSON.parse(state).succeeded, state };
  });
}

/** Sends 100 minutes of views to the hub, as another system of the shop would, with both outages in it; tells how many. */
async function sendTraffic(known, now) {
  // The first products are viewed most.
  const shares = known.flatMap((item, rank) => Array(known.length - rank).fill(item));
  const byVisitor = new Map();
  for (let ago = 100; ago >= 1; ago -= 1) {
    const isOut = [OVER, LASTING].some(({ from, to }) => ago <= from && ago > to);
    const views = isOut ? ago % 2 : Math.round(60 + 8 * Math.sin(ago / 25)) + ((ago * 7919) % 7);
    for (let view = 0; view < views; view += 1) {
      const { id: productId, category } = shares[(view * 31 + ago) % shares.length];
      const visitorId = `traffic-${(view * 13 + ago) % 40}`;
      const attributes = {
        specversion: "1.0", id: `${ago}-${view}`, source: "/tests/pages", type: "com.contoso.click.recorded.v1",
        time: new Date((now - ago) * MINUTE + view * 500).toISOString(), subject: visitorId, partitionkey: visitorId,
      };
      const properties = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`cloudEvents:${name}`, value]));
      const event = { body: { productId, category, visitorId, sessionId: null }, contentType: "application/json", properties };
      byVisitor.set(visitorId, [...(byVisitor.get(visitorId) ?? []), event]);
    }
  }
  const producer = new EventHubProducerClient(shop.eventHubs.connectionString, "clicks");
  try {
    await Promise.all([...byVisitor].map(([partitionKey, events]) => producer.sendBatch(events, { partitionKey })));
  } finally {
    await producer.close();
  }
  return [...byVisitor.values()].flat().length;
}

if (!key) {
  // First: the clicks of the other cases would be in the outage.
  test("an outage of the traffic shows as an anomaly, and one that is over as such", { timeout: 8 * PATIENCE }, async () => {
    const known = await products(12);
    const now = Math.floor(Date.now() / MINUTE);
    const sent = await sendTraffic(known, now);
    await until("every click in its minute", async () => {
      const counted = await cosmos.database("analytics").container("minutes").items
        .query("SELECT c.views FROM c WHERE IS_NUMBER(c.views)").fetchAll();
      const views = counted.resources.reduce((sum, minute) => sum + minute.views, 0);
      return { ok: views === sent, state: `${views} of ${sent}` };
    });
    // Each minute is looked at once, so not before it is whole. By itself, `Anomalies` does not run here.
    await fire("Anomalies");
    await fire("Heartbeat");
    await visit({}, async (page) => {
      await page.goto(`${shop.site}/operations.html`);
      await page.locator("#flow svg").waitFor();
      await page.locator("#state", { hasText: "1 anomaly is open" }).waitFor();
      await page.locator("#figures .bad", { hasText: "Outage: All clicks" }).waitFor();
      const row = (text) => page.locator("#anomalies tr", { hasText: text });
      await row(/^open\s*Outage\s*All clicks.*now/).waitFor();
      await row(/^over\s*Outage\s*All clicks/).waitFor();
      const marks = page.locator('#clicks .mark[data-kind="outage"]');
      await marks.filter({ hasText: "now" }).waitFor();
      assert.equal(await marks.count(), 2);
      await page.locator("#top a", { hasText: known[0].name }).waitFor();
      await page.screenshot({ path: `${screenshots}/outage.png`, fullPage: true });
      await page.locator("#flow .sub", { hasText: "lag 0" }).first().waitFor();
    });
    const { anomalies } = await fetch(`${shop.functions}/api/ops/overview`).then((answer) => answer.json());
    const begun = (list) => list.map(({ scope, startedAt }) => [scope, (now - Date.parse(startedAt) / MINUTE)]);
    assert.deepEqual([begun(anomalies.open), begun(anomalies.recent)], [[["total", LASTING.from]], [["total", OVER.from]]]);
  });

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

    await until(`the end of ${first.id}`, async () => {
      const answer = await fetch(`${shop.functions}/api/products/${first.id}`, { method: "DELETE" });
      return { ok: answer.ok || answer.status === 404, state: await answer.text() };
    });
    await page.locator("h1", { hasText: "No longer sold" }).waitFor();
  }));

  test("what the site does not have leaves no hole and is asked for once", LONGEST, () => visit({ quiet: false }, async (page) => {
    const [shown, other, ...sold] = (await products(36)).slice(20);
    const madeUp = Array.from({ length: 12 }, (_, number) => `made-up-${number}`);
    // Made-up clicks that came first, and products among them.
    const items = [...madeUp, ...sold.slice(0, 8).map(({ id }) => id)].map((productId) => ({ productId, score: 0.5 }));
    await cosmos.database("site").container("recommendations").items.upsert({ id: `product|${shown.id}`, at: new Date().toISOString(), items });
    const asked = [];
    page.on("request", (request) => asked.push(decodeURIComponent(new URL(request.url()).pathname.split("/").at(-1))));
    const cards = page.locator("#viewed-together-list a");
    await product(page, shown);
    await cards.nth(7).waitFor();
    assert.deepEqual(await cards.locator(".card-name").allTextContents(), sold.slice(0, 8).map(({ name }) => name));
    // The same list once more, in the same document.
    await page.evaluate((href) => { history.pushState(null, "", href); dispatchEvent(new PopStateEvent("popstate")); }, `/?product=${other.id}`);
    await page.locator("h1", { hasText: other.name }).waitFor();
    await page.goBack();
    await cards.nth(7).waitFor();
    assert.deepEqual(asked.filter((id) => madeUp.includes(id)).sort(), [...madeUp].sort());
  }));

  test("ratings and comments are shown as they are, and nobody's markup runs", LONGEST, async () => {
    const [, , none, rated] = await products(4);
    const hostile = "<img src=x onerror=\"globalThis.ran = true\"><script>globalThis.ran = true</script> & \u202etxet";
    const recent = [
      { rating: 5, text: hostile, at: new Date().toISOString(), sentiment: "neutral" },
      { rating: 5, text: "x".repeat(900), at: "2026-01-05T10:00:00Z", sentiment: "negative", disagrees: true },
    ];
    const sums = { count: 3, sum: 14, histogram: [0, 0, 0, 1, 2], disagreements: 1, sentiment: { scored: 2, tenThousandths: -5000, positive: 0, neutral: 1, negative: 1 } };
    await cosmos.database("site").container("ratings").items.upsert({ id: rated.id, revision: 3, sums, recent });
    for (const colorScheme of ["light", "dark"]) {
      for (const [size, viewport] of Object.entries(SIZES)) {
        await visit({ colorScheme, viewport }, async (page) => {
          await product(page, none);
          await page.locator("#ratings", { hasText: "No ratings yet" }).waitFor();
          await isAccessible(page, "no ratings");
          await product(page, rated);
          await page.locator("#rating", { hasText: "4.7" }).waitFor();
          await page.getByRole("img", { name: "4.7 of 5 stars" }).waitFor();
          const texts = await page.locator(".comment-text").allTextContents();
          assert.deepEqual(texts, recent.map(({ text }) => text));
          assert.equal(await page.evaluate(() => globalThis.ran), undefined);
          assert.equal(await page.getByText("do not go together").count(), 0, "what operators are told is not for customers");
          await isAccessible(page, "the ratings");
          await page.screenshot({ path: `${screenshots}/ratings-${size}-${colorScheme}.png`, fullPage: true });
        });
      }
    }
  });

  for (const colorScheme of ["light", "dark"]) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      test(`a list, a product and operations in ${colorScheme} on a ${size}`, LONGEST, () => visit({ colorScheme, viewport }, async (page) => {
        const [, shown] = await products(2);
        await page.goto(`${shop.site}/?category=${encodeURIComponent(shown.category)}`);
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
    await page.goto(`${shop.site}/dead-letters.html`);
    await page.getByText("None. Every record was handled.").first().waitFor();
    await page.goto(`${shop.site}/hub.html?hub=clicks`);
    await page.locator("#partition option", { hasText: "0, empty" }).waitFor({ state: "attached" });
  }));
}
