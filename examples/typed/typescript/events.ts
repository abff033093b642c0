// What partners and operators of Contoso Events receive. Made by `contoso schemas bindings --lang typescript`; do not edit.

/** What was received is not what its type says. The message begins with the path of what is wrong. */
export class InvalidData extends Error {
  readonly path: string;

  constructor(path: string, problem: string) {
    super(`${path || "the data"}: ${problem}`);
    this.name = "InvalidData";
    this.path = path;
  }
}

type $Check = (value: unknown, path: string) => void;

function $fail(path: string, problem: string): never {
  throw new InvalidData(path, problem);
}

function $below(path: string, step: string | number): string {
  return path === "" ? String(step) : `${path}.${step}`;
}

function $object(value: unknown, path: string): { [name: string]: unknown } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return $fail(path, "is no object");
  return value as { [name: string]: unknown };
}

function $members(value: unknown, path: string, members: readonly (readonly [string, boolean, $Check])[]): void {
  const object = $object(value, path);
  for (const [name, isRequired, check] of members) {
    if (Object.prototype.hasOwnProperty.call(object, name)) check(object[name], $below(path, name));
    else if (isRequired) $fail($below(path, name), "is missing");
  }
}

function $map(check: $Check): $Check {
  return (value, path) => Object.entries($object(value, path)).forEach(([name, item]) => check(item, $below(path, name)));
}

function $list(check: $Check): $Check {
  return (value, path) => {
    if (!Array.isArray(value)) return $fail(path, "is no list");
    value.forEach((item, index) => check(item, $below(path, index)));
  };
}

function $union(...checks: readonly $Check[]): $Check {
  return (value, path) => {
    let first: unknown;
    for (const check of checks) {
      try {
        return check(value, path);
      } catch (error) {
        // What is wrong with null says nothing.
        if (check !== $null) first ??= error;
      }
    }
    throw first;
  };
}

function $any(): void {}

function $null(value: unknown, path: string): void {
  if (value !== null) $fail(path, "is not null");
}

function $boolean(value: unknown, path: string): void {
  if (typeof value !== "boolean") $fail(path, "is neither true nor false");
}

function $int(value: unknown, path: string): void {
  if (typeof value !== "number" || (value | 0) !== value) $fail(path, "is no whole number of 32 bits");
}

/** JSON.parse has rounded a number beyond 2^53 already. */
function $long(value: unknown, path: string): void {
  if (!Number.isInteger(value)) $fail(path, "is no whole number");
  if (!Number.isSafeInteger(value)) $fail(path, "is beyond 2^53, where JavaScript rounds: read the text with a parser that keeps large numbers");
}

function $number(value: unknown, path: string): void {
  if (typeof value !== "number" || !Number.isFinite(value)) $fail(path, "is no number");
}

function $text(value: unknown, path: string): void {
  if (typeof value !== "string") $fail(path, "is no text");
}

function $like(pattern: RegExp, what: string): $Check {
  return (value, path) => {
    if (typeof value !== "string" || !pattern.test(value)) $fail(path, `is not ${what}`);
  };
}

// Not every module needs each of them.
void [$map, $list, $union, $any, $null, $boolean, $int, $long, $number, $text, $like];

/** What subscriptions select by. It says nothing that the rest does not. */
export interface MatchFields {
  /** The product's category, and before it the one that it just left. */
  categories: string[];
  /** By how much the price fell; absent where it did not. */
  priceDropPercent?: number;
  /** The product id with each upper-case letter as ^ and its lower-case form. */
  product: string;
}

function $check_MatchFields(value: unknown, path: string): void {
  $members(value, path, [
    ["categories", true, $list($text)],
    ["priceDropPercent", false, $number],
    ["product", true, $text],
  ]);
}

