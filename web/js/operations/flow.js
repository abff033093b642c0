// The flow as a picture and as a table.

import { h, s, setText } from "../dom.js";
import { ago, count, rate } from "../format.js";
import { records } from "../parts.js";
import { EDGES, NODES } from "./graph.js";

// Letters are of 11 pixels at least where the picture is as wide as a small desktop.
const BOX = { width: 174, height: 62 };
const STEP = { x: 200, y: 84 };

/** A flow is behind if it was at the last three measurements, by more than it handles in ten seconds. */
export function isBehind({ lag, lags, handledPerSecond }) {
  const last = lags.slice(-3);
  if (!lag || last.length < 3 || last.some((lag) => lag === 0)) return false;
  return !handledPerSecond || lag / handledPerSecond > 10;
}

const hubAddress = (name) => `/hub.html?hub=${encodeURIComponent(name)}`;

const lettersAddress = (name) => `/dead-letters.html?function=${encodeURIComponent(name)}`;

const place = (column, row) => ({ x: 2 + column * STEP.x, y: 4 + row * STEP.y });

function path(from, to) {
  const [a, b] = [place(from[2], from[3]), place(to[2], to[3])];
  const middle = BOX.height / 2;
  if (from[2] === to[2]) {
    const x = a.x + BOX.width / 2;
    return a.y < b.y ? `M${x} ${a.y + BOX.height}V${b.y}` : `M${x} ${a.y}V${b.y + BOX.height}`;
  }
  const [x1, y1, x2, y2] = [a.x + BOX.width, a.y + middle, b.x, b.y + middle];
  const turn = Math.min(28, (x2 - x1) / 2);
  return y1 === y2 ? `M${x1} ${y1}H${x2}` : `M${x1} ${y1}C${x1 + turn} ${y1} ${x2 - turn} ${y2} ${x2} ${y2}`;
}

/** The picture of an app with these functions; `update(overview)` writes what changes into it. */
export function flowPicture(functions) {
  const present = NODES.filter(([id, kind, , , , needs]) => functions.includes(kind === "function" ? id : needs));
  // Rows that are empty take no room; a row between two others, at a half, is as far from both as before.
  const rows = [...new Set(present.map(([, , , row]) => row).filter(Number.isInteger))].sort((a, b) => a - b);
  const level = (row) => {
    const near = [Math.floor(row), Math.ceil(row)].map((row) => rows.indexOf(row)).filter((index) => index >= 0);
    return near.length > 0 ? near.reduce((sum, index) => sum + index, 0) / near.length : rows.filter((other) => other < row).length;
  };
  const drawn = present.map(([id, kind, column, row, label]) => [id, kind, column, level(row), label]);
  const known = new Map(drawn.map((node) => [node[0], node]));
  const highest = Math.max(0, ...drawn.map(([, , , row]) => row));
  const edges = EDGES.filter(([from, to]) => known.has(from) && known.has(to)).map(([from, to, carries]) => {
    const line = path(known.get(from), known.get(to));
    const pulse = s("path", { d: line, class: "pulse" });
    return { carries, pulse, group: s("g", null, s("path", { d: line, class: "edge" }), pulse) };
  });
  const nodes = drawn.map(([id, kind, column, row, label]) => {
    const { x, y } = place(column, row);
    const [name, sub, dead] = ["name", "sub", "sub parked"].map((part) => s("text", { class: part, x: x + 10 }));
    setText(name, label);
    const parts = [s("rect", { x, y, width: BOX.width, height: BOX.height, rx: kind === "function" ? 10 : 4 }), name, sub, dead];
    const hub = label.match(/^hub (\S+)$/)?.[1];
    // What has no address is no link; functions get one while they have letters.
    const link = s("a", { href: hub ? hubAddress(hub) : null }, parts);
    const group = s("g", { class: `node ${kind}` }, link);
    return { id, kind, name, sub, dead, link, group, y };
  });
  const size = { width: 4 + 6 * STEP.x + BOX.width, height: 8 + highest * STEP.y + BOX.height };
  const element = s("svg", { viewBox: `0 0 ${size.width} ${size.height}`, role: "group", "aria-labelledby": "flow-picture" },
    s("title", { id: "flow-picture" }, "How events flow from their sources through functions and hubs to projections; the table below says the same."),
    edges.map(({ group }) => group), nodes.map(({ group }) => group));

  function update({ logs, flows, deadLetters }) {
    const log = (name) => logs.find((log) => log.name === name);
    const flow = (name) => flows.find((flow) => flow.function === name);
    for (const { carries, pulse, group } of edges) {
      const reader = carries.reader && flow(carries.reader);
      const perSecond = carries.log ? log(carries.log)?.storedPerSecond : reader?.handledPerSecond;
      pulse.classList.toggle("running", perSecond > 0);
      // Quicker with more events, by orders of magnitude: 1/s takes two seconds for a step, 1,000/s a half.
      if (perSecond > 0) pulse.style.setProperty("--lap", `${(2 / (1 + Math.log10(1 + perSecond))).toFixed(2)}s`);
      group.classList.toggle("late", Boolean(reader && isBehind(reader)));
    }
    for (const { id, kind, name, sub, dead, link, group, y } of nodes) {
      const letters = deadLetters?.byOwner[id] ?? 0;
      const reads = kind === "function" ? flow(id) : null;
      const words = [];
      if (kind === "log") words.push(log(id) ? `${rate(log(id).storedPerSecond)} in` : "");
      if (reads) words.push(rate(reads.handledPerSecond), `lag ${reads.lag === null ? "unknown" : count(reads.lag)}`);
      setText(sub, words.join(" · "));
      setText(dead, letters ? `${count(letters)} dead` : "");
      const lines = [name, sub, dead].filter((line) => line.textContent);
      lines.forEach((line, index) => line.setAttribute("y", y + BOX.height / 2 + 5 + (index - (lines.length - 1) / 2) * 18));
      if (letters) link.setAttribute("href", lettersAddress(id));
      else if (kind === "function") link.removeAttribute("href");
      group.classList.toggle("late", Boolean(reads && isBehind(reads)));
      group.classList.toggle("dead", letters > 0);
    }
  }

  return { element, update };
}

