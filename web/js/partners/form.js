// The form of a subscription: a new one, or changes to one.

import { h, setText } from "../dom.js";
import { call, get, once, segment } from "./client.js";
import { previewOf } from "./preview.js";
import { action, clearFieldErrors, field, readOnly, showFieldErrors, wrongLine } from "./parts.js";
import { EVENT_TYPES, NOTICE_TYPES, capital, errorWords, fromField, isOfNotices, typeName } from "./words.js";

const AUDIENCES = 3;
const MOST_VALUES = 25;

const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

const input = (name, attributes) => h("input", { name, autocomplete: "off", ...attributes });

/** The fields of a filter, filled with what there is; `read()` gives them as the API writes them. */
function filterFields(was) {
  const of = isOfNotices(was) ? NOTICE_TYPES : EVENT_TYPES;
  const types = of.map((type) => input("eventTypes", { type: "checkbox", value: type, checked: was.eventTypes.includes(type) }));
  const which = was.productPrefix ? "prefix" : was.products ? "list" : "all";
  const kinds = [["all", "All"], ["prefix", "Ids that begin with …"], ["list", "Only these"]];
  const chosen = kinds.map(([value]) => input("which", { type: "radio", value, checked: value === which }));
  const prefix = input("productPrefix", { value: was.productPrefix ?? "", spellcheck: "false", class: "mono" });
  const products = h("textarea", { name: "products", rows: "4", spellcheck: "false", class: "mono" }, was.products?.join("\n") ?? "");
  const categories = h("textarea", { name: "categories", rows: "3" }, was.categories?.join("\n") ?? "");
  const drop = input("priceDropPercent", { type: "number", min: "0.01", max: "100", step: "0.01", value: was.priceDropPercent ?? "" });
  const prefixField = field("Beginning of the id", prefix, { hint: "Upper and lower case differ. “tent-1” also takes “tent-10”." });
  const listField = field("Product ids, one a line", products, { hint: "Each uses one filter value." });
  const kind = () => chosen.find(({ checked }) => checked).value;
  const reveal = () => {
    prefixField.hidden = kind() !== "prefix";
    listField.hidden = kind() !== "list";
  };
  reveal();
  const choices = (legend, name, inputs, labels) => h("fieldset", { class: "field", "data-field": name },
    h("legend", null, legend),
    inputs.map((choice, index) => h("label", { class: "choice" }, choice, labels[index])),
    h("p", { class: "wrong" }));
  const element = h("div", { class: "stack" },
    choices(of === NOTICE_TYPES ? "Notices about your other subscriptions" : "Events", "eventTypes", types, of.map((type) => capital(typeName(type)))),
    of === NOTICE_TYPES ? null : [
      choices("Products", "which", chosen, kinds.map(([, label]) => label)),
      prefixField, listField,
      field("Categories, one a line", categories, { hint: "All, if empty. A product that leaves one of them is told of too. Each uses one filter value." }),
      field("Price falls by at least, in percent", drop, { hint: "Any change, if empty. Up to two places; it uses one filter value." }),
    ]);
  element.addEventListener("change", reveal);
  return {
    element,
    read: () => ({
      eventTypes: types.filter(({ checked }) => checked).map(({ value }) => value),
      productPrefix: kind() === "prefix" ? prefix.value.trim() : null,
      products: kind() === "list" ? lines(products.value) : null,
      categories: lines(categories.value).length > 0 ? lines(categories.value) : null,
      priceDropPercent: drop.value === "" ? null : Number(drop.value),
    }),
  };
}

/** How many of Event Grid's filter values a filter uses. */
const used = ({ products, categories, priceDropPercent }) =>
  AUDIENCES + (products?.length ?? 0) + (categories?.length ?? 0) + (priceDropPercent === null ? 0 : 1);

function budget(filter) {
  const meter = h("meter", { min: "0", max: String(MOST_VALUES), low: "20", high: "24", optimum: "0", "aria-label": "Filter values used" });
  const said = h("span");
  const element = h("p", { class: "budget", role: "status" }, meter, said);
  const update = () => {
    const number = used(filter.read());
    meter.value = Math.min(number, MOST_VALUES);
    element.classList.toggle("over", number > MOST_VALUES);
    setText(said, `${number} of ${MOST_VALUES} filter values, ${AUDIENCES} of them ours${number > MOST_VALUES ? ": too many. Make two subscriptions." : ""}`);
  };
  update();
  filter.element.addEventListener("input", update);
  return element;
}

