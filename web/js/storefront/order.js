// In which order products are shown.

const words = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });
const byName = (a, b) => words.compare(a.name, b.name) || words.compare(a.id, b.id);

// Prices of two currencies cannot be compared, so each currency stands by itself.
const byPrice = (way) => (a, b) => words.compare(a.price.currency, b.price.currency)
  || way * (Number(a.price.amount) - Number(b.price.amount)) || byName(a, b);

/** The orders that can be chosen, by the word that an address has for them: `[name, comparison]`. */
export const ORDERS = new Map([
  ["name", ["Name", byName]],
  ["price", ["Price, lowest first", byPrice(1)]],
  ["price-down", ["Price, highest first", byPrice(-1)]],
]);

/** The products in that order; in their own where the address names none that there is. */
export function ordered(items, order) {
  const [, compare] = ORDERS.get(order) ?? [];
  return compare ? items.toSorted(compare) : items;
}
