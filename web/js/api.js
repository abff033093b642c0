// Calls of the API. Its address is in config.json beside the pages: `contoso up` serves one for the stack, a deployment writes one.

const TIMEOUT_MS = 8000;

let config = null;

/** The settings of these pages: `{ api, external, partner, telemetry, schemas }`. A read that fails is not kept, so that the next call tries again. */
export function settings() {
  config ??= readSettings().catch((error) => {
    config = null;
    throw error;
  });
  return config;
}

async function readSettings() {
  const response = await fetch("/config.json", { cache: "no-cache", signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`config.json answers ${response.status}`);
  const { api, external, partner, telemetry, schemas } = await response.json();
  return { api: api.replace(/\/$/, ""), external: external === true, partner, telemetry, schemas };
}

/** What to say while `who` does not answer. A Functions host beside the stack may not have been started yet. */
export async function silence(who) {
  const { api, external } = await settings().catch(() => ({}));
  if (!external) return `${who} does not answer. Trying again…`;
  return `No Functions host answers at ${api}, beside the local stack: start one, such as func start. Trying again…`;
}

async function address(path) {
  const { api } = await settings();
  return api + path;
}

/**
 * Reads `path`. The browser keeps the last answer with its ETag and asks with If-None-Match (`no-cache`), which needs no
 * preflight from another origin; an unchanged answer costs a 304.
 *
 * Gives `{ status, text, data }`; `data` is null unless the answer is 200. Throws where there is no answer.
 */
export async function get(path, { signal, headers } = {}) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(await address(path), {
    cache: "no-cache",
    credentials: "omit",
    headers,
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  });
  const text = await response.text();
  return { status: response.status, text, data: response.ok ? JSON.parse(text) : null };
}

/** Sends a small JSON document and gives the parsed answer, or null where there is none. It is sent also while the page closes. */
export async function post(path, body) {
  const response = await fetch(await address(path), {
    method: "POST",
    credentials: "omit",
    keepalive: true,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return response.ok ? response.json().catch(() => null) : null;
}
