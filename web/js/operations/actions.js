// What is done with dead letters: which are chosen, the question before, and what became of it.

import { announce, setText } from "../dom.js";
import { count } from "../format.js";
import { askNow, poll } from "../poll.js";
import { counts, dropped, progressOf } from "./batch.js";
import { filterWords } from "./filters.js";
import { getOps, needsKey, postOps } from "./ops.js";
import { address, asked, told } from "./shown.js";

const BATCH_MS = 1000;
const BY = "contoso.operations.by";

const element = (id) => document.getElementById(id);
const [bar, sure, done, all, by, reason] = ["actions", "sure", "done", "choose-all", "by", "reason"].map(element);

/** Ids of the letters that are chosen, of other pages too. */
export const chosen = new Set();

/** What the buttons are about: the page of letters with its `filter`. */
let page = null;

export const number = (many, one) => `${count(many)} ${many === 1 ? one : `${one}s`}`;

const boxes = () => [...element("list").querySelectorAll("input[type=checkbox]")];

/** Which buttons have something to do with `shown`, and what they say. */
export function showActions(shown = page) {
  page = shown;
  const isAny = chosen.size > 0;
  // Without a filter, all would be everything: too easily said.
  const canAll = Object.keys(page.filter).length > 0 && page.letters > 0;
  element("choose").hidden = element("act").hidden = page.items.length === 0;
  // What became of the last ones is told where none is left too.
  bar.hidden = page.items.length === 0 && done.textContent === "";
  for (const [name, does] of [["drop", "Drop"], ["replay", "Replay"]]) {
    element(`${name}-chosen`).disabled = !isAny;
    element(`${name}-chosen`).hidden = !isAny && canAll;
    setText(element(`${name}-chosen`), isAny ? `${does} the ${count(chosen.size)} chosen` : `${does} the chosen`);
    element(`${name}-all`).hidden = isAny || !canAll;
    setText(element(`${name}-all`), `${does} all ${count(page.letters)} of this filter`);
  }
  const shownChosen = page.items.filter(({ id }) => chosen.has(id)).length;
  all.checked = shownChosen > 0 && shownChosen === page.items.length;
  all.indeterminate = shownChosen > 0 && shownChosen < page.items.length;
  setText(element("choose-words"), `Choose all ${count(page.items.length)} shown`);
}

/** Whoever reads other letters has chosen none of them. */
export function chooseNone() {
  chosen.clear();
}

all.addEventListener("change", () => {
  for (const { id } of page.items) {
    if (all.checked) chosen.add(id);
    else chosen.delete(id);
  }
  for (const box of boxes()) box.checked = chosen.has(box.value);
  showActions();
});

element("list").addEventListener("change", ({ target }) => {
  if (target.checked) chosen.add(target.value);
  else chosen.delete(target.value);
  showActions();
});

/** Asks who does it and why. Gives whether it is wanted. */
function isSure(does, what) {
  setText(element("sure-title"), `${does} them?`);
  setText(element("sure-what"), what);
  setText(element("sure-yes"), does);
  element("sure-yes").className = does === "Drop" ? "danger" : "primary";
  reason.required = does === "Drop";
  setText(element("reason-label"), does === "Drop" ? "Reason, for the log" : "Reason, for the log, if you like");
  sure.returnValue = "";
  sure.showModal();
  // One key must not be enough.
  (by.value ? reason : by).focus();
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

function rememberWho() {
  try {
    localStorage.setItem(BY, by.value.trim());
  } catch {
    // Then it is asked for again.
  }
}

/** Which letters a button means, as the API takes them, and the question about them. */
function wishOf(isDrop, isAll) {
  // The letters that are shown, and none that came since.
  const { asOf, filter } = page;
  const to = filter.to && Date.parse(filter.to) < Date.parse(asOf) ? filter.to : asOf;
  const letters = isAll ? { filter: { ...filter, to }, expected: page.letters } : { ids: [...chosen] };
  const many = isAll ? page.letters : chosen.size;
  const what = isDrop
    ? `${number(many, "letter")} would be gone. Their records are handled by nobody then.`
    : `${number(many, "record")} would be given once more to the function that parked ${many === 1 ? "it" : "them"}, and to no other. What is handled then is gone from here.`;
  return { letters, what: isAll ? `${what} They are: ${filterWords({ ...filter, to })}.` : what };
}

/** Lets letters be replayed and dropped; `onLocked` is called where the key does not do. */
export function startActions(onLocked) {
  bar.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [does, which] = event.submitter.value.split(" ");
    const isDrop = does === "drop";
    const { letters, what } = wishOf(isDrop, which === "all");
    if (!(await isSure(isDrop ? "Drop" : "Replay", what))) return;
    rememberWho();
    setText(done, "");
    const why = reason.value.trim();
    const wish = { ...letters, by: by.value.trim(), ...(why ? { reason: why } : {}) };
    const answer = await (isDrop ? drop(wish) : replay(wish)).catch(() => ({ status: 0, text: "" }));
    if (needsKey(answer)) return onLocked();
    if (!answer.data) {
      setText(done, told(answer.text, "The API did not answer; what was done is in the log below."));
      return;
    }
    chooseNone();
    reason.value = "";
    delete element("letter").dataset.shown;
    askNow();
  });
  // A browser takes a space for a name.
  for (const input of [by, reason]) {
    input.addEventListener("input", () => input.setCustomValidity(input.value && !input.value.trim() ? "A space says nothing." : ""));
  }
  try {
    by.value = localStorage.getItem(BY) ?? "";
  } catch {
    // Nothing is known.
  }
}
