// What is said of stock.

import { count } from "../format.js";

const FEW = 5;

/** How many are left, as words and a state: null where a shop does not count. */
export function stockOf({ stock }) {
  if (stock === undefined || stock === null) return null;
  if (stock === 0) return { state: "out", text: "Out of stock" };
  return stock <= FEW ? { state: "few", text: `Only ${count(stock)} left` } : { state: "in", text: `${count(stock)} in stock` };
}
