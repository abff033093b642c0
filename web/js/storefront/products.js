// Products as the site knows them, each asked for once in a while.

import { get } from "../api.js";

const KEPT_MS = 15_000;
/** What is not sold seldom comes back, and browsers report each such answer as an error. */
const GONE_MS = 600_000;
const known = new Map();

/** A product, or null where it is not sold (any more). Lists of ids are shown with this; a page of one product polls itself. */
export function product(id) {
  const last = known.get(id);
  if (last && Date.now() < last.until) return last.product;
  const entry = { until: Date.now() + KEPT_MS };
  entry.product = get(productPath(id)).then(({ status, data }) => {
    if (status === 404 || status === 410) entry.until = Date.now() + GONE_MS;
    return data;
  });
  entry.product.catch(() => known.delete(id));
  known.set(id, entry);
  return entry.product;
}

/** Keeps what was read elsewhere. */
export function remember(product) {
  known.set(product.id, { until: Date.now() + KEPT_MS, product: Promise.resolve(product) });
}

/** The first `count` products of a list of ids that are sold, in its order. What is not sold leaves its place to the next. */
export async function sold(ids, count) {
  const found = [];
  for (let next = 0; next < ids.length && found.length < count;) {
    const some = ids.slice(next, next + count - found.length);
    next += some.length;
    const products = await Promise.all(some.map((id) => product(id).catch(() => null)));
    found.push(...products.filter((product) => product !== null));
  }
  return found;
}

/** Where the API has a product. */
export const productPath = (id) => `/api/site/products/${encodeURIComponent(id)}`;

/** Where this page shows a product. */
export const productHref = (id) => `/?product=${encodeURIComponent(id)}`;

/** Where this page shows a category. */
export const categoryHref = (name) => `/?category=${encodeURIComponent(name)}`;
