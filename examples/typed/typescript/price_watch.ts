// Tells whose price fell, from the bodies of deliveries: a line of JSON each on standard input. events.ts is made by
// `contoso schemas bindings --lang typescript`.
import { createInterface } from 'node:readline';
import { InvalidData, isKnownEvent, parseEvent, type KnownEvent } from './events.js';

/** The known events of a body, which is one object or, with batching, an array of them. */
export function events(body: string): KnownEvent[] {
  const document: unknown = JSON.parse(body);
  const all = Array.isArray(document) ? document : [document];
  // Types that come some day, and notices, are passed over.
  return all.map(parseEvent).filter(isKnownEvent);
}

export function told(event: KnownEvent): string {
  switch (event.type) {
    case 'com.contoso.product.changed.v1': {
      const { productId, state, match } = event.data;
      if (match.priceDropPercent === undefined) return `${productId} changed`;
      return `${productId} is ${match.priceDropPercent} % cheaper: ${state.price.amount} ${state.price.currency}`;
    }
    case 'com.contoso.product.discontinued.v1':
      return `${event.data.productId} is gone${event.data.reason ? `: ${event.data.reason}` : ''}`;
    default:
      return 'of no interest here';
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    for (const event of events(line)) console.log(told(event));
  } catch (error) {
    if (!(error instanceof InvalidData) && !(error instanceof SyntaxError)) throw error;
    console.log(`refused: ${error.message}`);
  }
}
