// The page of dead letters: which there are, and one of them whole. What is shown is in the address.

import { settings } from "../api.js";
import { setText } from "../dom.js";
import { count } from "../format.js";
import { put } from "../parts.js";
import { askNow, poll } from "../poll.js";
import { chooseNone, chosen, number, showActions, startActions } from "./actions.js";
import { showBatch } from "./batch.js";
import { fillSelects, filterOf, noneFits, whatThereIs } from "./filters.js";
import { groupTable, letterTable, logTable, wholeLetter } from "./letters.js";
import { Unable, askForKey, getOps, needsKey, trouble, whenKeyComes } from "./ops.js";
import { showPaging, stateFor } from "./paging.js";
import { address, asked, instant, labelIn, local, told } from "./shown.js";
import { returnTo, reveal } from "./sight.js";

const EVERY_MS = 5000;

const element = (id) => document.getElementById(id);
const [letters, state, filter, wrong] = ["letters", "state", "filter", "wrong"].map(element);

let stop = () => {};
let page = null;
/** Functions and origins that letters are of. */
let known = null;
/** What comes into sight when the answer is there: the id of an element. */
let wantsSight = null;

function say(level, text) {
  state.className = `state ${level}`;
  setText(state, text);
}

function fillForm() {
  const wanted = asked();
  fillSelects(known, wanted);
  element("cause").value = wanted.cause ?? "";
  for (const name of ["from", "to"]) element(name).value = local(wanted[name]);
}

function show() {
  const wanted = asked();
  const here = filterOf(wanted);
  const more = page.isMore ? " or more" : "";
  const isAll = Object.keys(here).length === 0 && !page.isMore;
  const none = isAll ? "None. Every record was handled." : noneFits(here, known);
  if (page.letters > 0) say("bad", `${number(page.letters, "letter")}${more} of ${number(page.records, "record")}${more}`);
  // That none fits does not say that all is well.
  else if (isAll) say("good", "None");
  else say("warn", page.isMore ? "No letter fits, of those that were counted" : "No letter fits");
  setText(element("groups-note"), page.unread > 0 ? `the causes of ${count(page.unread)} were not read yet` : "");
  put("groups", groupTable(page, none, (group) => address({ ...here, ...group })));
  put("list", letterTable(page.items, ({ id }) => address({ ...wanted, letter: id }), wanted.letter, chosen));
  setText(element("note"), `${count(page.items.length)} shown`);
  const cursor = page.next && new URLSearchParams(page.next.split("?")[1]).get("cursor");
  showPaging(here, !wanted.cursor, cursor);
  showActions(page);
}

async function showLetter(signal) {
  const wanted = asked();
  const panel = element("letter");
  if (!wanted.letter) {
    panel.hidden = true;
    return;
  }
  element("close").href = address({ ...wanted, letter: null });
  if (panel.dataset.shown === wanted.letter && !panel.hidden) return;
  const answer = await getOps("/api/ops/dead-letters/letter", { id: wanted.letter }, signal);
  if (needsKey(answer)) return lock();
  if (!answer.data && answer.status !== 404 && answer.status !== 400) throw new Unable(answer);
  if (asked().letter !== wanted.letter) return;
  panel.hidden = false;
  panel.dataset.shown = wanted.letter;
  setText(element("letter-title"), answer.data ? "Letter" : "No such letter");
  element("whole").replaceChildren(wholeLetter(answer, (await settings()).api));
}

function lock() {
  stop();
  say("warn", "A key is needed");
  element("reading").hidden = true;
  letters.hidden = true;
  askForKey();
}

async function ask(signal) {
  const { search } = location;
  const wanted = asked();
  const [answer, log] = await Promise.all([
    getOps("/api/ops/dead-letters", { ...filterOf(wanted), cursor: wanted.cursor }, signal),
    getOps("/api/ops/dead-letters/log", {}, signal),
  ]);
  if (needsKey(answer)) return lock();
  if (location.search !== search) return askNow();
  element("reading").hidden = true;
  letters.hidden = false;
  if (answer.status === 400) {
    setText(wrong, told(answer.text, "The API does not know this.", (name) => labelIn(filter, name)));
    say("bad", "Nothing to show");
    return;
  }
  if (!answer.data) throw new Unable(answer);
  setText(wrong, "");
  // What is shown is of this filter, whatever the address says by the time that a button is pressed.
  page = { ...answer.data, filter: filterOf(wanted) };
  show();
  if (log.data) put("log", logTable(log.data, (batch) => address({ batch })));
  const batch = await showBatch(signal);
  if (batch && needsKey(batch)) return lock();
  await showLetter(signal);
  if (wantsSight && !element(wantsSight).hidden) reveal(element(wantsSight));
  wantsSight = null;
}

/** What can be chosen is read when another list is: it changes seldom. */
async function readKnown() {
  known = (await whatThereIs()) ?? known;
  fillSelects(known, asked());
  if (page) show();
}

function failed(error) {
  element("reading").hidden = true;
  return trouble(error).then((text) => say("bad", text));
}

function start() {
  stop();
  stop = poll(ask, EVERY_MS, failed);
  readKnown();
}

/** What an address opens must be seen. */
const openedBy = ({ letter, batch }) => (letter ? "letter" : batch ? "batch" : null);

function go(to, sight = null, kept = null) {
  chooseNone();
  history.pushState(kept, "", to);
  wantsSight = sight;
  fillForm();
  start();
}

filter.addEventListener("submit", (event) => {
  event.preventDefault();
  const members = Object.fromEntries(new FormData(filter));
  go(address({ ...members, from: instant(members.from), to: instant(members.to) }));
});

/** Shows what the address opens beside the same list, or closes it. */
function open(href, before) {
  history.pushState(history.state, "", href);
  const { letter, batch } = asked();
  element("batch").hidden = !batch;
  showLetter().then(() => {
    if (page) show();
    if (letter) reveal(element("letter"));
    else if (before.letter) returnTo(element("list"), before.letter, element("list-panel"));
    else reveal(element("list-panel"));
  }, failed);
}

letters.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='?']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const href = link.getAttribute("href");
  const { letter, batch } = Object.fromEntries(new URLSearchParams(href));
  const before = asked();
  link.blur();
  if (batch && (!letter || link.closest("#batch .paging")) && link.id !== "close") {
    history.pushState(null, "", href);
    wantsSight = "batch";
    return askNow();
  }
  if (letter || link.id.endsWith("close")) return open(href, before);
  // A cause, or another page of the list, shows its letters, which are further down.
  go(link.id === "all" ? location.pathname : href, link.id === "all" ? null : "list-panel", stateFor(link));
});

globalThis.addEventListener("popstate", () => {
  wantsSight = openedBy(asked());
  fillForm();
  start();
});
whenKeyComes(start);
startActions(lock);
wantsSight = openedBy(asked());
fillForm();
start();
