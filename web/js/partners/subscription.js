// One subscription: where it stands, what it gets, what it missed, its secret.

import { h, setText } from "../dom.js";
import { call, get, once, segment } from "./client.js";
import { heldBack } from "./held_back.js";
import { count } from "./numbers.js";
import { action, ask, badge, facts, link, panel, put, readOnly, wrongLine } from "./parts.js";
import { secretPanel } from "./secret.js";
import { at, filterWords, sameAgain, stateWords, time } from "./words.js";
import { watch } from "./watch.js";

const EVERY_MS = 10_000;
const ON_ITS_WAY_MS = 2000;
const ON_ITS_WAY = ["creating", "updating", "awaitingManualAction", "deleting", "stuck"];

export function subscriptionView({ body, account, subscription: name, go }) {
  const why = readOnly(account);
  const path = `/subscriptions/${segment(name)}`;
  const standing = panel("State");
  const [stateBox, missedBox, settingsBox] = [h("div"), h("div"), h("div")];
  const status = wrongLine();
  const done = h("p", { class: "done", role: "status" });
  const buttons = h("div", { class: "buttons" });
  standing.append(stateBox, buttons, done, status);
  const rest = h("div", { class: "board", hidden: true }, standing, panel("What it gets", settingsBox), panel("What it missed", missedBox), secretPanel({ name, why }));
  body.append(rest);
  const resting = heldBack();
  const [pausing, resuming, trying, testing] = [once(), once(), once(), once()];

  const press = (label, work, options = {}) => action(label, async () => {
    setText(done, "");
    await work();
  }, { why, status, ...options });

  async function test() {
    const { id } = await testing(`${path}/test`);
    done.replaceChildren("A test event was published; Event Grid delivers it within seconds, its id is ", h("code", null, id), ". ",
      link({ view: "failures", subscription: name, event: id }, "Did it fail?"));
  }

  let offers = false;
  async function resume() {
    offers = true;
    show(await resuming(`${path}/resume`));
  }

  /** What was missed, once deliveries have begun again. */
  function offer({ state, missed: last }) {
    if (!offers || state.name !== "active" || !last) return;
    offers = false;
    done.replaceChildren("Events are delivered again. ", missedLink(name, last));
  }

  const pause = () => {
    const reason = h("input", { name: "reason", maxlength: "200", id: "pause-reason" });
    return ask({
      title: `Pause ${name}?`, agree: "Pause",
      content: [
        h("p", null, "Deliveries end, and so does what waits for a retry. What comes meanwhile is kept: when you resume, the page offers to send it."),
        h("div", { class: "field" }, h("label", { for: "pause-reason" }, "Reason, if you like"), reason),
      ],
      work: async () => show(await pausing(`${path}/pause`, reason.value.trim() ? { reason: reason.value.trim() } : {})),
    });
  };

  const remove = () => ask({
    title: `Delete ${name}?`, agree: "Delete", danger: true,
    content: [h("p", null, "Its deliveries end, with everything that waits for a retry, its secrets and its redeliveries. That cannot be undone.")],
    work: async () => {
      await call("DELETE", path);
      go({ view: "subscriptions" });
    },
  });

  function actions({ state }) {
    const can = {
      pause: ["active", "failed", "awaitingManualAction"].includes(state.name),
      resume: state.name === "paused",
      retry: state.name === "failed",
      test: ["active", "updating"].includes(state.name),
      edit: ["active", "failed", "paused"].includes(state.name),
    };
    return [
      can.retry && press("Try again", async () => show(await trying(`${path}/handshake`).catch((error) => { throw sameAgain(error, state.cause); })), { primary: true }),
      can.resume && press("Resume", resume, { primary: true }),
      can.test && press("Send a test", test),
      can.edit && !why && link({ view: "edit", subscription: name }, "Change", { class: "button" }),
      can.edit && why && press("Change", () => {}),
      can.pause && press("Pause", pause),
      state.name !== "deleting" && press("Delete", remove, { danger: true }),
    ].filter(Boolean);
  }

  function show(subscription) {
    const words = stateWords(subscription, resting.since(name));
    rest.hidden = false;
    put(stateBox, h("p", null, badge(words)), h("p", { class: "says" }, words.says), resumed(subscription),
      h("p", { class: "faint" }, "Since ", time(subscription.since), why ? `. ${why}` : ""));
    put(buttons, actions(subscription));
    put(settingsBox, settings(subscription));
    put(missedBox, missed(subscription));
    offer(subscription);
    return ON_ITS_WAY.includes(subscription.state.name) ? ON_ITS_WAY_MS : EVERY_MS;
  }

  return watch(body, async (signal) => {
    const subscription = await get(path, signal);
    await resting.look([subscription], signal);
    return subscription;
  }, show, EVERY_MS);
}

function settings(subscription) {
  const { endpoint, batching, handshake, entra, filterValues, created, changed, revision } = subscription;
  return facts([
    ["Filter", filterWords(subscription)],
    ["Endpoint", h("span", { class: "mono" }, endpoint), h("span", { class: "faint" }, " (the rest of the address is a credential, and not shown)")],
    ["Filter values", `${filterValues.used} of ${filterValues.limit}`],
    ["Batches", batching ? `up to ${count(batching.maxEvents)} events, about ${count(batching.preferredKilobytes)} KiB` : "one event in a delivery"],
    handshake === "manual" && ["Handshake", "by hand"],
    entra && ["Microsoft Entra", h("span", { class: "mono" }, `${entra.applicationId} of tenant ${entra.tenantId}`)],
    ["Made", time(created)],
    ["Changed", time(changed), `, version ${count(revision)}`],
  ]);
}

const missedLink = (name, { from, until }) =>
  link({ view: "redeliveries", subscription: name, only: "missing", from, until }, "Send what was missed");

/** The gaps in deliveries, and the way to have what was missed sent. */
function missed({ name, gaps, missed: last, startRedelivery }) {
  const open = gaps.find(({ until }) => !until);
  const rows = gaps.toReversed().slice(0, 10).map(({ from, until }) => h("li", null, time(from), " to ", until ? time(until) : "now"));
  return [
    startRedelivery && h("p", null, "What came before it was made is sent by ", link({ view: "redeliveries", subscription: name, job: startRedelivery }, "its first redelivery"), "."),
    open && h("p", { class: "says" }, "Nothing has been delivered since ", time(open.from), "."),
    last && h("p", null, `From ${at(last.from)} to ${at(last.until)} nothing was delivered. `, missedLink(name, last)),
    rows.length > 0 ? [h("h3", null, "Gaps, the newest first"), h("ul", { class: "plain-list" }, rows)] : h("p", { class: "nothing" }, "It has no gap."),
  ];
}

/** That its endpoint failed before, and has yet to take something. */
const resumed = ({ health }) => health?.name !== "resumed" ? null
  : h("p", { class: "says" }, "It was paused since its endpoint failed from ", time(health.since), " on; nothing was delivered yet since it was resumed.");
