// What stands where products are still read, as large as they will be, so that nothing is pushed when they come.

import { h } from "../dom.js";

const bones = (many) => Array.from({ length: many }, () => h("li", null, h("span", { class: "card bones" })));

/** As many empty cards, in a grid. */
export const emptyGrid = (many = 12) => h("ul", { class: "grid skeleton", "aria-hidden": "true" }, bones(many));

/** Rows of empty cards, each as a strip. */
export const emptyStrips = (many = 3) => h("div", { class: "skeleton", "aria-hidden": "true" },
  Array.from({ length: many }, () => h("div", { class: "strip" }, h("span", { class: "bone-line" }), h("ul", null, bones(8)))));

/** The place of a product: its picture, its name and its price. */
export const emptyProduct = () => h("div", { class: "product skeleton", "aria-hidden": "true" },
  h("span", { class: "art bones" }), h("div", null, h("span", { class: "bone-line" }), h("span", { class: "bone-line wide" }), h("span", { class: "bone-line" })));
