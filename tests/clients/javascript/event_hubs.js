// @azure/event-hubs: sending, receiving from every position, epochs, refusals, processors that share partitions.

import assert from "node:assert/strict";

import {
  EventHubBufferedProducerClient,
  EventHubConsumerClient,
  EventHubProducerClient,
  earliestEventPosition,
  latestEventPosition,
} from "@azure/event-hubs";
import { BlobCheckpointStore } from "@azure/eventhubs-checkpointstore-blob";
import { ContainerClient } from "@azure/storage-blob";
import { WebSocket } from "ws";

import { concurrently, endpoints, identity, refused, test, unique, until } from "./suite.js";

const connection = endpoints.eventHubs.connectionString;
const QUICK = { retryOptions: { maxRetries: 0, timeoutInMs: 10_000 } };

async function withProducer(hub, body, options) {
  const producer = new EventHubProducerClient(connection, hub, options);
  try {
    return await body(producer);
  } finally {
    await producer.close();
  }
}

async function withConsumer(group, hub, body, options) {
  const consumer = new EventHubConsumerClient(group, connection, hub, options);
  try {
    return await body(consumer);
  } finally {
    await consumer.close();
  }
}

/** A client of the hub `events` that proves an identity of the stack. */
function overTls(Client, name, options) {
  const address = connection.match(/Endpoint=sb:\/\/([^;/]*)/)[1];
  return new Client("suites.servicebus.windows.net", "events", identity(name), { ...QUICK, ...options, customEndpointAddress: `sb://${address}` });
}

/** Receives from one partition until `enough` holds of the events so far. */
async function receive(hub, partition, startPosition, enough, options = {}) {
  return withConsumer(options.group ?? "$Default", hub, async (consumer) => {
    const events = [];
    let last;
    let failure;
    const subscription = consumer.subscribe(
      partition,
      {
        processEvents: async (more, context) => {
          events.push(...more);
          last = context.lastEnqueuedEventProperties ?? last;
        },
        processError: async (error) => {
          failure = error;
        },
      },
      { startPosition, maxWaitTimeInSeconds: 1, ...options },
    );
    try {
      await until(`events of ${hub}/${partition}`, () => failure || enough(events));
    } finally {
      await subscription.close();
    }
    if (failure) throw failure;
    return { events, last };
  }, options.client);
}

const bodies = (events) => events.map((event) => event.body);
const numbers = (count, from = 0) => Array.from({ length: count }, (_, index) => from + index);

/** Sends the bodies to one partition and returns its last sequence number before them. */
async function sendTo(hub, partitionId, contents) {
  return withProducer(hub, async (producer) => {
    const before = await producer.getPartitionProperties(partitionId);
    await producer.sendBatch(
      contents.map((body) => (body?.body === undefined ? { body } : body)),
      { partitionId },
    );
    return before;
  });
}

concurrently("properties", {
  "of a hub": async () =>
    withProducer("events", async (producer) => {
      const properties = await producer.getEventHubProperties();
      assert.equal(properties.name, "events");
      assert.deepEqual(properties.partitionIds, ["0", "1", "2", "3"]);
      assert.ok(properties.createdOn instanceof Date && properties.createdOn <= new Date());
      assert.deepEqual(await producer.getPartitionIds(), properties.partitionIds);
    }),

  "of an empty partition and of one with events": async () =>
    withProducer("single", async (producer) => {
      const empty = await producer.getPartitionProperties("0");
      assert.equal(empty.isEmpty, true);
      assert.equal(empty.lastEnqueuedSequenceNumber, -1);
      await producer.sendBatch([{ body: "a" }, { body: "b" }]);
      const filled = await producer.getPartitionProperties("0");
      assert.equal(filled.isEmpty, false);
      assert.equal(filled.eventHubName, "single");
      assert.equal(filled.partitionId, "0");
      assert.equal(filled.beginningSequenceNumber, 0);
      assert.equal(filled.lastEnqueuedSequenceNumber, 1);
      assert.match(filled.lastEnqueuedOffset, /^\d+$/);
      assert.ok(Math.abs(filled.lastEnqueuedOnUtc - Date.now()) < 60_000);
    }),

  "of what is not there": async () => {
    await withProducer("events", (producer) =>
      refused(producer.getPartitionProperties("9"), { code: "ArgumentOutOfRangeError" }), QUICK);
    await withProducer("nowhere", (producer) =>
      refused(producer.getEventHubProperties(), { code: "MessagingEntityNotFoundError" }), QUICK);
  },
});

