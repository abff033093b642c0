// Redeliveries: what a job would send, the jobs and how far they are.

import { h, setText } from "../dom.js";
import { number } from "../parts.js";
import { call, get, once, segment } from "./client.js";
import { bytes, count } from "./numbers.js";
import { action, ask, badge, clearFieldErrors, facts, field, link, put, readOnly, records, showFieldErrors, wrongLine } from "./parts.js";
import { JOB_STATES, at, forField, fromField, many, onlyWords, sentence, time } from "./words.js";
import { watch } from "./watch.js";

const EVERY_MS = 15_000;
const RUNNING_MS = 1500;

export function redeliveriesView({ body, account, subscription, query, go }) {
  const why = readOnly(account);
  const path = `/subscriptions/${segment(subscription)}/redeliveries`;
  const job = query.get("job");
  const before = query.get("before");
  const [rows, paging] = [h("div"), h("p", { class: "paging" })];
  const status = wrongLine();
  body.append(
    job ? h("p", { class: "up" }, link({ view: "redeliveries", subscription }, "All redeliveries")) : wish({ path, subscription, query, why, go }),
    h("section", { class: "panel" }, h("h2", null, job ? "Redelivery" : "Redeliveries, the newest first"), status, rows, paging));

  const cancel = (id) => action("Cancel", () => ask({
    title: "Cancel this redelivery?", agree: "Cancel the redelivery", refuse: "Let it go on", danger: true,
    content: [h("p", null, "It ends within seconds. What it has sent stays sent.")],
    work: () => call("DELETE", `${path}/${segment(id)}`),
  }), { why, status, id: `cancel ${id}` });

  const ends = ({ state }) => state !== "waiting" && state !== "running";

  const row = (one) => h("tr", null,
    h("th", { scope: "row" }, link({ view: "redeliveries", subscription, job: one.id }, time(one.created)), h("br"), h("span", { class: "faint" }, onlyWords(one.only))),
    h("td", null, badge(JOB_STATES[one.state] ?? { level: "", name: one.state }), one.reason ? h("span", { class: "faint" }, h("br"), sentence(one.reason)) : null),
    h("td", null, time(one.from), h("br"), "to ", time(one.until)),
    number(`${count(one.progress.sent)} of ${count(one.progress.matched)}`),
    h("td", null, ends(one) ? null : cancel(one.id)));

  return watch(body, (signal) => job
    ? get(`${path}/${segment(job)}`, signal).then((one) => ({ items: [one] }))
    : get(`${path}?limit=20${before ? `&before=${encodeURIComponent(before)}` : ""}`, signal), ({ items, next }) => {
    if (job) put(rows, whole(items[0], ends(items[0]) ? null : cancel(items[0].id)));
    else if (items.length === 0) put(rows, h("p", { class: "nothing" }, "There are none."));
    else put(rows, records("Redeliveries", ["Asked for", "State", "Of the time", ["Sent", true], ""], items.map(row)));
    const of = { view: "redeliveries", subscription };
    put(paging, before && link(of, "The newest"), before && next && " · ", next && link({ ...of, before: next }, "Older"));
    return items.every(ends) ? EVERY_MS : RUNNING_MS;
  }, EVERY_MS);
}

/** All of one job. */
function whole(one, cancel) {
  const { progress } = one;
  return h("div", { class: "stack" },
    h("p", null, badge(JOB_STATES[one.state] ?? { level: "", name: one.state })),
    one.reason ? h("p", { class: "says" }, sentence(one.reason)) : null,
    facts([
      ["Sends", `${onlyWords(one.only)}, from ${at(one.from)} to ${at(one.until)}, at most ${count(one.rate)} a second`],
      ["Sent", many(progress.sent, "event"), ` of ${count(progress.matched)} that match; ${count(progress.read)} were looked at`],
      Number(progress.uncertain) > 0 && ["May not have arrived", `${many(progress.uncertain, "event")}, sent about when the subscription stopped delivering`],
      Number(progress.refused) > 0 && ["Refused by the topic", many(progress.refused, "event")],
      Number(progress.leftOut) > 0 && ["Cannot be read", many(progress.leftOut, "record")],
      one.completeUntil && ["Nothing is missing until", time(one.completeUntil)],
      ...logFacts(one.failureLog),
      ["Asked for", time(one.created)],
      one.started && ["Begun", time(one.started)],
      one.ended && ["Ended", time(one.ended)],
      ["Id, which its events have as “redelivery”", h("code", { class: "id" }, one.id)],
    ]),
    cancel ? h("div", { class: "buttons" }, cancel) : null);
}

