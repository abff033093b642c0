// Calls of the partner API, with the key of who is signed in.

import { settings, silence } from "../api.js";
import { askNow } from "../poll.js";
import { parse } from "./numbers.js";
import { session, signOut } from "./session.js";

// Previews collect for 20 seconds.
const TIMEOUT_MS = 30_000;

/** The API refused: what its problem document says. */
export class Refusal extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail ?? `The API answered with the status ${status}.`);
    this.status = status;
    this.kind = problem.type?.split("/").at(-1) ?? "";
    this.fields = problem.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

/** Nobody answered. */
export class Silence extends Error {}

const ending = new EventTarget();

/** Calls `listener({ supersededUntil, expires })` with the ends of the session's key: by another that has taken its place, and soon by itself; null where not. */
export const onKeyEnds = (listener) => ending.addEventListener("heard", (event) => listener(event.detail));

const ENDS = ["key-invalid", "key-expired", "key-superseded", "key-revoked", "partner-disabled"];

async function read(response) {
  const text = await response.text();
  if (text === "") return null;
  try {
    return parse(text);
  } catch {
    return null;
  }
}

/** As `call`, for a session that may not have begun. */
export async function callAs({ partner, key }, method, path, { body, repeat, signal } = {}) {
  const { api } = await settings().catch(() => { throw new Silence("This page's settings cannot be read."); });
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const headers = { authorization: `Bearer ${key}` };
  if (body !== undefined) headers["content-type"] = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  if (repeat) headers["idempotency-key"] = repeat;
  const request = { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store", credentials: "omit" };
  let response;
  try {
    const signals = signal ? AbortSignal.any([signal, timeout]) : timeout;
    response = await fetch(`${api}/api/partners/${encodeURIComponent(partner)}${path}`, { ...request, signal: signals });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Silence(await silence("The API"), { cause: error });
  }
  const data = await read(response);
  if (response.ok) return { status: response.status, data, ends: { supersededUntil: response.headers.get("x-contoso-key-superseded"), expires: response.headers.get("x-contoso-key-expires") } };
  throw new Refusal(response.status, data ?? {}, Number(response.headers.get("retry-after")) || 0);
}

/**
 * Calls `path` below the partner's own address. Gives what the answer holds; throws a `Refusal` or a `Silence`. A key that does not
 * count any more ends the session; after a change, all that is shown is asked for again.
 */
export async function call(method, path, options) {
  const as = session();
  try {
    const { data, ends } = await callAs(as, method, path, options);
    ending.dispatchEvent(new CustomEvent("heard", { detail: ends }));
    if (method !== "GET" && !path.endsWith(":preview")) askNow();
    return data;
  } catch (error) {
    if (error instanceof Refusal && ENDS.includes(error.kind) && as.key === session()?.key) signOut(error);
    throw error;
  }
}

export const get = (path, signal) => call("GET", path, { signal });

/** Sends what has one effect however often it is sent: it has the same `Idempotency-Key` until it is answered or says something else. */
export function once() {
  let sent = null;
  return async (path, body = {}) => {
    const text = JSON.stringify([path, body]);
    if (sent?.text !== text) sent = { text, repeat: chance() };
    const { repeat } = sent;
    try {
      const data = await call("POST", path, { body, repeat });
      sent = null;
      return data;
    } catch (error) {
      if (!(error instanceof Silence)) sent = null;
      throw error;
    }
  };
}

const chance = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** One segment of a path. */
export const segment = (text) => encodeURIComponent(text);
