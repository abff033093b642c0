// What things look like in few strokes, in a square of 48 by 48: `[body, strokes]`. The body is filled and outlined, the strokes lie on it.

const circle = (x, y, r) => `M${x} ${y - r}a${r} ${r} 0 1 1 0 ${2 * r}a${r} ${r} 0 1 1 0-${2 * r}z`;
const JACKET = "M18 7l6 4 6-4 6 3 6 21-6 2-3-10v18H15V23l-3 10-6-2 6-21z";
const SHIRT = "M17 9c3 4 11 4 14 0l9 6-4 8-3-2v19H15V21l-3 2-4-8z";
const BOOT = "M15 8h12v17l10 5c2 1 3 3 3 6v2H14z";
const SCREEN = "M11 11h26v19H11z";

export const SIGNS = {
  laptop: [SCREEN, "M6 36h36l-4-6H10z"],
  "gaming laptop": [SCREEN, "M6 36h36l-4-6H10z M25 14l-4 6h6l-4 6"],
  convertible: ["M16 32l5-22h20l-5 22z", "M6 37h32 M36 32l2 5 M26 27h6"],
  phone: ["M17 6h14a2 2 0 0 1 2 2v32a2 2 0 0 1-2 2H17a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2z", "M22 37h4 M15 32h18"],
  screen: ["M6 10h36v23H6z", "M24 33v6 M16 40h16"],
  headphones: ["M9 28h6v11h-2a4 4 0 0 1-4-4z M39 28h-6v11h2a4 4 0 0 0 4-4z", "M9 29v-4a15 15 0 0 1 30 0v4"],
  soundbar: ["M5 19h38v11H5z", `${circle(13, 24.5, 3)} ${circle(35, 24.5, 3)} M21 24.5h6 M10 30v4 M38 30v4`],
  speaker: ["M14 6h20v36H14z", `${circle(24, 29, 7)} ${circle(24, 14, 3)} M24 29h.1`],
  turntable: ["M6 12h36v25H6z", `${circle(19, 24.5, 9)} ${circle(19, 24.5, 1.5)} M37 16v9l-6 7 M10 37v4 M38 37v4`],
  camera: ["M7 16h8l3-5h12l3 5h8v22H7z", `${circle(24, 26, 7)} M24 22a4 4 0 0 1 4 4 M36 21h.1`],
  "action camera": ["M14 14h20a3 3 0 0 1 3 3v16a3 3 0 0 1-3 3H14a3 3 0 0 1-3-3V17a3 3 0 0 1 3-3z", `${circle(29, 25, 5)} M16 20h4 M18 14v-4h6v4 M21 36v6h6v-6`],
  tripod: ["M17 7h14v8H17z", "M24 15v7 M20 22h8v5h-8z M21 27L12 42 M27 27l9 15 M24 27v14"],
  espresso: ["M11 8h26v10H11z M9 37h30v4H9z M11 18h6v19h-6z", "M23 18v4h9v-4 M27.5 22v3 M23 28h9v3a4 4 0 0 1-9 0z M32 29h3 M31 13h2"],
  purifier: ["M16 7h16a3 3 0 0 1 3 3v28a3 3 0 0 1-3 3H16a3 3 0 0 1-3-3V10a3 3 0 0 1 3-3z", `M18 12h12 M18 16h12 M18 33h12 M18 37h12 ${circle(24, 24.5, 4)}`],
  lamp: ["M25 8l12 9-5 8c-6 0-12-5-13-10z M9 38h18v3H9z", "M18 38l-5-13 9-11 M33 30l2 4 M28 31v5 M37 26l4 2"],
  watch: [circle(24, 24, 10), "M18 16l1-10h10l1 10 M18 32l1 10h10l1-10 M24 18v6l4 3 M34 24h2"],
  band: ["M20 12h8a3 3 0 0 1 3 3v18a3 3 0 0 1-3 3h-8a3 3 0 0 1-3-3V15a3 3 0 0 1 3-3z", "M19 12l1-7h8l1 7 M19 36l1 7h8l1-7 M20 25h2l2-5 2 7 1-2h1"],
  "heart strap": ["M24 37c-8-6-12-10-12-15a6 6 0 0 1 12-2a6 6 0 0 1 12 2c0 5-4 9-12 15z", "M3 22h9 M36 22h9 M16 26h5l2-5 3 8 2-3h4"],
  controller: ["M14 16h20c6 0 8 8 8 14 0 5-5 5-8 1l-3-4H17l-3 4c-3 4-8 4-8-1 0-6 2-14 8-14z", "M13 22h6 M16 19v6 M31 20v.1 M35 24v.1"],
  chair: ["M17 5h14l1 17H16z M13 24h22v5H13z", "M24 29v8 M14 42l10-5 10 5 M24 37v5 M11 18v9 M37 18v9 M21 10h6"],
  keyboard: ["M4 15h40v19H4z", "M9 20h3 M15 20h3 M21 20h3 M27 20h3 M33 20h6 M9 25h5 M17 25h3 M23 25h3 M29 25h3 M35 25h4 M14 30h20"],
  boots: [BOOT, "M14 38h26v4H14z M20 13h7 M20 18h7 M24 24l3-2"],
  shoes: ["M6 21l8 4 6-8 8 9 10 4c3 1 4 3 4 6H6z", "M6 36h36v4H6z M19 23l4-2 M23 27l4-3"],
  harness: ["M9 12h30v7H9z", "M21 15h6v9h-6z M13 19c0 14 3 21 7 21s6-9 4-16 M35 19c0 14-3 21-7 21s-6-9-4-16"],
  crampons: ["M17 8h14l-2 15H19z M19 29h10v8H19z", "M24 23v6 M17 8l-4-3 M31 8l4-3 M18 15l-5 3 M30 15l5 3 M19 32l-6 3 M29 32l6 3 M20 37l-2 6 M28 37l2 6"],
  rope: [circle(24, 22, 14), `${circle(24, 22, 9)} ${circle(24, 22, 5)} M15 33l-3 9 M33 33l4 9`],
  "chalk bag": ["M14 17h20l2 17c0 6-24 6-24 0z", "M12 12h24v5H12z M24 12V6 M20 26h8"],
  "ice axe": ["M9 13c8-6 21-6 28 0l-12 4h-3z", "M24 17l-4 25 M9 13l-3 7 M18 42h4 M22 31h3"],
  goggles: ["M6 15h36v9c0 5-3 9-8 9-5 0-6-5-10-5s-5 5-10 5c-5 0-8-4-8-9z", "M6 18H2 M42 18h4 M12 20l6 6 M30 20l5 5"],
  snowboard: ["M33 6a6 6 0 0 1 8 8L15 41a6 6 0 0 1-8-8z", "M28 14l6 6 M14 28l6 6"],
  skis: ["M28 5l4 2-19 35-4-2z M38 8l4 2-19 35-4-2z", "M17 22l5 3 M27 25l5 3"],
  backpack: ["M14 18a10 10 0 0 1 20 0v23H14z", "M20 9V6h8v3 M18 27h12v9H18z M14 24h-4v13h4 M34 24h4v13h-4 M20 18h8"],
  duffel: ["M8 19h32a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H8a3 3 0 0 1-3-3V22a3 3 0 0 1 3-3z", "M16 19v-4a4 4 0 0 1 4-4h8a4 4 0 0 1 4 4v4 M14 19v20 M34 19v20 M14 26h20"],
  "dry bag": ["M13 17h22v24H13z", "M13 17l5-8h12l5 8 M16 9h16 M13 23h22 M24 28v8"],
  poles: ["M14 5h4v9h-4z M30 5h4v9h-4z", "M15 14l-3 28 M33 14l3 28 M8 36h9 M31 36h9"],
  tent: ["M24 10L4 38h40z", "M24 10V6 M24 21l-8 17 M24 21l8 17 M24 21v17 M2 38h44"],
  headlamp: [circle(24, 27, 8), `${circle(24, 27, 4)} M16 25c-6-2-8-9-5-14h26c3 5 1 12-5 14 M16 38l-3 4 M24 39v5 M32 38l3 4`],
  jacket: [JACKET, "M24 11v30 M18 32h3 M27 32h3"],
  "down jacket": [JACKET, "M24 11v30 M15 23h18 M15 29h18 M15 35h18"],
  jersey: [SHIRT, "M15 28h18 M15 32h18"],
  blouse: [SHIRT, "M24 13v27 M27 19h.1 M27 25h.1 M27 31h.1"],
  trousers: ["M15 7h18l2 35h-8l-3-22-3 22h-8z", "M15 13h18 M24 13v7"],
  skirt: ["M17 9h14l9 30H8z", "M16 14h16 M20 20l-4 19 M28 20l4 19"],
  tag: ["M24 8h16v16L24 40 8 24z", `${circle(34, 14, 2)} M18 24l6 6 M23 19l6 6`],
  "bike computer": ["M17 7h14a3 3 0 0 1 3 3v24a3 3 0 0 1-3 3H17a3 3 0 0 1-3-3V10a3 3 0 0 1 3-3z", "M18 12h12v12H18z M18 29h4 M26 29h4 M20 37v5h8v-5"],
  navigator: ["M16 12h16a3 3 0 0 1 3 3v24a3 3 0 0 1-3 3H16a3 3 0 0 1-3-3V15a3 3 0 0 1 3-3z", "M30 12V5 M17 17h14v14H17z M24 20l4 8-4-2-4 2z M22 37h4"],
  compass: [circle(24, 24, 17), "M31 17l-4 10-10 4 4-10z M24 7v3 M24 38v3 M7 24h3 M38 24h3"],
  helmet: ["M5 30c0-12 9-19 20-19 10 0 18 6 18 16 0 2-1 3-3 3z", "M12 23c2-4 5-6 9-7 M20 24c1-4 4-6 8-7 M29 24c1-3 3-4 6-5 M13 30l7 12 8-12 M20 42l3-1"],
  bicycle: [`${circle(13, 33, 8)} ${circle(35, 33, 8)}`, "M13 33l7-15h11l4 15 M20 18l5 15 6-13 M17 14h6 M29 14h5"],
  house: ["M8 23l16-14 16 14v16H8z", "M20 39V28h8v11 M5 25L24 9l19 16"],
  mountain: ["M5 39l13-24 8 13 4-6 13 17z", "M14 22l4 4 3-3"],
  carabiner: ["M24 6a8 8 0 0 1 8 8v20a8 8 0 0 1-16 0V14a8 8 0 0 1 8-8z", "M16 18v12 M24 12v24"],
  bag: ["M13 17h22l3 24H10z", "M18 17v-3a6 6 0 0 1 12 0v3 M18 23v2 M30 23v2"],
  box: ["M8 16l16-8 16 8v18l-16 8-16-8z", "M8 16l16 8 16-8 M24 24v18 M16 12l16 8"],
};

