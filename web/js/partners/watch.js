// Asking again and again on behalf of a view.

import { h, setText } from "../dom.js";
import { poll } from "../poll.js";
import { Refusal } from "./client.js";
import { session } from "./session.js";
import { at, sentence } from "./words.js";

/**
 * Polls `ask(signal)` for `show(answer)`, and says above `body` what goes wrong: what is shown is then old. `ask` is asked every `everyMs`, or
 * after as many milliseconds as `show` gives. Gives the function that ends it.
 */
export function watch(body, ask, show, everyMs) {
  const line = h("p", { class: "wrong", role: "alert" });
  const reading = h("p", { class: "faint" }, "Reading…");
  body.before(line);
  body.append(reading);
  let shownAt = null;
  const end = poll(async (signal) => {
    const answer = await ask(signal);
    if (signal.aborted) return undefined;
    setText(line, "");
    body.classList.remove("old");
    shownAt = new Date().toISOString();
    reading.remove();
    return show(answer);
  }, everyMs, (error) => {
    if (!session()) return;
    reading.remove();
    body.classList.toggle("old", shownAt !== null);
    setText(line, `${sentence(error.message)}${shownAt ? ` What is below is as of ${at(shownAt)}.` : ""}`);
    // What there is not, or is wrong to ask, will not be there at the next try.
    if (error instanceof Refusal && [400, 404, 422].includes(error.status)) end();
  });
  return () => {
    end();
    line.remove();
  };
}
