// The storefront: which address shows what.
//
// `/` is the first category, `/?category=…` another, `/?product=…` a product. Any static server can serve that.

import { get, settings, silence } from "../api.js";
import { h, hold, setText } from "../dom.js";
import { poll } from "../poll.js";
import { startChoices } from "./choices.js";
import { showList } from "./list.js";
import { showProduct } from "./product.js";
import { categoryHref } from "./products.js";

const TITLE = "Contoso Outfitters";
const main = document.getElementById("main");
const nav = document.getElementById("categories");
const line = document.getElementById("connection");

const connection = {
  lost: () => silence("The shop").then((text) => setText(line, text)),
  found: () => setText(line, ""),
};

let categories = [];
let current = null;
let end = () => {};
let shown = null;

function mark(category) {
  current = category;
  for (const link of nav.children) {
    if (link.textContent === category) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function show() {
  const query = new URLSearchParams(location.search);
  const product = query.get("product");
  const category = query.get("category") ?? categories[0];
  end();
  end = () => {};
  if (product) {
    document.title = TITLE;
    mark(null);
    main.replaceChildren(h("p", { class: "faint" }, "Loading…"));
    end = showProduct(main, product, mark, connection);
  } else if (category) {
    document.title = `${category} · ${TITLE}`;
    mark(category);
    end = showList(main, category, !query.has("category"), connection);
  } else {
    main.replaceChildren(
      h("div", { class: "heading" }, h("h1", { tabindex: "-1" }, "Welcome")),
      h("p", { class: "empty" }, "There are no products yet. They appear here as soon as the shop has some."));
  }
  shown = location.search;
}

/** Shows what the address says. What had the focus is gone with the page before, so it goes to the heading. */
function turn() {
  show();
  (main.querySelector("h1") ?? main).focus({ preventScroll: true });
}

function go(href) {
  history.pushState(null, "", href);
  turn();
  scrollTo(0, 0);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain || event.defaultPrevented) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || url.pathname !== "/" || url.hash) return;
  event.preventDefault();
  go(url.href);
});
addEventListener("popstate", () => { if (location.search !== shown) turn(); });

startChoices();
poll(async (signal) => {
  const { partner } = await settings();
  document.getElementById("demo").hidden = !partner;
  const { data } = await get("/api/site/categories", { signal });
  if (!data) throw new Error("no categories");
  connection.found();
  const names = data.categories.map(({ name }) => name);
  if (shown !== null && names.join("\n") === categories.join("\n")) return;
  const had = categories[0] !== undefined;
  categories = names;
  hold(nav, names.map((name) => h("a", { href: categoryHref(name) }, name)));
  // What is open stays open; only a page that had nothing to show begins anew.
  if (shown === null || (!had && location.search === "")) show();
  else mark(current);
}, 15_000, (error) => {
  connection.lost(error);
  if (shown === null && location.search !== "") show();
});
