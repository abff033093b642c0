// Deliveries of a subscription over a time: bars, totals, and the same as a table.

import { h, s } from "../dom.js";
import { number, table } from "../parts.js";
import { get, segment } from "./client.js";
import { count } from "./numbers.js";
import { link, put } from "./parts.js";
import { at, many } from "./words.js";
import { watch } from "./watch.js";

const EVERY_MS = 30_000;
const HOUR = 3_600_000;

const RANGES = {
  hour: { name: "Last hour", of: HOUR, bar: 60_000 },
  day: { name: "Last 24 hours", of: 24 * HOUR, bar: HOUR / 2 },
  week: { name: "Last 7 days", of: 7 * 24 * HOUR, bar: 4 * HOUR },
  month: { name: "Last 30 days", of: 30 * 24 * HOUR, bar: 24 * HOUR },
};

const COUNTS = [
  ["delivered", "Delivered", "deliveries that the endpoint took"],
  ["failedAttempts", "Failed attempts", "one event may fail several times"],
  ["matched", "Matched", "events that the filter lets through"],
  ["dropped", "Dropped", "given up, without a copy; a redelivery of what failed sends it again"],
  ["deadLettered", "Dead-lettered", "given up, with a copy that our operators look at; a redelivery of what failed sends it again"],
];

const SIZE = { height: 220, left: 44, right: 4, top: 12, bottom: 26 };

export function deliveriesView({ body, subscription, query }) {
  const chosen = query.get("range") in RANGES ? query.get("range") : "day";
  const { of, bar } = RANGES[chosen];
  const ranges = h("nav", { class: "ranges", "aria-label": "Time" }, Object.entries(RANGES).map(([name, { name: label }]) =>
    link({ view: "deliveries", subscription, range: name }, label, { "aria-current": name === chosen ? "true" : null })));
  const figures = h("ul", { class: "figures", "aria-label": "Counts" });
  const chart = h("div", { class: "bars" });
  const rows = h("div");
  const note = h("p", { class: "faint" });
  const asTable = h("details", { class: "as-table" }, h("summary", null, "The same as a table"), rows);
  body.append(ranges, figures, h("section", { class: "panel" }, h("h2", null, "Deliveries and failed attempts"),
    h("p", { class: "legend" }, h("span", { class: "is-delivered" }, "delivered"), h("span", { class: "is-failed" }, "failed attempts")), chart, note, asTable));

  let last = null;
  const draw = () => last && put(chart, picture(last, Math.max(chart.clientWidth, 280)));
  const sizes = new ResizeObserver(draw);
  sizes.observe(chart);

  // A day is what the API tells without being asked for a time.
  const path = () => `/subscriptions/${segment(subscription)}/metrics${chosen === "day" ? "" : `?since=${encodeURIComponent(new Date(Date.now() - of + 1000).toISOString())}`}`;
  const end = watch(body, (signal) => get(path(), signal), (told) => {
    put(figures, COUNTS.map(([name, label, means]) => h("li", { class: name !== "matched" && name !== "delivered" && Number(told.totals[name]) > 0 ? "bad" : null },
      h("span", { class: "what" }, label), h("span", { class: "value" }, count(told.totals[name] ?? 0)), h("span", { class: "more" }, means))));
    const bars = bucketed(told, bar);
    last = { bars, totals: told.totals, bar };
    draw();
    put(note, `${at(told.since)} to ${at(told.until)}. Azure Monitor counts, minutes behind.`);
    const some = bars.filter(({ delivered, failed }) => delivered + failed > 0);
    put(rows, some.length === 0 ? h("p", { class: "nothing" }, "Nothing was delivered, and nothing failed.")
      : table("Deliveries", [["From"], ["Delivered", true], ["Failed attempts", true]], some.map(({ from, delivered, failed }) =>
        h("tr", null, h("th", { scope: "row" }, at(new Date(from).toISOString())), number(count(delivered)), number(count(failed))))));
  }, EVERY_MS);
  return () => {
    sizes.disconnect();
    end();
  };
}

/** Counts by bar, those without any too. */
function bucketed({ since, until, series }, bar) {
  const first = Math.floor(Date.parse(since) / bar) * bar;
  const length = Math.floor((Date.parse(until) - first) / bar) + 1;
  const bars = Array.from({ length }, (_, index) => ({ from: first + index * bar, delivered: 0, failed: 0 }));
  for (const [name, member] of [["delivered", "delivered"], ["failedAttempts", "failed"]]) {
    for (const { at: moment, count: number } of series[name] ?? []) {
      const place = bars[Math.floor((Date.parse(moment) - first) / bar)];
      if (place) place[member] += Number(number);
    }
  }
  return bars;
}

/** A round number at or above `most`. */
function ceiling(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((round) => round >= most) ?? 10 * power;
}

function picture({ bars, totals, bar }, width) {
  const top = ceiling(Math.max(...bars.map(({ delivered, failed }) => delivered + failed)));
  const { height, left, right, bottom } = SIZE;
  const step = (width - left - right) / bars.length;
  const y = (number) => SIZE.top + (1 - number / top) * (height - SIZE.top - bottom);
  const rect = (index, from, to, kind) => to > from && s("rect", {
    class: kind, x: (left + index * step + step * 0.1).toFixed(1), width: (step * 0.8).toFixed(1), y: y(to).toFixed(1), height: (y(from) - y(to)).toFixed(1),
  });
  const every = Math.ceil(bars.length / Math.max(2, Math.floor(width / 110)));
  const label = (from) => bar >= 24 * HOUR || bars.length * bar > 26 * HOUR
    ? new Date(from).toISOString().slice(5, 10) : new Date(from).toISOString().slice(11, 16);
  const summary = `${many(totals.delivered ?? 0, "delivery").replace("deliverys", "deliveries")} and ${many(totals.failedAttempts ?? 0, "failed attempt")}`;
  return s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Bars over time: ${summary}. The numbers are in the table below.` },
    [0, top / 2, top].filter(Number.isInteger).map((number) => [
      s("line", { class: "grid-line", x1: left, x2: width - right, y1: y(number), y2: y(number) }),
      s("text", { x: left - 8, y: y(number) + 4, "text-anchor": "end" }, count(number))]),
    bars.map(({ from, delivered, failed }, index) => s("g", null,
      s("title", null, `${at(new Date(from).toISOString())}: ${count(delivered)} delivered, ${count(failed)} failed attempts`),
      rect(index, 0, delivered, "is-delivered"), rect(index, delivered, delivered + failed, "is-failed"))),
    bars.map(({ from }, index) => index % every === 0 && s("text", { x: left + (index + 0.5) * step, y: height - 6, "text-anchor": index === 0 ? "start" : "middle" }, label(from))));
}
