// The secret of a subscription's deliveries: shown on demand, and made anew.

import { h, setText } from "../dom.js";
import { get, once, segment } from "./client.js";
import { action, ask, copyable, panel, wrongLine } from "./parts.js";
import { many, time } from "./words.js";

export function secretPanel({ name, why }) {
  const path = `/subscriptions/${segment(name)}/secret`;
  const rotating = once();
  const status = wrongLine();
  const place = h("div", { class: "secrets" });

  function show({ header, versions }) {
    const close = h("button", { type: "button", onclick: () => place.replaceChildren() }, "Hide");
    place.replaceChildren(
      h("p", null, "Deliveries have the header ", h("code", null, header), versions.length > 1 ? " with these values, the new one first." : " with this value."),
      ...versions.map(({ since, until, secret }, index) => h("div", null,
        h("p", { class: "faint" }, `${index === 0 ? "For new deliveries" : "Before it"}, since `, time(since), until ? [", valid until ", time(until)] : ""),
        secret ? copyable(index === 0 ? "Secret" : "Secret before it", secret) : h("p", { class: "faint" }, "It was shown when it was made."))),
      h("div", { class: "buttons" }, close));
  }

  const reveal = action("Show the secret", async () => show(await get(path)), { why, status });
  const rotate = action("Make a new secret", () => {
    const hours = h("input", { name: "overlapHours", id: "overlap-hours", type: "number", min: "1", max: "168", step: "1", value: "24", required: true });
    const said = h("span");
    const tell = () => setText(said, many(Number(hours.value) || 0, "hour"));
    hours.addEventListener("input", tell);
    tell();
    return ask({
      title: "Make a new secret?", agree: "Make it",
      content: [
        h("p", null, "For ", said, " deliveries have both, the new one first, so that your endpoint can change at its own time."),
        h("div", { class: "field" }, h("label", { for: "overlap-hours" }, "Hours that both are valid, 1 to 168"), hours),
      ],
      work: async () => show(await rotating(path, { overlapHours: Number(hours.value) })),
    });
  }, { why, status });

  return panel("Secret",
    h("p", null, "Each delivery carries it in a header, so that your endpoint knows that it is from us."),
    why ? h("p", { class: "faint" }, "A read key does not see it: who knows it can pretend to be us.") : null,
    h("div", { class: "buttons" }, reveal, rotate), status, place);
}
