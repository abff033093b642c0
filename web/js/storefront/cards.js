// Cards of products, and strips of them.

import { get } from "../api.js";
import { art } from "../art/art.js";
import { h, hold, setText } from "../dom.js";
import { money } from "../format.js";
import { poll } from "../poll.js";
import { productHref, sold } from "./products.js";
import { sideways } from "./sideways.js";
import { stockOf } from "./stock.js";

const SHOWN = 8;

/** A product as one link. */
export function card(product) {
  const { id, name, brand, price } = product;
  const stock = stockOf(product);
  return h("a", { class: "card", href: productHref(id) },
    art(product),
    h("span", { class: "card-text" },
      h("span", { class: "card-brand" }, brand ?? "\u00a0"),
      h("span", { class: "card-name" }, name),
      h("span", { class: "card-foot" },
        h("span", { class: "card-price" }, money(price)),
        stock ? h("span", { class: `card-stock ${stock.state}` }, stock.text) : null)));
}

/**
 * A titled row of products that keeps itself up to date: `path()` says where its list of `{ productId }` is, or null for none;
 * `pick` takes that list out of the answer. It hides while it has nothing to show, unless there is a `note` to show instead.
 * Without an answer it keeps what it shows. `tried` is settled once it asked, whatever came of it.
 */
export function strip({ title, id, path, pick, everyMs, note, without }) {
  const list = h("ul", { id: `${id}-list`, "aria-labelledby": `${id}-title` });
  const words = h("p", { class: "strip-note" });
  const element = h("section", { class: "strip", id, hidden: true },
    h("h2", { id: `${id}-title` }, title), sideways(list), words);
  let shown = "";
  let whose = path();
  const { promise: tried, resolve: triedOnce } = Promise.withResolvers();

  function show(products) {
    const text = note?.() ?? "";
    element.hidden = products.length === 0 && text === "";
    list.hidden = products.length === 0;
    words.hidden = products.length > 0;
    setText(words, products.length > 0 ? "" : text);
    const state = JSON.stringify(products.map(({ id, name, price, stock }) => [id, name, price, stock]));
    if (state === shown) return;
    shown = state;
    hold(list, products.map((product) => h("li", null, card(product))));
  }

  async function ask(signal) {
    const from = path();
    // Nobody sees the list of whoever was known before, even where there is no answer now.
    if (from !== whose) show([]);
    whose = from;
    const answer = from === null ? null : await get(from, { signal });
    if (answer && !answer.data) throw new Error(`the list of ${id} answers ${answer.status}`);
    const items = answer ? (pick(answer.data) ?? []) : [];
    const ids = items.map(({ productId }) => productId).filter((id) => id !== without);
    const products = await sold(ids, SHOWN);
    show(path() === from ? products : []);
  }

  return { element, tried, start: () => poll((signal) => ask(signal).finally(triedOnce), everyMs) };
}
