// The operations page: one poll of the overview, and what is made of it.

import { settings } from "../api.js";
import { h, setText } from "../dom.js";
import { ago, clock } from "../format.js";
import { poll } from "../poll.js";
import { clicksChart } from "./chart.js";
import { flowPicture, flowTable } from "./flow.js";
import { Unable, askForKey, getOps, needsKey, trouble, whenKeyComes } from "./ops.js";
import * as panels from "./panels.js";
import { put } from "../parts.js";
import { rangeOf } from "./range.js";
import { scrollHint } from "./scroll_hint.js";
import { showTelemetry } from "./traces.js";

const EVERY_MS = 2000;

const element = (id) => document.getElementById(id);
const [board, age, state] = ["board", "age", "state"].map(element);
const lookAtFlow = scrollHint(element("flow"), element("flow-hint"));
const drawClicks = clicksChart(element("clicks"), element("clicks-note"));
const longest = rangeOf(element("range"), () => last && drawClicks(last.clicks, last.anomalies, longest()));

let last = null;
let demo = null;
let picture = null;
let stop = () => {};
let pausedAt = null;

function say(level, text) {
  state.className = `state ${level}`;
  setText(state, text);
}

/** The verdict, whose words lead to what they are about. */
function judge({ level, needs }) {
  state.className = `state ${level}`;
  if (state.textContent === needs.map(([text]) => text).join(" · ")) return;
  state.replaceChildren(h("span", null, needs.map(([text, href], index) => [index > 0 ? " · " : "", href ? h("a", { href }, text) : text])));
}

/** What was reserved for the board is not needed any more, whatever came instead. */
function settle() {
  element("reading").hidden = true;
  showTelemetry();
}

function show(overview) {
  board.hidden = false;
  board.classList.remove("stale");
  const functions = overview.functions.join();
  if (picture?.functions !== functions) {
    picture = { functions, ...flowPicture(overview.functions) };
    element("flow").replaceChildren(picture.element);
    lookAtFlow();
  }
  picture.update(overview);
  put("flow-table", flowTable(overview));
  put("figures", panels.figures(overview));
  drawClicks(overview.clicks, overview.anomalies, longest());
  put("anomalies", panels.anomalyList(overview));
  put("top", panels.topProducts(overview));
  put("rising", panels.risingProducts(overview));
  put("dead", panels.deadLetters(overview));
  put("partners", panels.partnerDeliveries(overview, demo));
  const { trending } = overview;
  setText(element("trending-note"), trending ? `last ${trending.windowMinutes} min, counted ${ago(trending.at)}${panels.leftOut(trending)}` : "");
}

function showAge() {
  if (pausedAt !== null) {
    // What is not asked for any more cannot be said to be well.
    say("warn", "Paused");
    setText(age, `as it was at ${clock(pausedAt)} UTC`);
    age.classList.remove("old");
    return;
  }
  const verdict = panels.verdict(last);
  judge(verdict);
  tellAge();
  age.classList.toggle("old", verdict.isOld === true);
}

/** The age goes on whether anybody answers or not. */
function tellAge() {
  if (last && pausedAt === null) setText(age, last.measuredAt ? `measured ${ago(last.measuredAt)}` : "");
}

/** What is shown is not how it is now. */
function failed(error) {
  settle();
  board.classList.add("stale");
  if (last && pausedAt === null) age.classList.add("old");
  return trouble(error).then((text) => say("bad", text));
}

function lock() {
  stop();
  say("warn", "A key is needed");
  settle();
  board.hidden = true;
  askForKey();
}

async function showSettings() {
  const { api, partner, schemas } = await settings();
  element("schemas").hidden = !schemas;
  if (schemas) element("schemas").firstElementChild.href = schemas;
  element("demo").hidden = !partner;
  element("health").href = `${api}/api/site/health`;
  return partner;
}

async function ask(signal) {
  const partner = await showSettings();
  const [answer] = await Promise.all([
    getOps("/api/ops/overview", {}, signal),
    partner ? fetch(`${partner}?format=json`, { signal }).then((answer) => answer.json()).then((inbox) => { demo = inbox; }).catch(() => {}) : null,
  ]);
  if (needsKey(answer)) return lock();
  if (!answer.data) throw new Unable(answer);
  last = answer.data;
  show(last);
  settle();
  showAge();
}

function start() {
  stop();
  if (pausedAt === null) stop = poll(ask, EVERY_MS, failed);
}

/** While the page is paused what is shown stays, to be looked at and copied; the age says since when. */
element("pause").addEventListener("click", ({ currentTarget }) => {
  pausedAt = pausedAt === null ? Date.now() : null;
  currentTarget.setAttribute("aria-pressed", String(pausedAt !== null));
  setText(currentTarget, pausedAt === null ? "Pause" : "Go on");
  start();
  if (last) showAge();
});

setInterval(tellAge, 1000);
whenKeyComes(start);
start();
