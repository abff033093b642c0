// The flow as a picture and as a table.

import { h, s, setText } from "../dom.js";
import { ago, count, rate } from "../format.js";
import { EDGES, NODES } from "./graph.js";

const BOX = { width: 186, height: 50 };
const STEP = { x: 214, y: 74 };

/** A flow is behind if it was at the last three measurements, by more than it handles in ten seconds. */
export function isBehind({ lag, lags, handledPerSecond }) {
  const last = lags.slice(-3);
  if (!lag || last.length < 3 || last.some((lag) => lag === 0)) return false;
  return !handledPerSecond || lag / handledPerSecond > 10;
}

const hubAddress = (name) => `/hub.html?hub=${encodeURIComponent(name)}`;

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
    const sub = s("text", { class: "sub", x: x + 12, y: y + 39 });
    const name = s("text", { class: "name", x: x + 12, y: y + 21 }, label);
    const parts = [s("rect", { x, y, width: BOX.width, height: BOX.height, rx: kind === "function" ? 10 : 4 }), name, sub];
    const hub = label.match(/^hub (\S+)$/)?.[1];
    const group = s("g", { class: `node ${kind}` }, hub ? s("a", { href: hubAddress(hub) }, parts) : parts);
    return { id, kind, sub, name, group, y };
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
    for (const { id, kind, sub, name, group } of nodes) {
      const letters = deadLetters?.byOwner[id] ?? 0;
      const reads = kind === "function" ? flow(id) : null;
      const words = [];
      if (kind === "log") words.push(log(id) ? `${rate(log(id).storedPerSecond)} in` : "");
      if (reads) words.push(rate(reads.handledPerSecond), `lag ${reads.lag === null ? "unknown" : count(reads.lag)}`);
      if (letters) words.push(`${count(letters)} dead`);
      setText(sub, words.join(" · "));
      name.setAttribute("y", Number(sub.getAttribute("y")) - (words.join("") ? 18 : 9));
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

/** The same as rows. */
export function flowTable({ logs, flows, deadLetters }) {
  const row = (flow) => {
    const log = logs.find(({ name }) => name === flow.log);
    return h("tr", null,
      h("th", { scope: "row" }, flow.function),
      h("td", null, log?.kind === "hub" ? h("a", { href: hubAddress(flow.log) }, `hub ${flow.log}`) : flow.log, flow.consumerGroup ? h("span", { class: "faint" }, ` · ${flow.consumerGroup}`) : ""),
      h("td", { class: "number" }, rate(log?.storedPerSecond)),
      h("td", { class: "number" }, rate(flow.handledPerSecond)),
      h("td", { class: "number" }, flow.lag === null ? "unknown" : count(flow.lag)),
      h("td", null, spark(flow.lags)),
      h("td", { class: "number" }, count(deadLetters?.byOwner[flow.function] ?? 0)),
      h("td", null, log?.lastStored ? ago(log.lastStored) : "–"),
      h("td", null, isBehind(flow) ? h("span", { class: "badge open" }, "behind") : h("span", { class: "badge" }, "keeps up")));
  };
  const heads = ["Function", "Reads", "In", "Handled", "Lag", "Lag lately", "Dead letters", "Newest event", "State"];
  const numbers = ["In", "Handled", "Lag", "Dead letters"];
  return h("table", null,
    h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col", class: numbers.includes(head) ? "number" : null }, head)))),
    h("tbody", null, flows.map(row)));
}