const logFacts = (log) => !log ? [] : [
  ["The log of failures reaches until", time(log.until)],
  Number(log.withoutId) > 0 && ["Failures that do not tell their event", `${count(log.withoutId)}; those are not sent`],
];

/** The form: what is to be sent, how much that is, and the start of what was looked at. */
function wish({ path, subscription, query, why, go }) {
  const starting = once();
  const wrong = wrongLine();
  const only = h("select", { name: "only" },
    [["missing", "What was missed"], ["failed", "What failed"], ["all", "All that match"]]
      .map(([value, label]) => h("option", { value, selected: value === (query.get("only") ?? "missing") }, label)));
  const moment = (name) => h("input", { name, type: "datetime-local", step: "any", value: query.get(name) ? forField(query.get(name)) : "" });
  const [from, until] = ["from", "until"].map(moment);
  const rate = h("input", { name: "rate", type: "number", min: "1", max: "300", step: "1", value: "50" });
  const openWindow = h("select", { name: "openWindow" },
    h("option", { value: "wait" }, "wait for it"), h("option", { value: "stop" }, "leave it out"));
  const found = h("div", { role: "status" });
  // A field shows whole seconds, and leaves out those of a whole minute: what was not touched is what the address says.
  const untouched = new Map([from, until].map((input) => [input, input.value]));
  const given = (name, input) => input.value !== "" && input.value === untouched.get(input) ? query.get(name) : fromField(input.value);
  const read = () => Object.fromEntries(Object.entries({
    only: only.value, from: given("from", from), until: given("until", until), rate: Number(rate.value), openWindow: openWindow.value,
  }).filter(([, value]) => value !== null));

  // What is started is what was looked at: a change of the form takes the button away.
  const show = (looked, answer) => {
    const start = action("Start", async () => {
      const job = await starting(path, looked);
      go({ view: "redeliveries", subscription, job: job.id });
    }, { why, status: wrong, primary: true });
    const known = answer.completeUntil && Date.parse(answer.completeUntil);
    const isPart = known && known < Date.parse(answer.until);
    // Of failures, what is missing may be so for the log alone, which is read once.
    const logged = answer.failureLog && Date.parse(answer.failureLog.until);
    const isUncaptured = isPart && !(known >= logged);
    const much = Number(answer.count) > 0 ? `, ${bytes(answer.bytes)}` : "";
    found.replaceChildren(h("div", { class: "found" },
      h("p", null, h("strong", null, `${answer.isWhole ? "" : "At least "}${many(answer.count, "event")}`), `${isPart ? " so far" : " would be sent"}${much}. ${sentence(answer.note)}`),
      logged < Date.parse(answer.until) ? h("p", { class: "says" }, "What failed after ", time(answer.failureLog.until),
        " may not be in the log of failures yet, and is left out; look again in ten minutes.") : null,
      isUncaptured ? h("p", { class: "says" }, "Events since ", time(answer.completeUntil), " are not captured yet; ",
        looked.openWindow === "wait" ? "this redelivery waits for them, which takes minutes." : "this redelivery leaves them out.") : null,
      facts([
        answer.first && ["First", seen(answer.first)],
        answer.last && ["Last", seen(answer.last)],
        answer.completeUntil && !isPart && ["Nothing is missing until", time(answer.completeUntil)],
        ...logFacts(answer.failureLog),
      ]),
      h("div", { class: "buttons" }, start)));
  };
  const look = action("Preview", async () => {
    clearFieldErrors(form);
    setText(found, "Looking…");
    const looked = read();
    try {
      show(looked, await call("POST", `${path}:preview`, { body: looked }));
    } catch (error) {
      found.replaceChildren();
      showFieldErrors(form, wrong, error);
    }
  });
  const form = h("form", { class: "panel stack", novalidate: true },
    h("h2", null, "Send again"),
    h("p", { class: "faint" }, "Events go to this subscription alone, with the id and sequence that they had; the filter of now decides."),
    h("div", { class: "row" }, field("Which events", only, { hint: "Missed is what is in its gaps and the five minutes before each; failed, what the log says; all, also what arrived." }), field("From (UTC)", from, { hint: "Empty, the first gap; only for what was missed." }), field("Until (UTC)", until, { hint: "Now, if empty." }),
      field("Events a second, at most", rate, { hint: "1 to 300" }), field("What is not captured yet", openWindow, { hint: "The last minutes are not." })),
    h("div", { class: "buttons" }, look), wrong, found);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look.click();
  });
  form.addEventListener("input", () => {
    found.replaceChildren();
    setText(wrong, "");
  });
  return form;
}

const seen = ({ id, time: moment, subject }) => [moment ? time(moment) : "", subject ? `, ${subject}, ` : " ", h("code", { class: "id" }, id)];
