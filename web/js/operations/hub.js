// The page of a hub: its events by partition, key and time, and one of them whole. All of that is in the address.

import { settings } from "../api.js";
import { setText } from "../dom.js";
import { ago, clock, count } from "../format.js";
import { put } from "../parts.js";
import { askNow, poll } from "../poll.js";
import { eventTable, place, wholeEvent } from "./event.js";
import { Unable, askForKey, getOps, needsKey, trouble, whenKeyComes } from "./ops.js";
import { showPaging, stateFor } from "./paging.js";
import { address, asked, instant, labelIn, local, told } from "./shown.js";
import { returnTo, reveal } from "./sight.js";

const EVERY_MS = 5000;
const FIELDS = ["partition", "key", "from", "to"];
/** The first one is opened by an address that names none. */
const HUBS = ["products", "clicks", "feedback", "sales", "analytics"];

const element = (id) => document.getElementById(id);
const [browser, state, age, filter, wrong, fresh] = ["browser", "state", "age", "filter", "wrong", "fresh"].map(element);

let stop = () => {};
let pausedAt = null;
/** The page of events that is shown, and a newer one that waits until whoever reads asks for it. */
let shown = null;
let waiting = null;
/** What comes into sight when the answer is there. */
let wantsSight = asked().event ? "event" : null;

const hubOf = ({ hub }) => (hub ? hub : HUBS[0]);

function say(level, text) {
  state.className = `state ${level}`;
  setText(state, text);
}

function fillForm() {
  const wanted = asked();
  element("key-of").value = wanted.key ?? "";
  element("partition").value = wanted.partition ?? "";
  for (const name of ["from", "to"]) element(name).value = local(wanted[name]);
  // Anybody can write an address: a name that nobody knows is no title before the API has said that there is such a hub.
  nameHub(HUBS.includes(hubOf(wanted)) ? hubOf(wanted) : null, "Hub");
}

/** Names the hub in title and form; `otherwise` is the title where there is none. */
function nameHub(name, otherwise) {
  const names = name === null || HUBS.includes(name) ? HUBS : [...HUBS, name];
  const options = [...(name === null ? [new Option("Choose a hub", "", false, true)] : []), ...names.map((one) => new Option(one, one, false, one === name))];
  if (element("hub") !== document.activeElement) element("hub").replaceChildren(...options);
  const title = name === null ? otherwise : `Hub ${name}`;
  setText(element("name"), title);
  document.title = `${title} · Contoso Events`;
}

function fillPartitions(partitions) {
  const select = element("partition");
  if (select === document.activeElement) return;
  const held = ({ id, first, last }) => (last === null ? `${id}, empty` : `${id}, ${first} to ${last}`);
  const options = [["", "All"], ...partitions.map((partition) => [partition.id, held(partition)])];
  if (JSON.stringify(options) !== select.dataset.options) {
    // What is chosen and not shown yet stays chosen.
    const chosen = select.dataset.options ? select.value : (asked().partition ?? "");
    select.dataset.options = JSON.stringify(options);
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    select.value = chosen;
    if (select.selectedIndex < 0) select.value = "";
  }
}

function show(page) {
  [shown, waiting] = [page, null];
  fresh.hidden = true;
  const wanted = asked();
  fillPartitions(page.partitions);
  const here = { ...wanted, hub: hubOf(wanted), event: null };
  put("events", eventTable(page.events, (event) => address({ ...here, event: place(event) }), wanted));
  tellOf(page);
  showPaging(here, !wanted.cursor, page.cursor);
}

function tellOf(page) {
  const stored = page.partitions.map(({ lastEnqueued }) => lastEnqueued).filter(Boolean).toSorted((a, b) => Date.parse(a) - Date.parse(b));
  const newest = stored.length > 0 ? `newest ${ago(stored.at(-1))}` : "nothing was sent here yet, or all is too old";
  const looked = page.lookedAt > page.events.length ? `, of ${count(page.lookedAt)} that were looked at` : "";
  setText(element("note"), `${count(page.events.length)} shown${looked} · ${page.partitions.length} partitions · ${newest}`);
}

/** Whether somebody reads the list, so that its rows must stay where they are. */
const isRead = () => scrollY > 40 || !element("event").hidden || element("events").contains(document.activeElement);

/** Shows a page of events; where the list is read, only how many are new. */
function offer(page) {
  const known = new Set(shown?.events.map(place));
  const many = page.events.filter((event) => !known.has(place(event))).length;
  if (shown === null || !isRead()) return show(page);
  tellOf(shown);
  if (many === 0) return;
  waiting = page;
  fresh.hidden = false;
  setText(fresh, many === 1 ? "1 new event" : `${count(many)}${many === page.events.length ? " or more" : ""} new events`);
}

