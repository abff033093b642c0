// Events whose delivery failed: what happened, and what becomes of them.

import { h } from "../dom.js";
import { number } from "../parts.js";
import { get, once, segment } from "./client.js";
import { count } from "./numbers.js";
import { action, field, link, put, readOnly, records, wrongLine } from "./parts.js";
import { EVENT_TYPES, at, forField, fromField, sentence, time, kindName } from "./words.js";
import { watch } from "./watch.js";

const EVERY_MS = 20_000;
const FILTERS = ["since", "until", "status", "type", "event"];
const LEVELS = { "will not be retried": "bad", "held back by Event Grid": "warn", "expected by schedule": "", "probably delivered": "good" };

export function failuresView({ body, account, subscription, query, go }) {
  const why = readOnly(account);
  const filters = Object.fromEntries(FILTERS.map((name) => [name, query.get(name)]).filter(([, value]) => value));
  const cursor = query.get("cursor");
  const path = `/subscriptions/${segment(subscription)}`;
  const status = wrongLine();
  const done = h("p", { class: "done", role: "status" });
  const [rows, paging] = [h("div"), h("p", { class: "paging" })];
  const resends = new Map();
  body.append(form(subscription, filters, go),
    h("section", { class: "panel" }, h("h2", null, "Events that failed, the last first"),
      h("p", { class: "faint" }, "From Azure Monitor, minutes behind. 400, 401, 403 and 413 are never retried; in maintenance, answer 503."),
      status, done, rows, paging));

  function resend(event) {
    if (!resends.has(event)) resends.set(event, once());
    return action("Send again", async () => {
      const job = await resends.get(event)(`${path}/events/${segment(event)}/resend`);
      done.replaceChildren("It is sent again by ", link({ view: "redeliveries", subscription, job: job.id }, "a redelivery of its own"), ".");
    }, { why, status, id: `resend ${event}` });
  }

  const row = (failed) => h("tr", null,
    h("th", { scope: "row" }, failed.event ? h("code", { class: "id" }, failed.event) : "not told by the log", h("br"), h("span", { class: "faint" }, kindName(failed.type))),
    h("td", null, time(failed.lastFailure), failed.failures > 1 ? h("span", { class: "faint" }, h("br"), "first ", time(failed.firstFailure)) : null),
    h("td", null, answer(failed), h("br"), h("span", { class: "faint" }, failed.host ?? "")),
    number(failed.attempt === null ? count(failed.failures) : count(failed.attempt)),
    h("td", null, h("span", { class: `state ${LEVELS[failed.then] ?? ""}` }, failed.then), next(failed)),
    h("td", null, failed.event && EVENT_TYPES.includes(failed.type) ? resend(failed.event) : null));

  async function ask(signal) {
    const told = await get(`${path}/failures?${new URLSearchParams({ ...filters, ...(cursor ? { cursor } : {}), limit: "50" })}`, signal);
    // Where nothing is sent, that nothing failed is no good news.
    const unbegun = told.items.length === 0 ? await get(path, signal).then(({ state, since }) => state.name === "failed" && { since, ...state }) : null;
    return { ...told, unbegun };
  }

  return watch(body, ask, (told) => {
    const heads = ["Event", "Last failure", "Answer", ["Attempts", true], "What becomes of it", ""];
    put(rows, told.unbegun ? h("p", { class: "says" }, "Nothing has been sent since ", time(told.unbegun.since), `, as it did not begin: ${sentence(told.unbegun.cause)}`)
      : told.items.length === 0 ? h("p", { class: "nothing" }, `${Object.keys(filters).length > 0 || cursor ? "Nothing that fits failed" : "Nothing failed"} since ${at(told.since)}.`)
      : records("Failed events", heads, told.items.map(row)));
    const of = { view: "failures", subscription, ...filters };
    put(paging, cursor && link(of, "The newest"), cursor && told.next && " · ", told.next && link({ ...of, cursor: told.next }, "Older"));
    // A page of the past does not change.
    return cursor ? 10 * EVERY_MS : EVERY_MS;
  }, EVERY_MS);
}

/** The last answer, as far as the log tells. */
function answer({ status, outcome }) {
  if (status !== null) return `${status}${outcome ? `, ${outcome}` : ""}`;
  return outcome ?? "unknown";
}

function next({ nextAttempt }) {
  if (!nextAttempt) return null;
  return h("span", { class: "faint" }, h("br"), nextAttempt.overdue ? "overdue since " : "at ", time(nextAttempt.at));
}

function form(subscription, filters, go) {
  const input = (name, attributes) => h("input", { name, autocomplete: "off", spellcheck: "false", ...attributes });
  const since = input("since", { type: "datetime-local", step: "1", value: filters.since ? forField(filters.since) : "" });
  const until = input("until", { type: "datetime-local", step: "1", value: filters.until ? forField(filters.until) : "" });
  const status = input("status", { inputmode: "numeric", pattern: "[1-5][0-9][0-9]", size: "4", value: filters.status ?? "" });
  const type = h("select", { name: "type" }, h("option", { value: "" }, "all"), [...EVENT_TYPES, "com.contoso.partner.test.v1"].map((one) => h("option", { value: one, selected: one === filters.type }, kindName(one))));
  const event = input("event", { class: "mono", value: filters.event ?? "" });
  const fields = h("form", { class: "filters panel", "aria-label": "Which failures" },
    field("From (UTC)", since), field("Until (UTC)", until), field("Status", status), field("Type", type), field("Event id", event),
    h("div", { class: "buttons" }, h("button", { class: "primary" }, "Show"), link({ view: "failures", subscription }, "All of the last day", { class: "button" })));
  fields.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    const wanted = { since: fromField(since.value), until: fromField(until.value), status: status.value.trim(), type: type.value, event: event.value.trim() };
    go({ view: "failures", subscription, ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value)) });
  });
  return fields;
}
