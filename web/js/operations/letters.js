// Dead letters: as groups, as rows, one of them whole, and what was done with them.

import { h } from "../dom.js";
import { ago, count } from "../format.js";
import { nothing, number, records } from "../parts.js";
import { dropped } from "./batch.js";
import { filterWords } from "./filters.js";
import { opsPath } from "./ops.js";
import { attributesOf, beginning, facts, shortType, told, utc } from "./shown.js";

/** What is known by function and cause; `address(filter)` is where its letters are shown, and `none` what to say of no letters. */
export function groupTable({ groups, moreGroups }, none, address) {
  if (groups.length === 0) return nothing(none);
  const row = ({ function: name, givenUp, label, example, letters, records, newest }) => h("tr", null,
    h("th", { scope: "row" }, name, givenUp ? h("span", { class: "badge" }, "Event Grid") : ""),
    h("td", { class: "cause" }, h("a", { href: address({ function: name, cause: label }) }, label ?? "not read yet"),
      example && example !== label ? h("p", { class: "faint" }, example) : ""),
    number(count(letters)), number(count(records)), h("td", null, ago(newest)));
  return [records("By function and cause", ["Function", "Cause", ["Letters", true], ["Records", true], "Newest"], groups.map(row)),
    moreGroups ? h("p", { class: "faint" }, "There are more groups; a filter shows them.") : ""];
}

const where = ({ origin, part, record }) => [origin, part, record].filter((text) => text !== null).join(" / ");

/** Rows, newest first; a box chooses one. */
export function letterTable(letters, address, opened, chosen) {
  if (letters.length === 0) return nothing("No letter fits.");
  const row = (letter) => h("tr", { class: letter.id === opened ? "chosen" : null, "data-key": letter.id },
    h("td", null, h("input", { type: "checkbox", value: letter.id, checked: chosen.has(letter.id), "aria-label": `Choose ${where(letter)} of ${letter.function}` })),
    h("td", null, h("code", null, utc(letter.parkedAt))),
    h("th", { scope: "row" }, letter.function),
    h("td", null, h("a", { href: address(letter), "aria-current": letter.id === opened ? "true" : null }, where(letter))),
    h("td", null, letter.event ? shortType(letter.event.type) : "–"),
    h("td", { class: "cause" }, letter.cause ?? "not read yet"));
  return records("Letters", ["Choose", "Parked (UTC)", "Function", "Record", "Event", "Cause"], letters.map(row));
}

/** What the API answers of one letter. */
export function wholeLetter({ data: letter, text }, api) {
  if (!letter) return h("p", { class: "nothing" }, told(text, "There is no such letter."));
  const { decoded } = letter;
  const [path, query] = letter.bodyAddress.split("?");
  return h("div", null,
    h("p", { class: "wrong cause" }, letter.cause),
    facts([
      [letter.givenUp ? "Given up for" : "Parked by", letter.function], ["Parked", letter.parkedAt && `${utc(letter.parkedAt)} UTC`],
      ["Record", where(letter)], ...attributesOf(decoded?.event),
      ["Schema", decoded?.schema ?? (decoded ? "none: JSON" : null)], ["Content type", letter.contentType],
    ]),
    decoded ? [h("h3", null, "Data"), beginning(decoded.data)] : h("p", { class: "wrong" }, `Not decoded: ${letter.notDecoded}`),
    h("h3", null, "Bytes as they came"), beginning(letter.body),
    letter.properties ? [h("h3", null, "Properties"), beginning(letter.properties)] : "",
    h("h3", null, "Position"), h("pre", { tabindex: "0" }, JSON.stringify(letter.position, null, 2)),
    h("p", { class: "paging" }, h("a", { href: api + opsPath(path, Object.fromEntries(new URLSearchParams(query))), download: "" }, "Download its bytes"),
      decoded?.event ? h("a", { href: `/operations.html?trace=${encodeURIComponent(decoded.event.id)}` }, "Its trace") : ""));
}

/** Who did what, newest first; `address(batch)` is where a batch of replays is shown. */
export function logTable({ items, next }, address) {
  if (items.length === 0) return nothing("Nothing was done yet.");
  const which = ({ filter, letters, count: chosen }) => (filter ? filterWords(filter) : `${letters[0] ?? ""}${chosen > 1 ? ` and ${count(chosen - 1)} more` : ""}`);
  const became = ({ batch, ended }) => (batch ? h("a", { href: address(batch) }, "What became of them") : ended ? dropped(ended) : "did not end, or goes on");
  const row = (entry) => h("tr", null,
    h("td", null, h("code", null, utc(entry.at))), h("th", { scope: "row" }, entry.by), h("td", null, entry.action),
    number(count(entry.count)), h("td", null, became(entry)), h("td", { class: "cause" }, entry.reason ?? "", h("p", { class: "faint" }, which(entry))));
  return [records("What was done", ["At (UTC)", "By", "What", ["Letters", true], "Result", "Reason"], items.map(row)),
    next ? h("p", { class: "faint" }, "The command shows what is older: contoso dead-letters log") : ""];
}
