// What the views are made of: panels, badges, buttons that work on something, dialogs.

import { announce, h, setText } from "../dom.js";
import { session } from "./session.js";
import { errorWords, sentence, wrongWords } from "./words.js";

export { records } from "../parts.js";

export const panel = (title, ...children) => h("section", { class: "panel" }, h("h2", null, title), children);

export const badge = ({ level, name }) => h("span", { class: `state ${level}` }, name);

/** Terms and what they mean, as `[term, value]`; null is left out. */
export const facts = (rows) => h("dl", { class: "facts" },
  rows.filter(Boolean).map(([term, ...value]) => h("div", null, h("dt", null, term), h("dd", null, value))));

/** Why the key that is used may not change anything, or null. */
export const readOnly = (account) => account.scope === "read" ? "Your key may only read. Sign in with a write key to change something." : null;

/**
 * A button that runs `work` once at a time. What goes wrong is said in `status`. One that the key may not press is disabled and
 * says why; it can be reached by the keyboard all the same.
 */
export function action(label, work, { why = null, primary = false, danger = false, status = null, id = null } = {}) {
  const button = h("button", {
    type: "button", "data-focus": id ?? label, class: primary ? "primary" : danger ? "danger" : null,
    "aria-disabled": why ? "true" : null, title: why,
  }, label);
  let busy = false;
  button.addEventListener("click", async () => {
    if (busy || why) return say(status, why ?? "");
    busy = true;
    button.setAttribute("aria-busy", "true");
    say(status, "");
    try {
      await work();
    } catch (error) {
      if (session()) say(status, errorWords(error));
    } finally {
      busy = false;
      button.removeAttribute("aria-busy");
    }
  });
  return button;
}

/** A line for what went wrong. */
export const wrongLine = () => h("p", { class: "wrong", role: "alert" });

/** Says `text` in `line`; where there is none, to screen readers. */
function say(line, text) {
  if (line) setText(line, text);
  else if (text) announce(text);
}

/** A link of this page. */
export const link = (query, text, attributes = {}) => h("a", { href: `?${new URLSearchParams(query)}`, ...attributes }, text);

/**
 * A dialog about `title` that holds `content` and ends with one of its buttons. `work` runs when it is agreed to; what goes wrong is
 * said and the dialog stays. Gives what `work` gave, or null.
 */
export function ask({ title, content, agree, danger = false, work, refuse = "Cancel" }) {
  return new Promise((resolve) => {
    let result = null;
    const wrong = wrongLine();
    const cancel = h("button", { type: "button", autofocus: danger, onclick: () => dialog.close() }, refuse);
    const yes = action(agree, async () => {
      result = (await work()) ?? true;
      dialog.close();
    }, { status: wrong, primary: !danger, danger });
    const dialog = h("dialog", { "aria-labelledby": "dialog-title" },
      h("h2", { id: "dialog-title" }, title), content, wrong,
      h("div", { class: "buttons" }, yes, cancel));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Shows what is shown once, with a button that copies it. */
export function copyable(label, secret) {
  const done = h("span", { class: "faint", role: "status" });
  const field = h("input", { class: "mono secret", readonly: true, value: secret, "aria-label": label, spellcheck: "false" });
  field.addEventListener("focus", () => field.select());
  const copy = h("button", { type: "button", "data-focus": `copy ${label}`, onclick: async () => {
    try {
      await navigator.clipboard.writeText(secret);
      setText(done, "Copied.");
    } catch {
      field.focus();
      setText(done, "Not copied: this browser does not allow it. It is selected; press Ctrl+C.");
    }
  } }, "Copy");
  return h("div", { class: "copyable" }, field, copy, done);
}

/** A field with its label, its hint and room for what is wrong with it. */
export function field(label, input, { hint, name = input.name } = {}) {
  const id = `field-${name.replaceAll(".", "-")}`;
  input.id = id;
  const described = [hint && `${id}-hint`, `${id}-wrong`].filter(Boolean).join(" ");
  input.setAttribute("aria-describedby", described);
  return h("div", { class: "field", "data-field": name },
    h("label", { for: id }, label), input,
    hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null,
    h("p", { class: "wrong", id: `${id}-wrong` }));
}

const LOOK = "Some fields need a look.";

/** Shows what is wrong beside its fields; what belongs to none, in `line`. Errors name fields as the API does: `products[2]`. */
export function showFieldErrors(form, line, error) {
  clearFieldErrors(form);
  const rest = [];
  for (const { field: name, message } of error.fields ?? []) {
    const base = name.replace(/\[\d+\]/g, "");
    const place = form.querySelector(`[data-field="${CSS.escape(base)}"]`) ?? form.querySelector(`[data-field="${CSS.escape(base.split(".")[0])}"]`);
    if (!place) rest.push(`${name} ${message}`.trim());
    else {
      const wrong = place.querySelector(".wrong");
      const label = place.querySelector("label, legend")?.textContent ?? "";
      setText(wrong, [wrong.textContent, name.endsWith("]") ? sentence(`${name} ${message}`) : wrongWords(label, message)].filter(Boolean).join(" "));
      place.querySelector("input, textarea, select")?.setAttribute("aria-invalid", "true");
    }
  }
  const shown = (error.fields ?? []).length > rest.length;
  setText(line, rest.length > 0 ? rest.join("; ") : shown ? LOOK : errorWords(error));
  form.querySelector('[aria-invalid="true"]')?.focus();
  form.addEventListener("input", mended);
}

/** What was wrong with a field is not said of what is in it now. */
function mended({ currentTarget: form, target }) {
  const place = target.closest("[data-field]");
  if (!place) return;
  clearFieldError(place);
  if (form.querySelector("[aria-invalid]")) return;
  for (const line of form.querySelectorAll('[role="alert"]')) if (line.textContent === LOOK) setText(line, "");
}

export function clearFieldErrors(form) {
  for (const place of form.querySelectorAll("[data-field]")) clearFieldError(place);
}

function clearFieldError(place) {
  for (const wrong of place.querySelectorAll(".wrong")) setText(wrong, "");
  for (const input of place.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

/** Replaces what `place` holds where that differs; the focus and scrolled tables stay where they were. */
export function put(place, ...content) {
  const holder = document.createElement(place.localName);
  for (const { name, value } of place.attributes) holder.setAttribute(name, value);
  holder.append(...content.flat(Infinity).filter(Boolean));
  if (holder.isEqualNode(place)) return;
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const name = focused?.dataset.focus ?? focused?.getAttribute("href");
  const scrolled = [...place.querySelectorAll(".wide")].map(({ scrollLeft }) => scrollLeft);
  place.replaceChildren(...holder.childNodes);
  place.querySelectorAll(".wide").forEach((region, index) => { region.scrollLeft = scrolled[index] ?? 0; });
  if (!name) return;
  const escaped = CSS.escape(name);
  // A keyboard at what is gone goes on at what took its place.
  const next = place.querySelector(`[data-focus="${escaped}"], a[href="${escaped}"]`) ?? place.querySelector("button, a[href]");
  next?.focus({ preventScroll: true });
}
