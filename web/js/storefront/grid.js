// A grid of products that changes while it is looked at, the choice of its order, and a button for more.

import { h, hold } from "../dom.js";
import { card } from "./cards.js";
import { ORDERS } from "./order.js";
import { emptyGrid } from "./skeleton.js";

/** How many cards come at once. */
export const STEP = 24;

/** A grid called `label`; `onMore()` is called when more is asked for. `show(items, isMore)` shows exactly these. */
export function productGrid(label, nothing, onMore) {
  const list = h("ul", { class: "grid", "aria-label": label });
  const empty = h("p", { class: "empty", hidden: true }, nothing);
  const more = h("button", { type: "button", class: "more", hidden: true, onclick: onMore }, "Show more");
  const waiting = emptyGrid();
  let shown = "";

  function show(items, isMore) {
    waiting.remove();
    const had = list.children.length;
    const isEnd = !isMore && document.activeElement === more;
    empty.hidden = items.length > 0;
    more.hidden = !isMore;
    const state = JSON.stringify(items.map(({ id, version }) => [id, version]));
    if (state === shown) return;
    shown = state;
    // The reader's place stays: only cards that differ are exchanged.
    const cards = new Map([...list.children].map((item) => [item.dataset.key, item]));
    hold(list, items.map((item) => {
      const key = `${item.id} ${item.version}`;
      const known = cards.get(key);
      if (known) return known;
      const fresh = h("li", null, card(item));
      fresh.dataset.key = key;
      return fresh;
    }));
    // Whoever asked for more by keyboard, and has all now, goes on at the first that is new: the button is gone.
    if (isEnd) list.children[had]?.firstElementChild.focus();
  }

  return { elements: [waiting, list, empty, more], show };
}

/** The choice of an order: `first` is what the products' own order is called. What is chosen stands in the address. */
export function orderChoice(first, onChange) {
  const chosen = () => new URLSearchParams(location.search).get("sort") ?? "";
  const select = h("select", { id: "order" }, h("option", { value: "" }, first),
    [...ORDERS].map(([value, [name]]) => h("option", { value }, name)));
  // An order that nobody knows is the first.
  select.value = ORDERS.has(chosen()) ? chosen() : "";
  select.addEventListener("change", () => {
    const url = new URL(location.href);
    if (select.value) url.searchParams.set("sort", select.value);
    else url.searchParams.delete("sort");
    history.replaceState(null, "", url);
    onChange();
  });
  return { element: h("p", { class: "order" }, h("label", { for: "order" }, "Order"), " ", select), chosen: () => select.value };
}
