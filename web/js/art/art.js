// A drawing for each product: the catalogue has no photographs. What it is decides the sign, its category the family of colours, and its
// id all the rest, so that a product looks the same everywhere and like no other.

import { s } from "../dom.js";
import { SIGNS, signOf } from "./signs.js";

/** Its middle has the sign; where the frame is flatter than that, top and bottom of the scene are cut. */
const VIEW = { width: 64, height: 48 };

/** Numbers from 0 to 1 that belong to a text: the same ones every time. */
function numbers(text) {
  let state = 2_166_136_261;
  for (const character of text) state = Math.imul(state ^ character.codePointAt(0), 16_777_619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const within = (number, least, most) => Math.round((least + number() * (most - least)) * 10) / 10;
const back = (tag, attributes) => s(tag, { class: "art-back", ...attributes });
const row = (count, make) => Array.from({ length: count }, (_, index) => make(index));

/** What stands behind the sign. */
const SCENES = [
  (number) => back("circle", { cx: within(number, 14, 50), cy: within(number, 10, 38), r: within(number, 12, 19) }),
  (number) => {
    const [x, y, step] = [within(number, 6, 58), within(number, 4, 44), within(number, 6, 8)];
    return row(4, (index) => s("circle", { class: "art-ring", cx: x, cy: y, r: (index + 1) * step }));
  },
  (number) => {
    const [step, width] = [within(number, 9, 13), within(number, 3, 5)];
    return row(10, (index) => back("path", { d: `M${index * step - 40} 48l48-48h${width}l-48 48z` }));
  },
  (number) => {
    const [left, middle, right] = [within(number, 18, 38), within(number, 14, 40), within(number, 18, 38)];
    return [back("path", { d: `M0 ${left}Q16 ${middle - 8} 32 ${middle}T64 ${right}V48H0z` }), back("path", { d: `M0 ${left + 8}Q16 ${middle + 2} 32 ${middle + 7}T64 ${right + 5}V48H0z` })];
  },
  (number) => {
    const [step, radius, shift] = [within(number, 7, 9), within(number, 1, 1.9), within(number, 0, 6)];
    return row(63, (index) => back("circle", { cx: (index % 9) * step + shift, cy: Math.floor(index / 9) * step + (index % 2) * 2, r: radius }));
  },
  (number) => {
    const [x, turn] = [within(number, 18, 46), within(number, -14, 14)];
    return back("path", { d: `M${x - turn} 0H64V48H${x + turn}z` });
  },
  (number) => {
    const [width, height] = [within(number, 30, 46), within(number, 26, 36)];
    return back("rect", { x: 32 - width / 2, y: 24 - height / 2, width, height, rx: within(number, 3, 13), transform: `rotate(${within(number, -16, 16)} 32 24)` });
  },
];

/** The picture of a product; decoration, so it has no name. */
export function art({ id, name, category }) {
  const number = numbers(String(id));
  const family = numbers((category ?? "").toLowerCase())() * 360;
  const hue = Math.round(family + within(number, -45, 45) + 360) % 360;
  const other = Math.round(hue + within(number, 25, 70) * (number() < .5 ? -1 : 1) + 360) % 360;
  const scene = SCENES[Math.floor(number() * SCENES.length)](number);
  const [tilt, size] = [within(number, -7, 7), within(number, .66, .78)];
  const [body, strokes] = SIGNS[signOf(name, category)];
  const picture = s("svg", { viewBox: `0 0 ${VIEW.width} ${VIEW.height}`, preserveAspectRatio: "xMidYMid slice", class: "art", "aria-hidden": "true", focusable: "false" },
    scene,
    s("g", { class: "art-sign", transform: `translate(32 24) rotate(${tilt}) scale(${number() < .5 ? -size : size} ${size}) translate(-24 -24)` },
      s("path", { d: body, class: "art-body" }), s("path", { d: strokes })));
  picture.style.setProperty("--hue", String(hue));
  picture.style.setProperty("--other", String(other));
  return picture;
}
