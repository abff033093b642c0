// The page of dead letters: which there are, one of them whole, and what is done with them. What is shown is in the address.

import { settings } from "../api.js";
import { announce, setText } from "../dom.js";
import { count } from "../format.js";
import { put } from "../parts.js";
import { askNow, poll } from "../poll.js";
import { counts, dropped, progressOf, showBatch } from "./batch.js";
import { groupTable, letterTable, logTable, wholeLetter } from "./letters.js";
import { Unable, askForKey, getOps, needsKey, postOps, trouble, whenKeyComes } from "./ops.js";
import { address, asked, instant, local, told, utc } from "./shown.js";

const EVERY_MS = 5000;
const BATCH_MS = 1000;
const FIELDS = ["function", "cause", "origin", "from", "to"];
const BY = "contoso.operations.by";

const element = (id) => document.getElementById(id);
const [letters, state, filter, wrong, actions, sure, done] = ["letters", "state", "filter", "wrong", "actions", "sure", "done"].map(element);

let stop = () => {};
let page = null;
/** Ids of the letters that are chosen, of other pages too. */
const chosen = new Set();

function say(level, text) {
  state.className = `state ${level}`;
  setText(state, text);
}

const number = (many, one) => `${count(many)} ${many === 1 ? one : `${one}s`}`;

const filterOf = (wanted) => Object.fromEntries(FIELDS.filter((name) => wanted[name]).map((name) => [name, wanted[name]]));

function fillForm() {
  const wanted = asked();
  for (const name of ["function", "cause", "origin"]) element(name).value = wanted[name] ?? "";
  for (const name of ["from", "to"]) element(name).value = local(wanted[name]);
}

/** Which buttons have something to do, and what they say. */
function showActions() {
  const isFiltered = Object.keys(page.filter).length > 0;
  for (const [name, does] of [["drop", "Drop"], ["replay", "Replay"]]) {
    element(`${name}-chosen`).disabled = chosen.size === 0;
    setText(element(`${name}-chosen`), chosen.size === 0 ? `${does} the chosen` : `${does} the ${count(chosen.size)} chosen`);
    // Without a filter, that would be everything: too easily said.
    element(`${name}-all`).hidden = !isFiltered || page.letters === 0;
    setText(element(`${name}-all`), `${does} all ${count(page.letters)} of this filter`);
  }
}

function show() {
  const wanted = asked();
  const here = filterOf(wanted);
  const more = page.isMore ? " or more" : "";
  const isAll = Object.keys(here).length === 0 && !page.isMore;
  if (page.letters > 0) say("bad", `${number(page.letters, "letter")}${more} of ${number(page.records, "record")}${more}`);
  // That none fits does not say that all is well.
  else if (isAll) say("good", "None");
  else say("", page.isMore ? "No letter fits, of those that were counted" : "No letter fits");
  setText(element("groups-note"), page.unread > 0 ? `the causes of ${count(page.unread)} were not read yet` : "");
  put("groups", groupTable(page, isAll ? "None. Every record was handled." : "No letter fits.", (group) => address({ ...here, ...group })));
  put("list", letterTable(page.items, ({ id }) => address({ ...wanted, letter: id }), wanted.letter, chosen));
  setText(element("note"), `${count(page.items.length)} shown`);
  const cursor = page.next && new URLSearchParams(page.next.split("?")[1]).get("cursor");
  element("older").hidden = !cursor;
  element("older").href = address({ ...here, cursor });
  element("newest").hidden = !wanted.cursor;
  element("newest").href = address(here);
  showActions();
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
  element("whole").replaceChildren(wholeLetter(answer, (await settings()).api));
}

function lock() {
  stop();
  say("warn", "A key is needed");
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
  letters.hidden = false;
  if (answer.status === 400) {
    setText(wrong, told(answer.text, "The API does not know this."));
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
}

function start() {
  stop();
  stop = poll(ask, EVERY_MS, (error) => trouble(error).then((text) => say("bad", text)));
}

function go(to) {
  history.pushState(null, "", to);
  fillForm();
  start();
}

filter.addEventListener("submit", (event) => {
  event.preventDefault();
  const members = Object.fromEntries(new FormData(filter));
  chosen.clear();
  go(address({ ...members, from: instant(members.from), to: instant(members.to) }));
});

letters.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='?']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const { letter, batch } = Object.fromEntries(new URLSearchParams(link.getAttribute("href")));
  if (batch && (!letter || link.closest("#batch .paging"))) {
    history.pushState(null, "", link.getAttribute("href"));
    link.blur();
    element("batch").hidden = false;
    element("batch").focus();
    return askNow();
  }
  if (!letter && !link.id.endsWith("close")) {
    chosen.clear();
    return go(link.id === "all" ? location.pathname : link.getAttribute("href"));
  }
  history.pushState(null, "", link.getAttribute("href"));
  link.blur();
  element("batch").hidden = !batch;
  showLetter().then(() => { if (letter) element("letter").focus(); show(); }, (error) => trouble(error).then((text) => say("bad", text)));
});

