// What the app tells of itself: how each function does, what failed, and one event from its cause to its effects. Only the local
// stack answers this; elsewhere it stands in the tool that the app's telemetry is sent to.

import { settings } from "../api.js";
import { h, setText } from "../dom.js";
import { ago, rate } from "../format.js";
import { askNow, poll } from "../poll.js";
import { nothing, number, put, records, table } from "../parts.js";
import { reveal } from "./sight.js";

const EVERY_MS = 2000;
const LISTED = 12;

let isBegun = false;
/** Whether the trace comes into sight when it is there. */
let wantsSight = false;

const element = (id) => document.getElementById(id);

const digits = (most) => new Intl.NumberFormat(undefined, { maximumFractionDigits: most });

/** Milliseconds in a unit that fits. */
function span(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "–";
  if (milliseconds >= 10_000) return `${digits(1).format(milliseconds / 1000)} s`;
  return `${digits(milliseconds < 10 ? 1 : 0).format(milliseconds)} ms`;
}

const quantiles = (values) => [values?.p50, values?.p99].map((value) => number(span(value === undefined ? null : value * 1000)));

/** How each function did in the last minutes. */
function functionTable({ functions }) {
  if (functions.length === 0) return nothing("No function has told of itself yet.");
  const row = (did) => h("tr", null,
    h("th", { scope: "row" }, did.function),
    number(rate(did.perSecond)),
    h("td", { class: did.failedPerSecond > 0 ? "number failed" : "number" }, rate(did.failedPerSecond)),
    ...quantiles(did.lag), ...quantiles(did.duration));
  const heads = ["Rate", "Failed", "Lag p50", "Lag p99", "Duration p50", "Duration p99"].map((head) => [head, true]);
  return records("Functions", ["Function", ...heads], functions.map(row));
}

const address = (id) => `?trace=${encodeURIComponent(id)}`;

/** What failed last. */
function failureTable({ failures }) {
  if (failures.length === 0) return nothing("Nothing failed.");
  const row = ({ at, function: name, cause, outcome, trace }) => h("tr", null,
    h("td", null, ago(at)),
    h("th", { scope: "row" }, name),
    h("td", { class: "cause" }, cause ?? "not told", outcome ? h("span", { class: "badge" }, outcome) : ""),
    h("td", null, h("a", { href: address(trace) }, "trace")));
  return records("Recent failures", ["When", "Function", "Cause", "Shown by"], failures.slice(0, LISTED).map(row));
}

/** The traces whose spans came last. */
function traceTable({ traces }, chosen) {
  if (traces.length === 0) return nothing("No traces came yet.");
  const row = ({ id, name, start, durationMs, spans, failed }) => h("tr", { class: id === chosen ? "chosen" : null },
    h("td", null, ago(start)),
    h("th", { scope: "row" }, h("a", { href: address(id), "aria-current": id === chosen ? "true" : null }, name)),
    number(String(spans)),
    h("td", { class: failed ? "number failed" : "number" }, String(failed)),
    number(span(durationMs)));
  return records("Recent traces", ["Began", "First", ["Spans", true], ["Failed", true], ["Took", true]], traces.slice(0, LISTED).map(row));
}

/** Where a span lies in its trace. */
function track({ offsetMs, durationMs }, whole) {
  const bar = h("span", { class: "span-bar" });
  const share = (part) => (whole > 0 ? Math.min(100, (part / whole) * 100) : 0);
  bar.style.left = `${share(offsetMs)}%`;
  bar.style.width = `${share(durationMs)}%`;
  return h("td", { class: "track", "aria-hidden": "true" }, bar);
}

/** One event from its cause to its effects. */
function waterfall({ id, start, durationMs, count, spans }) {
  const row = (one) => {
    const name = h("th", { scope: "row" }, one.name, h("span", { class: "faint" }, ` ${one.kind}`),
      one.failed ? h("span", { class: "failed" }, ` ${one.cause ?? "failed"}`) : "");
    name.style.paddingLeft = `${Math.min(one.depth, 16) * 1.1}rem`;
    return h("tr", { class: one.failed ? "bad" : null, "data-span": one.id, "data-depth": one.depth }, name,
      track(one, durationMs), number(span(one.offsetMs)), number(span(one.durationMs)));
  };
  const more = count > spans.length ? h("p", { class: "faint" }, `${count - spans.length} more spans are not shown.`) : "";
  return h("div", { class: "waterfall" },
    h("p", null, h("code", null, id), ` · ${count === 1 ? "1 span" : `${count} spans`}, ${span(durationMs)}, began ${ago(start)}`),
    table("Waterfall", [["What"], ["When"], ["After", true], ["Took", true]], spans.map(row)), more);
}

const chosen = () => new URLSearchParams(location.search).get("trace") ?? "";

async function read(path, signal) {
  const answer = await fetch(path, { cache: "no-store", signal });
  if (!answer.ok && answer.status !== 404) throw new Error(`${path} answers ${answer.status}`);
  return answer.json();
}

async function ask(signal) {
  const { telemetry } = await settings();
  element("telemetry").hidden = !telemetry;
  if (!telemetry) return;
  const id = chosen();
  const [did, list, trace] = await Promise.all([
    read(`${telemetry}/functions`, signal),
    read(`${telemetry}/traces`, signal),
    id ? read(`${telemetry}/traces/${encodeURIComponent(id)}`, signal) : null,
  ]);
  if (id !== chosen()) return askNow();
  setText(element("functions-note"), `last ${Math.round(did.windowSeconds / 60)} min`);
  put("functions", functionTable(did));
  put("failures", failureTable(did));
  put("traces", traceTable(list, trace?.id ?? id));
  put("waterfall", !id ? nothing("Choose a trace below, or give its id.") : trace.spans ? waterfall(trace) : nothing(trace.detail));
  if (wantsSight) reveal(element("trace-panel"));
  wantsSight = false;
}

function choose(id) {
  history.pushState(null, "", id ? address(id) : location.pathname);
  element("trace-id").value = id;
  wantsSight = id !== "";
  askNow();
}

/** Starts asking, once, and lets traces be chosen. */
export function showTelemetry() {
  if (isBegun) return;
  isBegun = true;
  wantsSight = chosen() !== "";
  element("trace-id").value = chosen();
  element("trace-form").addEventListener("submit", (event) => {
    event.preventDefault();
    choose(element("trace-id").value.trim());
  });
  element("telemetry").addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='?trace=']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    link.blur();
    choose(new URLSearchParams(link.getAttribute("href")).get("trace"));
  });
  globalThis.addEventListener("popstate", () => {
    element("trace-id").value = chosen();
    wantsSight = chosen() !== "";
    askNow();
  });
  poll(ask, EVERY_MS);
}
