// The first page: what others look at, what this visitor looked at, what suits both, and a shelf of each of the first categories.

import { h, hold } from "../dom.js";
import { shelf } from "./shelf.js";
import { emptyStrips } from "./skeleton.js";
import { forYou, recentlyViewed, trending } from "./strips.js";

const MOST_SHELVES = 8;
/** Nor is it waited for what comes late. */
const LONGEST_MS = 3000;

/** The head of the first page, which needs no answer of the shop. */
export const hero = () => h("div", { class: "hero" },
  h("h1", { tabindex: "-1" }, "Welcome to Contoso Store"),
  h("p", null, "Prices and stock change before your eyes, as soon as the shop changes them."));

/** Shows the first page in `main`: `end()` ends it, `renew(categories)` says that there are others now. */
export function showLanding(main, categories, connection) {
  const strips = [trending(null), recentlyViewed(), forYou()];
  const above = h("div", { hidden: true }, strips.map(({ element }) => element));
  const below = h("div", { id: "shelves", hidden: true });
  const empty = emptyStrips();
  main.replaceChildren(hero(), empty, above, below);
  /** By category: a shelf, and what ends it. */
  const shelves = new Map();

  function renew(categories) {
    const names = categories.slice(0, MOST_SHELVES);
    for (const [name, { stop }] of shelves) {
      if (names.includes(name)) continue;
      stop();
      shelves.delete(name);
    }
    for (const name of names.filter((name) => !shelves.has(name))) {
      const { element, tried, start } = shelf(name, connection);
      shelves.set(name, { element, tried, stop: start() });
    }
    hold(below, names.map((name) => shelves.get(name).element));
  }

  const stops = strips.map(({ start }) => start());
  renew(categories);
  // What stands above comes first, so that nothing is pushed down while it is read; until then all have their places.
  const reveal = () => {
    empty.remove();
    above.hidden = below.hidden = false;
  };
  Promise.all([...strips, shelves.values().next().value].filter(Boolean).map(({ tried }) => tried)).then(reveal);
  const late = setTimeout(reveal, LONGEST_MS);
  const end = () => {
    clearTimeout(late);
    [...stops, ...[...shelves.values()].map(({ stop }) => stop)].forEach((stop) => stop());
  };
  return { end, renew };
}