element("list").addEventListener("change", ({ target }) => {
  if (target.checked) chosen.add(target.value);
  else chosen.delete(target.value);
  showActions();
});

/** Asks once more. Gives whether it is wanted. */
function isSure(does, what) {
  setText(element("sure-title"), `${does} them?`);
  setText(element("sure-what"), what);
  setText(element("sure-yes"), does);
  sure.returnValue = "";
  sure.showModal();
  return new Promise((answer) => sure.addEventListener("close", () => answer(sure.returnValue === "yes"), { once: true }));
}

function tell(text) {
  setText(done, `${text}.`);
  announce(text);
}

async function drop(wish) {
  const answer = await postOps("/api/ops/dead-letters/drop", wish);
  if (!answer.data) return answer;
  const left = counts([[answer.data.left, "left: drop again"]]);
  tell(`${dropped(answer.data)}${left ? `, ${left}` : ""}`);
  return answer;
}

async function replay(wish) {
  const answer = await postOps("/api/ops/dead-letters/batches", wish);
  if (!answer.data) return answer;
  const { batch, address: at, notReplayable, left } = answer.data;
  history.pushState(null, "", address({ ...asked(), batch, after: null }));
  const rest = counts([[notReplayable, "of Event Grid's not replayed"], [left, "left: replay again"]]);
  const end = poll(async (signal) => {
    const { data } = await getOps(at, {}, signal);
    if (!data) return;
    const text = `Replay: ${progressOf(data.progress)}${rest ? `, ${rest}` : ""}`;
    if (!data.ended) return setText(done, `${text}…`);
    end();
    tell(text);
    // What is open may be gone, or have another cause.
    delete element("letter").dataset.shown;
    askNow();
  }, BATCH_MS);
  return answer;
}

actions.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [does, which] = event.submitter.value.split(" ");
  const isDrop = does === "drop";
  const [by, reason] = [element("by").value.trim(), element("reason").value.trim()];
  element("reason").setCustomValidity(isDrop && !reason ? "What is dropped is gone: say why." : "");
  if (!element("reason").reportValidity()) return;
  try {
    localStorage.setItem(BY, by);
  } catch {
    // Then it is asked for again.
  }
  const isAll = which === "all";
  // The letters that are shown, and none that came since.
  const { asOf } = page;
  const shown = page.filter;
  const to = shown.to && Date.parse(shown.to) < Date.parse(asOf) ? shown.to : asOf;
  const letters = isAll ? { filter: { ...shown, to }, expected: page.letters } : { ids: [...chosen] };
  const words = Object.entries(shown).filter(([name]) => name !== "to").map(([name, value]) => `${name} ${value}`).join(", ");
  const many = isAll ? page.letters : chosen.size;
  const what = isDrop
    ? `${number(many, "letter")} would be gone. Their records are handled by nobody then.`
    : `${number(many, "record")} would be given once more to the function that parked ${many === 1 ? "it" : "them"}, and to no other. What is handled then is gone from here.`;
  const until = isAll ? ` They are those of ${words ? `${words}, ` : ""}written before ${utc(to)} UTC.` : "";
  if (!(await isSure(isDrop ? "Drop" : "Replay", what + until))) return;
  setText(done, "");
  const wish = { ...letters, by, ...(reason ? { reason } : {}) };
  const answer = await (isDrop ? drop(wish) : replay(wish)).catch(() => ({ status: 0, text: "" }));
  if (needsKey(answer)) return lock();
  if (!answer.data) {
    setText(done, told(answer.text, "The API did not answer; what was done is in the log below."));
    return;
  }
  chosen.clear();
  element("reason").value = "";
  delete element("letter").dataset.shown;
  askNow();
});

element("reason").addEventListener("input", ({ target }) => target.setCustomValidity(""));
globalThis.addEventListener("popstate", () => { fillForm(); start(); });
whenKeyComes(start);
try {
  element("by").value = localStorage.getItem(BY) ?? "";
} catch {
  // Nothing is known.
}
fillForm();
start();
