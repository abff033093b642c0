// Reading lists of the shop, of which the API gives one category a page at a time.

import { get } from "../api.js";

/** What the API gives at most at once. */
const LARGEST_PAGE = 100;
/** A category that is shown in another order is read as far as this. */
const MOST_OF_CATEGORY = 1000;
/** Whoever searches has so many lists read, at most, and sees it said where there are more. */
const MOST_LISTS = 30;
const AT_ONCE = 4;
/** How long what was read for a search is searched again. */
const KEPT_MS = 30_000;

const address = (category, limit) => `/api/site/products?category=${encodeURIComponent(category)}&limit=${limit}`;

/** Up to `pages` pages of a category: `{ items, isMore }`. */
export async function list(category, { limit, pages, signal }) {
  const items = [];
  let next = address(category, limit);
  for (let page = 0; page < pages && next; page += 1) {
    const { status, data } = await get(next, { signal });
    if (!data) throw new Error(`the list answers ${status}`);
    items.push(...data.items.map((item) => ({ ...item, category: data.category })));
    next = data.next;
  }
  return { items, isMore: Boolean(next) };
}

/** A category as a whole, as far as 1,000 products. */
export const wholeCategory = (category, signal) => list(category, { limit: LARGEST_PAGE, pages: MOST_OF_CATEGORY / LARGEST_PAGE, signal });

let kept = null;

/**
 * The products of all categories, or of as many as thirty lists of a hundred have: `{ items, isMore }`. There is no search in the API, whose
 * answers are from one partition each; for more than that a shop needs an index of its own.
 */
export function everything(categories) {
  const names = categories.join("\n");
  if (kept && kept.names === names && Date.now() < kept.until) return kept.products;
  const entry = { names, until: Date.now() + KEPT_MS, products: readAll(categories) };
  // An answer that failed is not kept.
  entry.products.catch(() => { if (kept === entry) kept = null; });
  kept = entry;
  return entry.products;
}

async function readAll(categories) {
  const found = new Map();
  const waiting = [...categories];
  let left = MOST_LISTS;
  let isMore = false;
  async function readOn() {
    for (let category = waiting.shift(); category !== undefined; category = waiting.shift()) {
      const items = [];
      let next = address(category, LARGEST_PAGE);
      while (next && left > 0) {
        left -= 1;
        const { status, data } = await get(next);
        if (!data) throw new Error(`the list answers ${status}`);
        items.push(...data.items.map((item) => ({ ...item, category: data.category })));
        next = data.next;
      }
      isMore ||= Boolean(next);
      found.set(category, items);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, readOn));
  return { items: categories.flatMap((category) => found.get(category)), isMore };
}
