// One product, whose price changes before your eyes.

import { get } from "../api.js";
import { art } from "../art/art.js";
import { announce, h, setText } from "../dom.js";
import { ago, money } from "../format.js";
import { poll } from "../poll.js";
import * as visitor from "../visitor.js";
import { categoryHref, productPath, remember } from "./products.js";
import { ratings } from "./rating.js";
import { stockOf } from "./stock.js";
import { forYou, recentlyViewed, trending, viewedTogether } from "./strips.js";

const EVERY_MS = 1000;
/** What is not sold seldom comes back, and browsers report each answer that says so as an error. */
const GONE_EVERY_MS = 30_000;

/** Shows a product in `main`; gives a function that ends it. `onCategory` is told where it is listed. */
export function showProduct(main, id, onCategory, connection) {
  let view = null;
  let before = null;
  let strips = [];
  let missing = null;

  /** Shows this in place of all else. A keyboard that was in there, or waits at the empty page, goes on at the heading. */
  function fill(heading, ...content) {
    const wasHere = main.contains(document.activeElement);
    main.replaceChildren(...content);
    if (wasHere) heading.focus({ preventScroll: true });
  }

  function build(product) {
    const price = h("span", { class: "price", id: "price" });
    const was = h("span", { class: "was", id: "was" });
    const stock = h("p", { class: "stock" });
    const name = h("h1", { tabindex: "-1" });
    const brand = h("p", { class: "product-brand" });
    const description = h("p", { class: "product-description" });
    const live = h("p", { class: "live", title: "This page asks for changes every second" }, "Live price");
    const together = [ratings(id), viewedTogether(id), recentlyViewed(id), forYou(), trending(null)];
    fill(name,
      h("a", { class: "back", href: categoryHref(product.category) }, `‹ ${product.category}`),
      h("article", { class: "product" },
        art(product),
        h("div", null, brand, name, h("p", { class: "offer" }, price, was), stock, live, description)),
      ...together.map(({ element }) => element));
    strips = together.map(({ start }) => start());
    return { price, was, stock, name, brand, description, live };
  }

  /** Shows the change of a price beside it, for the eye and for the ear. */
  function mark(from, to, at) {
    const fell = Number(to.amount) < Number(from.amount);
    const age = h("span", null, ago(at));
    view.was.replaceChildren(
      h("span", { class: fell ? "fell" : "rose" }, fell ? "↓ was " : "↑ was "),
      h("s", null, money(from)), ", changed ", age);
    view.age = () => setText(age, ago(at));
    view.price.classList.remove("changed");
    // Reading the layout restarts the animation.
    void view.price.offsetWidth;
    view.price.classList.add("changed");
    announce(`The price of ${before.name} ${fell ? "fell" : "rose"} from ${money(from)} to ${money(to)}.`);
  }

  function show(product) {
    if (!view) {
      view = build(product);
      missing = null;
      document.title = `${product.name} · Contoso Store`;
      onCategory(product.category);
      // One that comes back is still the same look.
      if (!before) visitor.looked(product.id, product.category);
    }
    setText(view.name, product.name);
    setText(view.brand, product.brand ?? "");
    setText(view.price, money(product.price));
    const stock = stockOf(product);
    setText(view.stock, stock?.text ?? "");
    view.stock.className = `stock ${stock?.state ?? ""}`;
    setText(view.description, product.description ?? "");
    if (before && money(before.price) !== money(product.price)) mark(before.price, product.price, new Date().toISOString());
    before = product;
    remember(product);
  }

  /** Says once that there is no such product, or none any more. */
  function gone(status) {
    if (missing === status) return;
    missing = status;
    if (view) announce("This product is no longer sold.");
    strips.forEach((stop) => stop());
    strips = [];
    view = null;
    const heading = h("h1", { tabindex: "-1" }, status === 410 ? "No longer sold" : "No such product");
    fill(heading,
      h("div", { class: "heading" }, heading),
      h("p", null, status === 410 ? "This product is not sold any more." : "There is no product at this address.", " ",
        h("a", { href: "/" }, "Back to the storefront")));
  }

  const stop = poll(async (signal) => {
    const { status, data } = await get(productPath(id), { signal });
    if (data) show(data);
    else if (status === 404 || status === 410) gone(status);
    else throw new Error(`the product answers ${status}`);
    connection.found();
    view?.live.classList.remove("lost");
    if (view) setText(view.live, "Live price");
    view?.age?.();
    return data ? EVERY_MS : GONE_EVERY_MS;
  }, EVERY_MS, (error) => {
    connection.lost(error);
    view?.live.classList.add("lost");
    if (view) setText(view.live, "Price may be out of date");
  });
  return () => [stop, ...strips].forEach((end) => end());
}