function spark(lags) {
  if (lags.length < 2) return "";
  const most = Math.max(1, ...lags);
  const points = lags.map((lag, index) => `${((index / (lags.length - 1)) * 80).toFixed(1)},${(18 - (lag / most) * 16).toFixed(1)}`);
  return s("svg", { class: "spark", viewBox: "0 0 80 20", "aria-hidden": "true" }, s("polyline", { points: points.join(" ") }));
}

const UNKNOWN = { log: null, consumerGroup: null, lag: null, lags: [], handledPerSecond: null };

/** What is said of a flow: that it keeps up is not all where it has letters. */
function states(flow, letters) {
  const said = [
    flow.log && isBehind(flow) && h("span", { class: "badge open" }, "behind"),
    letters > 0 && h("a", { class: "badge open", href: lettersAddress(flow.function) }, letters === 1 ? "1 dead letter" : `${count(letters)} dead letters`),
  ].filter(Boolean);
  return said.length > 0 ? said : flow.log ? h("span", { class: "badge" }, "keeps up") : "–";
}

/** The same as rows: every flow, and every function that has letters though it reads no log. */
export function flowTable({ logs, flows, deadLetters }) {
  const byOwner = deadLetters?.byOwner ?? {};
  const others = Object.keys(byOwner).filter((name) => !flows.some((flow) => flow.function === name));
  const row = (flow) => {
    const log = logs.find(({ name }) => name === flow.log);
    const reads = log?.kind === "hub" ? h("a", { href: hubAddress(flow.log) }, `hub ${flow.log}`) : flow.log ?? "–";
    const letters = byOwner[flow.function] ?? 0;
    return h("tr", null,
      h("th", { scope: "row" }, flow.function),
      h("td", null, reads, flow.consumerGroup ? h("span", { class: "faint" }, ` · ${flow.consumerGroup}`) : ""),
      h("td", { class: "number" }, rate(log?.storedPerSecond)),
      h("td", { class: "number" }, rate(flow.handledPerSecond)),
      h("td", { class: "number" }, flow.log === null ? "–" : flow.lag === null ? "unknown" : count(flow.lag)),
      h("td", null, spark(flow.lags)),
      h("td", { class: "number" }, deadLetters ? count(letters) : "unknown"),
      h("td", null, log?.lastStored ? ago(log.lastStored) : "–"),
      h("td", null, states(flow, letters)));
  };
  const heads = ["Function", "Reads", ["In", true], ["Handled", true], ["Lag", true], "Lag lately", ["Dead letters", true], "Newest event", "State"];
  return records("Flows", heads, [...flows, ...others.map((name) => ({ ...UNKNOWN, function: name }))].map(row));
}
