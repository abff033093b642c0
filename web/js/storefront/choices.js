// The visitor's choices: being remembered, and the private mode.

import { announce, h } from "../dom.js";
import * as visitor from "../visitor.js";

const panel = document.getElementById("consent");
const toggle = document.getElementById("private");
const known = document.getElementById("known");

// It lies over the page, which keeps as much room at its end, so that nothing is below it for good.
new ResizeObserver(() => document.documentElement.style.setProperty("--asked", `${panel.offsetHeight}px`)).observe(panel);

function ask() {
  panel.hidden = visitor.consent() !== null;
  if (panel.hidden) return panel.replaceChildren();
  panel.replaceChildren(
    h("p", null, visitor.isPrivate()
      ? "Private mode: may this tab remember what you look at, until you close it?"
      : "May this browser remember what you look at, to show it again and suggest what suits you? No third party is told."),
    h("div", null,
      h("button", { type: "button", class: "primary", onclick: () => answer(true) }, "Yes, remember"),
      h("button", { type: "button", onclick: () => answer(false) }, "No, thanks")));
}

function answer(granted) {
  visitor.setConsent(granted);
  announce(granted ? "What you look at is remembered." : "Nothing is remembered.");
  document.getElementById("main").focus();
}

function forget() {
  visitor.forget();
  // The button that was pressed is gone; the question stands instead of it.
  panel.focus();
}

function tell() {
  const refused = "What you look at is counted without you.";
  if (visitor.objects()) return known.replaceChildren(`Your browser asks not to be tracked, so nothing is remembered. ${refused}`);
  const states = {
    granted: visitor.isPrivate() ? "Remembered in this tab only, until it closes." : "What you look at is remembered in this browser.",
    denied: refused,
  };
  const state = states[visitor.consent()];
  known.replaceChildren(...(state ? [`${state} `, h("button", { type: "button", onclick: forget }, "Forget and ask again")] : []));
}

function show() {
  const on = visitor.isPrivate();
  toggle.setAttribute("aria-checked", String(on));
  document.body.classList.toggle("is-private", on);
  ask();
  tell();
}

/** Shows the choices and keeps them up to date. */
export function startChoices() {
  toggle.addEventListener("click", () => visitor.setPrivate(!visitor.isPrivate()));
  visitor.onChange(show);
  show();
}
