// The products of a category.

import { get } from "../api.js";
import { h, hold, setText } from "../dom.js";
import { count } from "../format.js";
import { poll } from "../poll.js";
import { card } from "./cards.js";
import { forYou, recentlyViewed, trending } from "./strips.js";

const EVERY_MS = 3000;

/** Shows a category in `main`; gives a function that ends it. */
export function showList(main, category, isHome, connection) {
  const number = h("span", { class: "faint", id: "number" });
  const grid = h("ul", { class: "grid", "aria-label": category });
  const empty = h("p", { class: "empty", hidden: true }, "Nothing is listed here at the moment.");
  const more = h("button", { type: "button", class: "more", hidden: true }, "Show more");
  const strips = [trending(isHome ? null : category), recentlyViewed(), forYou()];
  main.replaceChildren(
    h("div", { class: "heading" }, h("h1", { tabindex: "-1" }, category), number),
    grid, empty, more, ...strips.map(({ element }) => element));

  const first = `/api/site/products?category=${encodeURIComponent(category)}&limit=24`;
  let pages = 1;
  let shown = "";

  function show(items, next) {
    const had = grid.children.length;
    const isEnd = !next && document.activeElement === more;
    empty.hidden = items.length > 0;
    more.hidden = !next;
    setText(number, items.length === 0 ? "" : next ? `the first ${count(items.length)}` : `${count(items.length)} products`);
    const state = JSON.stringify(items.map(({ id, version }) => [id, version]));
    if (state === shown) return;
    shown = state;
    // The reader's place stays: only cards that differ are exchanged.
    const cards = new Map([...grid.children].map((item) => [item.dataset.key, item]));
    hold(grid, items.map((item) => {
      const key = `${item.id} ${item.version}`;
      const known = cards.get(key);
      if (known) return known;
      const fresh = h("li", null, card({ ...item, category }));
      fresh.dataset.key = key;
      return fresh;
    }));
    // Whoever asked for more by keyboard, and has all now, goes on at the first that is new: the button is gone.
    if (isEnd) grid.children[had]?.firstElementChild.focus();
  }

  async function ask(signal) {
    let next = first;
    const items = [];
    for (let page = 0; page < pages && next; page += 1) {
      const { status, data } = await get(next, { signal });
      if (!data) throw new Error(`the list answers ${status}`);
      items.push(...data.items);
      next = data.next;
    }
    connection.found();
    show(items, next);
  }

  let stop = poll(ask, EVERY_MS, connection.lost);
  more.addEventListener("click", () => {
    pages += 1;
    stop();
    stop = poll(ask, EVERY_MS, connection.lost);
  });
  const stops = strips.map(({ start }) => start());
  return () => [stop, ...stops].forEach((end) => end());
}
