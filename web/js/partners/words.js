// States, filters and times in words.

import { h } from "../dom.js";
import { count } from "./numbers.js";

const TYPES = {
  "com.contoso.product.changed.v1": "changed products",
  "com.contoso.product.discontinued.v1": "discontinued products",
  "com.contoso.partner.subscription-failing.v1": "endpoints that fail",
  "com.contoso.partner.subscription-paused.v1": "subscriptions paused for it",
  "com.contoso.partner.subscription-recovered.v1": "endpoints that recover",
  "com.contoso.partner.test.v1": "test",
  "com.contoso.partner.welcome.v1": "welcome",
};
export const EVENT_TYPES = Object.keys(TYPES).slice(0, 2);
const KINDS = {
  "com.contoso.product.changed.v1": "product changed",
  "com.contoso.product.discontinued.v1": "product discontinued",
  "com.contoso.partner.subscription-failing.v1": "notice of failures",
  "com.contoso.partner.subscription-paused.v1": "notice of a pause",
  "com.contoso.partner.subscription-recovered.v1": "notice of recovery",
};

/** What one event tells, by its type. */
export const kindName = (type) => KINDS[type] ?? typeName(type);

/** Types of notices about a partner's other subscriptions. */
export const NOTICE_TYPES = Object.keys(TYPES).slice(2, 5);
/** Whether a subscription is of notices, and of no products. */
export const isOfNotices = ({ eventTypes }) => eventTypes.some((type) => NOTICE_TYPES.includes(type));

/** An event type in few words; of an unknown one its name. */
export const typeName = (type) => TYPES[type] ?? type ?? "unknown";

/** A time in UTC: `2027-03-04 10:00:00`. */
const digits = (iso) => new Date(iso).toISOString().slice(0, 19).replace("T", " ");

/** A time as text, with its zone. */
export const at = (iso) => iso ? `${digits(iso)} UTC` : "–";

/** A time as an element: UTC, and the reader's own zone where it is pointed at. */
export function time(iso) {
  if (!iso) return "–";
  return h("time", { datetime: iso, title: new Date(iso).toLocaleString(undefined, { timeZoneName: "long" }) }, at(iso));
}

/** What a field of type `datetime-local` holds, in UTC. */
export const forField = (iso) => iso ? new Date(iso).toISOString().slice(0, 19) : "";

/** What such a field says, as RFC 3339; null where it is empty. */
export const fromField = (text) => text ? `${text.length === 16 ? `${text}:00` : text}Z` : null;

const list = (items, last = "or") => items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} ${last} ${items.at(-1)}`;

/** What a subscription gets, as a sentence. */
export function filterWords({ eventTypes, productPrefix, products, categories, priceDropPercent }) {
  const types = list(eventTypes.map(typeName), "and");
  if (isOfNotices({ eventTypes })) return `Notices about your other subscriptions: ${types}`;
  const parts = [capital(types)];
  if (productPrefix) parts.push(`ids that begin with “${productPrefix}”`);
  if (products) parts.push(products.length > 6 ? `${products.length} listed products` : `only ${list(products)}`);
  if (categories) parts.push(`in ${list(categories)}`);
  if (priceDropPercent) parts.push(`price falls by ${priceDropPercent} % or more`);
  return parts.length === 1 ? `${parts[0]}, all of them` : parts.join("; ");
}

/** Where a subscription stands: `{ level, name, says }`. */
export function stateWords({ state, health }, heldBackSince = null) {
  switch (state.name) {
    case "active":
      if (health?.name === "failing") {
        const end = health.pausesAt ? ["; if that lasts, it is paused at ", time(health.pausesAt), "."] : ["."];
        return { level: "bad", name: "Failing", says: ["Every attempt to deliver has failed since ", time(health.since), ...end] };
      }
      return heldBackSince
        ? { level: "warn", name: "Held back by Event Grid", says: ["The endpoint failed often, so Event Grid lets it rest; first attempts wait too. Last seen so ", time(heldBackSince), "."] }
        : { level: "good", name: "Active", says: ["Events are delivered."] };
    case "creating":
      return { level: "", name: "Being made", says: ["Event Grid is making it, and asks the endpoint for its consent."] };
    case "updating":
      return { level: "", name: "Being changed", says: ["Event Grid is changing it; until then deliveries are as before."] };
    case "awaitingManualAction":
      return { level: "warn", name: "Waits for you", says: ["Open the address that your endpoint was sent, within ten minutes."] };
    case "failed":
      return { level: "bad", name: state.handshake ? "Handshake failed" : "Did not begin", says: [sentence(state.cause), " Nothing is delivered; mend the endpoint and try again."] };
    case "paused":
      return { level: state.by === "partner" ? "" : "bad", name: "Paused", says: [pausedWords(state), " Nothing is delivered."] };
    case "stuck":
      return { level: "bad", name: "Stuck", says: [`${state.deleting ? "Deleting it" : "Making the change"} takes longer than it should. Operators look at it; there is nothing for you to do.`] };
    case "deleting":
      return { level: "", name: "Being deleted", says: ["Its event subscription is being removed."] };
    default:
      return { level: "", name: state.name, says: [] };
  }
}

function pausedWords({ by, reason }) {
  const who = { partner: "You paused it", health: "We paused it, since its endpoint failed for days", operator: "Our staff paused it" }[by] ?? "It is paused";
  return `${who}${reason ? `: ${sentence(reason)}` : "."}`;
}

/** The same text, beginning with a capital letter. */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A text as a sentence, which begins with a capital letter and ends. */
export function sentence(text) {
  const whole = text.trim();
  if (whole === "") return "";
  return `${capital(whole)}${/[.!?…]$/.test(whole) ? "" : "."}`;
}

/** The error of another handshake; a cause that is shown already is not said twice. */
export function sameAgain(error, cause) {
  const isSame = error.kind === "handshake-failed" && cause && error.message.includes(cause.replace(/\.$/, ""));
  return isSame ? new Error("Tried again: the handshake failed for the same reason, and nothing was changed.") : error;
}

/** What is wrong with a field, about its `label`: `Name is required.` The API begins with the verb; long labels are not repeated. */
export function wrongWords(label, message) {
  if (!/^(is|must|has|uses?|names?|cannot) /.test(message)) return sentence(message);
  return sentence(`${/^[A-Za-z]+$/.test(label) ? label : "It"} ${message}`);
}

/** A redelivery's state in words, with how pressing it is. */
export const JOB_STATES = {
  waiting: { level: "", name: "Waiting" },
  running: { level: "", name: "Running" },
  done: { level: "good", name: "Done" },
  cancelled: { level: "", name: "Cancelled" },
  failed: { level: "bad", name: "Failed" },
};

/** Which events a redelivery sends. */
export function onlyWords(only) {
  if (typeof only === "object") return `the event ${only.event}`;
  return { all: "all that match", missing: "those that were missed", failed: "those that failed" }[only] ?? only;
}

/** Number and noun: `1 event`, `2 events`. */
export const many = (number, noun) => `${count(number)} ${noun}${String(number) === "1" ? "" : "s"}`;

/** What to say of an error to whoever pressed a button: nobody tries again by itself. */
export function errorWords(error) {
  const wait = error.status === 429 && error.retryAfter ? ` Wait ${error.retryAfter} s.` : "";
  return `${sentence(error.message.replace(/ Trying again…$/, ""))}${wait}`;
}
