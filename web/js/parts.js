// What panels are made of.

import { h } from "./dom.js";

export const nothing = (text) => h("p", { class: "nothing" }, text);

export const number = (text) => h("td", { class: "number" }, text);

/** A table in a region that can be scrolled: heads are `[text, isNumber]`. */
export const table = (label, heads, rows) => h("div", { class: "wide", role: "region", "aria-label": label, tabindex: "0" },
  h("table", null,
    h("thead", null, h("tr", null, heads.map(([head, isNumber]) => h("th", { scope: "col", class: isNumber ? "number" : null }, head)))),
    h("tbody", null, rows)));

/** Replaces what a panel holds, unless it would look the same or somebody is in it. */
export function put(id, content) {
  const panel = document.getElementById(id);
  if (panel !== document.activeElement && panel.contains(document.activeElement) && panel.hasChildNodes()) return;
  const holder = document.createElement("div");
  holder.append(...[content].flat());
  if (holder.innerHTML !== panel.innerHTML) panel.replaceChildren(...holder.childNodes);
}
