// What became of letters: of those that were dropped, and of a batch of replays.

import { h } from "../dom.js";
import { count } from "../format.js";
import { put, records } from "../parts.js";
import { filterWords } from "./filters.js";
import { Unable, getOps, needsKey } from "./ops.js";
import { address, asked, facts, told, utc } from "./shown.js";

const element = (id) => document.getElementById(id);

/** Counts with their words; those of nothing are left out. */
export const counts = (pairs) => pairs.filter(([many]) => many > 0).map(([many, what]) => `${count(many)} ${what}`).join(", ");

const OUTCOMES = { waiting: "waiting", done: "done", skipped: "skipped", parked: "parked again", gone: "gone before", refused: "cannot be replayed", failed: "failed, try again" };

/** What became of a batch of replays so far. */
export const progressOf = (progress) => counts(Object.entries(OUTCOMES).map(([name, what]) => [progress[name], what])) || "no letters";

/** What became of letters that were dropped. */
export const dropped = ({ dropped: away, gone, changed, failed }) =>
  counts([[away, away === 1 ? "letter dropped" : "letters dropped"], [gone, "gone before"], [changed, "written again meanwhile and kept"], [failed, "not dropped, try again"]]) || "nothing";

/** A batch of replays, letter by letter; `addressOf(letter)` is where one is shown whole. */
function wholeBatch({ data: batch, text }, addressOf) {
  if (!batch) return h("p", { class: "nothing" }, told(text, "There is no such batch."));
  // What is done or gone has no letter any more.
  const named = ({ letter, outcome }) => (["done", "skipped", "gone"].includes(outcome) ? h("code", null, letter) : h("a", { href: addressOf(letter) }, letter));
  const row = (task) => h("tr", null,
    h("td", null, OUTCOMES[task.outcome ?? "waiting"]), h("th", { scope: "row", class: "cause" }, named(task)),
    h("td", null, task.at ? h("code", null, utc(task.at)) : "–"), h("td", { class: "cause" }, task.reason ?? ""));
  return h("div", null,
    facts([["Asked for", `${utc(batch.at)} UTC, by ${batch.by}`], ["Reason", batch.reason], ["Which", batch.filter && filterWords(batch.filter)],
      ["State", `${batch.ended ? "ended" : "goes on"}: ${progressOf(batch.progress)}`]]),
    records("What became of each", ["Outcome", "Letter", "At (UTC)", "Why"], batch.items.map(row)));
}

/** Shows the batch that the address names, a page of its letters. Gives the answer, or null where none was asked for. */
export async function showBatch(signal) {
  const wanted = asked();
  const panel = element("batch");
  panel.hidden = !wanted.batch;
  if (!wanted.batch) return null;
  element("batch-close").href = address({ ...wanted, batch: null, after: null });
  const answer = await getOps(`/api/ops/dead-letters/batches/${encodeURIComponent(wanted.batch)}`, { after: wanted.after }, signal);
  if (needsKey(answer)) return answer;
  if (!answer.data && answer.status !== 404 && answer.status !== 400) throw new Unable(answer);
  if (asked().batch !== wanted.batch) return null;
  const after = answer.data?.next && new URLSearchParams(answer.data.next.split("?")[1]).get("after");
  put("replayed", wholeBatch(answer, (letter) => address({ ...wanted, letter })));
  element("batch-next").hidden = !after;
  element("batch-next").href = address({ ...wanted, after });
  element("batch-first").hidden = !wanted.after;
  element("batch-first").href = address({ ...wanted, after: null });
  return answer;
}
