// The ways from a page of a list to the others. The API leads to older ones only; what was left behind is kept with the history.

import { address } from "./shown.js";

const element = (id) => document.getElementById(id);

const behind = () => history.state?.newer ?? [];

/** Shows the links from the page at `here`, an address without its cursor, to the next older one at `cursor`. */
export function showPaging(here, isFirst, cursor) {
  const set = (id, href) => {
    element(id).hidden = href === null;
    if (href !== null) element(id).href = href;
  };
  set("newest", isFirst ? null : address({ ...here, cursor: null }));
  set("newer", isFirst ? null : (behind().at(-1) ?? null));
  set("older", cursor ? address({ ...here, cursor }) : null);
}

/** What the history keeps with the page that `link` leads to: the pages that are newer than it. */
export function stateFor(link) {
  if (link.id === "older") return { newer: [...behind(), location.search || location.pathname] };
  return link.id === "newer" ? { newer: behind().slice(0, -1) } : null;
}
