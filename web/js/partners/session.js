// Who is signed in: a partner's name and its key, kept for this tab and sent to the API alone.

const KEPT = "contoso.partner";
const changed = new EventTarget();

let current = remembered();

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

/** `{ partner, key }`, or null. */
export const session = () => current;

function keep(next) {
  current = next;
  try {
    if (next) sessionStorage.setItem(KEPT, JSON.stringify(next));
    else sessionStorage.removeItem(KEPT);
  } catch {
    // Then it lives as long as the page.
  }
}

export function signIn(partner, key) {
  keep({ partner, key });
  changed.dispatchEvent(new CustomEvent("changed", { detail: null }));
}

/** Forgets the key. `why` is what the reader is told, a problem of the API or nothing. */
export function signOut(why = null) {
  if (!current) return;
  keep(null);
  changed.dispatchEvent(new CustomEvent("changed", { detail: why }));
}

/** Calls `listener(why)` at each sign-in and sign-out. */
export const onSession = (listener) => changed.addEventListener("changed", (event) => listener(event.detail));
