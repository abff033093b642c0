// The operations page's traces in a real browser, of spans that come by OTLP. There is no app here, so the overview has no answer.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LONGEST, SIZES, isAccessible, screenshots, shop, visit } from "./browser.js";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const text = (key, stringValue) => ({ key, value: { stringValue } });

let last = 0;

/** A span as an exporter of JavaScript writes it: `began` and `took` in milliseconds. */
function span(name, parent, began, took, attributes, failed) {
  last += 1;
  const at = (ms) => `${BigInt(start + ms) * 1_000_000n}`;
  return {
    traceId: TRACE, spanId: last.toString(16).padStart(16, "0"), parentSpanId: parent?.spanId, name, kind: 5,
    startTimeUnixNano: at(began), endTimeUnixNano: at(began + took),
    attributes: [text("contoso.function", name), ...attributes], droppedAttributesCount: 0, events: [], links: [],
    status: failed ? { code: 2 } : { code: 0 },
  };
}

const start = Date.now() - 5000;
const products = span("Products", null, 0, 40, []);
const changes = span("ProductChanges", products, 60, 30, []);
const event = text("messaging.message.id", "event-7");
const projection = span("ProductProjection", changes, 110, 90, [event]);
const partners = span("PartnerNotifications", changes, 120, 280, [event, text("contoso.outcome", "parked"), text("contoso.cause", "the topic refuses <b>it</b>")], true);

async function tell(signal, body) {
  const answer = await fetch(`${shop.otlp}/v1/${signal}`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), {});
}

const resource = { attributes: [text("service.name", "shop")], droppedAttributesCount: 0 };

await tell("traces", { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "tests" }, spans: [partners, projection, changes, products] }] }] });
const point = (outcome, count) => ({
  attributes: [text("contoso.function", "ProductProjection"), text("contoso.outcome", outcome)], asInt: String(count),
  startTimeUnixNano: `${BigInt(start) * 1_000_000n}`, timeUnixNano: `${BigInt(start + 1) * 1_000_000n}`,
});
const lag = {
  attributes: [text("contoso.function", "ProductProjection")], count: "10", sum: 1.5, bucketCounts: ["0", "10", "0"], explicitBounds: [0.1, 0.2],
  startTimeUnixNano: `${BigInt(start) * 1_000_000n}`, timeUnixNano: `${BigInt(start + 1) * 1_000_000n}`,
};
await tell("metrics", { resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name: "tests" }, metrics: [
  { name: "contoso.records", sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [point("done", 500), point("parked", 50)] } },
  { name: "contoso.lag", unit: "s", histogram: { aggregationTemporality: 2, dataPoints: [lag] } },
] }] }] });

const rows = (page) => page.locator("#waterfall tr[data-span]");

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ["light", "dark"]) {
    test(`an event as a waterfall in ${colorScheme} on a ${size}`, LONGEST, () => visit({ colorScheme, viewport, quiet: false }, async (page) => {
      await page.goto(`${shop.site}/operations.html`);
      await page.getByText("Choose a trace below").waitFor();
      await page.locator("#traces").getByRole("link", { name: "Products" }).click();
      await rows(page).nth(3).waitFor();
      const shown = await rows(page).evaluateAll((all) => all.map((row) => [row.dataset.depth, row.querySelector("th").firstChild.textContent]));
      assert.deepEqual(shown, [["0", "Products"], ["1", "ProductChanges"], ["2", "ProductProjection"], ["2", "PartnerNotifications"]]);
      // Bars lie where the spans lie, in one scale.
      const [first, , third, fourth] = await page.locator(".span-bar").evaluateAll((bars) => bars.map((bar) => [bar.style.left, bar.style.width]));
      assert.deepEqual([first, third, fourth], [["0%", "10%"], ["27.5%", "22.5%"], ["30%", "70%"]]);
      const failed = page.locator("#waterfall tr.bad");
      assert.match(await failed.textContent(), /PartnerNotifications.*the topic refuses <b>it<\/b>/u);
      assert.equal(new URL(page.url()).searchParams.get("trace"), TRACE);
      await page.locator("#failures").getByText("the topic refuses <b>it</b>").waitFor();
      const cells = await page.locator("#functions tbody tr").first().locator("th, td").allTextContents();
      assert.equal(cells[0], "ProductProjection");
      assert.match(cells.slice(1).join(" "), /^[\d.]+\/s [\d.]+\/s 150 ms 199 ms – –$/u);
      await isAccessible(page, `the waterfall in ${colorScheme} on a ${size}`);
      await page.screenshot({ path: `${screenshots}/waterfall-${colorScheme}-${size}.png`, fullPage: true });
    }));
  }
}

test("the address of a trace, an event's id, and one that nobody knows", LONGEST, () => visit({ quiet: false }, async (page) => {
  await page.goto(`${shop.site}/operations.html?trace=${TRACE}`);
  await rows(page).nth(3).waitFor();
  const id = page.getByLabel("Id of a trace or an event");
  await id.fill("nobody");
  await id.press("Enter");
  await page.locator("#waterfall").getByText("60 minutes").waitFor();
  await id.fill("event-7");
  await id.press("Enter");
  await rows(page).nth(3).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("trace"), "event-7");
  await page.goBack();
  await page.locator("#waterfall").getByText("60 minutes").waitFor();
}));