concurrently("sending", {
  "a batch knows the limit and refuses what does not fit": async () =>
    withProducer("events", async (producer) => {
      const batch = await producer.createBatch({ partitionId: "1" });
      assert.equal(batch.maxSizeInBytes, 1024 * 1024);
      assert.equal(batch.tryAdd({ body: Buffer.alloc(1024 * 1024) }), false);
      assert.equal(batch.tryAdd({ body: Buffer.alloc(1_000_000) }), true);
      assert.equal(batch.tryAdd({ body: Buffer.alloc(100_000) }), false);
      assert.equal(batch.count, 1);
      const before = await producer.getPartitionProperties("1");
      await producer.sendBatch(batch);
      const after = await producer.getPartitionProperties("1");
      assert.ok(after.lastEnqueuedSequenceNumber > before.lastEnqueuedSequenceNumber);
      await refused(producer.createBatch({ maxSizeInBytes: 2 * 1024 * 1024 }), { message: /cannot be greater|max/i });
    }),

  "an array that is too large is refused": async () =>
    withProducer("events", (producer) =>
      refused(producer.sendBatch([{ body: Buffer.alloc(600_000) }, { body: Buffer.alloc(600_000) }]), {
        code: "MessageTooLargeError",
      }), QUICK),

  "a key always leads to one partition, which the client computes too": async () => {
    const keys = numbers(20).map((number) => unique(`key-${number}`));
    const starts = await withProducer("events", async (producer) => {
      const starts = {};
      for (const id of await producer.getPartitionIds()) starts[id] = await producer.getPartitionProperties(id);
      for (const key of keys) {
        const batch = await producer.createBatch({ partitionKey: key });
        batch.tryAdd({ body: `${key} by the service` });
        await producer.sendBatch(batch);
        await producer.sendBatch([{ body: `${key} again` }], { partitionKey: key });
      }
      return starts;
    });
    const failed = [];
    const buffered = new EventHubBufferedProducerClient(connection, "events", {
      onSendEventsErrorHandler: async (context) => failed.push(context.error),
    });
    for (const key of keys) await buffered.enqueueEvent({ body: `${key} by the client` }, { partitionKey: key });
    await buffered.close();
    assert.deepEqual(failed, []);
    const home = {};
    for (const [id, start] of Object.entries(starts)) {
      const last = await withProducer("events", (producer) => producer.getPartitionProperties(id));
      if (last.lastEnqueuedSequenceNumber === start.lastEnqueuedSequenceNumber) continue;
      const { events } = await receive(
        "events",
        id,
        { sequenceNumber: start.lastEnqueuedSequenceNumber },
        (events) => events.at(-1)?.sequenceNumber >= last.lastEnqueuedSequenceNumber,
      );
      for (const event of events) {
        const [key, how] = [String(event.body).split(" ")[0], String(event.body)];
        if (!keys.includes(key)) continue;
        (home[key] ??= new Set()).add(id);
        if (!how.endsWith("by the client")) assert.equal(event.partitionKey, key);
      }
    }
    for (const key of keys) assert.equal(home[key]?.size, 1, `${key} is in ${[...(home[key] ?? [])]}`);
    assert.ok(new Set(Object.values(home).map((ids) => [...ids][0])).size > 1, "keys spread");
  },

  "no key and no partition spreads over the hub": async () =>
    withProducer("shared", async (producer) => {
      for (const number of numbers(8)) await producer.sendBatch([{ body: { spread: number } }]);
      for (const id of await producer.getPartitionIds()) {
        assert.ok(!(await producer.getPartitionProperties(id)).isEmpty, `partition ${id} got nothing`);
      }
    }),

  "a partition that is not there": async () =>
    withProducer("events", (producer) =>
      refused(producer.sendBatch([{ body: "x" }], { partitionId: "9" }), { code: "ArgumentOutOfRangeError" }), QUICK),

  "a hub that is not there": async () =>
    withProducer("nowhere", (producer) =>
      refused(producer.sendBatch([{ body: "x" }]), { code: "MessagingEntityNotFoundError" }), QUICK),

  "a wrong key": async () => {
    const forged = connection.replace(/SharedAccessKey=[^;]*/, "SharedAccessKey=d3Jvbmc=");
    const producer = new EventHubProducerClient(forged, "events", QUICK);
    await refused(producer.sendBatch([{ body: "x" }]), { code: "UnauthorizedError" });
    await refused(producer.getEventHubProperties(), { code: "UnauthorizedError" });
    await producer.close();
  },

  "an unknown key name": async () => {
    const forged = connection.replace(/SharedAccessKeyName=[^;]*/, "SharedAccessKeyName=Nobody");
    const producer = new EventHubProducerClient(forged, "events", QUICK);
    await refused(producer.sendBatch([{ body: "x" }]), { code: "UnauthorizedError" });
    await producer.close();
  },
});

