// Notices: what the partner was told about endpoints that fail, and of which nobody else would hear.

import { h } from "../dom.js";
import { get } from "./client.js";
import { link, put, records } from "./parts.js";
import { time } from "./words.js";
import { watch } from "./watch.js";

const EVERY_MS = 30_000;
const KINDS = {
  "com.contoso.partner.subscription-failing.v1": ["warn", "Fails"],
  "com.contoso.partner.subscription-paused.v1": ["bad", "Paused for it"],
  "com.contoso.partner.subscription-recovered.v1": ["good", "Recovered"],
};

const name = (subscription) => link({ view: "subscription", subscription }, subscription);
const names = (list) => list.map((one, index) => [index > 0 ? ", " : "", name(one)]);

export function noticesView({ body, query }) {
  const before = query.get("before");
  const [alone, rows, paging] = [h("div"), h("div"), h("p", { class: "paging" })];
  body.append(h("section", { class: "panel" }, h("h2", null, "What you were told, the newest first"),
    h("p", { class: "faint" }, "An endpoint that fails for an hour, is paused for it after days, or recovers, is told of here and to each subscription of yours that asks for notices."),
    alone, rows, paging));
  const row = ({ type, subscription, at, since, pausesAt, sentTo }) => {
    const [level, word] = KINDS[type] ?? ["", type];
    return h("tr", null,
      h("th", { scope: "row" }, name(subscription)),
      h("td", null, time(at)),
      h("td", null, h("span", { class: `state ${level}` }, word)),
      h("td", null, time(since)),
      h("td", null, pausesAt ? time(pausesAt) : "–"),
      h("td", null, sentTo.length > 0 ? names(sentTo) : "nobody else"));
  };
  return watch(body, (signal) => get(`/notices?limit=50${before ? `&before=${encodeURIComponent(before)}` : ""}`, signal), ({ items, next, withoutSecondAddress }) => {
    put(alone, withoutSecondAddress.length > 0 && h("p", { class: "note warn" }, "If these fail, nobody on another host hears of it: ", names(withoutSecondAddress), ". ",
      link({ view: "new", gets: "notices" }, "Subscribe a second address")));
    put(rows, items.length === 0 ? h("p", { class: "nothing" }, "Nothing yet: no endpoint that events are sent to has failed for an hour.")
      : records("Notices", ["Subscription", "When", "What", "Fails since", "Is paused at", "Sent to"], items.map(row)));
    const older = next && new URLSearchParams(next.split("?")[1]).get("before");
    put(paging, before && link({ view: "notices" }, "The newest"), before && older && " · ", older && link({ view: "notices", before: older }, "Older"));
  }, EVERY_MS);
}
