// The panels of lists and figures.

import { h } from "../dom.js";
import { ago, clock, count, rate, short } from "../format.js";
import { isBehind } from "./flow.js";
import { nothing, number, records, table } from "../parts.js";

/** " of 2 records", where letters are more than those: what three functions parked is one record. */
const ofRecords = ({ count: letters, records }) => (records < letters ? ` of ${count(records)} ${records === 1 ? "record" : "records"}` : "");
const atLeast = ({ count: known, isMore }) => (isMore ? `${count(known)} or more` : count(known));
const per = (value) => new Intl.NumberFormat(undefined, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);

const LETTERS = "/dead-letters.html";
const GIVEN_UP = "/dead-letters.html?origin=event-grid-delivery";

const KINDS = { spike: "Spike", drop: "Drop", outage: "Outage" };
const kindOf = ({ kind }) => KINDS[kind] ?? kind;

/** Whose clicks an anomaly is of. */
function scope({ scope: text }, names) {
  if (text === "total") return "All clicks";
  const [kind, ...rest] = text.split(":");
  const name = rest.join(":");
  return kind === "product" ? (names[name] ?? `product ${name}`) : name;
}

/** Whether somebody has looked for anomalies lately, so that what is open can be said to last. */
export const isRecent = (anomalies) => Boolean(anomalies) && Date.now() - Date.parse(anomalies.at) < 600_000;

/** All that needs somebody, worst first: `{ level, needs }`, each of these `[text, address]`. It is good only where nothing does. */
export function verdict({ measuredAt, flows, anomalies, deadLetters, partners }) {
  const open = anomalies?.open.length ?? 0;
  const behind = flows.filter(isBehind).length;
  const { givenUp } = partners;
  const isOld = measuredAt && Date.now() - Date.parse(measuredAt) > 90_000;
  const needs = [
    isOld && ["bad", "Measurements are old", null],
    open > 0 && ["bad", open === 1 ? "1 anomaly is open" : `${open} anomalies are open`, "#anomalies-title"],
    deadLetters?.count > 0 && ["bad", deadLetters.count === 1 && !deadLetters.isMore ? "1 dead letter" : `${atLeast(deadLetters)} dead letters${ofRecords(deadLetters)}`, LETTERS],
    givenUp?.count > 0 && ["bad", `${atLeast(givenUp)} given up by Event Grid`, GIVEN_UP],
    !isOld && behind > 0 && ["warn", behind === 1 ? "1 flow is behind" : `${behind} flows are behind`, "#flow-title"],
    !deadLetters && ["warn", "Dead letters are not known", null],
  ].filter(Boolean);
  if (needs.length > 0) return { level: needs[0][0], needs: needs.map(([, ...need]) => need), isOld };
  return measuredAt ? { level: "good", needs: [["All flows keep up", null]] } : { level: "", needs: [["Nothing was measured yet", null]] };
}

/** The anomaly to look at first, in a line: the widest, else the strongest. */
function whatIsOpen(open, names) {
  const width = ({ scope: text }) => ["total", "category", "product"].indexOf(text.split(":")[0]);
  const first = open.toSorted((a, b) => width(a) - width(b) || b.score - a.score)[0];
  return `${kindOf(first)}: ${scope(first, names)}, since ${clock(Date.parse(first.startedAt))} UTC`;
}

/** What stands below the number of letters. */
function ofLetters(deadLetters) {
  if (!deadLetters) return "storage does not answer";
  if (deadLetters.count === 0) return "none";
  const { at } = deadLetters.newest[0] ?? {};
  const letters = `${deadLetters.count === 1 ? "letter" : "letters"}${ofRecords(deadLetters).replace(" of", ", of")}`;
  return at ? `${letters}, newest ${ago(at)}` : letters;
}

/** The figures on top. */
export function figures({ logs, flows, deadLetters, anomalies, partners, names }) {
  const log = (name) => logs.find((log) => log.name === name);
  const lag = flows.reduce((sum, flow) => sum + (flow.lag ?? 0), 0);
  const worst = flows.reduce((worst, flow) => ((flow.lag ?? 0) > (worst?.lag ?? 0) ? flow : worst), null);
  const open = anomalies?.open ?? [];
  const figure = (what, value, more, level, href) => {
    const parts = [h("span", { class: "what" }, what), h("span", { class: "value" }, value), h("span", { class: "more" }, more)];
    return h("li", { class: level }, href ? h("a", { href }, parts) : parts);
  };
  const hubs = [["clicks", "Clicks"], ["products", "Product events"]].filter(([name]) => log(name));
  return [
    ...hubs.map(([name, what]) => figure(what, rate(log(name).storedPerSecond), log(name).lastStored ? `newest ${ago(log(name).lastStored)}` : "none yet")),
    figure("Waiting events", short(lag), worst ? `most in ${worst.function}` : "nothing waits", flows.some(isBehind) ? "warn" : ""),
    figure("Dead letters", deadLetters ? atLeast(deadLetters) : "unknown", ofLetters(deadLetters), deadLetters?.count ? "bad" : "", deadLetters?.count ? LETTERS : null),
    figure("Open anomalies", anomalies ? count(open.length) : "–", open.length ? whatIsOpen(open, names) : anomalies ? `looked ${ago(anomalies.at)}` : "not looked for yet", open.length ? "bad" : ""),
    figure("Partner events", rate(partners.publishedPerSecond), partners.givenUp ? `${atLeast(partners.givenUp)} given up` : "given up: unknown"),
  ];
}

