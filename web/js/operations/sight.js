// What is opened comes into sight with its head, and what is closed gives the keyboard back to its row.

/** Shows the head of `place` below the bar of the page, and lets a keyboard go on there. */
export function reveal(place) {
  place.focus({ preventScroll: true });
  place.scrollIntoView({ block: "start" });
}

/** Lets a keyboard go on at the row of `list` that has this key, or at `otherwise` where there is none. */
export function returnTo(list, key, otherwise) {
  const link = list.querySelector(`tr[data-key="${CSS.escape(key)}"] a`);
  if (!link) return reveal(otherwise);
  link.focus({ preventScroll: true });
  link.scrollIntoView({ block: "center" });
}
