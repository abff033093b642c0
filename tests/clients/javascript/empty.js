// The pages of a shop that has nothing yet: each says so.

import { test } from "node:test";

import { LONGEST, SIZES, isAccessible, key, screenshots, shop, visit } from "./browser.js";

for (const [colorScheme, size] of [["light", "phone"], ["dark", "desktop"]]) {
  const viewport = SIZES[size];
  const name = `${size}-${colorScheme}`;
  test(`every page of an empty shop in ${colorScheme} on a ${size}`, LONGEST, () => visit({ colorScheme, viewport }, async (page, context) => {
    await context.addInitScript((own) => { if (own) sessionStorage.setItem("contoso.operations.key", own); }, key ?? null);
    await page.goto(shop.site);
    await page.getByText("There are no products yet.").waitFor();
    await isAccessible(page, "an empty shop");
    await page.screenshot({ path: `${screenshots}/empty-shop-${name}.png` });
    await page.goto(`${shop.site}/?q=tent`);
    await page.getByText("There are no products yet.").waitFor();
    await page.goto(`${shop.site}/operations.html`);
    await page.locator("#dead", { hasText: "None. Every record was handled." }).waitFor();
    for (const text of ["No clicks were counted yet.", "Nothing looked for anomalies yet.", "No product rises above its own past."]) await page.getByText(text).first().waitFor();
    await isAccessible(page, "the board of an empty shop");
    await page.screenshot({ path: `${screenshots}/empty-operations-${name}.png`, fullPage: true });
    await page.goto(`${shop.site}/partner`);
    await page.getByText("Nothing has arrived yet.").waitFor();
    await page.locator("#state", { hasText: "Waiting for events" }).waitFor();
    await isAccessible(page, "a partner who got nothing");
    await page.screenshot({ path: `${screenshots}/empty-partner-${name}.png` });
  }));
}
