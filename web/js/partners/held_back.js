// Which subscriptions Event Grid holds back. The log of failures tells, so it is asked for each active one, rarely: it comes minutes behind.

import { get, segment } from "./client.js";

const EVERY_MS = 60_000;
const WORDS = "held back by Event Grid";

/** What was found last: `look(subscriptions, signal)` asks where it is time, `since(name)` says when one was last seen held back. */
export function heldBack() {
  const found = new Map();
  let looked = -Infinity;
  let names = "";
  return {
    since: (name) => found.get(name) ?? null,
    async look(subscriptions, signal) {
      const active = subscriptions.filter(({ state }) => state.name === "active").map(({ name }) => name);
      if (performance.now() - looked < EVERY_MS && active.join() === names) return;
      [looked, names] = [performance.now(), active.join()];
      await Promise.all(active.map(async (name) => {
        // Without an answer, what is said is what is sure: that it is active.
        const last = await get(`/subscriptions/${segment(name)}/failures?limit=1`, signal).catch(() => null);
        const [newest] = last?.items ?? [];
        if (newest?.then === WORDS) found.set(name, newest.lastFailure);
        else found.delete(name);
      }));
    },
  };
}
