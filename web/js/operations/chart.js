// Clicks per minute, with anomalies marked.

import { h, s, setText } from "../dom.js";
import { clock, count, short } from "../format.js";
import { isRecent } from "./panels.js";

const MINUTE = 60_000;
const HEIGHT = 256;
/** Half of the widest time. */
const LABEL = 34;
const EDGE = { left: 44, right: 12, top: 26, bottom: 26 };

/**
 * The last `longest` minutes as `{ start, points }`, those without clicks too; the minute that still runs is left out. Before the first
 * minute that was counted nothing is known, so there are no points.
 */
function series(minutes, longest) {
  const end = Math.floor(Date.now() / MINUTE) - 1;
  const start = end - longest + 1;
  const known = new Map(minutes.map((minute) => [minute.minute, minute]));
  const first = Math.max(start, Math.min(...minutes.map(({ minute }) => minute)));
  const length = Math.max(0, end - first + 1);
  return { start, points: Array.from({ length }, (_, index) => known.get(first + index) ?? { minute: first + index, views: 0, visitors: 0 }) };
}

/** Round steps of an axis up to `most`. */
function ticks(most) {
  const rough = Math.max(most, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, power * [1, 2, 5, 10].find((factor) => power * factor >= rough));
  return Array.from({ length: Math.ceil(Math.max(most, 1) / step) + 1 }, (_, index) => index * step);
}

/** Where a time at `x` is written: below its minute, but not beyond an end of the axis. */
function inside(x, width) {
  if (x > width - LABEL) return { x: width, "text-anchor": "end" };
  return x < LABEL ? { x: EDGE.left, "text-anchor": "start" } : { x, "text-anchor": "middle" };
}

/** Draws into `element` and keeps to its width; `update(clicks, anomalies, longest)` gives new numbers, of which at most `longest` minutes are shown. */
export function clicksChart(element, note) {
  let drawn = { start: 0, points: [], marks: [], judged: 0, isJudged: false };
  let chosen = null;
  const tip = h("p", { class: "tip", hidden: true });

  function draw() {
    // The old picture, with the place that was pointed at, goes.
    chosen = null;
    tip.hidden = true;
    const { start, points, marks, judged, isJudged } = drawn;
    const width = Math.max(element.clientWidth, 280);
    if (points.length === 0) return element.replaceChildren(h("p", { class: "nothing" }, "No clicks were counted yet."));
    const [first, last] = [start, points.at(-1).minute];
    const steps = ticks(Math.max(...points.map(({ views }) => views)));
    const x = (minute) => EDGE.left + ((minute - first) / Math.max(1, last - first)) * (width - EDGE.left - EDGE.right);
    const y = (views) => HEIGHT - EDGE.bottom - (views / steps.at(-1)) * (HEIGHT - EDGE.top - EDGE.bottom);
    const line = points.map(({ minute, views }) => `${x(minute).toFixed(1)},${y(views).toFixed(1)}`).join(" ");
    const every = [5, 10, 15, 30, 60].find((every) => (last - first) / every <= width / 110) ?? 60;
    const hours = Array.from({ length: last - first + 1 }, (_, index) => first + index).filter((minute) => minute % every === 0);
    const cursor = s("line", { class: "cursor", y1: EDGE.top, y2: HEIGHT - EDGE.bottom, visibility: "hidden" });
    const svg = s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `Clicks per minute. ${note.textContent}` },
      steps.map((step) => [
        s("line", { class: "grid-line", x1: EDGE.left, x2: width - EDGE.right, y1: y(step), y2: y(step) }),
        s("text", { x: EDGE.left - 8, y: y(step) + 4, "text-anchor": "end" }, short(step))]),
      hours.map((minute) => s("text", { y: HEIGHT - 6, ...inside(x(minute), width) }, clock(minute * MINUTE))),
      drawUnknown(x(first), x(points[0].minute)),
      s("polygon", { class: "area", points: `${x(points[0].minute)},${y(0)} ${line} ${x(last)},${y(0)}` }),
      s("polyline", { class: "line", points: line }),
      marks.map((mark) => drawMark(mark, { x, y, first, last: Math.max(first, Math.min(last, judged)), isJudged, width })),
      cursor);
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const at = ((event.clientX - box.left) / box.width) * width;
      const index = first - points[0].minute + Math.round(((at - EDGE.left) / (width - EDGE.left - EDGE.right)) * (last - first));
      chosen = points[Math.min(points.length - 1, Math.max(0, index))];
      const place = x(chosen.minute);
      cursor.setAttribute("x1", place);
      cursor.setAttribute("x2", place);
      cursor.setAttribute("visibility", "visible");
      tip.hidden = false;
      setText(tip, `${clock(chosen.minute * MINUTE)} UTC · ${count(chosen.views)} clicks · ${count(chosen.visitors)} visitors`);
      tip.style.left = `${Math.min(place, width - tip.offsetWidth)}px`;
    });
    svg.addEventListener("pointerleave", draw);
    element.replaceChildren(svg, tip);
  }

  new ResizeObserver(draw).observe(element);

  return function update(clicks, anomalies, longest) {
    const { start, points } = clicks.length === 0 ? { start: 0, points: [] } : series(clicks, longest);
    const marks = [...(anomalies?.open ?? []), ...(anomalies?.recent ?? [])]
      .filter(({ scope, endedAt }) => scope === "total" && (!endedAt || Date.parse(endedAt) / MINUTE >= start));
    // What is open lasts as far as anybody has looked: the minutes after that are still to be judged.
    const judged = anomalies ? Date.parse(anomalies.at) / MINUTE - 1 : 0;
    const next = { start, points, marks, judged, isJudged: isRecent(anomalies) };
    if (JSON.stringify(next) === JSON.stringify(drawn) && element.hasChildNodes()) return;
    drawn = next;
    const newest = points.at(-1);
    const most = points.reduce((most, point) => (point.views > (most?.views ?? -1) ? point : most), null);
    setText(note, newest
      ? `${count(newest.views)} in the last full minute, by about ${count(newest.visitors)} visitors; most ${count(most.views)} at ${clock(most.minute * MINUTE)} UTC`
      : "");
    // Whoever points at the chart reads it; it is drawn anew when they leave.
    if (!chosen) draw();
  };
}

