// What a search finds. The lists are read by the browser and searched here.

import { h, setText } from "../dom.js";
import { count } from "../format.js";
import { poll } from "../poll.js";
import { everything } from "./catalogue.js";
import { found } from "./find.js";
import { orderChoice, productGrid, STEP } from "./grid.js";
import { ordered } from "./order.js";

const EVERY_MS = 30_000;

/** Shows in `main` what `text` finds in what are `categories()` then; gives a function that ends it. */
export function showSearch(main, text, categories, connection) {
  const title = h("h1", { tabindex: "-1" }, text.trim() ? `Looking for “${text.trim()}”…` : "Search");
  const number = h("p", { class: "faint", id: "number", role: "status" });
  let steps = 1;
  let matches = [];
  const grid = productGrid("Products found", "Nothing fits all of these words. Fewer or shorter words find more.", () => {
    steps += 1;
    show();
  });
  const order = orderChoice("Best match", show);
  const heading = h("div", { class: "heading" }, title, number, order.element);
  if (!text.trim()) {
    main.replaceChildren(heading, h("p", { class: "empty" }, "Type above what you look for: a product, a brand, a category."));
    return () => {};
  }
  main.replaceChildren(heading, ...grid.elements);

  function show() {
    const all = ordered(matches, order.chosen());
    grid.show(all.slice(0, steps * STEP), steps * STEP < all.length);
  }

  return poll(async () => {
    const { items, isMore } = await everything(categories());
    connection.found();
    matches = found(items, text);
    const results = `${matches.length === 0 ? "No" : count(matches.length)} ${matches.length === 1 ? "result" : "results"} for “${text.trim()}”`;
    setText(title, results);
    document.title = `${results} · Contoso Store`;
    setText(number, isMore ? `Searched: the first ${count(items.length)} products of the shop` : "");
    show();
  }, EVERY_MS, connection.lost);
}
