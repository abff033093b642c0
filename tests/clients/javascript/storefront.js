// The storefront in a real browser: its first page, cards, search, order and categories, with a keyboard alone too.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CosmosClient } from "@azure/cosmos";

import { LONGEST, SIZES, isAccessible, product, products, remember, screenshots, shop, until, visit } from "./browser.js";

const cosmos = new CosmosClient({ endpoint: shop.cosmos.endpoint, key: shop.cosmos.key });
const names = (page, list) => page.locator(`${list} .card-name`).allTextContents();
const categoriesOf = (known) => [...new Set(known.map(({ category }) => category))];
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);

async function setStock(id, stock) {
  await until(`the stock of ${id}`, async () => {
    const answer = await fetch(`${shop.functions}/api/products/${id}`, {
      method: "PATCH", headers: { "content-type": "application/json" }, body: JSON.stringify({ stock }),
    });
    return { ok: answer.ok, state: await answer.text() };
  });
}

/** Nothing on the page leads a customer to what operators look at. */
async function isForCustomers(page) {
  const links = await page.locator("a[href]").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  assert.deepEqual(links.filter((href) => !/^(\/|#main|\/\?(product|category|q)=.*)$/.test(href)), []);
}

for (const colorScheme of ["light", "dark"]) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`the first page in ${colorScheme} on a ${size}`, LONGEST, () => visit({ colorScheme, viewport }, async (page) => {
      const known = await products(36);
      const [first, second] = known.slice(8);
      await product(page, first);
      await remember(page, first);
      await product(page, second);
      await page.locator("h1", { hasText: second.name }).waitFor();
      const visitor = await page.evaluate(() => localStorage.getItem("contoso.visitor"));
      const items = known.slice(20, 24).map(({ id }) => ({ productId: id, score: 0.5 }));
      await cosmos.database("site").container("recommendations").items.upsert({ id: `visitor|${visitor}`, at: new Date().toISOString(), items });
      await page.getByRole("link", { name: "Contoso Store, to its first page" }).press("Enter");
      await page.locator("h1", { hasText: "Welcome to Contoso Store" }).waitFor();
      assert.equal(await focused(page), "H1", "a keyboard goes on at the heading");
      await page.locator("#recently-viewed-list a", { hasText: first.name }).waitFor();
      await page.locator("#for-you-list a", { hasText: known[20].name }).waitFor();
      await page.locator("#trending-list a").first().waitFor();
      // Of each of the first categories a shelf, with a way to the rest.
      const categories = categoriesOf(known).slice(0, 2);
      for (const category of categories) await page.locator(".shelf", { has: page.getByRole("heading", { name: category, exact: true }) }).locator("a.card").first().waitFor();
      assert.match(await page.title(), /^Contoso Store$/);
      await isForCustomers(page);
      await isAccessible(page, "the first page");
      await page.screenshot({ path: `${screenshots}/first-${size}-${colorScheme}.png`, fullPage: true });
      await page.getByRole("link", { name: `See all of ${categories[0]}` }).press("Enter");
      await page.locator("h1", { hasText: categories[0] }).waitFor();
      await page.locator(".grid .card").first().waitFor();
    }));
  }
}

test("a card says how many are left, and follows the shop", LONGEST, () => visit({}, async (page) => {
  const [shown, other] = (await products(36)).slice(30);
  await page.goto(`${shop.site}/?category=${encodeURIComponent(shown.category)}`);
  const stock = page.locator(`.grid a[href="/?product=${shown.id}"] .card-stock`);
  for (const [number, text] of [[40, "40 in stock"], [3, "Only 3 left"], [0, "Out of stock"]]) {
    await setStock(shown.id, number);
    await stock.filter({ hasText: text }).waitFor();
  }
  assert.equal(await page.locator(`.grid a[href="/?product=${other.id}"] .card-stock`).count(), 0, "what is not counted is not told");
  await isAccessible(page, "cards with stock");
  await page.screenshot({ path: `${screenshots}/stock.png` });
}));

