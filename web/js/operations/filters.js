// Filters of dead letters: what can be chosen, and how they are said in words.

import { count } from "../format.js";
import { getOps } from "./ops.js";
import { utc } from "./shown.js";

/** Members of a filter, as the address and the API call them. */
export const FIELDS = ["function", "cause", "origin", "from", "to"];

/** Letters that Event Grid gave up have this origin. */
export const GIVEN_UP = "event-grid-delivery";

const element = (id) => document.getElementById(id);

export const filterOf = (wanted) => Object.fromEntries(FIELDS.filter((name) => wanted[name]).map((name) => [name, wanted[name]]));

const WORDS = {
  function: (name) => `function ${name}`, cause: (text) => `cause contains “${text}”`, origin: (name) => (name === GIVEN_UP ? "given up by Event Grid" : `from ${name}`),
  from: (time) => `parked from ${utc(time)} UTC`, to: (time) => `parked before ${utc(time)} UTC`,
};

/** A filter in words; "all letters" where it leaves nothing out. */
export const filterWords = (filter) => FIELDS.filter((name) => filter[name]).map((name) => WORDS[name](filter[name])).join(", ") || "all letters";

/** What letters there are of: `{ functions, origins }`, functions as `[name, number]`; null where that is not known. */
export async function whatThereIs(signal) {
  const { data } = await getOps("/api/ops/overview", {}, signal).catch(() => ({}));
  if (!data?.deadLetters) return null;
  const { givenUp } = data.partners;
  const functions = [data.deadLetters, givenUp].flatMap((letters) => Object.entries(letters?.byOwner ?? {}));
  return { functions, origins: [...data.logs.map(({ name }) => name), ...(givenUp?.count ? [GIVEN_UP] : [])] };
}

/** Lets the form offer what there is, and what the address asks for in any case. */
export function fillSelects(known, wanted) {
  const functions = (known?.functions ?? []).map(([name, letters]) => [name, `${name} (${count(letters)})`]);
  const origins = (known?.origins ?? []).map((name) => [name, name === GIVEN_UP ? "Event Grid, given up" : name]);
  for (const [id, options, all] of [["function", functions, "All"], ["origin", origins, "All"]]) {
    const select = element(id);
    if (select === document.activeElement) continue;
    const value = wanted[id] ?? "";
    const missing = value && !options.some(([name]) => name === value) ? [[value, id === "function" && known ? `${value} (none)` : value]] : [];
    select.replaceChildren(...[["", all], ...options, ...missing].map(([name, text]) => new Option(text, name, false, name === value)));
  }
}

/** What to say where no letter fits: that nobody has parked anything under a name says more than that none fits. */
export function noneFits(here, known) {
  if (!here.function || !known || known.functions.some(([name]) => name === here.function)) return "No letter fits.";
  const others = known.functions.map(([name]) => name).join(", ");
  return `No function called “${here.function}” has parked anything. ${others ? `Those that have: ${others}.` : "Nor has any other."}`;
}
