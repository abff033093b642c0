// What somebody must know whatever view is open: subscriptions that fail or were paused by us, and a key that ends.

import { h } from "../dom.js";
import { poll } from "../poll.js";
import { get, onKeyEnds } from "./client.js";
import { link, put } from "./parts.js";
import { session } from "./session.js";
import { time } from "./words.js";

const EVERY_MS = 30_000;
const place = document.getElementById("banner");

let stop = () => {};
let supersededUntil = null;
let expires = null;
let subscriptions = [];

/** Why nothing has ever been delivered to some subscriptions. */
function why(unbegun) {
  const [have, their] = unbegun.length === 1 ? ["has", "its endpoint"] : ["have", "their endpoints"];
  return ` ${have} never begun${unbegun.every(({ state }) => state.handshake) ? `: ${their} failed the handshake` : ""}.`;
}

function draw() {
  const failing = subscriptions.filter(({ state, health }) => state.name !== "failed" && health?.name === "failing");
  const unbegun = subscriptions.filter(({ state }) => state.name === "failed");
  const paused = subscriptions.filter(({ state }) => state.name === "paused" && state.by === "health");
  const names = (list) => list.map(({ name }, index) => [index > 0 ? ", " : "", link({ view: "subscription", subscription: name }, name)]);
  put(place,
    supersededUntil && h("p", { class: "note warn" }, "Another key has taken the place of the one that you use here. It is valid until ", time(supersededUntil), "."),
    !supersededUntil && expires && h("p", { class: "note warn" }, "The key that you use here ends at ", time(expires), ". Make one that takes its place before."),
    paused.length > 0 && h("p", { class: "note bad" }, "Paused by us, since the endpoint failed for days: ", names(paused), ". Mend it, resume, and have sent what was missed."),
    unbegun.length > 0 && h("p", { class: "note bad" }, names(unbegun), `${why(unbegun)} Mend the endpoint, and try again.`),
    failing.length > 0 && h("p", { class: "note bad" }, failing.length === 1 ? "This subscription is failing: " : "These subscriptions are failing: ", names(failing), "."));
}

onKeyEnds((ends) => {
  if (ends.supersededUntil === supersededUntil && ends.expires === expires) return;
  ({ supersededUntil, expires } = ends);
  draw();
});

/** Looks after `account`'s subscriptions, which `seen` is told of each time; a null ends that. */
export function showBanner(account, seen = () => {}) {
  stop();
  [stop, supersededUntil, expires, subscriptions] = [() => {}, null, null, []];
  draw();
  if (!account) return;
  stop = poll(async (signal) => {
    ({ items: subscriptions } = await get("/subscriptions", signal));
    if (!session()) return;
    draw();
    seen(subscriptions);
  }, EVERY_MS);
}
