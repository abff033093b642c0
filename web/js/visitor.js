// Who looks, as far as they agree to be known.
//
// With consent, an id drawn at random is kept in localStorage and sent with each click. It is drawn here, not taken from the API's
// answer, so that none is lost when the visitor goes on before the answer. In the private mode it is kept in
// sessionStorage, which ends with the tab, and nothing older is read. Without consent clicks carry no id; a browser that objects
// refuses for its visitor. Where the browser keeps nothing at all, everything lives in memory and ends with the page.

import { post } from "./api.js";

const CONSENT = "contoso.consent";
const ID = "contoso.visitor";
const SESSION = "contoso.session";
const PRIVATE = "contoso.private";

function kept(storage) {
  const memory = new Map();
  const inMemory = {
    get: (name) => memory.get(name) ?? null,
    set: (name, value) => memory.set(name, value),
    remove: (name) => memory.delete(name),
  };
  try {
    const store = globalThis[storage];
    store.setItem("contoso.probe", "");
    store.removeItem("contoso.probe");
    return {
      get: (name) => store.getItem(name),
      set: (name, value) => store.setItem(name, value),
      remove: (name) => store.removeItem(name),
    };
  } catch {
    return inMemory;
  }
}

const lasting = kept("localStorage");
const tab = kept("sessionStorage");
const events = new EventTarget();

const store = () => (isPrivate() ? tab : lasting);
const changed = () => events.dispatchEvent(new Event("change"));

/** Calls `listener` whenever the id, the consent or the mode changes. */
export const onChange = (listener) => events.addEventListener("change", listener);

/** Whether this tab is in the private mode. */
export const isPrivate = () => tab.get(PRIVATE) === "on";

/**
 * Turns the private mode on or off. What it knew is forgotten when it ends. A click that waits goes without an id: it must not get
 * one of the other mode.
 */
export function setPrivate(on) {
  flush();
  for (const name of [CONSENT, ID, SESSION]) tab.remove(name);
  if (on) tab.set(PRIVATE, "on");
  else tab.remove(PRIVATE);
  changed();
}

/** Whether the browser objects (Do Not Track, Global Privacy Control). Then the API drops who clicked, whatever the click says. */
export const objects = () => navigator.doNotTrack === "1" || navigator.globalPrivacyControl === true;

/** `"granted"`, `"denied"`, or null while nobody was asked. Where the browser objects, nobody is. */
export const consent = () => (objects() ? "denied" : store().get(CONSENT));

/** Takes the visitor's answer; a refusal also forgets the id. */
export function setConsent(granted) {
  store().set(CONSENT, granted ? "granted" : "denied");
  if (!granted) store().remove(ID);
  changed();
}

/** Asks again, and forgets what was known here. */
export function forget() {
  flush();
  for (const name of [CONSENT, ID]) store().remove(name);
  tab.remove(SESSION);
  changed();
}

/** The visitor's id, drawn when it is first wanted; null without consent. */
export const visitorId = () => (consent() === "granted" ? own(store(), ID) : null);

/** The id that `where` keeps under `name`. */
function own(where, name) {
  let id = where.get(name);
  if (!id) {
    id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    where.set(name, id);
  }
  return id;
}

/** A click whose visitor has not answered yet. */
let waiting = null;

/**
 * Tells the API that a product was looked at. While the visitor has not answered, the latest click waits for the answer; whoever
 * goes on without one is counted without an id. A click that is not taken is not missed: the page goes on.
 */
export function looked(productId, category) {
  flush();
  waiting = { productId, category };
  if (consent() !== null) flush();
}

// As a refusal does, an objection forgets what was known before it.
if (objects()) for (const name of [CONSENT, ID, SESSION]) [lasting, tab].forEach((where) => where.remove(name));

// What another tab was answered, or forgot, holds here too. The session of before must not lead from one id to the next.
addEventListener("storage", ({ key }) => {
  if (isPrivate() || (key !== CONSENT && key !== null)) return;
  tab.remove(SESSION);
  changed();
});
addEventListener("pagehide", flush);
events.addEventListener("change", () => { if (consent() !== null) flush(); });

function flush() {
  const click = waiting;
  waiting = null;
  if (!click) return;
  const granted = consent() === "granted";
  const known = granted ? { visitorId: visitorId(), sessionId: own(tab, SESSION) } : {};
  // Offline, or too many: the page does without.
  post("/api/clicks", { ...click, consent: granted, ...known }).catch(() => {});
}