/** The fields of delivery. */
function deliveryFields(was) {
  const batches = input("batching", { type: "checkbox", checked: Boolean(was.batching) });
  const maxEvents = input("maxEvents", { type: "number", min: "1", max: "5000", step: "1", value: was.batching?.maxEvents ?? 100 });
  const kilobytes = input("preferredKilobytes", { type: "number", min: "1", max: "1024", step: "1", value: was.batching?.preferredKilobytes ?? 64 });
  const handshake = h("select", { name: "handshake" },
    h("option", { value: "automatic", selected: was.handshake !== "manual" }, "Automatic: the endpoint answers by itself"),
    h("option", { value: "manual", selected: was.handshake === "manual" }, "By hand: somebody opens the callback's address within ten minutes"));
  const protectedBy = input("entra", { type: "checkbox", checked: Boolean(was.entra) });
  const tenant = input("tenantId", { value: was.entra?.tenantId ?? "", spellcheck: "false", class: "mono" });
  const application = input("applicationId", { value: was.entra?.applicationId ?? "", spellcheck: "false", class: "mono" });
  const batching = h("div", { class: "indented" },
    field("Events in a delivery, at most", maxEvents, { name: "batching.maxEvents" }),
    field("Its size, about, in KiB", kilobytes, { name: "batching.preferredKilobytes" }));
  const entra = h("div", { class: "indented" },
    field("Tenant", tenant, { name: "entra.tenantId", hint: "A UUID." }),
    field("Application", application, { name: "entra.applicationId", hint: "Its id, or its URI such as api://…" }));
  const reveal = () => {
    batching.hidden = !batches.checked;
    entra.hidden = !protectedBy.checked;
  };
  reveal();
  const element = h("div", { class: "stack" },
    h("label", { class: "choice" }, batches, "Several events in one delivery"), batching,
    field("Handshake", handshake),
    h("label", { class: "choice" }, protectedBy, "The endpoint is protected by Microsoft Entra: deliveries carry a token for it"), entra);
  element.addEventListener("change", reveal);
  return {
    element,
    read: () => ({
      batching: batches.checked ? { maxEvents: Number(maxEvents.value), preferredKilobytes: Number(kilobytes.value) } : null,
      handshake: handshake.value,
      entra: protectedBy.checked ? { tenantId: tenant.value.trim(), applicationId: application.value.trim() } : null,
    }),
  };
}

/** Members that are null are left out. */
const present = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));

function subscriptionForm({ body, account, was, first, last, submit, read }) {
  const why = readOnly(account);
  const filter = filterFields(was);
  const delivery = deliveryFields(was);
  const wrong = wrongLine();
  const preview = isOfNotices(was) ? null : previewOf(() => present(filter.read()), (error) => showFieldErrors(form, wrong, error));
  const send = action(submit.label, async () => {
    clearFieldErrors(form);
    try {
      await submit.work({ ...filter.read(), ...delivery.read(), ...read() });
    } catch (error) {
      showFieldErrors(form, wrong, error);
    }
  }, { primary: true, why, status: wrong });
  const form = h("form", { class: "columns", novalidate: true },
    h("section", { class: "panel" }, h("h2", null, "Endpoint"), h("div", { class: "stack" }, first), h("h2", null, "Delivery"), delivery.element),
    h("section", { class: "panel" }, h("h2", null, "Filter"), filter.element, budget(filter), preview),
    h("div", { class: "panel wide-panel" }, last, wrong, h("div", { class: "buttons" }, send, h("a", { class: "button", href: submit.back }, "Cancel")), why ? h("p", { class: "faint" }, why) : null));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send.click();
  });
  body.append(form);
}

/** A local stack delivers to this machine too. */
const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);

const endpointHint = `https at port 443, on a public domain name${isLocal ? "; on a local stack http://localhost:PORT/… too" : ""}. It must answer OPTIONS with 200 and WebHook-Allowed-Origin. The address is a credential: no more than scheme, host and port is shown later.`;

/** A subscription before anybody said anything. */
const blank = (query) => ({ eventTypes: query.get("gets") === "notices" ? NOTICE_TYPES : EVENT_TYPES });

export function newView({ body, account, query, go }) {
  const creating = once();
  const name = input("name", { required: true, spellcheck: "false", maxlength: "40" });
  const endpoint = input("endpoint", { type: "url", required: true, spellcheck: "false", placeholder: "https://" });
  const from = input("startFrom", { type: "datetime-local", step: "1" });
  const paused = input("paused", { type: "checkbox" });
  subscriptionForm({
    body, account, was: blank(query),
    first: [field("Name", name, { hint: "3 to 40 lower-case letters and digits, with single hyphens between." }), field("Address", endpoint, { hint: endpointHint })],
    last: h("div", { class: "stack" },
      field("Begin in the past (UTC)", from, { hint: "What came since then is delivered too, once it is active. Only from now on, if empty." }),
      h("label", { class: "choice" }, paused, "Make it paused: nothing is delivered until you resume it")),
    read: () => ({ name: name.value.trim() || null, endpoint: endpoint.value.trim() || null, startFrom: fromField(from.value), paused: paused.checked }),
    submit: {
      label: "Subscribe", back: "?view=subscriptions",
      work: async (wish) => {
        const made = await creating("/subscriptions", present(wish));
        go({ view: "subscription", subscription: made.name });
      },
    },
  });
}

export function editView({ body, account, subscription: name, go }) {
  const path = `/subscriptions/${segment(name)}`;
  const reading = h("p", { class: "faint", role: "status" }, "Reading…");
  const stop = new AbortController();
  body.append(reading);
  get(path, stop.signal).then((was) => {
    reading.remove();
    const endpoint = input("endpoint", { type: "url", spellcheck: "false", placeholder: `${was.endpoint}/…` });
    subscriptionForm({
      body, account, was,
      first: [field("Address", endpoint, { hint: `Empty, it stays as it is. ${endpointHint}` })],
      last: h("p", { class: "faint" }, "The endpoint is asked for its consent first. If it does not give it, nothing changes."),
      read: () => endpoint.value.trim() === "" ? {} : { endpoint: endpoint.value.trim() },
      submit: {
        label: "Save", back: `?${new URLSearchParams({ view: "subscription", subscription: name })}`,
        work: async (wish) => {
          await call("PATCH", path, { body: wish });
          go({ view: "subscription", subscription: name });
        },
      },
    });
  }).catch((error) => {
    if (!stop.signal.aborted) setText(reading, errorWords(error));
  });
  return () => stop.abort();
}
