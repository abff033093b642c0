// A row that goes on sideways: arrows for whoever has no wheel or finger for that. A keyboard follows the links themselves.

import { h } from "../dom.js";

/** `row` with arrows at its ends, each shown while the row goes on beyond that end. */
export function sideways(row) {
  const scroll = (way) => () => row.scrollBy({ left: way * row.clientWidth * .8, behavior: "smooth" });
  const arrow = (name, text, way) => h("button", { type: "button", class: `arrow ${name}`, tabindex: "-1", "aria-hidden": "true", hidden: true, onclick: scroll(way) }, text);
  const [back, on] = [arrow("back", "‹", -1), arrow("on", "›", 1)];
  function look() {
    const beyond = row.scrollWidth - row.clientWidth;
    back.hidden = row.scrollLeft < 8;
    on.hidden = row.scrollLeft > beyond - 8;
  }
  new ResizeObserver(look).observe(row);
  new MutationObserver(look).observe(row, { childList: true });
  row.addEventListener("scroll", look, { passive: true });
  return h("div", { class: "sideways" }, row, back, on);
}
