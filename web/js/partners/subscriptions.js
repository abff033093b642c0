// The list of subscriptions: where each stands, and what it gets.

import { h } from "../dom.js";
import { get, once, segment } from "./client.js";
import { action, badge, link, put, readOnly, wrongLine } from "./parts.js";
import { filterWords, sameAgain, stateWords } from "./words.js";
import { watch } from "./watch.js";
import { heldBack } from "./held_back.js";

const EVERY_MS = 5000;

export function subscriptionsView({ body, account }) {
  const why = readOnly(account);
  const list = h("ul", { class: "cards" });
  const head = h("div", { class: "view-head" },
    h("p", { class: "faint" }, `${account.name}, contact ${account.contact}`),
    why ? h("span", { class: "faint" }, why) : link({ view: "new" }, "New subscription", { class: "button primary" }));
  const resting = heldBack();
  const retries = new Map();
  body.append(head, list);

  function retry({ name, state }) {
    if (!retries.has(name)) retries.set(name, { send: once(), status: wrongLine() });
    const { send, status } = retries.get(name);
    return [action("Try again", () => send(`/subscriptions/${segment(name)}/handshake`).catch((error) => { throw sameAgain(error, state.cause); }), { why, status, id: `retry ${name}` }), status];
  }

  function card(subscription) {
    const { name, endpoint, state } = subscription;
    const words = stateWords(subscription, resting.since(name));
    return h("li", { class: `panel card ${words.level}` },
      h("div", { class: "card-head" }, h("h2", null, link({ view: "subscription", subscription: name }, name)), badge(words)),
      state.name === "active" && words.level === "good" ? null : h("p", { class: "says" }, words.says),
      h("p", null, filterWords(subscription)),
      h("p", { class: "faint mono" }, endpoint),
      state.name === "failed" ? h("div", { class: "buttons" }, retry(subscription)) : null);
  }

  return watch(body, async (signal) => {
    const { items } = await get("/subscriptions", signal);
    await resting.look(items, signal);
    return items;
  }, (items) => {
    put(list, items.map(card));
    if (items.length > 0) return;
    put(list, h("li", { class: "panel empty" },
      h("p", null, "There are no subscriptions yet."),
      h("p", { class: "faint" }, "A subscription sends changes of products to a webhook of yours, as soon as they happen.")));
  }, EVERY_MS);
}