/** What departs from the usual, open ones first. */
export function anomalyList({ anomalies, names }) {
  if (!anomalies) return nothing("Nothing looked for anomalies yet.");
  const shown = [...anomalies.open, ...anomalies.recent].slice(0, 12);
  if (shown.length === 0) return nothing("Everything is as usual.");
  const until = ({ endedAt }) => endedAt ? clock(Date.parse(endedAt)) : isRecent(anomalies) ? "now" : `${clock(Date.parse(anomalies.at))} at least`;
  const row = (anomaly) => h("tr", null,
    h("td", null, anomaly.endedAt ? h("span", { class: "badge" }, "over") : h("span", { class: "badge open" }, "open")),
    h("th", { scope: "row" }, kindOf(anomaly)),
    h("td", null, scope(anomaly, names)),
    h("td", null, `${clock(Date.parse(anomaly.startedAt))} – ${until(anomaly)}`),
    number(per(anomaly.observed)),
    number(`${per(anomaly.expectedLow)} – ${per(anomaly.expectedHigh)}`),
    number(per(anomaly.score)));
  return records("Anomalies", ["State", "Kind", "Of", "When (UTC)", ["Seen per minute", true], ["Usual", true], ["Score", true]], shown.map(row));
}

const productCell = ({ productId, category }, names, share) => h("th", { scope: "row" },
  h("a", { href: `/?product=${encodeURIComponent(productId)}` }, names[productId] ?? productId),
  category ? h("span", { class: "faint" }, ` · ${category}`) : "", share ?? "");

/** What most visitors look at. */
export function topProducts({ trending, names }) {
  if (!trending || trending.top.length === 0) return nothing("No clicks on products of the site were counted lately.");
  const most = trending.top[0].views || 1;
  const row = (trend) => {
    const bar = h("span", { class: "bar-cell", "aria-hidden": "true" });
    bar.style.width = `${(trend.views / most) * 100}%`;
    return h("tr", null, productCell(trend, names, bar), number(count(trend.views)), number(trend.visitors === undefined ? "–" : count(trend.visitors)));
  };
  return table("Top products", [["Product"], ["Clicks", true], ["Visitors", true]], trending.top.slice(0, 8).map(row));
}

/** Says so where much is looked at that the site does not have: an old link somewhere, or somebody who makes clicks up. */
export function leftOut({ leftOut }) {
  if (!leftOut?.products) return "";
  const { products, views } = leftOut;
  return `; left out: ${count(views)} ${views === 1 ? "click" : "clicks"} on ${count(products)} ${products === 1 ? "id" : "ids"} not on the site`;
}

/** What is looked at much more than usual. */
export function risingProducts({ trending, names }) {
  if (!trending || trending.rising.length === 0) return nothing("No product rises above its own past.");
  const row = (trend) => h("tr", null, productCell(trend, names),
    number(count(trend.views)), number(trend.expected === undefined ? "–" : per(trend.expected)));
  return table("Rising products", [["Product"], ["Clicks", true], ["Expected", true]], trending.rising.slice(0, 8).map(row));
}

function letterTable(letters, label, owner) {
  const row = ({ name, owner, at, cause }) => h("tr", null,
    h("td", null, at ? ago(at) : "–"),
    h("th", { scope: "row" }, owner),
    h("td", { class: "cause" }, h("a", { href: `/dead-letters.html?letter=${encodeURIComponent(name)}` }, cause ?? "could not be read")));
  return records(label, ["When", owner, "Cause"], letters.newest.map(row));
}

/** Bad records that functions parked. */
export function deadLetters({ deadLetters: letters }) {
  if (!letters) return nothing("Blob storage does not answer.");
  if (letters.count === 0) return h("div", null, nothing("None. Every record was handled."), h("p", null, h("a", { href: LETTERS }, "What was done with earlier ones")));
  const owners = Object.entries(letters.byOwner).map(([owner, number]) => `${owner} ${count(number)}`).join(", ");
  return h("div", null, h("p", null, `${atLeast(letters)}${ofRecords(letters)}: ${owners}. `, h("a", { href: LETTERS }, "Look at them")), letterTable(letters, "Newest dead letters", "Function"));
}

/** What is known of the partners, and what the demo partner of the local stack got. */
export function partnerDeliveries({ partners }, demo) {
  const { publishedPerSecond, waiting, givenUp } = partners;
  const facts = [
    ["Published to Event Grid", rate(publishedPerSecond)],
    ["Wait to be published", waiting === null ? "unknown" : count(waiting)],
    ["Given up by Event Grid", givenUp ? atLeast(givenUp) : "unknown"],
    ...(demo ? [["Demo partner got", `${count(demo.count)} events in ${count(demo.deliveries)} deliveries`]] : []),
  ];
  return h("div", null,
    h("table", null, h("tbody", null, facts.map(([what, value]) => h("tr", null, h("th", { scope: "row" }, what), number(value))))),
    givenUp?.count ? [h("p", null, h("a", { href: GIVEN_UP }, "Look at what was given up")), letterTable(givenUp, "Newest events given up", "Subscription")] : "",
    h("p", { class: "faint small" }, "Successful deliveries are counted by Event Grid's own metrics."));
}
