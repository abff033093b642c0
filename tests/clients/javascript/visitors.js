// The storefront's visitors in a real browser: who is remembered, where, and who is not.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LONGEST, isAccessible, product, products, remember, shop, until, visit } from "./browser.js";

test("a click appears in recently viewed, and a private tab forgets it", LONGEST, () => visit({}, async (page, context) => {
  const [first, second, third] = (await products(4)).slice(1);
  await product(page, first);
  await remember(page, first);
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

test("a click of one mode is not sent under an id of the other", LONGEST, () => visit({}, async (page) => {
  const [first, second, third] = await products(3);
  const sent = [];
  page.on("request", (request) => { if (request.method() === "POST" && request.url().endsWith("/api/clicks")) sent.push(request.postDataJSON()); });
  // In the same document, so that a click still waits when the mode changes.
  const follow = async ({ id, name }) => {
    await page.evaluate((href) => { history.pushState(null, "", href); dispatchEvent(new PopStateEvent("popstate")); }, `/?product=${id}`);
    await page.locator("h1", { hasText: name }).waitFor();
  };
  const agree = () => page.getByRole("button", { name: "Yes, remember" }).click();
  const change = () => page.getByRole("switch", { name: /Private/ }).click();
  await product(page, first);
  await page.locator("h1", { hasText: first.name }).waitFor();
  await change();
  await agree();
  await change();
  await agree();
  await change();
  await follow(second);
  await change();
  await follow(third);
  await until("three clicks", async () => ({ ok: sent.length === 3, state: String(sent.length) }));
  const lasting = await page.evaluate(() => localStorage.getItem("contoso.visitor"));
  assert.deepEqual(sent.map(({ productId, visitorId }) => [productId, visitorId]), [[first.id, undefined], [second.id, undefined], [third.id, lasting]]);
}));

test("a browser that objects is not asked and not remembered", LONGEST, () => visit({}, async (page) => {
  const [, , , , fifth] = await products(5);
  await page.addInitScript(() => {
    localStorage.setItem("contoso.consent", "granted");
    localStorage.setItem("contoso.visitor", "known-from-before");
    Object.defineProperty(navigator, "globalPrivacyControl", { value: true });
  });
  const sent = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/api/clicks"));
  await product(page, fifth);
  assert.deepEqual((await sent).postDataJSON(), { productId: fifth.id, category: fifth.category, consent: false });
  await page.locator("#known", { hasText: "asks not to be tracked, so nothing is remembered" }).waitFor();
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);
  assert.equal(await page.locator("#consent, #recently-viewed").filter({ visible: true }).count(), 0);
  await isAccessible(page, "the product of a browser that objects");
}));

test("a page outlives a failed read of its settings, and keeps the keyboard where nothing is sold", LONGEST, () => visit({ quiet: false }, async (page) => {
  let asked = 0;
  page.on("request", (request) => { if (request.url().endsWith("/api/site/products/none")) asked += 1; });
  await page.clock.install();
  await page.route("**/config.json", (route) => route.fulfill({ status: 503 }), { times: 1 });
  await page.goto(`${shop.site}/?product=none`);
  const back = page.getByRole("link", { name: "Back to the storefront" });
  await back.focus();
  await page.clock.runFor(3000);
  assert.equal(await back.evaluate((link) => document.activeElement === link), true);
  assert.equal(asked, 1);
}));
