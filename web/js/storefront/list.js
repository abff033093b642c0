// The products of a category.

import { h, setText } from "../dom.js";
import { count } from "../format.js";
import { poll } from "../poll.js";
import { list, wholeCategory } from "./catalogue.js";
import { orderChoice, productGrid, STEP } from "./grid.js";
import { ordered } from "./order.js";
import { forYou, recentlyViewed, trending } from "./strips.js";

const EVERY_MS = 3000;
/** A category that is read as a whole, for another order, is read less often. */
const WHOLE_EVERY_MS = 10_000;

/** Shows a category in `main`; gives a function that ends it. */
export function showList(main, category, connection) {
  const number = h("span", { class: "faint", id: "number" });
  let steps = 1;
  const grid = productGrid(category, "Nothing is listed here at the moment.", () => {
    steps += 1;
    again();
  });
  const order = orderChoice("As listed", again);
  const strips = [trending(category), recentlyViewed(), forYou()];
  main.replaceChildren(
    h("div", { class: "heading" }, h("h1", { tabindex: "-1" }, category), number, order.element),
    ...grid.elements, ...strips.map(({ element }) => element));

  async function ask(signal) {
    const isOrdered = order.chosen() !== "";
    const { items, isMore } = isOrdered ? await wholeCategory(category, signal) : await list(category, { limit: STEP, pages: steps, signal });
    connection.found();
    const shown = isOrdered ? ordered(items, order.chosen()).slice(0, steps * STEP) : items;
    const known = isMore ? `the first ${count(items.length)}` : `${count(items.length)} ${items.length === 1 ? "product" : "products"}`;
    setText(number, items.length === 0 ? "" : known);
    grid.show(shown, isOrdered ? shown.length < items.length : isMore);
    return isOrdered ? WHOLE_EVERY_MS : EVERY_MS;
  }

  let stop = poll(ask, EVERY_MS, connection.lost);
  function again() {
    stop();
    stop = poll(ask, EVERY_MS, connection.lost);
  }
  const stops = strips.map(({ start }) => start());
  return () => [stop, ...stops].forEach((end) => end());
}