concurrently("identities over TLS", {
  "one with the role sends and reads": async () => {
    const producer = overTls(EventHubProducerClient, "writer");
    const before = await producer.getPartitionProperties("0");
    await producer.sendBatch([{ body: { tls: 1 } }], { partitionId: "0" });
    assert.ok((await producer.getPartitionProperties("0")).lastEnqueuedSequenceNumber > before.lastEnqueuedSequenceNumber);
    await producer.close();
  },

  "one that may only read": async () => {
    const producer = overTls(EventHubProducerClient, "reader");
    assert.equal((await producer.getEventHubProperties()).name, "events");
    await refused(producer.sendBatch([{ body: "x" }]), { code: "UnauthorizedError" });
    await producer.close();
  },

  "one without a role": async () => {
    const producer = overTls(EventHubProducerClient, "stranger");
    await refused(producer.sendBatch([{ body: "x" }]), { code: "UnauthorizedError" });
    await producer.close();
  },
});

concurrently("over WebSockets", {
  "by key": async () => {
    const options = { ...QUICK, webSocketOptions: { webSocket: WebSocket } };
    const large = "x".repeat(900_000);
    const before = await withProducer("events", async (producer) => {
      const before = await producer.getPartitionProperties("0");
      await producer.sendBatch([{ body: large, properties: { case: "sockets" } }], { partitionId: "0" });
      return before;
    }, options);
    const position = { sequenceNumber: before.lastEnqueuedSequenceNumber };
    const mine = (events) => events.find((event) => event.properties?.case === "sockets");
    const { events } = await receive("events", "0", position, mine, { client: options });
    assert.equal(mine(events).body, large);
    await withProducer("nowhere", (producer) =>
      refused(producer.sendBatch([{ body: "x" }]), { code: "MessagingEntityNotFoundError" }), options);
  },

  "by identity": async () => {
    const producer = overTls(EventHubProducerClient, "writer", { webSocketOptions: { webSocket: WebSocket } });
    await producer.sendBatch([{ body: "by identity" }], { partitionId: "1" });
    await producer.close();
  },
});

