// What every suite needs: the stack's addresses, and waiting on a state.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test as nodeTest } from "node:test";

/** What the stack said of itself: its ready line, every topic, and where the webhook's deliveries are. */
export const endpoints = JSON.parse(readFileSync(0, "utf8"));

const PATIENCE = 30_000;

// A connection that nobody closed would keep the process alive after the last case. This timer does not, but ends it.
setTimeout(() => {
  console.error(`the suite does not end; still open: ${process.getActiveResourcesInfo().join(", ")}`);
  process.exit(1);
}, 3 * PATIENCE).unref();

/** A case. One that hangs is a failure, not a hanging run. */
export function test(name, body) {
  nodeTest(name, { timeout: 2 * PATIENCE }, body);
}

/** Cases that are independent of each other run side by side. */
export function concurrently(name, cases) {
  nodeTest(name, { timeout: 2 * PATIENCE, concurrency: 8 }, async (context) => {
    await Promise.all(Object.entries(cases).map(([title, body]) => context.test(title, { timeout: PATIENCE }, body)));
  });
}

/** Waits until `probe` yields something, and returns it. */
export async function until(what, probe) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The error that `promise` ends with, which must have these members. */
export async function refused(promise, members) {
  const error = await promise.then(
    (value) => assert.fail(`it was not refused: ${JSON.stringify(value)?.slice(0, 300)}`),
    (error) => error,
  );
  for (const [name, value] of Object.entries(members)) {
    const seen = error[name];
    const same = value instanceof RegExp ? value.test(seen) : seen === value;
    assert.ok(same, `${name} of the refusal is ${seen}, wanted ${value}: ${error.stack ?? error}`);
  }
  return error;
}

/** A name that no other suite or run uses. */
export function unique(prefix) {
  return `${prefix}-${process.pid.toString(36)}${(counter++).toString(36)}`;
}
let counter = 0;
