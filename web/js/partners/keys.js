// API keys: which there are, who still uses them, a new one, and the end of one.

import { h } from "../dom.js";
import { call, get, once, segment } from "./client.js";
import { action, ask, badge, clearFieldErrors, copyable, field, put, readOnly, records, showFieldErrors, wrongLine } from "./parts.js";
import { session, signIn } from "./session.js";
import { fromField, time } from "./words.js";
import { watch } from "./watch.js";

const EVERY_MS = 20_000;
const MOST = 2;

export function keysView({ body, account }) {
  const why = readOnly(account);
  const status = wrongLine();
  const rows = h("div");
  const made = h("div", { role: "status" });
  const ends = h("div");
  const supersedes = h("select", { name: "supersedes" });
  body.append(h("section", { class: "panel" }, h("h2", null, "Who may call the API, the newest first"),
    h("p", { class: "faint" }, `At most ${MOST} are valid at once, so that one can be replaced while the other works.`), status, ends, rows, made), newKey());

  function newKey() {
    const making = once();
    const wrong = wrongLine();
    const scope = h("select", { name: "scope" }, h("option", { value: "write" }, "write: everything"), h("option", { value: "read" }, "read: look and preview"));
    const label = h("input", { name: "label", maxlength: "100", autocomplete: "off" });
    const expires = h("input", { name: "expires", type: "datetime-local", step: "1" });
    const grace = h("input", { name: "graceHours", type: "number", min: "0", max: "720", step: "1", value: "24" });
    const graceField = field("Hours that the old one is still valid", grace, { hint: "0 to 720" });
    const reveal = () => { graceField.hidden = supersedes.value === ""; };
    supersedes.addEventListener("change", reveal);
    reveal();
    const make = action("Make a key", async () => {
      clearFieldErrors(form);
      const wish = {
        scope: scope.value, label: label.value.trim() || null, expires: fromField(expires.value),
        supersedes: supersedes.value || null, graceHours: supersedes.value ? Number(grace.value) : null,
      };
      try {
        show(await making("/keys", Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== null))));
        form.reset();
        reveal();
        refresh();
      } catch (error) {
        showFieldErrors(form, wrong, error);
      }
    }, { why, status: wrong, primary: true });
    const form = h("form", { class: "panel stack", novalidate: true }, h("h2", null, "New key"),
      why ? h("p", { class: "faint" }, why) : null,
      h("div", { class: "row" }, field("Scope", scope), field("Label", label, { hint: "What it is for." }), field("Expires (UTC)", expires, { hint: "Never, if empty." }),
        field("Takes the place of", supersedes), graceField),
      wrong, h("div", { class: "buttons" }, make));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      make.click();
    });
    return form;
  }

  function show({ key, id, scope }) {
    if (!key) return made.replaceChildren(h("p", { class: "note warn" }, "This request was sent before: the key was shown then, and is not shown again."));
    const use = h("button", { type: "button", onclick: () => signIn(session().partner, key) }, "Go on with this key here");
    const hide = h("button", { type: "button", onclick: () => made.replaceChildren() }, "I have it");
    made.replaceChildren(h("div", { class: "note good" },
      h("p", null, h("strong", null, `The new ${scope} key ${id}`), " is shown this once: copy it now."),
      copyable("New key", key), h("div", { class: "buttons" }, hide, use)));
    made.querySelector("input").focus();
  }

  const revoke = ({ id, label }) => action("Revoke", () => ask({
    title: `Revoke ${label ?? id}?`, agree: "Revoke", danger: true,
    content: [h("p", null, "It ends at once, for a leak. Whoever still uses it is refused. That cannot be undone."),
      id === account.key ? h("p", { class: "says" }, "It is the key that you use here: you will be signed out.") : null],
    work: async () => {
      await call("DELETE", `/keys/${segment(id)}`);
      refresh();
    },
  }), { why, status, id: `revoke ${id}` });

  const row = (key) => h("tr", null,
    h("th", { scope: "row" }, key.label ?? "no label", h("br"), h("code", { class: "faint id" }, key.id), key.id === account.key ? h("span", { class: "faint" }, h("br"), "used here") : null),
    h("td", null, key.scope),
    h("td", null, standing(key)),
    h("td", null, time(key.created)),
    h("td", null, key.lastUsed ? time(key.lastUsed) : "never"),
    h("td", null, key.expires ? time(key.expires) : "never"),
    h("td", null, key.state.is === "revoked" ? null : revoke(key)));

  const draw = ({ items, writeUntil }) => {
    const known = items.toReversed();
    put(ends, writeUntil && h("p", { class: "note warn" }, "All keys that may write end by themselves, the last of them at ", time(writeUntil), ". Make another before: then only operators can."));
    put(rows, records("Keys", ["Label and id", "Scope", "State", "Made", "Last used, to the hour", "Expires", ""], known.map(row)));
    const valid = known.filter(({ counts, state }) => counts && state.is === "active");
    const chosen = supersedes.value;
    put(supersedes, h("option", { value: "" }, "none"), valid.map(({ id, label }) => h("option", { value: id }, `${label ?? "no label"} (${id})`)));
    supersedes.value = valid.some(({ id }) => id === chosen) ? chosen : "";
  };
  const refresh = () => get("/keys").then(draw).catch(() => {});
  return watch(body, (signal) => get("/keys", signal), draw, EVERY_MS);
}

/** Whether it is valid, and until or since when. */
function standing({ counts: valid, state, expires }) {
  const is = (level, name, ...when) => [badge({ level, name }), when.length > 0 ? h("span", { class: "faint" }, h("br"), when) : null];
  if (state.is === "revoked") return is("", "revoked", time(state.at));
  if (state.is === "superseded") return valid ? is("warn", "superseded", "valid until ", time(state.until)) : is("", "superseded", time(state.until));
  return valid ? is("good", "valid") : is("", "expired", time(expires));
}
