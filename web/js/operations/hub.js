// The page of a hub: its events by partition, key and time, and one of them whole. All of that is in the address.

import { settings } from "../api.js";
import { setText } from "../dom.js";
import { ago, clock, count } from "../format.js";
import { put } from "../parts.js";
import { askNow, poll } from "../poll.js";
import { eventTable, place, wholeEvent } from "./event.js";
import { Unable, askForKey, getOps, needsKey, trouble, whenKeyComes } from "./ops.js";
import { address, asked, instant, local, told } from "./shown.js";

const EVERY_MS = 5000;
const FIELDS = ["partition", "key", "from", "to"];
/** The first one is opened by an address that names none. */
const HUBS = ["products", "clicks", "feedback", "sales", "analytics"];

const element = (id) => document.getElementById(id);
const [browser, state, age, filter, wrong] = ["browser", "state", "age", "filter", "wrong"].map(element);

let stop = () => {};
let pausedAt = null;

const hubOf = ({ hub }) => (hub ? hub : HUBS[0]);

function say(level, text) {
  state.className = `state ${level}`;
  setText(state, text);
}

function fillForm() {
  const wanted = asked();
  const names = HUBS.includes(hubOf(wanted)) ? HUBS : [...HUBS, hubOf(wanted)];
  element("hub").replaceChildren(...names.map((name) => new Option(name, name, false, name === hubOf(wanted))));
  element("key-of").value = wanted.key ?? "";
  element("partition").value = wanted.partition ?? "";
  for (const name of ["from", "to"]) element(name).value = local(wanted[name]);
  setText(element("name"), `Hub ${hubOf(wanted)}`);
  document.title = `Hub ${hubOf(wanted)} · Contoso Events`;
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
  const wanted = asked();
  fillPartitions(page.partitions);
  const here = { ...wanted, hub: hubOf(wanted), event: null };
  put("events", eventTable(page.events, (event) => address({ ...here, event: place(event) }), wanted));
  const stored = page.partitions.map(({ lastEnqueued }) => lastEnqueued).filter(Boolean).toSorted((a, b) => Date.parse(a) - Date.parse(b));
  const newest = stored.length > 0 ? `newest ${ago(stored.at(-1))}` : "nothing was sent here yet, or all is too old";
  const looked = page.lookedAt > page.events.length ? `, of ${count(page.lookedAt)} that were looked at` : "";
  setText(element("note"), `${count(page.events.length)} shown${looked} · ${page.partitions.length} partitions · ${newest}`);
  element("older").hidden = page.cursor === null;
  element("older").href = address({ ...here, cursor: page.cursor });
  element("newest").hidden = !wanted.cursor;
  element("newest").href = address({ ...here, cursor: null });
}

async function showEvent(signal) {
  const wanted = asked();
  const panel = element("event");
  if (!wanted.event) {
    panel.hidden = true;
    return;
  }
  const [partition, sequence] = wanted.event.split("/");
  const shown = `${hubOf(wanted)}/${wanted.event}`;
  element("close").href = address({ ...wanted, event: null });
  // An event never changes.
  if (panel.dataset.shown === shown && !panel.hidden) return;
  const { schemas, api } = await settings();
  const answer = await getOps(`/api/ops/hubs/${encodeURIComponent(hubOf(wanted))}/event`, { partition, sequence }, signal);
  if (needsKey(answer)) return lock();
  if (!answer.data && answer.status !== 404 && answer.status !== 400) throw new Unable(answer);
  if (asked().event !== wanted.event) return;
  panel.hidden = false;
  panel.dataset.shown = shown;
  setText(element("event-title"), `Event ${wanted.event}`);
  element("whole").replaceChildren(wholeEvent(answer, { hub: hubOf(wanted), schemas, api }));
}

function showAge() {
  say(pausedAt === null ? "good" : "warn", pausedAt === null ? (asked().cursor ? "Older events" : "Live") : "Paused");
  setText(age, pausedAt === null ? "" : `as it was at ${clock(pausedAt)} UTC`);
}

function lock() {
  stop();
  say("warn", "A key is needed");
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
  browser.hidden = false;
  if (answer.status === 400 || answer.status === 404) {
    setText(wrong, told(answer.text, "The API does not know this."));
    say("bad", "Nothing to show");
    element("events").replaceChildren();
    return;
  }
  if (!answer.data) throw new Unable(answer);
  setText(wrong, "");
  show(answer.data);
  showAge();
  await showEvent(signal);
}

function start() {
  stop();
  if (pausedAt === null) stop = poll(ask, EVERY_MS, (error) => trouble(error).then((text) => say("bad", text)));
}

function pause(isPaused) {
  pausedAt = isPaused ? (pausedAt ?? Date.now()) : null;
  element("pause").setAttribute("aria-pressed", String(isPaused));
  setText(element("pause"), isPaused ? "Go on" : "Pause");
}

/** Goes to an address of this page. What is asked for by hand is read at once, paused or not. */
function go(to) {
  history.pushState(null, "", to);
  read();
}

function read() {
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
  if (!isSameList) return go(link.getAttribute("href"));
  // Who looks at an event does not want the list to move away.
  history.pushState(null, "", link.getAttribute("href"));
  link.blur();
  if (opens && pausedAt === null) pause(true);
  stop();
  showAge();
  showEvent().then(() => opens && element("event").focus(), (error) => trouble(error).then((text) => say("bad", text)));
});

element("pause").addEventListener("click", () => {
  pause(pausedAt === null);
  start();
  showAge();
});

globalThis.addEventListener("popstate", read);
whenKeyComes(start);
read();