concurrently("what an event carries", {
  "bodies of every kind come back as they were": async () => {
    const sent = ["text", { deep: [1, "two", null, { three: 3.5 }] }, Buffer.from([0, 255, 1]), 42, true, [1, 2, 3], "grüße 🦀"];
    const before = await sendTo("events", "0", sent.map((body) => ({ body, properties: { case: "bodies" } })));
    const mine = (events) => events.filter((event) => event.properties?.case === "bodies");
    const { events } = await receive("events", "0", { sequenceNumber: before.lastEnqueuedSequenceNumber }, (events) =>
      mine(events).length >= sent.length);
    assert.deepEqual(bodies(mine(events)), sent);
  },

  "a body of null is null, beside its properties": async () => {
    const sent = [{ body: null }, { body: undefined }, { body: null, bodyType: "value" }];
    const before = await withProducer("events", async (producer) => {
      const before = await producer.getPartitionProperties("0");
      const events = sent.map(({ body, bodyType }, index) =>
        bodyType === undefined
          ? { body, properties: { case: "null", index }, messageId: `null-${index}` }
          : { body, bodyType, applicationProperties: { case: "null", index }, properties: { messageId: `null-${index}` } });
      await producer.sendBatch(events, { partitionId: "0" });
      return before;
    });
    const mine = (events) => events.filter((event) => event.properties?.case === "null");
    const { events } = await receive("events", "0", { sequenceNumber: before.lastEnqueuedSequenceNumber }, (events) =>
      mine(events).length >= sent.length);
    assert.deepEqual(
      mine(events).map((event) => [event.body ?? null, event.properties.index, event.messageId]),
      [[null, 0, "null-0"], [null, 1, "null-1"], [null, 2, "null-2"]],
    );
  },

  "properties and message fields": async () => {
    const moment = new Date("2026-03-04T10:11:12.345Z");
    const event = {
      body: "x",
      contentType: "application/x-test",
      correlationId: "c-1",
      messageId: "m-1",
      properties: { case: "fields", text: "t", whole: 7, broken: 1.5, yes: true, no: false, moment, none: null },
    };
    const before = await sendTo("events", "0", [event]);
    const mine = (events) => events.find((event) => event.properties?.case === "fields");
    const { events } = await receive("events", "0", { sequenceNumber: before.lastEnqueuedSequenceNumber }, mine);
    const got = mine(events);
    assert.equal(got.contentType, "application/x-test");
    assert.equal(got.correlationId, "c-1");
    assert.equal(got.messageId, "m-1");
    const { text, whole, broken, yes, no, none } = got.properties;
    assert.deepEqual({ text, whole, broken, yes, no, none }, { text: "t", whole: 7, broken: 1.5, yes: true, no: false, none: null });
    assert.equal(Number(got.properties.moment), Number(moment));
    assert.ok(Math.abs(got.enqueuedTimeUtc - Date.now()) < 60_000);
    assert.equal(typeof got.sequenceNumber, "number");
    assert.match(got.offset, /^\d+$/);
    assert.equal(got.partitionKey ?? null, null);
  },

  "AMQP messages with value and sequence bodies": async () => {
    const before = await withProducer("events", async (producer) => {
      const before = await producer.getPartitionProperties("0");
      const properties = { case: "amqp" };
      await producer.sendBatch(
        [
          { body: { a: 1 }, bodyType: "value", applicationProperties: properties, properties: { subject: "s", groupId: "g" } },
          { body: [1, "two", [3]], bodyType: "sequence", applicationProperties: properties },
          { body: Buffer.from("bytes"), bodyType: "data", applicationProperties: properties },
        ],
        { partitionId: "0" },
      );
      return before;
    });
    const mine = (events) => events.filter((event) => event.properties?.case === "amqp");
    const { events } = await receive("events", "0", { sequenceNumber: before.lastEnqueuedSequenceNumber }, (events) =>
      mine(events).length >= 3);
    const raw = mine(events).map((event) => event.getRawAmqpMessage());
    assert.deepEqual(raw.map((message) => message.bodyType), ["value", "sequence", "data"]);
    assert.deepEqual(raw[0].body, { a: 1 });
    assert.equal(raw[0].properties.subject, "s");
    assert.equal(raw[0].properties.groupId, "g");
    assert.deepEqual(mine(events)[1].body, [1, "two", [3]]);
  },
});

