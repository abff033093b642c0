// Asking again and again: while the page is seen, and more slowly while nobody answers.

const SLOWEST_MS = 30_000;

const hurry = new EventTarget();

/** Lets all that poll ask at once, because what they ask for has changed. */
export const askNow = () => hurry.dispatchEvent(new Event("now"));

/**
 * Calls `ask(signal)` at once and then every `everyMs`, or after the milliseconds that `ask` gives, until the returned function is
 * called. While the page is hidden nothing is asked; when it is seen again, it asks at once. If `ask` throws, the pause doubles up
 * to half a minute, and `onFailure(error)` is told each time.
 */
export function poll(ask, everyMs, onFailure = () => {}) {
  const stop = new AbortController();
  let pause = everyMs;
  let timer;
  let asking = false;

  async function turn() {
    if (stop.signal.aborted || document.hidden || asking) return;
    clearTimeout(timer);
    asking = true;
    try {
      pause = (await ask(stop.signal)) ?? everyMs;
    } catch (error) {
      if (stop.signal.aborted) return;
      pause = Math.min(pause * 2, SLOWEST_MS);
      onFailure(error);
    } finally {
      asking = false;
    }
    if (!stop.signal.aborted) timer = setTimeout(turn, pause);
  }

  document.addEventListener("visibilitychange", turn, { signal: stop.signal });
  globalThis.addEventListener("online", turn, { signal: stop.signal });
  hurry.addEventListener("now", turn, { signal: stop.signal });
  turn();
  return () => {
    stop.abort();
    clearTimeout(timer);
  };
}
