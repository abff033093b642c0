// What stands where products are still read, as large as they will be, so that nothing is pushed when they come.

import { h } from "../dom.js";

const bones = (many) => Array.from({ length: many }, () => h("li", { class: "bone" }));

/** As many empty cards, in a grid. */
export const emptyGrid = (many = 12) => h("ul", { class: "bone-grid", "aria-hidden": "true" }, bones(many));

/** Rows of empty cards, each as a strip. */
export const emptyStrips = (many = 3) => h("div", { "aria-hidden": "true" },
  Array.from({ length: many }, () => h("div", { class: "strip" }, h("p", { class: "bone-line" }), h("ul", null, bones(8)))));

/** The place of a product: its picture, its name and its price. */
export const emptyProduct = () => h("div", { class: "bone-product", "aria-hidden": "true" },
  h("p", { class: "bone" }), h("div", null, h("p", { class: "bone-line" }), h("p", { class: "bone-line wide" }), h("p", { class: "bone-line" })));