/** A product that is sold has new content: it was created, changed, or revived after having been discontinued. Data of com.contoso.product.changed.v1. */
export interface ProductChanged {
  /** Which product: 1 to 64 of A-Z a-z 0-9 _ - . and the event's subject and partition key. */
  productId: string;
  /** Counts the announcements of this product from 1. Of two events of a product the one with the higher revision is the later state, in whatever order they arrive. */
  revision: number;
  /** Version of the product in the catalogue. Grows with each change there; versions between two announcements are not announced. */
  version: number;
  /** The product as it is now, whole. */
  state: ProductState;
  /** What differs from the state announced before, or every field of a product announced for the first time. */
  changes: FieldChange[];
  /** What subscriptions select by. */
  match: MatchFields;
}

function $check_ProductChanged(value: unknown, path: string): void {
  $members(value, path, [
    ["productId", true, $text],
    ["revision", true, $long],
    ["version", true, $long],
    ["state", true, $check_ProductState],
    ["changes", true, $list($check_FieldChange)],
    ["match", true, $check_MatchFields],
  ]);
}

/** The whole content of a product at one version. */
export interface ProductState {
  /** What the product is called: 1 to 200 characters. */
  name: string;
  /** The category it is listed in: 1 to 100 characters. */
  category: string;
  /** Who makes it, where known. */
  brand?: null | string;
  /** What it is, in plain text, where there is a description. */
  description?: null | string;
  /** What one of it costs. */
  price: Price;
  /** How many are in stock, zero or more; null where stock is not counted. */
  stock?: null | number;
  /**
   * When the catalogue made this version, UTC.
   * As a time in RFC 3339.
   */
  updatedAt: string;
}