test("every start position", async () => {
  const [hub, partition] = ["events", "2"];
  await sendTo(hub, partition, numbers(5));
  // A moment between the two halves, as the service's own clock saw them.
  await new Promise((resolve) => setTimeout(resolve, 5));
  await sendTo(hub, partition, numbers(5, 5));
  const all = (await receive(hub, partition, earliestEventPosition, (events) => bodies(events).includes(9))).events;
  const start = all.findIndex((event) => event.body === 0);
  const events = all.slice(start);
  assert.deepEqual(bodies(events), numbers(10));
  assert.deepEqual(events.map((event) => event.sequenceNumber), numbers(10, events[0].sequenceNumber));
  const from = async (position) =>
    bodies((await receive(hub, partition, position, (events) => bodies(events).includes(9))).events);
  const [third, sixth] = [events[3], events[6]];
  assert.deepEqual(await from({ sequenceNumber: third.sequenceNumber }), numbers(6, 4));
  assert.deepEqual(await from({ sequenceNumber: third.sequenceNumber, isInclusive: true }), numbers(7, 3));
  assert.deepEqual(await from({ offset: sixth.offset }), numbers(3, 7));
  assert.deepEqual(await from({ offset: sixth.offset, isInclusive: true }), numbers(4, 6));
  const last = await receive(hub, partition, { offset: "@latest", isInclusive: true }, (events) => events.length);
  assert.deepEqual(bodies(last.events), [9]);
  const enqueued = await from({ enqueuedOn: events[5].enqueuedTimeUtc.getTime() - 1 });
  assert.deepEqual(enqueued.slice(-5), numbers(5, 5));
  assert.ok(!enqueued.includes(0), "what is older than the moment stays out");
});

test("the latest position sees only what comes, and the last enqueued properties", async () => {
  const [hub, partition] = ["events", "3"];
  await sendTo(hub, partition, ["old"]);
  let sending;
  const { events, last } = await receive(
    hub,
    partition,
    latestEventPosition,
    (events) => {
      // Sent again and again, for nobody knows when the receiver has attached.
      sending ??= sendTo(hub, partition, ["new"]).finally(() => (sending = undefined));
      return events.length > 0;
    },
    { trackLastEnqueuedEventProperties: true, maxWaitTimeInSeconds: 1 },
  );
  await sending;
  assert.ok(!bodies(events).includes("old"));
  assert.ok(last.sequenceNumber >= events[0].sequenceNumber);
  assert.match(last.offset, /^\d+$/);
  assert.ok(last.enqueuedOn instanceof Date && last.retrievedOn instanceof Date, JSON.stringify(last));
});

concurrently("receiving what is not there", {
  "a hub": async () => {
    await refused(receive("nowhere", "0", earliestEventPosition, () => false, QUICK), { code: "MessagingEntityNotFoundError" });
  },
  "a group": async () => {
    await refused(receive("events", "0", earliestEventPosition, () => false, { group: "strangers" }), {
      code: "MessagingEntityNotFoundError",
    });
  },
  "a partition": async () => {
    await refused(receive("events", "9", earliestEventPosition, () => false), { code: "ArgumentOutOfRangeError" });
  },
});

test("an owner drives out receivers below it, and none below it comes in", async () => {
  const [hub, partition, group] = ["events", "1", "second"];
  const lines = [];
  const open = (name, ownerLevel) => {
    const consumer = new EventHubConsumerClient(group, connection, hub, QUICK);
    const state = { name, received: 0, consumer };
    consumer.subscribe(
      partition,
      {
        processEvents: async (events) => {
          state.received += events.length;
        },
        processError: async (error) => {
          state.error ??= error;
        },
        processClose: async (reason) => {
          state.closed = reason;
        },
      },
      { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1, ...(ownerLevel === undefined ? {} : { ownerLevel }) },
    );
    lines.push(state);
    return state;
  };
  await sendTo(hub, partition, ["for owners"]);
  const plain = open("without a level");
  await until("the plain receiver", () => plain.received);
  const first = open("level 1", 1);
  await until("the first owner", () => first.received);
  await until("the end of the plain receiver", () => plain.error);
  assert.equal(plain.error.code, "ReceiverDisconnectedError");
  const second = open("level 2", 2);
  await until("the second owner", () => second.received);
  await until("the end of the first owner", () => first.error && first.closed);
  assert.equal(first.error.code, "ReceiverDisconnectedError");
  assert.equal(first.closed, "OwnershipLost");
  // The client takes level 0 for none.
  for (const [name, level] of [["level 1 again", 1], ["no level", undefined]]) {
    const refusedOne = open(name, level);
    await until(`the refusal of ${name}`, () => refusedOne.error);
    assert.equal(refusedOne.error.code, "ReceiverDisconnectedError", name);
    assert.equal(refusedOne.received, 0, name);
  }
  assert.equal(second.error, undefined);
  await Promise.all(lines.map((state) => state.consumer.close()));
});

