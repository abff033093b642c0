// Products as the site knows them, each asked for once in a while.

import { get } from "../api.js";

const KEPT_MS = 15_000;
const known = new Map();

/** A product, or null where it is not sold (any more). Lists of ids are shown with this; a page of one product polls itself. */
export function product(id) {
  const entry = known.get(id);
  if (entry && Date.now() - entry.at < KEPT_MS) return entry.product;
  const asked = get(productPath(id)).then(({ data }) => data);
  asked.catch(() => known.delete(id));
  known.set(id, { at: Date.now(), product: asked });
  return asked;
}

/** Keeps what was read elsewhere. */
export function remember(product) {
  known.set(product.id, { at: Date.now(), product: Promise.resolve(product) });
}

/** The products of a list of ids that are sold, in its order. */
export async function sold(ids) {
  const products = await Promise.all(ids.map((id) => product(id).catch(() => null)));
  return products.filter((product) => product !== null);
}

/** Where the API has a product. */
export const productPath = (id) => `/api/site/products/${encodeURIComponent(id)}`;

/** Where this page shows a product. */
export const productHref = (id) => `/?product=${encodeURIComponent(id)}`;

/** Where this page shows a category. */
export const categoryHref = (name) => `/?category=${encodeURIComponent(name)}`;
