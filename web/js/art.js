// A drawing for each product: the catalogue has no photographs. The category decides colour and sign.

import { s } from "./dom.js";

/** Drawn in a square of 48 by 48 with round strokes. */
const SIGNS = {
  footwear: "M10 12v20h28v-4c0-4-4-5-8-6l-8-6v-4z M10 27h10 M10 36h28",
  climbing: "M24 6a8 8 0 0 1 8 8v20a8 8 0 0 1-16 0V14a8 8 0 0 1 8-8z M16 18v12 M32 14l-6-4",
  "ski/boarding": "M8 36l26-26 M14 40l26-26 M8 36c-2 2-1 4 1 4 M34 10c2-2 4-1 4 1 M20 24l4 4",
  bags: "M14 18h20l2 22H12z M18 18v-4a6 6 0 0 1 12 0v4 M18 28h12",
  navigation: "M24 7a17 17 0 1 1 0 34a17 17 0 0 1 0-34z M31 17l-4 10-10 4 4-10z",
  trekking: "M6 38l12-22 7 12 4-6 13 16z M15 22l3 3 3-3",
  jackets: "M17 8l7 5 7-5 9 7-4 8-3-2v19H15V21l-3 2-4-8z M24 13v27",
  cycling: "M13 25a8 8 0 1 1 0 16a8 8 0 0 1 0-16z M35 25a8 8 0 1 1 0 16a8 8 0 0 1 0-16z M13 33l7-15h11l4 15 M20 18l5 15 6-13 M17 14h6 M29 14h5",
  laptops: "M11 11h26v19H11z M6 36h36l-4-6H10z",
  audio: "M10 30v-6a14 14 0 0 1 28 0v6 M10 28h5v10h-5z M33 28h5v10h-5z",
  cameras: "M7 16h8l3-5h12l3 5h8v22H7z M24 19a7 7 0 1 1 0 14a7 7 0 0 1 0-14z",
  home: "M8 23l16-14 16 14 M12 20v19h24V20 M20 39V28h8v11",
  wearables: "M16 15h16v18H16z M19 15l1-8h8l1 8 M19 33l1 8h8l1-8 M24 20v4l3 2",
  gaming: "M14 16h20c6 0 8 8 8 14 0 5-5 5-8 1l-3-4H17l-3 4c-3 4-8 4-8-1 0-6 2-14 8-14z M13 22h6 M16 19v6 M31 20v.1 M35 24v.1",
};
const BOX = "M8 16l16-8 16 8v18l-16 8-16-8z M8 16l16 8 16-8 M24 24v18";

/** A hue (degrees) that belongs to a text: the same one every time. */
function hue(text) {
  let hash = 7;
  for (const character of text) hash = (hash * 31 + character.codePointAt(0)) % 36_007;
  return hash % 360;
}

/** The picture of a product of this category; decoration, so it has no name. */
export function art(category, id) {
  const path = SIGNS[category?.toLowerCase()] ?? BOX;
  const picture = s("svg", { viewBox: "0 0 48 48", class: "art", "aria-hidden": "true", focusable: "false" },
    s("circle", { cx: 8 + (hue(id) % 32), cy: 6 + (hue(`${id}y`) % 36), r: 13, class: "art-glow" }),
    s("path", { d: path, class: "art-sign" }));
  picture.style.setProperty("--hue", String(hue(category ?? "")));
  return picture;
}
