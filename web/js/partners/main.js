// The partners' page: which address shows what, for who is signed in.
//
// `?view=…`, of one subscription with `&subscription=…`: addresses that any static server can serve and a colleague with a key can open.

import { h, setText } from "../dom.js";
import { poll } from "../poll.js";
import { auditView } from "./audit.js";
import { showBanner } from "./banner.js";
import { get } from "./client.js";
import { deliveriesView } from "./deliveries.js";
import { failuresView } from "./failures.js";
import { editView, newView } from "./form.js";
import { keysView } from "./keys.js";
import { noticesView } from "./notices.js";
import { link, put } from "./parts.js";
import { redeliveriesView } from "./redeliveries.js";
import { onSession, session, signOut } from "./session.js";
import { signInView } from "./signin.js";
import { subscriptionView } from "./subscription.js";
import { subscriptionsView } from "./subscriptions.js";
import { sentence } from "./words.js";

const element = (id) => document.getElementById(id);
const [main, place, views] = ["main", "view", "views"].map(element);

/** Views of the account, with their names; and those of one subscription. */
const ACCOUNT = {
  subscriptions: ["Subscriptions", subscriptionsView], notices: ["Notices", noticesView], keys: ["Keys", keysView], audit: ["Audit log", auditView],
};
const ONE = {
  subscription: ["Overview", subscriptionView], deliveries: ["Deliveries", deliveriesView],
  failures: ["Failures", failuresView], redeliveries: ["Redeliveries", redeliveriesView],
};

let account = null;
let stop = () => {};
let shown = null;
// A service that does not assess endpoints has no notices.
let hasNotices = false;
/** Names of subscriptions that there are, as far as somebody has seen them. */
let names = new Set();

function navigate() {
  const view = new URLSearchParams(location.search).get("view");
  const current = view in ACCOUNT ? view : "subscriptions";
  const shownViews = Object.keys(ACCOUNT).filter((name) => name !== "notices" || hasNotices || current === "notices");
  put(views, shownViews.map((name) => link({ view: name }, ACCOUNT[name][0], { "aria-current": name === current ? "page" : null })));
}

function seen(subscriptions) {
  names = new Set(subscriptions.map(({ name }) => name));
  hasNotices = subscriptions.some(({ health }) => health);
  navigate();
}

/** The head of a view of one subscription, with the way to the others. */
function heading(view, subscription) {
  const links = Object.entries(ONE).map(([name, [title]]) =>
    link({ view: name, subscription }, title, { "aria-current": name === view ? "page" : null }));
  return [
    h("p", { class: "up" }, link({ view: "subscriptions" }, "All subscriptions")),
    h("h1", { tabindex: "-1" }, subscription),
    h("nav", { class: "tabs", "aria-label": "Of this subscription" }, links),
  ];
}

function viewOf(query) {
  const view = query.get("view") ?? "subscriptions";
  const subscription = query.get("subscription");
  if (view === "new") return { title: "New subscription", head: [h("h1", { tabindex: "-1" }, "New subscription")], begin: newView };
  if (view === "edit" && subscription) return { title: `Change ${subscription}`, head: [h("p", { class: "up" }, link({ view: "subscription", subscription }, subscription)), h("h1", { tabindex: "-1" }, `Change ${subscription}`)], begin: editView };
  if (view in ONE && subscription) return { title: `${ONE[view][0]} · ${subscription}`, head: heading(view, subscription), begin: ONE[view][1] };
  const [title, begin] = ACCOUNT[view] ?? ACCOUNT.subscriptions;
  return { title, head: [h("h1", { tabindex: "-1" }, title)], begin };
}

const NONE = {
  title: "No such subscription", head: [h("p", { class: "up" }, link({ view: "subscriptions" }, "All subscriptions")), h("h1", { tabindex: "-1" }, "No such subscription")],
  begin: ({ body }) => body.replaceChildren(h("p", { class: "nothing" }, "Your account has no subscription of the name in the address.")),
};

/** Anybody can write an address: a name that nobody has seen is asked for before it becomes a title. */
function meet(subscription) {
  const line = h("p", { class: "faint" }, "Reading…");
  place.replaceChildren(line);
  const isHere = () => new URLSearchParams(location.search).get("subscription") === subscription;
  const end = poll(async (signal) => {
    const { items } = await get("/subscriptions", signal);
    end();
    if (!isHere() || !session()) return;
    seen(items);
    show(names.has(subscription) ? null : NONE);
    (place.querySelector("h1") ?? main).focus({ preventScroll: true });
  }, 2000, (error) => setText(line, sentence(error.message)));
  stop = () => end();
}

/** Shows what the address says, or `instead` of it. */
function show(instead = null) {
  stop();
  stop = () => {};
  shown = location.search;
  const query = new URLSearchParams(location.search);
  const subscription = query.get("subscription");
  const needsIt = subscription && (query.get("view") in ONE || query.get("view") === "edit");
  if (!instead && needsIt && !names.has(subscription)) {
    navigate();
    return meet(subscription);
  }
  const { title, head, begin } = instead ?? viewOf(query);
  document.title = `${title} · Contoso for partners`;
  navigate();
  const body = h("div", { class: "body" });
  place.replaceChildren(...head, body);
  stop = begin({ body, account, query, subscription, go }) ?? (() => {});
}

function turn() {
  if (!account) return;
  show();
  (place.querySelector("h1") ?? main).focus({ preventScroll: true });
}

function go(query, { replace = false } = {}) {
  const href = `?${new URLSearchParams(query)}`;
  history[replace ? "replaceState" : "pushState"](null, "", href);
  turn();
  scrollTo(0, 0);
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("a[href]");
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!target || !isPlain || event.defaultPrevented) return;
  const url = new URL(target.href);
  if (url.origin !== location.origin || url.pathname !== location.pathname || url.hash) return;
  event.preventDefault();
  go(url.searchParams);
});
addEventListener("popstate", () => { if (location.search !== shown) turn(); });

/** Who is signed in, or the question who is. */
function begin(why) {
  stop();
  stop = () => {};
  account = null;
  names = new Set();
  hasNotices = false;
  views.hidden = true;
  element("who").hidden = true;
  showBanner(null);
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  const as = session();
  if (!as) {
    document.title = "Sign in · Contoso for partners";
    place.replaceChildren(signInView(why));
    if (why) place.querySelector("input").focus();
    return;
  }
  setText(element("who-name"), as.partner);
  element("who").hidden = false;
  const line = h("p", { class: "faint" }, "Reading…");
  place.replaceChildren(line);
  const end = poll(async (signal) => {
    account = await get("", signal);
    end();
    views.hidden = false;
    setText(element("who-name"), account.scope === "read" ? `${account.name}, read only` : account.name);
    showBanner(account, seen);
    turn();
  }, 2000, (error) => setText(line, sentence(error.message)));
  stop = () => end();
}

element("sign-out").addEventListener("click", () => signOut());
onSession((why) => begin(why));
begin(null);