async function showEvent(signal) {
  const wanted = asked();
  const panel = element("event");
  if (!wanted.event) {
    panel.hidden = true;
    return;
  }
  const [partition, sequence] = wanted.event.split("/");
  const name = `${hubOf(wanted)}/${wanted.event}`;
  element("close").href = address({ ...wanted, event: null });
  // An event never changes.
  if (panel.dataset.shown === name && !panel.hidden) return;
  const { schemas, api } = await settings();
  const answer = await getOps(`/api/ops/hubs/${encodeURIComponent(hubOf(wanted))}/event`, { partition, sequence }, signal);
  if (needsKey(answer)) return lock();
  if (!answer.data && answer.status !== 404 && answer.status !== 400) throw new Unable(answer);
  if (asked().event !== wanted.event) return;
  panel.hidden = false;
  panel.dataset.shown = name;
  setText(element("event-title"), answer.data ? `Event ${wanted.event}` : "No such event");
  element("whole").replaceChildren(wholeEvent(answer, { hub: hubOf(wanted), schemas, api }));
}

function showAge() {
  if (pausedAt === null && asked().event && element("event-title").textContent === "No such event") return say("bad", "No such event");
  say(pausedAt === null ? "good" : "warn", pausedAt === null ? (asked().cursor ? "Older events" : "Live") : "Paused");
  setText(age, pausedAt === null ? "" : `as it was at ${clock(pausedAt)} UTC`);
}

function lock() {
  stop();
  say("warn", "A key is needed");
  element("reading").hidden = true;
  browser.hidden = true;
  askForKey();
}

async function ask(signal) {
  const { search } = location;
  const { schemas } = await settings();
  element("schemas").hidden = !schemas;
  if (schemas) element("schemas").firstElementChild.href = schemas;
  const wanted = asked();
  const query = Object.fromEntries([...FIELDS, "cursor"].map((name) => [name, wanted[name]]));
  const answer = await getOps(`/api/ops/hubs/${encodeURIComponent(hubOf(wanted))}/events`, query, signal);
  if (needsKey(answer)) return lock();
  if (location.search !== search) return askNow();
  element("reading").hidden = true;
  browser.hidden = false;
  if (answer.status === 400 || answer.status === 404) {
    if (answer.status === 404) nameHub(null, "No such hub");
    setText(wrong, told(answer.text, "The API does not know this.", (name) => labelIn(filter, name)));
    say("bad", "Nothing to show");
    element("events").replaceChildren();
    ["newest", "newer", "older"].forEach((id) => { element(id).hidden = true; });
    return;
  }
  if (!answer.data) throw new Unable(answer);
  setText(wrong, "");
  if (!HUBS.includes(hubOf(wanted))) nameHub(hubOf(wanted));
  offer(answer.data);
  await showEvent(signal);
  showAge();
  if (wantsSight === "event") reveal(element("event"));
  if (wantsSight === "list") reveal(element("list"));
  wantsSight = null;
}

/** What cannot be read is told; a page that has nothing yet has nothing to wait for. */
function failed(error) {
  element("reading").hidden = true;
  return trouble(error).then((text) => say("bad", text));
}

function start() {
  stop();
  if (pausedAt === null) stop = poll(ask, EVERY_MS, failed);
}

function pause(isPaused) {
  pausedAt = isPaused ? (pausedAt ?? Date.now()) : null;
  element("pause").setAttribute("aria-pressed", String(isPaused));
  setText(element("pause"), isPaused ? "Go on" : "Pause");
}

/** Goes to an address of this page. What is asked for by hand is read at once, paused or not. */
function go(to, kept = null) {
  history.pushState(kept, "", to);
  read();
}

function read() {
  // Another list is not one that somebody reads already.
  shown = null;
  fillForm();
  pause(false);
  start();
}

filter.addEventListener("submit", (event) => {
  event.preventDefault();
  const members = Object.fromEntries(new FormData(filter));
  go(address({ ...members, from: instant(members.from), to: instant(members.to) }));
});

element("hub").addEventListener("change", ({ target }) => go(address({ hub: target.value })));

browser.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='?']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const opens = new URLSearchParams(link.getAttribute("href")).get("event");
  if (link.id === "all") return go(address({ hub: hubOf(asked()) }));
  const isSameList = Boolean(opens) || link.id === "close";
  if (!isSameList) {
    wantsSight = "list";
    return go(link.getAttribute("href"), stateFor(link));
  }
  // Who looks at an event does not want the list to move away.
  const closed = asked().event;
  history.pushState(history.state, "", link.getAttribute("href"));
  link.blur();
  if (opens && pausedAt === null) pause(true);
  stop();
  showAge();
  showEvent().then(() => {
    if (shown) show(shown);
    if (opens) reveal(element("event"));
    else returnTo(element("events"), closed, element("list"));
  }, failed);
});

fresh.addEventListener("click", () => {
  show(waiting);
  reveal(element("list"));
});

element("pause").addEventListener("click", () => {
  pause(pausedAt === null);
  start();
  showAge();
});

globalThis.addEventListener("popstate", () => {
  wantsSight = asked().event ? "event" : null;
  read();
});
whenKeyComes(start);
read();
