// How soon each page shows something. This measures time, so it runs alone on a quiet machine.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LONGEST, products, shop, visit } from "./browser.js";

const PAGES = ["/", "/operations.html", "/partners.html", "/partner"];
const OPENINGS = 11;
/** Milliseconds. */
const AIM = 200;

for (const path of PAGES) {
  test(`the first paint of ${path} comes within ${AIM} ms`, LONGEST, async () => {
    await products(36);
    const paints = [];
    // Each opening has a cache of its own, like a new visitor.
    for (let opening = 0; opening < OPENINGS; opening += 1) {
      await visit({ quiet: false }, async (page) => {
        await page.goto(shop.site + path);
        const paint = () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
        paints.push(await page.waitForFunction(paint).then((handle) => handle.jsonValue()));
      });
    }
    paints.sort((one, another) => one - another);
    const [median, last] = [paints[Math.floor(OPENINGS / 2)], paints.at(-1)].map(Math.round);
    console.log(`first contentful paint of ${path}: median ${median} ms, longest ${last} ms of ${OPENINGS} openings`);
    assert.ok(median < AIM, `${median} ms`);
  });
}