test("each product has a picture of its own, the same one everywhere", LONGEST, () => visit({}, async (page) => {
  const known = await products(36);
  const pictures = new Map();
  for (const category of categoriesOf(known)) {
    await page.goto(`${shop.site}/?category=${encodeURIComponent(category)}`);
    await page.locator("h1", { hasText: category }).waitFor();
    await page.locator(".grid .card").first().waitFor();
    const seen = await page.locator(".grid .card").evaluateAll((cards) => cards.map((card) => [card.getAttribute("href"), card.querySelector(".art").outerHTML]));
    for (const [href, picture] of seen) pictures.set(href, picture);
  }
  assert.ok(pictures.size >= 36, `${pictures.size} pictures`);
  assert.equal(new Set(pictures.values()).size, pictures.size);
  // What is drawn is what it is, not the shelf it lies on.
  const drawn = (word) => new Set(known.filter(({ name }) => new RegExp(`\\b${word}\\b`, "i").test(name))
    .map(({ id }) => pictures.get(`/?product=${id}`)?.match(/art-body[^>]*|d="[^"]*" class="art-body"/)?.[0]).filter(Boolean));
  for (const [one, another] of [["Harness", "Rope"], ["Goggles", "Snowboard"]]) {
    if (drawn(one).size + drawn(another).size > 0) assert.deepEqual([...drawn(one)].filter((picture) => drawn(another).has(picture)), []);
  }
  const [href, picture] = [...pictures][5];
  await page.goto(`${shop.site}${href}`);
  await page.locator(".product .art").waitFor();
  assert.equal(await page.locator(".product .art").evaluate((art) => art.outerHTML), picture);
}));

test("a search finds by name, brand and category, in the order that is chosen", LONGEST, () => visit({}, async (page) => {
  const known = await products(36);
  const wanted = known.filter(({ name }) => /\bharness\b/i.test(name));
  assert.ok(wanted.length > 3, "the catalogue has harnesses");
  await page.goto(shop.site);
  await page.getByRole("searchbox", { name: "Search products" }).fill("HÁRNESS climbing");
  await page.getByRole("button", { name: "Search" }).click();
  await page.locator("h1", { hasText: `${wanted.length} results for “HÁRNESS climbing”` }).waitFor();
  assert.equal(await page.title(), `${wanted.length} results for “HÁRNESS climbing” · Contoso Store`);
  assert.deepEqual((await names(page, ".grid")).toSorted(), wanted.map(({ name }) => name).toSorted());
  await isForCustomers(page);
  await isAccessible(page, "what was found");
  await page.screenshot({ path: `${screenshots}/search.png`, fullPage: true });

  await page.getByLabel("Order").selectOption("Price, highest first");
  const prices = async () => (await page.locator(".grid .card-price").allTextContents()).map((text) => Number(text.replace(/[^\d.]/g, "")));
  assert.deepEqual(await prices(), wanted.map(({ price }) => Number(price.amount)).toSorted((a, b) => b - a));
  // The address has it all.
  await page.reload();
  await page.locator(".grid .card").nth(wanted.length - 1).waitFor();
  assert.deepEqual(await prices(), wanted.map(({ price }) => Number(price.amount)).toSorted((a, b) => b - a));
  assert.equal(await page.getByRole("searchbox").inputValue(), "HÁRNESS climbing");

  await page.getByRole("searchbox").fill("harness zeppelin");
  await page.keyboard.press("Enter");
  await page.getByText("Nothing fits all of these words.").waitFor();
  await page.locator("h1", { hasText: "No results for “harness zeppelin”" }).waitFor();
  await isAccessible(page, "nothing found");
  await page.goBack();
  await page.locator("h1", { hasText: `${wanted.length} results for` }).waitFor();
}));

test("a category is shown in the order that is chosen", LONGEST, () => visit({}, async (page) => {
  const known = await products(36);
  const { category } = known.at(-1);
  await page.goto(`${shop.site}/?category=${encodeURIComponent(category)}&sort=name`);
  await page.locator(".grid .card").first().waitFor();
  const listed = await names(page, ".grid");
  assert.deepEqual(listed, listed.toSorted((a, b) => a.localeCompare(b)));
  assert.equal(await page.getByLabel("Order").inputValue(), "name");
  await page.getByLabel("Order").selectOption("Price, lowest first");
  await until("the cheapest first", async () => {
    const prices = (await page.locator(".grid .card-price").allTextContents()).map((text) => Number(text.replace(/[^\d.]/g, "")));
    return { ok: prices.length > 1 && prices.every((price, index) => index === 0 || price >= prices[index - 1]), state: prices.join() };
  });
  assert.match(page.url(), /sort=price$/);
  await page.goto(`${shop.site}/?category=${encodeURIComponent(category)}&sort=bogus`);
  await page.locator(".grid .card").first().waitFor();
  assert.equal(await page.getByLabel("Order").inputValue(), "", "an order that nobody knows is the first");
}));

test("what an address says of a category is not what the shop says", LONGEST, () => visit({}, async (page) => {
  const lie = "Your account is locked, call 555-0100";
  await page.goto(`${shop.site}/?category=${encodeURIComponent(lie)}`);
  await page.locator("h1", { hasText: "No such category" }).waitFor();
  assert.equal(await page.title(), "No such category · Contoso Store");
  assert.ok(!(await page.locator("body").textContent()).includes("555-0100"));
  await isAccessible(page, "no such category");
  await page.getByRole("link", { name: "Back to the first page" }).press("Enter");
  await page.locator("h1", { hasText: "Welcome" }).waitFor();
}));

test("on a phone the chosen category is in sight", LONGEST, () => visit({ viewport: SIZES.phone }, async (page) => {
  const known = await products(36);
  const chosen = page.locator('#categories [aria-current="true"]');
  const isInSight = async () => {
    await chosen.waitFor();
    const { x, width } = await chosen.boundingBox();
    return { ok: x >= 0 && x + width <= SIZES.phone.width, state: `${x} to ${x + width}` };
  };
  for (const category of [categoriesOf(known).at(-1), categoriesOf(known)[0]]) {
    await page.goto(`${shop.site}/?category=${encodeURIComponent(category)}`);
    await chosen.filter({ hasText: category }).waitFor();
    await until(`${category} in sight`, isInSight);
    await page.screenshot({ path: `${screenshots}/category-in-sight.png` });
  }
  // That of a product too.
  await product(page, known.at(-1));
  await chosen.filter({ hasText: known.at(-1).category }).waitFor();
  await until("the product's category in sight", isInSight);
}));

test("a keyboard alone finds, orders and opens a product", LONGEST, () => visit({}, async (page) => {
  await page.goto(shop.site);
  await page.locator(".shelf .card").first().waitFor();
  const press = (key) => page.keyboard.press(key);
  await press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await press("Tab");
  await press("Tab");
  assert.equal(await focused(page), "search-text");
  await page.keyboard.type("goggles");
  await press("Enter");
  await page.locator(".grid .card").first().waitFor();
  assert.equal(await focused(page), "H1");
  await press("Tab");
  assert.equal(await focused(page), "order");
  await press("ArrowDown");
  await page.waitForURL(/sort=name/);
  await press("Tab");
  const name = await page.evaluate(() => document.activeElement.querySelector(".card-name").textContent);
  assert.deepEqual([name], (await names(page, ".grid")).slice(0, 1));
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid", "the focus is seen");
  await press("Enter");
  await page.locator("h1", { hasText: name }).waitFor();
  await page.locator("#price").waitFor();
  assert.equal(await focused(page), "H1");
}));

for (const [size, viewport] of Object.entries(SIZES)) {
  test(`nothing jumps while a slow shop answers on a ${size}`, LONGEST, () => visit({ viewport }, async (page) => {
    await page.addInitScript(() => new PerformanceObserver((list) => {
      for (const { sources } of list.getEntries()) {
        (globalThis.moved ??= []).push(...sources.filter(({ node, currentRect }) => currentRect.height > 0 && node?.isConnected && node.closest?.("main, nav")).map(({ node, previousRect, currentRect }) => `${node.className || node.nodeName} ${previousRect.y} to ${currentRect.y}`));
      }
    }).observe({ type: "layout-shift", buffered: true }));
    await page.route("**/api/**", (route) => new Promise((later) => setTimeout(later, 400)).then(() => route.continue()).catch(() => {}));
    const [{ id, category }] = await products(1);
    for (const [path, what] of [["/", ".shelf .card"], [`/?category=${encodeURIComponent(category)}`, ".grid .card"], [`/?product=${id}`, "#price"]]) {
      await page.goto(shop.site + path);
      await page.locator("[aria-hidden=true] .bone, .bone-grid").first().waitFor();
      await page.locator(what).first().waitFor();
      assert.deepEqual(await page.evaluate(() => globalThis.moved ?? []), [], path);
    }
    // The question of consent covers nothing for good, and comes early for a keyboard.
    const { order, room } = await page.evaluate(() => ({
      order: document.querySelector("#consent button").compareDocumentPosition(document.querySelector("main")) & Node.DOCUMENT_POSITION_FOLLOWING,
      room: parseFloat(getComputedStyle(document.body).paddingBottom) - document.querySelector("#consent").offsetHeight,
    }));
    assert.ok(order > 0 && Math.abs(room) < 1, `${order} ${room}`);
  }));
}

test("while the shop does not answer the page says so, and goes on by itself", LONGEST, () => visit({ quiet: false }, async (page) => {
  await page.route("**/api/**", (route) => route.abort());
  await page.goto(shop.site);
  await page.locator("#connection", { hasText: "The shop does not answer. Trying again…" }).waitFor();
  await page.getByText("The products are shown as soon as the shop answers.").waitFor();
  await isAccessible(page, "a shop that does not answer");
  await page.screenshot({ path: `${screenshots}/dead.png` });
  await page.unroute("**/api/**");
  await page.locator(".shelf .card").first().waitFor();
  assert.equal(await page.locator("#connection").textContent(), "");
  // What is shown stays.
  await page.context().setOffline(true);
  await page.locator("#connection", { hasText: "does not answer" }).waitFor();
  assert.ok(await page.locator(".shelf .card").count() > 0);
  await page.context().setOffline(false);
}));
