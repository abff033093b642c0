// Events of a hub: as rows, and one of them whole.

import { h } from "../dom.js";
import { count } from "../format.js";
import { nothing, records } from "../parts.js";
import { opsPath } from "./ops.js";
import { attributesOf, beginning, facts, shortType, told, utc } from "./shown.js";

/** Where an event is in its hub. */
export const place = ({ partition, sequence }) => `${partition}/${sequence}`;

const LONGEST = 110;

const short = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

const flat = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

/** `price 403.99 → 384.24 USD`: a currency that stays is said once. */
function changeWords({ field, from, to }) {
  const [before, after] = [from, to].map((value) => (value === null || value === undefined ? "none" : flat(value)));
  if (before === "none") return `${field} ${after}`;
  const unit = after.match(/ [A-Z]{3}$/)?.[0];
  return `${field} ${unit && before.endsWith(unit) ? before.slice(0, -unit.length) : before} → ${after}`;
}

/** The content of an event in a line: what changed where it says so, else its first fields. */
export function brief({ decoded, body }) {
  const { content, isHex } = decoded?.data ?? body ?? {};
  if (!content || isHex) return "";
  let data;
  try {
    data = JSON.parse(content);
  } catch {
    // It is no JSON, or goes on beyond what a list has of it.
    return short(content.replace(/\s+/g, " "));
  }
  if (data === null || typeof data !== "object") return short(String(data));
  const changes = Array.isArray(data.changes) ? data.changes.filter((one) => typeof one?.field === "string") : [];
  if (changes.length > 0) {
    const isNew = changes.some(({ field, from }) => field === "name" && (from === null || from === undefined));
    return short(`${isNew ? "new: " : ""}${changes.map(changeWords).join(", ")}`);
  }
  return short(Object.entries(data).filter(([, value]) => value !== null).map(([name, value]) => `${name} ${flat(value)}`).join(", "));
}

/** Rows, newest first; `address(event)` is where one is shown whole, and `wanted` what the address of the page asks for. */
export function eventTable(events, address, { event: chosen, key, partition }) {
  if (events.length === 0) {
    return nothing(key && !partition ? "No event fits. Only the partition of this key was searched; an event that was sent without the key may be in another: choose a partition too." : "No event fits.");
  }
  const row = (event) => h("tr", { class: place(event) === chosen ? "chosen" : null, "data-key": place(event) },
    h("td", null, h("code", null, utc(event.enqueued))),
    h("td", null, h("a", { href: address(event), "aria-current": place(event) === chosen ? "true" : null }, place(event))),
    h("th", { scope: "row", class: event.decoded ? "type" : "type bad" },
      event.decoded?.event ? shortType(event.decoded.event.type) : event.decoded ? "no CloudEvent" : `not decoded: ${event.notDecoded}`,
      h("p", { class: "brief" }, brief(event))),
    h("td", null, event.key === null ? "–" : h("code", null, event.key)),
    h("td", { class: "number" }, count(event.size)));
  return records("Events", [["Stored (UTC)"], ["Place"], ["Event"], ["Key"], ["Bytes", true]], events.map(row));
}

/** What the API answers of one event. */
export function wholeEvent({ data: event, text }, { hub, schemas, api }) {
  if (!event) return h("p", { class: "nothing" }, told(text, "There is no such event."));
  const { decoded } = event;
  const attributes = decoded?.event;
  const file = api + opsPath(`/api/ops/hubs/${encodeURIComponent(hub)}/body`, { partition: event.partition, sequence: event.sequence });
  return h("div", null,
    facts([
      ["Stored", `${utc(event.enqueued)} UTC`],
      ["Partition", event.partition], ["Sequence number", event.sequence], ["Offset", event.offset], ["Key", event.key],
      ...attributesOf(attributes),
      ["Schema", decoded?.schema ?? (decoded ? "none: JSON" : null)],
      ["Registered as", attributes?.dataschema],
      ["Content type", event.contentType], ["Size", `${count(event.size)} bytes`],
    ]),
    decoded ? [h("h3", null, "Data"), beginning(decoded.data)] : [h("p", { class: "wrong" }, `Not decoded: ${event.notDecoded}`), beginning(event.body)],
    event.properties ? [h("h3", null, "Properties"), h("pre", { tabindex: "0" }, event.properties)] : "",
    h("p", { class: "paging" }, h("a", { href: file, download: "" }, "Download its bytes"),
      schemas && attributes ? h("a", { href: schemas }, "All schemas") : "",
      attributes ? h("a", { href: `/operations.html?trace=${encodeURIComponent(attributes.id)}` }, "Its trace") : ""));
}