function $check_ProductState(value: unknown, path: string): void {
  $members(value, path, [
    ["name", true, $text],
    ["category", true, $text],
    ["brand", false, $union($null, $text)],
    ["description", false, $union($null, $text)],
    ["price", true, $check_Price],
    ["stock", false, $union($null, $long)],
    ["updatedAt", true, $like(/^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)([.][0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$/, "a time in RFC 3339")],
  ]);
}

/** An amount of money, exact. A long because Avro libraries disagree on decimals. */
export interface Price {
  /**
   * Exact: digits with as many decimal places as the currency has. Read it as a decimal, never as a float.
   * As an amount as text, digits with a decimal point.
   */
  amount: string;
  /** ISO 4217 code, upper case. */
  currency: string;
}

function $check_Price(value: unknown, path: string): void {
  $members(value, path, [
    ["amount", true, $like(/^[0-9]+([.][0-9]+)?$/, "an amount as text, digits with a decimal point")],
    ["currency", true, $text],
  ]);
}

/** One field that differs. Values are text as people read it: a price is 19.99 USD, stock is decimal digits. */
export interface FieldChange {
  /** Name of the field: name, category, brand, description, price, stock, status or discontinuedReason. More may follow. */
  field: string;
  /** What it was in the state announced before; null if it was not there. */
  from?: unknown;
  /** What it is now; null if it is not there any more. */
  to?: unknown;
}

function $check_FieldChange(value: unknown, path: string): void {
  $members(value, path, [
    ["field", true, $text],
    ["from", false, $any],
    ["to", false, $any],
  ]);
}

/** A product is no longer sold. Data of com.contoso.product.discontinued.v1. */
export interface ProductDiscontinued {
  /** Which product: 1 to 64 of A-Z a-z 0-9 _ - . and the event's subject and partition key. */
  productId: string;
  /** Counts the announcements of this product from 1. Of two events of a product the one with the higher revision is the later state, in whatever order they arrive. */
  revision: number;
  /** Version of the product in the catalogue. Grows with each change there; versions between two announcements are not announced. */
  version: number;
  /** Why, if staff said: 1 to 200 characters. */
  reason?: null | string;
  /** The product as it was at the end. */
  lastState: ProductState;
  /** What subscriptions select by. */
  match: MatchFields;
}

function $check_ProductDiscontinued(value: unknown, path: string): void {
  $members(value, path, [
    ["productId", true, $text],
    ["revision", true, $long],
    ["version", true, $long],
    ["reason", false, $union($null, $text)],
    ["lastState", true, $check_ProductState],
    ["match", true, $check_MatchFields],
  ]);
}

/** The value, if it is one; throws `InvalidData` where it is not. Members that are not known are passed over, and stay. */
export function parseProductChanged(value: unknown): ProductChanged {
  $check_ProductChanged(value, "");
  return value as ProductChanged;
}

/** The value, if it is one; throws `InvalidData` where it is not. Members that are not known are passed over, and stay. */
export function parseProductDiscontinued(value: unknown): ProductDiscontinued {
  $check_ProductDiscontinued(value, "");
  return value as ProductDiscontinued;
}

/** A CloudEvent 1.0, as Event Grid delivers it. It may have other attributes. */
export interface CloudEvent<Type extends string, Data> {
  /** What happened. */
  type: Type;
  /** Version of CloudEvents. */
  specversion: "1.0";
  /** The same in each delivery of the event: with the source it tells a repeat. */
  id: string;
  /** Who tells it. */
  source: string;
  /** What it is about, as the id of a product. */
  subject?: string;
  /** When it happened, RFC 3339. */
  time?: string;
  /** application/json */
  datacontenttype?: string;
  /** Where its schema is registered. */
  dataschema?: string;
  /** Whom it is for: all, a partner, or one subscription of a partner. */
  audience?: string;
  /** What orders it among others. */
  partitionkey?: string;
  /** Of one subject the higher is the later: digits, as text, since a double would round them. */
  sequence?: string;
  /** The job that sent it once more. */
  redelivery?: string;
  /** An example that was asked for: nothing happened. */
  test?: boolean;
  /** The span that caused it (W3C Trace Context). */
  traceparent?: string;
  /** Goes with traceparent. */
  tracestate?: string;
  /** What is said about it. */
  data: Data;
}

export type ProductChangedEvent = CloudEvent<"com.contoso.product.changed.v1", ProductChanged>;

export type ProductDiscontinuedEvent = CloudEvent<"com.contoso.product.discontinued.v1", ProductDiscontinued>;

/** An event of a type that this module knows: `switch (event.type)` tells which. */
export type KnownEvent = ProductChangedEvent | ProductDiscontinuedEvent;

/** An event of a type that came later, or a notice. Take it, and pass it over. */
export type OtherEvent = CloudEvent<string, unknown>;

const $events: ReadonlyMap<string, $Check> = new Map<string, $Check>([
  ["com.contoso.product.changed.v1", (value, path) => { $check_ProductChanged(value, path); }],
  ["com.contoso.product.discontinued.v1", (value, path) => { $check_ProductDiscontinued(value, path); }],
]);

/** Whether this module knows the type of an event. */
export function isKnownEvent(event: KnownEvent | OtherEvent): event is KnownEvent {
  return $events.has(event.type);
}

/** The event, with its data checked where its type is known; throws `InvalidData` where it is none. */
export function parseEvent(value: unknown): KnownEvent | OtherEvent {
  $members(value, "", [
    ["specversion", true, $like(/^1\.0$/, "1.0")],
    ["type", true, $like(/^[^]/, "a text")],
    ["id", true, $like(/^[^]/, "a text")],
    ["source", true, $like(/^[^]/, "a text")],
    ["subject", false, $text],
    ["time", false, $text],
    ["datacontenttype", false, $text],
    ["dataschema", false, $text],
    ["audience", false, $text],
    ["partitionkey", false, $text],
    ["sequence", false, $text],
    ["redelivery", false, $text],
    ["test", false, $boolean],
    ["traceparent", false, $text],
    ["tracestate", false, $text],
  ]);
  const event = value as OtherEvent;
  const check = $events.get(event.type);
  if (check !== undefined) check(event.data, "data");
  return event;
}
