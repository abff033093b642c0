// What of the last events a filter would match.

import { h, setText } from "../dom.js";
import { number, table } from "../parts.js";
import { call } from "./client.js";
import { action } from "./parts.js";
import { many, time, kindName } from "./words.js";

const SIZES = [100, 300, 1000];

/** The button and what it finds; `filter()` is what is asked about, `refused(error)` hears why that is none. */
export function previewOf(filter, refused) {
  const last = h("select", { id: "preview-last" }, SIZES.map((size) => h("option", { value: size }, size)));
  const said = h("p", { role: "status" });
  const found = h("div");
  const look = action("Preview", async () => {
    found.replaceChildren();
    setText(said, "Looking…");
    try {
      const answer = await call("POST", "/subscriptions:preview", { body: { ...filter(), last: Number(last.value) } });
      setText(said, words(answer));
      if (answer.events.length > 0) found.replaceChildren(events(answer.events));
    } catch (error) {
      setText(said, "");
      refused(error);
    }
  });
  return h("div", { class: "preview" },
    h("div", { class: "buttons" }, look, h("label", { for: "preview-last" }, "of the last"), last, "captured events"), said, found);
}

function words({ looked, matched, isCutOff, events }) {
  const some = matched > events.length ? ` The newest ${events.length} of them:` : "";
  if (looked === 0) return "There are no captured events yet: what happens is captured within minutes.";
  return `${many(matched, "event")} of the last ${looked} would have been delivered.${some}${isCutOff ? " There was no time to look at more." : ""}`;
}

const events = (list) => table("Events that match", [["When"], ["Product"], ["What"], ["Price fell by", true]], list.map((event) => h("tr", null,
  h("td", null, time(event.time)),
  h("th", { scope: "row" }, event.subject),
  h("td", null, kindName(event.type)),
  number(event.match?.priceDropPercent === undefined || event.match.priceDropPercent === null ? "–" : `${event.match.priceDropPercent} %`))));
