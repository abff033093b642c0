// What a webhook for Contoso Events does, whatever framework it is served by: prove who sends, read one event or a batch, and keep the
// newest state of each product.
import { createHash, timingSafeEqual } from 'node:crypto';

export const LARGEST_BODY = 2 * 1024 * 1024;

const MEDIA_TYPES = ['application/cloudevents+json', 'application/cloudevents-batch+json', 'application/json'];
const NOTICES = [
  'com.contoso.partner.welcome.v1',
  'com.contoso.partner.test.v1',
  'com.contoso.partner.subscription-failing.v1',
  'com.contoso.partner.subscription-paused.v1',
  'com.contoso.partner.subscription-recovered.v1',
];
const CHANGED = 'com.contoso.product.changed.v1';
const DISCONTINUED = 'com.contoso.product.discontinued.v1';
const REMEMBERED = 10_000;

const sha256 = (text) => createHash('sha256').update(text).digest();
// What GET …/secret answers, separated by commas.
const secrets = (process.env.CONTOSO_SECRETS ?? '').split(',').map((secret) => secret.trim()).filter((secret) => secret !== '');
if (secrets.length === 0) {
  console.error('CONTOSO_SECRETS is not set: put what GET …/subscriptions/{name}/secret answers there, separated by commas');
  process.exit(1);
}
const known = secrets.map(sha256);

/// Whether a request has a secret that is known: the header holds one, or several, newest first, while older ones still count. The
/// values come as `headersDistinct` of Node.js has them, which does not join headers that came twice.
export function isOurs(values) {
  if (values?.length !== 1) return false;
  // Hashes, since `timingSafeEqual` throws where lengths differ.
  const given = values[0].split(',').map((secret) => sha256(secret.trim()));
  return given.some((one) => known.some((other) => timingSafeEqual(one, other)));
}

export function isCloudEvents(contentType) {
  return MEDIA_TYPES.includes((contentType ?? '').split(';')[0].trim().toLowerCase());
}

/// Takes a delivery, and prints a line for each event. Throws a `SyntaxError` where the body has no events, which is for 400.
export function receive(body, subscription) {
  for (const event of parse(body)) {
    const sequence = typeof event.sequence === 'string' ? event.sequence : '-';
    const words = [take(event, subscription), event.type, event.subject ?? '-', sequence];
    // Whatever the text is, it stays one line.
    console.log(words.join(' ').replace(/[^\x20-\x7e]/g, '?'));
  }
}

/// The events of a body, which is one object or, with batching, an array of them.
function parse(body) {
  const document = JSON.parse(text(body));
  const events = Array.isArray(document) ? document : [document];
  const isText = (value) => typeof value === 'string' && value !== '';
  const isEvent = (event) =>
    event?.specversion === '1.0' && isText(event.id) && isText(event.source) && isText(event.type) && typeof (event.subject ?? '') === 'string';
  if (!events.every(isEvent)) throw new SyntaxError('no CloudEvent 1.0, and no array of them');
  return events;
}

/// A body as text. JSON is UTF-8 without a byte order mark, and bytes that are not must not become other text.
function text(body) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new SyntaxError('no UTF-8');
  }
}

// In place of two tables: write them in one transaction, all events of a delivery or none, before it is answered.
const products = new Map();
const deliveries = new Set();

/// Takes one event, and says what it was: applied, older, repeat, notice or ignored.
function take(event, subscription) {
  // Two subscriptions may select one event, and each delivers it: that is no repeat.
  const delivery = sha256(JSON.stringify([event.source, event.id, subscription])).toString('hex');
  if (deliveries.has(delivery)) return 'repeat';
  deliveries.add(delivery);
  if (deliveries.size > REMEMBERED) deliveries.delete(deliveries.values().next().value);

  // `contoso partners send` marks its examples: their product may not exist, and their price is made up.
  if (NOTICES.includes(event.type) || event.test === true) return 'notice';
  // Types that come some day are taken, since a refusal would have them come again.
  const { subject, sequence, data } = event;
  const isKnown = [CHANGED, DISCONTINUED].includes(event.type) && typeof subject === 'string' && data?.productId === subject;
  if (!isKnown || typeof sequence !== 'string' || !/^[0-9]{1,20}$/.test(sequence)) return 'ignored';
  // Text of one length compares as the 64-bit number does; Number() would round it.
  const padded = sequence.padStart(20, '0');
  if (products.get(subject)?.sequence >= padded) return 'older';
  // What is no longer sold stays, so that an older change does not bring it back.
  products.set(subject, { sequence: padded, isSold: event.type === CHANGED, state: data.state ?? data.lastState });
  return 'applied';
}