/** Words of a name, or of a category where the name says nothing, and what is drawn for them. The first that is found counts. */
const KINDS = [
  ["gaming laptop", "gaming laptop"], ["ultrabook|laptops?|notebook", "laptop"], ["convertible|tablet", "convertible"], ["phone|smartphone", "phone"],
  ["monitor|tv|display", "screen"], ["headphones|earbuds|headset", "headphones"], ["soundbar", "soundbar"], ["turntable|record player", "turntable"],
  ["speakers?", "speaker"], ["tripod", "tripod"], ["action camera", "action camera"], ["cameras?", "camera"],
  ["espresso|coffee", "espresso"], ["purifier", "purifier"], ["lamps?", "lamp"], ["headlamp", "headlamp"], ["watch|wearables", "watch"], ["band", "band"],
  ["heart rate|strap", "heart strap"], ["controller|gamepad", "controller"], ["chair", "chair"], ["keyboard", "keyboard"], ["gaming", "controller"],
  ["boots", "boots"], ["shoes?|footwear", "shoes"], ["harness", "harness"], ["crampons?", "crampons"], ["rope", "rope"], ["chalk bag", "chalk bag"],
  ["ice axe|axe", "ice axe"], ["goggles", "goggles"], ["snowboard|boarding", "snowboard"], ["skis?", "skis"], ["backpack|daypack|rucksack", "backpack"],
  ["dry bag", "dry bag"], ["duffe?l|duffle", "duffel"], ["poles?", "poles"], ["tents?", "tent"], ["down jacket|insulated jacket", "down jacket"],
  ["jackets?|coats?", "jacket"], ["jersey|shirts?", "jersey"], ["blouses?", "blouse"], ["trousers|pants|jeans", "trousers"], ["skirts?", "skirt"],
  ["biking computer|bike computer", "bike computer"], ["compass", "compass"], ["gps|navigation", "navigator"], ["helmets?", "helmet"],
  ["cycling|bikes?|bicycles?", "bicycle"], ["audio", "speaker"], ["home", "house"], ["trekking|hiking", "mountain"], ["climbing", "carabiner"],
  ["bags?", "bag"], ["sale", "tag"],
].map(([words, sign]) => [new RegExp(`(?<![\\p{L}\\p{N}])(?:${words})(?![\\p{L}\\p{N}])`, "iu"), sign]);

/** Which sign stands for a product. */
export function signOf(name, category) {
  for (const text of [name, category]) {
    const kind = text && KINDS.find(([words]) => words.test(text));
    if (kind) return kind[1];
  }
  return "box";
}
