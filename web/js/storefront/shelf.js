// The first products of a category, as a strip with a way to the others.

import { h, hold } from "../dom.js";
import { poll } from "../poll.js";
import { card } from "./cards.js";
import { list } from "./catalogue.js";
import { categoryHref } from "./products.js";
import { sideways } from "./sideways.js";

const EVERY_MS = 10_000;
const SHOWN = 8;

/** A shelf of a category, which hides while it has nothing. Without an answer it keeps what it shows. `tried` is settled once it asked. */
export function shelf(category, connection) {
  const row = h("ul", { "aria-label": category });
  const element = h("section", { class: "strip shelf", hidden: true },
    h("div", { class: "strip-head" }, h("h2", null, category),
      h("a", { href: categoryHref(category) }, "See all", h("span", { class: "sr-only" }, ` of ${category}`))), sideways(row));
  const { promise: tried, resolve: triedOnce } = Promise.withResolvers();
  let shown = "";

  async function ask(signal) {
    const { items } = await list(category, { limit: SHOWN, pages: 1, signal });
    connection.found();
    const state = JSON.stringify(items.map(({ id, version }) => [id, version]));
    if (state === shown) return;
    shown = state;
    element.hidden = items.length === 0;
    hold(row, items.map((item) => h("li", null, card(item))));
  }

  return { element, tried, start: () => poll((signal) => ask(signal).finally(triedOnce), EVERY_MS, connection.lost) };
}
