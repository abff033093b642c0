// Signing in: a partner's name and its key.

import { h, setText } from "../dom.js";
import { callAs, Refusal } from "./client.js";
import { clearFieldErrors, field } from "./parts.js";
import { signIn } from "./session.js";
import { errorWords } from "./words.js";

const WHY = {
  "key-invalid": "The API does not take this key for this partner. Look at the name, and whether the key is whole. Whoever holds a write key of the account makes a new one; if nobody does, our operators.",
  "key-expired": "This key has expired. Sign in with another, or ask the operators for one.",
  "key-superseded": "Another key has taken the place of this one, and its grace is over. Sign in with the newer one.",
  "key-revoked": "This key was revoked. Sign in with another, or ask the operators for one.",
  "partner-disabled": "This partner's account is closed; ask its operators.",
};

const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;

const reason = (error) => (error instanceof Refusal && WHY[error.kind]) || errorWords(error);

/** The form; `why` is the refusal that ended the session before, if one did. */
export function signInView(why, partner = "") {
  const wrong = h("p", { class: "wrong", role: "alert" }, why ? reason(why) : "");
  const name = h("input", { name: "partner", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true, value: partner });
  const key = h("input", { name: "key", type: "password", autocomplete: "off", spellcheck: "false", required: true, class: "mono" });
  const button = h("button", { class: "primary" }, "Sign in");
  const form = h("form", { class: "stack" },
    field("Partner", name, { hint: "The name that your account has, in lower case." }),
    field("Key", key, { hint: "It begins with cpk_. It stays in this tab until you sign out or the tab closes, and is sent to the API alone." }),
    wrong, h("div", { class: "buttons" }, button));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy")) return;
    clearFieldErrors(form);
    const as = { partner: name.value.trim(), key: key.value.trim() };
    if (!NAME.test(as.partner)) return setText(wrong, "A partner's name has lower-case letters, digits and single hyphens.");
    // What a header cannot hold is no key.
    if (!/^[\x21-\x7e]+$/.test(as.key)) return setText(wrong, WHY["key-invalid"]);
    setText(wrong, "");
    button.setAttribute("aria-busy", "true");
    try {
      await callAs(as, "GET", "");
      signIn(as.partner, as.key);
    } catch (error) {
      setText(wrong, reason(error));
      key.focus();
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
  return h("div", { class: "narrow" },
    h("h1", { tabindex: "-1" }, "Your webhooks"),
    h("p", { class: "faint lead" }, "What your subscriptions get, what failed, and what is sent again."),
    h("section", { class: "panel" }, h("h2", null, "Sign in"), form));
}
