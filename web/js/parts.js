// What panels are made of.

import { h } from "./dom.js";

export const nothing = (text) => h("p", { class: "nothing" }, text);

export const number = (text) => h("td", { class: "number" }, text);

/** A table in a region that can be scrolled: heads are `[text, isNumber]`. */
export const table = (label, heads, rows) => h("div", { class: "wide", role: "region", "aria-label": label, tabindex: "0" },
  h("table", null,
    h("thead", null, h("tr", null, heads.map(([head, isNumber]) => h("th", { scope: "col", class: isNumber ? "number" : null }, head)))),
    h("tbody", null, rows)));

/**
 * A table whose rows are blocks on a narrow screen, each cell beside the name of its column. Heads are texts; an empty one is of
 * actions. The roles say what it is where it does not look like a table.
 */
export function records(label, heads, rows) {
  const shown = heads.map((head) => typeof head === "string" ? [head || h("span", { class: "sr-only" }, "Action")] : head);
  const region = table(label, shown, rows);
  const names = heads.map((head) => typeof head === "string" ? head : head[0]);
  region.classList.add("records");
  region.querySelector("table").setAttribute("role", "table");
  region.querySelectorAll("thead, tbody").forEach((part) => part.setAttribute("role", "rowgroup"));
  region.querySelectorAll("tr").forEach((row) => row.setAttribute("role", "row"));
  region.querySelectorAll("thead th").forEach((head) => head.setAttribute("role", "columnheader"));
  for (const row of rows) {
    [...row.cells].forEach((cell, index) => {
      cell.setAttribute("role", cell.localName === "th" ? "rowheader" : "cell");
      // The head of a block needs no name.
      if (cell.localName !== "td" || !names[index]) return;
      cell.dataset.label = names[index];
      cell.replaceChildren(h("div", null, [...cell.childNodes]));
    });
  }
  return region;
}

/** Replaces what a panel holds, unless it would look the same or somebody is in it. */
export function put(id, content) {
  const panel = document.getElementById(id);
  if (panel !== document.activeElement && panel.contains(document.activeElement) && panel.hasChildNodes()) return;
  const holder = document.createElement("div");
  holder.append(...[content].flat());
  if (holder.innerHTML !== panel.innerHTML) panel.replaceChildren(...holder.childNodes);
}