/** Marks the minutes of which nobody counted anything. */
function drawUnknown(left, right) {
  if (right - left < 2) return null;
  const text = right - left > 110 ? s("text", { x: (left + right) / 2, y: (EDGE.top + HEIGHT - EDGE.bottom) / 2, "text-anchor": "middle" }, "not counted") : null;
  return s("g", { class: "unknown" }, s("rect", { x: left, y: EDGE.top, width: right - left, height: HEIGHT - EDGE.top - EDGE.bottom }), text);
}

function drawMark({ kind, startedAt, endedAt, expected }, { x, y, first, last, isJudged, width }) {
  const from = Math.max(first, Math.floor(Date.parse(startedAt) / MINUTE));
  const to = Math.max(from, Math.min(last, endedAt ? Math.floor(Date.parse(endedAt) / MINUTE) : last));
  const [left, right] = [x(from), Math.max(x(to), x(from) + 3)];
  const level = y(expected);
  const isNear = left > width - 90;
  // On a narrow screen, names of what is over would cover each other.
  const name = endedAt ? (width < 600 ? "" : kind) : isJudged ? `${kind}, now` : `${kind} at ${clock(last * MINUTE)}`;
  return s("g", { class: "mark", "data-kind": kind },
    s("rect", { x: left, y: EDGE.top, width: right - left, height: HEIGHT - EDGE.top - EDGE.bottom }),
    s("line", { x1: left, x2: left, y1: EDGE.top - 6, y2: HEIGHT - EDGE.bottom }),
    level > EDGE.top ? s("line", { class: "expected", x1: left, x2: right, y1: level, y2: level }) : null,
    s("text", { x: isNear ? left - 6 : left + 6, y: EDGE.top - 9, "text-anchor": isNear ? "end" : "start" }, name));
}
