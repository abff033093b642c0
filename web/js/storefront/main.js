// The storefront: which address shows what.
//
// `/` is the first page, `/?category=…` a category, `/?q=…` what a search finds, `/?product=…` a product. Any static server can serve that.

import { get, silence } from "../api.js";
import { h, hold, setText } from "../dom.js";
import { poll } from "../poll.js";
import { startChoices } from "./choices.js";
import { hero, showLanding } from "./landing.js";
import { showList } from "./list.js";
import { showProduct } from "./product.js";
import { categoryHref } from "./products.js";
import { showSearch } from "./search.js";
import { emptyGrid, emptyProduct, emptyStrips } from "./skeleton.js";

const TITLE = "Contoso Store";
const EVERY_MS = 15_000;
/** Until the shop answers for the first time, there is nothing to look at. */
const FIRST_MS = 1000;
const main = document.getElementById("main");
const nav = document.getElementById("categories");
const line = document.getElementById("connection");
const search = document.getElementById("search");
const searched = document.getElementById("search-text");

const connection = {
  lost: () => silence("The shop").then((text) => setText(line, text)),
  found: () => setText(line, ""),
};

/** Names of the categories; null before the shop answered. */
let categories = null;
/** Whether the shop was asked and did not answer. */
let isSilent = false;
let current = null;
let end = () => {};
/** Tells what is shown of other categories, where it lists them. */
let renew = () => {};
/** The address that is shown, and as what. */
let shown = null;

/** Marks a category in the menu, and brings it into sight where the menu is wider than the screen. */
function mark(category) {
  const isNew = current !== category;
  current = category;
  for (const link of nav.children) {
    if (link.textContent !== category) {
      link.removeAttribute("aria-current");
      continue;
    }
    const wasMarked = link.hasAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    // Whoever scrolls the menu meanwhile is left alone.
    if (isNew || !wasMarked) nav.scrollLeft = link.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2;
  }
}

const page = (heading, ...content) => main.replaceChildren(h("div", { class: "heading" }, h("h1", { tabindex: "-1" }, heading)), ...content);

/** What the address asks for: a word for what is shown, and how. */
function wanted() {
  const query = new URLSearchParams(location.search);
  const [product, category, text] = ["product", "category", "q"].map((name) => query.get(name));
  if (product) return { view: "product", category: null, render: () => { loading(emptyProduct()); return showProduct(main, product, mark, connection); } };
  if (categories === null && isSilent) return { view: "silence", category: null, render: silent };
  if (categories === null) return { view: "loading", category: null, render: text !== null || category !== null ? () => loading(emptyGrid()) : () => main.replaceChildren(hero(), emptyStrips()) };
  if (categories.length === 0) return { view: "empty", category: null, render: empty };
  if (text !== null) return { view: "search", title: "Search", render: () => showSearch(main, text, () => categories, connection) };
  if (category === null) return { view: "landing", category: null, render: landing };
  if (categories.includes(category)) return { view: "category", category, title: category, render: () => showList(main, category, connection) };
  // Anybody can write an address: what it says is not what the shop says.
  return { view: "unknown", title: "No such category", render: unknown };
}

function landing() {
  const { renew: renewed, end } = showLanding(main, categories, connection);
  renew = renewed;
  return end;
}

const loading = (...content) => page("Loading…", ...content);

function silent() {
  page(TITLE, h("p", { class: "empty" }, "The products are shown as soon as the shop answers."));
}

function empty() {
  page("Welcome to Contoso Store", h("p", { class: "empty" }, "There are no products yet. They appear here as soon as the shop has some."));
}

function unknown() {
  page("No such category", h("p", null, "The shop has no category of this name, or nothing in it. ", h("a", { href: "/" }, "Back to the first page")));
}

function show() {
  const { view, category, title, render } = wanted();
  end();
  renew = () => {};
  document.title = title ? `${title} · ${TITLE}` : TITLE;
  // What is being typed stays.
  if (location.search !== shown?.address) searched.value = new URLSearchParams(location.search).get("q") ?? "";
  mark(category ?? null);
  end = render() ?? (() => {});
  shown = { address: location.search, view };
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
search.addEventListener("submit", (event) => {
  event.preventDefault();
  go(`/?q=${encodeURIComponent(searched.value.trim())}`);
});
addEventListener("popstate", () => { if (location.search !== shown?.address) turn(); });

startChoices();
// What needs no list of categories begins at once.
show();
poll(async (signal) => {
  const { data } = await get("/api/site/categories", { signal });
  if (!data) throw new Error("no categories");
  connection.found();
  const names = data.categories.map(({ name }) => name);
  const isNew = categories === null || names.join("\n") !== categories.join("\n");
  categories = names;
  nav.hidden = names.length === 0;
  if (isNew) {
    hold(nav, names.map((name) => h("a", { href: categoryHref(name) }, name)));
    mark(current);
    renew(names);
  }
  // What is open stays open; only a page that had nothing to show, or that has nothing more to show, begins anew.
  const stays = ["product", "category", "search", wanted().view].includes(shown?.view);
  if (!stays) show();
  return EVERY_MS;
}, FIRST_MS, (error) => {
  connection.lost(error);
  isSilent = true;
  if (shown.view === "loading") show();
});
