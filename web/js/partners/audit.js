// The audit log: what was done with which key.

import { h } from "../dom.js";
import { number } from "../parts.js";
import { get } from "./client.js";
import { link, put, records } from "./parts.js";
import { time } from "./words.js";
import { watch } from "./watch.js";

const EVERY_MS = 20_000;

/** A path that goes on in the next line before a `/`, rather than within a word. */
const breakable = (action) => action.split(/(?=\/)/).map((part, index) => [index > 0 ? h("wbr") : "", part]);

export function auditView({ body, account, query }) {
  const before = query.get("before");
  const [rows, paging] = [h("div", { class: "log" }), h("p", { class: "paging" })];
  body.append(h("section", { class: "panel" }, h("h2", null, "What was done, the newest first"),
    h("p", { class: "faint" }, "Every request that changes something, and keys that were refused; kept for 400 days."), rows, paging));
  const row = ({ at, key, action, status }) => h("tr", null,
    h("th", { scope: "row" }, time(at)),
    h("td", null, h("code", { class: "path" }, breakable(action))),
    number(status),
    h("td", null, key ? h("code", { class: "id" }, key) : "an operator", key === account.key ? h("span", { class: "faint" }, ", used here") : null));
  return watch(body, (signal) => get(`/audit?limit=50${before ? `&before=${encodeURIComponent(before)}` : ""}`, signal), ({ items, next }) => {
    put(rows, items.length === 0 ? h("p", { class: "nothing" }, "Nothing was done yet.") : records("Audit log", ["When", "What", ["Answer", true], "Key"], items.map(row)));
    const older = next && new URLSearchParams(next.split("?")[1]).get("before");
    put(paging, before && link({ view: "audit" }, "The newest"), before && older && " · ", older && link({ view: "audit", before: older }, "Older"));
    return before ? 10 * EVERY_MS : EVERY_MS;
  }, EVERY_MS);
}
