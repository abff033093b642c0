// What customers make of a product: the average, how many gave which rating, how their words sound, and the newest of them.

import { get } from "../api.js";
import { h, setText } from "../dom.js";
import { ago, count } from "../format.js";
import { poll } from "../poll.js";

const EVERY_MS = 5000;
const MOST = 5;

const oneDecimal = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const of = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

/** Stars for the eye, and the same in words for the ear. */
function stars(rating, words) {
  const lit = h("span", { class: "stars-lit" }, "★★★★★");
  lit.style.setProperty("--share", `${(rating / MOST) * 100}%`);
  return h("span", { class: "stars", role: "img", "aria-label": words }, h("span", { class: "stars-all" }, "★★★★★"), lit);
}

function bar(rating, number, all) {
  const filled = h("span", { class: "bar-filled" });
  filled.style.setProperty("--share", `${all === 0 ? 0 : (number / all) * 100}%`);
  return h("li", null,
    h("span", { "aria-hidden": "true" }, `${rating} ★`),
    h("span", { class: "sr-only" }, of(rating, "star", "stars"), ": "),
    h("span", { class: "bar-all", "aria-hidden": "true" }, filled),
    h("span", { class: "bar-count" }, count(number)));
}

function sounds({ scored, positive, neutral, negative }) {
  if (scored === 0) return null;
  return h("p", { class: "sounds" }, "How comments sound: ",
    h("span", { class: "fell" }, `${count(positive)} positive`), `, ${count(neutral)} neutral, `,
    h("span", { class: "rose" }, `${count(negative)} negative`));
}

function comment({ rating, text, at, sentiment }, ages) {
  const age = h("time", { datetime: at }, ago(at));
  ages.push([age, at]);
  return h("li", { class: "comment" },
    h("p", { class: "comment-head" },
      stars(rating, `${rating} of ${MOST} stars`), age,
      sentiment ? h("span", { class: `sounds-${sentiment}` }, `sounds ${sentiment}`) : null),
    // Others wrote it: as text, whatever is in it, and in the direction of its own script.
    h("p", { class: "comment-text", dir: "auto" }, text));
}

/** The ratings of the product `id`, which keep themselves up to date. Without an answer they stay as they are. */
export function ratings(id) {
  const content = h("div", { class: "ratings-content" });
  const element = h("section", { class: "ratings", id: "ratings", "aria-labelledby": "ratings-title", hidden: true },
    h("h2", { id: "ratings-title" }, "Ratings"), content);
  let shown = null;
  let ages = [];

  function show(rating) {
    element.hidden = false;
    const state = JSON.stringify(rating);
    if (state !== shown) {
      shown = state;
      ages = [];
      content.replaceChildren(...(rating.count === 0 ? none() : some(rating)));
    }
    for (const [element, at] of ages) setText(element, ago(at));
  }

  const none = () => [h("p", { class: "empty" }, "No ratings yet.")];

  function some({ count: number, average, histogram, sentiment, recent }) {
    const mean = oneDecimal.format(average);
    const bars = [5, 4, 3, 2, 1].map((rating) => bar(rating, histogram[rating], number));
    return [
      h("div", { class: "ratings-sum" },
        h("p", { class: "ratings-mean" }, h("strong", { id: "rating" }, mean), " ", stars(average, `${mean} of ${MOST} stars`)),
        h("p", { class: "faint", id: "rating-count" }, of(number, "rating", "ratings")),
        h("ul", { class: "histogram", "aria-label": "How many gave which rating" }, bars),
        sounds(sentiment)),
      recent.length === 0
        ? h("p", { class: "empty" }, "Nobody has said anything beside the stars yet.")
        : h("ol", { class: "comments", "aria-label": "Newest comments" }, recent.map((one) => comment(one, ages))),
    ];
  }

  async function ask(signal) {
    const { status, data } = await get(`/api/site/products/${encodeURIComponent(id)}/ratings`, { signal });
    if (!data) throw new Error(`the ratings answer ${status}`);
    show(data);
  }

  return { element, start: () => poll(ask, EVERY_MS) };
}