test("a sixth receiver without a level is refused", async () => {
  const consumers = [];
  const states = [];
  await sendTo("events", "1", ["for six"]);
  for (const number of numbers(6)) {
    const consumer = new EventHubConsumerClient("third", connection, "events", QUICK);
    const state = { received: 0 };
    consumer.subscribe(
      "1",
      {
        processEvents: async (events) => {
          state.received += events.length;
        },
        processError: async (error) => {
          state.error ??= error;
        },
      },
      { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 },
    );
    consumers.push(consumer);
    states.push(state);
    await until(`receiver ${number}`, () => state.received || state.error);
  }
  assert.deepEqual(states.slice(0, 5).map((state) => state.error), numbers(5).map(() => undefined));
  assert.ok(states[5].error, "the sixth is refused");
  assert.equal(states[5].error.code, "QuotaExceededError", states[5].error.stack);
  await Promise.all(consumers.map((consumer) => consumer.close()));
});

test("two processors share the partitions, and one goes on for both from the checkpoints", async () => {
  const container = new ContainerClient(endpoints.blob.connectionString, unique("checkpoints"));
  await container.create();
  const store = new BlobCheckpointStore(container);
  const seen = new Map();
  const open = (name) => {
    const consumer = new EventHubConsumerClient("processors", connection, "shared", store, {
      loadBalancingOptions: { strategy: "greedy", updateIntervalInMs: 200, partitionOwnershipExpirationIntervalInMs: 3000 },
    });
    const state = { name, consumer, owned: new Set(), errors: [] };
    state.subscription = consumer.subscribe(
      {
        processInitialize: async (context) => {
          state.owned.add(context.partitionId);
        },
        processEvents: async (events, context) => {
          for (const event of events) {
            if (event.body?.shared === undefined) continue;
            seen.set(event.body.shared, (seen.get(event.body.shared) ?? []).concat(name));
          }
          if (events.length) await context.updateCheckpoint(events.at(-1));
        },
        processError: async (error) => {
          if (error.code !== "ReceiverDisconnectedError") state.errors.push(error);
        },
        processClose: async (_, context) => {
          state.owned.delete(context.partitionId);
        },
      },
      { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 },
    );
    return state;
  };
  const send = (from, count) =>
    withProducer("shared", async (producer) => {
      for (const number of numbers(count, from)) {
        await producer.sendBatch([{ body: { shared: number } }], { partitionId: String(number % 4) });
      }
    });
  await send(0, 8);
  const first = open("first");
  await until("all partitions at the first", () => first.owned.size === 4);
  await until("the first eight", () => seen.size === 8);
  const second = open("second");
  await until("two partitions each", () => first.owned.size === 2 && second.owned.size === 2);
  assert.deepEqual([...first.owned, ...second.owned].sort(), ["0", "1", "2", "3"]);
  await send(8, 8);
  await until("the second eight", () => seen.size === 16);
  assert.deepEqual(new Set(numbers(8, 8).flatMap((number) => seen.get(number))), new Set(["first", "second"]));
  await first.subscription.close();
  await until("all partitions at the second", () => second.owned.size === 4);
  await send(16, 8);
  await until("the third eight", () => seen.size === 24);
  assert.deepEqual([...first.errors, ...second.errors], []);
  for (const number of numbers(8)) assert.deepEqual(seen.get(number), ["first"], "what was checkpointed does not come again");
  const checkpoints = await store.listCheckpoints("127.0.0.1", "shared", "processors");
  const names = [];
  for await (const blob of container.listBlobsFlat({ includeMetadata: true })) names.push(blob.name);
  assert.equal(names.filter((name) => name.includes("/checkpoint/")).length, 4, `${names} ${checkpoints.length}`);
  assert.equal(names.filter((name) => name.includes("/ownership/")).length, 4, `${names}`);
  await second.subscription.close();
  await Promise.all([first.consumer.close(), second.consumer.close()]);
});
