// Calls of OpsApi, with the function key where one is asked for. The key stays in this tab until the tab closes.

import { get, settings, silence } from "../api.js";
import { setText } from "../dom.js";
import { told } from "./shown.js";

const KEY = "contoso.operations.key";

const element = (id) => document.getElementById(id);

let key = remembered();

function remembered() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** The address of `path` with these members of the query. A header would need a preflight, which a function with a key does not answer; the parameter is the platform's other way. */
export function opsPath(path, query = {}) {
  const members = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== ""));
  if (key) members.set("code", key);
  const text = members.toString();
  return text ? `${path}?${text}` : path;
}

/** Whether the API took this key, or none, since the page was opened: then it is not the key that is missing. */
let wasTaken = false;

/** Whether somebody answers at `path` from another origin, though the browser does not show what: a broken connection has no answer at all. */
async function isAnswered(path, signal) {
  const { api } = await settings();
  if (api === "" || new URL(api).origin === location.origin) return false;
  return fetch(api + path, { mode: "no-cors", credentials: "omit", cache: "no-store", signal }).then(() => true, () => false);
}

/**
 * Reads `path` as `get` does. From another origin a browser does not show that the API refuses the key, only that there is an
 * answer which it hides. As a connection may also break just once, it is asked for again.
 */
export async function getOps(path, query, signal) {
  const address = opsPath(path, query);
  const ask = async () => {
    const answer = await get(address, { signal });
    wasTaken ||= answer.data !== null;
    return answer;
  };
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof TypeError) || wasTaken || !(await isAnswered(address, signal))) throw error;
  }
  return ask().catch((error) => {
    if (error instanceof TypeError) return { status: 401 };
    throw error;
  });
}

/**
 * Sends a wish and gives `{ status, text, data }`. It goes as text: JSON would need a preflight, which a function with a key does not
 * answer; the API looks at the origin of such a request itself.
 */
export async function postOps(path, wish) {
  const { api } = await settings();
  const response = await fetch(api + opsPath(path), {
    method: "POST", credentials: "omit", headers: { "content-type": "text/plain" }, body: JSON.stringify(wish), signal: AbortSignal.timeout(60_000),
  });
  const text = await response.text();
  return { status: response.status, text, data: response.ok ? JSON.parse(text) : null };
}

/** An answer other than those that a page is made for, such as that storage is out of reach. */
export class Unable extends Error {
  constructor({ status, text }) {
    super(`the API answers ${status}`);
    this.text = told(text, null);
  }
}

/** What to say where asking failed: the API's own words, if it had some. */
export const trouble = async (error) => (error instanceof Unable && error.text) || silence("The API");

/** Whether an answer says that a key is needed, or another one. */
export const needsKey = ({ status }) => status === 401 || status === 403;

/** Shows the form for the key, and says so if there was one already. */
export function askForKey() {
  element("key").hidden = false;
  setText(element("key-wrong"), key === null ? "" : "The API does not take this key.");
  element("key-input").focus();
}

/** Calls `onKey` whenever a key was given. */
export function whenKeyComes(onKey) {
  element("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    key = element("key-input").value.trim();
    wasTaken = false;
    element("key-input").value = "";
    try {
      sessionStorage.setItem(KEY, key);
    } catch {
      // Then it lives as long as the page.
    }
    element("key").hidden = true;
    onKey();
    element("main").focus();
  });
}
