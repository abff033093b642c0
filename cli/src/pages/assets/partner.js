// Keeps the list of received events up to date. Event data is only ever set as text.

import { h, hold, setText } from "/js/dom.js";
import { ago, count, money } from "/js/format.js";
import { poll } from "/js/poll.js";

const EVERY_MS = 1000;
const SHOWN = 50;
const LONGEST = 80;
const CHANGED = "com.contoso.product.changed.v1";
const ENDED = "com.contoso.product.discontinued.v1";

const [list, state, empty] = ["events", "state", "empty"].map((id) => document.getElementById(id));
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });

/** A time in UTC with its date, to the second: what people tell each other must not depend on where they are. */
const utc = (time) => `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** What is shown of each event, by its source and id. */
let known = new Map();

/** A price as the reader's locale writes it; what is none stays as it is. */
function priceText(price) {
  try {
    return money(price);
  } catch {
    return JSON.stringify(price);
  }
}

const short = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

function valueText(field, value) {
  if (value === null || value === undefined) return "none";
  return field === "price" ? priceText(value) : short(String(value));
}

/** A fall or a rise of a price, for eye and ear; nothing where two currencies cannot be compared. */
function movement(from, to) {
  const share = (Number(to.amount) - Number(from.amount)) / Number(from.amount);
  if (from.currency !== to.currency || !Number.isFinite(share) || share === 0) return null;
  return h("span", { class: share < 0 ? "fell" : "rose" }, ` ${share < 0 ? "↓" : "↑"} ${percent.format(Math.abs(share))}`,
    h("span", { class: "sr-only" }, share < 0 ? " less" : " more"));
}

function change({ field, from, to }) {
  const name = `${field.charAt(0).toUpperCase()}${field.slice(1)} `;
  const after = h("strong", null, valueText(field, to));
  if (from === null || from === undefined) return h("li", null, name, after);
  return h("li", null, name, h("s", null, valueText(field, from)), h("span", { "aria-hidden": "true" }, " → "), h("span", { class: "sr-only" }, " now "), after,
    field === "price" && to ? movement(from, to) : null);
}

/** What an event says in a line: `[word, name of what it is about, changes]`. */
function glance({ type, subject, data }) {
  const changes = Array.isArray(data?.changes) ? data.changes.filter((one) => typeof one?.field === "string") : [];
  const name = data?.state?.name ?? data?.lastState?.name ?? subject ?? "";
  if (type === ENDED) return ["no longer sold", name, data?.reason ? [h("li", null, "Reason ", h("strong", null, short(String(data.reason))))] : []];
  if (type !== CHANGED) return [type, name, []];
  // The first announcement names every field: what it is, is enough.
  if (changes.some(({ field, from }) => field === "name" && (from === undefined || from === null))) {
    return ["new in the shop", name, changes.filter(({ field }) => ["price", "category", "stock"].includes(field)).map(change)];
  }
  return ["changed", name, changes.map(change)];
}

function build(event) {
  const age = h("span", { class: "age" });
  const deliveries = h("span", { class: "badge" });
  const [word, name, changes] = glance(event);
  const isSold = event.type === CHANGED && event.subject;
  const element = h("li", { class: "event" },
    h("p", { class: "event-head" }, h("time", { datetime: event.receivedAt }, utc(event.receivedAt)), h("span", null, word), deliveries, age),
    h("h2", null, isSold ? h("a", { href: `/?product=${encodeURIComponent(event.subject)}` }, name) : name),
    changes.length > 0 ? h("ul", { class: "changes" }, changes) : null,
    h("details", null, h("summary", null, "All of it", h("span", { class: "sr-only" }, ` of ${name}`)),
      h("pre", null, JSON.stringify(event, (key, value) => (["deliveries", "receivedAt"].includes(key) ? undefined : value), 2))));
  return { element, age, deliveries };
}

function show({ count: events, deliveries, contradictions, events: received }) {
  const next = new Map();
  // The stack lists them by arrival, newest first; a repeat does not move its event.
  for (const event of received.slice(0, SHOWN)) {
    const key = JSON.stringify([event.source, event.id]);
    const view = known.get(key) ?? build(event);
    setText(view.age, ago(event.receivedAt));
    setText(view.deliveries, event.deliveries === 1 ? "" : `delivered ${count(event.deliveries)} times`);
    view.deliveries.hidden = event.deliveries === 1;
    next.set(key, view);
  }
  known = next;
  hold(list, [...next.values()].map(({ element }) => element));
  empty.hidden = events > 0;
  state.className = contradictions > 0 ? "state bad" : events > 0 ? "state good" : "state";
  const told = events === 0 ? "Waiting for events" : `${count(events)} ${events === 1 ? "event" : "events"} in ${count(deliveries)} ${deliveries === 1 ? "delivery" : "deliveries"}`;
  const more = events > next.size ? `, the newest ${count(next.size)} below` : "";
  setText(state, `${told}${more}${contradictions > 0 ? ` · ${count(contradictions)} repeats differ from what came first` : ""}`);
}

poll(async (signal) => {
  const response = await fetch("/partner?format=json", { signal });
  if (!response.ok) throw new Error(`the inbox answers ${response.status}`);
  show(await response.json());
}, EVERY_MS, () => {
  state.className = "state bad";
  setText(state, "The local stack does not answer. Is it running? Trying again…");
});
