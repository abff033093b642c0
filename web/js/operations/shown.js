// What is shown of a record: facts, text or bytes, and times.

import { h } from "../dom.js";
import { count } from "../format.js";

/** A time in UTC, to the millisecond, so that times below each other are as long. */
export function utc(time) {
  if (!time) return "–";
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : new Date(at).toISOString().replace("T", " ").replace("Z", "");
}

/** The last words of an event's type: what happened. */
export const shortType = (type) => type.replace(/^com\.contoso\./, "");

/** Groups of four bytes, sixteen in a line. */
const hexLines = (hex) => (hex.match(/.{1,32}/g) ?? []).map((line) => line.match(/.{1,8}/g).join(" ")).join("\n");

/** The beginning of some bytes, and how many there are. */
export function beginning({ content, isHex, isCut, size }) {
  return [h("pre", { tabindex: "0" }, isHex ? hexLines(content) : content), isCut ? h("p", { class: "faint" }, `The beginning of ${count(size)} bytes.`) : ""];
}

/** Names and values; those without a value are left out. */
export const facts = (pairs) => h("dl", { class: "facts" },
  pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));

/** What an event says of itself. */
export function attributesOf(attributes) {
  if (!attributes) return [];
  const { type, id, source, subject, time } = attributes;
  return [["Type", type], ["Id", id], ["Source", source], ["Subject", subject], ["Time", time && `${utc(time)} UTC`]];
}

/** A time of a form, which has no zone, as the API takes it. */
export const instant = (text) => (text ? `${text.length === 16 ? `${text}:00` : text}Z` : "");

/** And back, however the address writes it: a date is its midnight, and an offset is one from UTC. */
export function local(text) {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? "" : new Date(time).toISOString().replace(/(\.\d+)?Z$/, "");
}

/** The address of a page with these members, those that are empty left out. */
export const address = (members) => `?${new URLSearchParams(Object.entries(members).filter(([, value]) => value))}`;

/** What the address asks for. */
export const asked = () => Object.fromEntries(new URLSearchParams(location.search));

/** What the field `name` of a form is called there; a name that is none of its fields stays as it is. */
export function labelIn(form, name) {
  const label = form.elements.namedItem(name)?.labels?.[0]?.textContent.replace(" (UTC)", "");
  return label ? `“${label}”` : name;
}

/** What a problem document says; `nameOf(field)` is what whoever reads it calls a field. */
export function told(text, otherwise, nameOf = (field) => field) {
  try {
    const { errors, detail } = JSON.parse(text);
    // What a field is compared with stands last: "must be later than from".
    const words = ({ field, message }) => `${nameOf(field)} ${message.replace(/\w+$/, nameOf)}`.trim();
    return errors?.map(words).join("; ") || detail || otherwise;
  } catch {
    return otherwise;
  }
}
