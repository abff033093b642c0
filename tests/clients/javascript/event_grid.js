// @azure/eventgrid: both schemas, every credential, refusals, and what arrives at a webhook.

import assert from "node:assert/strict";

import {
  AzureKeyCredential,
  AzureSASCredential,
  EventGridPublisherClient,
  generateSharedAccessSignature,
} from "@azure/eventgrid";

import { concurrently, endpoints, refused, unique, until } from "./suite.js";

const { cloud, classic } = endpoints.topics;
const OPTIONS = { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } };

const publisher = (topic, schema, credential = new AzureKeyCredential(topic.key)) =>
  new EventGridPublisherClient(topic.endpoint, schema, credential, OPTIONS);
const cloudEvent = (more = {}) => ({ id: unique("js"), source: "/js", type: "com.example.test.v1", data: { n: 1 }, ...more });
const classicEvent = (more = {}) => ({ id: unique("js"), subject: "s", eventType: "com.example.test", dataVersion: "1", data: { n: 1 }, ...more });

/** The webhook's delivery of the event with this id. */
const delivered = (id) =>
  until(`the delivery of ${id}`, async () => {
    const deliveries = await (await fetch(endpoints.deliveries)).json();
    const events = deliveries.flatMap(({ body, ...delivery }) => [body].flat().map((event) => ({ ...delivery, event })));
    return events.find(({ event }) => event.id === id);
  });

concurrently("publishing", {
  "cloud events arrive as they were sent": async () => {
    const event = cloudEvent({
      subject: "orders/1",
      time: new Date("2026-03-04T10:11:12.345Z"),
      dataschema: "https://schemas.example/order/3",
      extensionAttributes: { tenant: "acme", priority: 3 },
      data: { text: "grüße", list: [1, { deep: null }] },
    });
    await publisher(cloud, "CloudEvent").send([event]);
    const got = await delivered(event.id);
    assert.equal(got.contentType, "application/cloudevents+json; charset=utf-8");
    assert.equal(got.type, "Notification");
    assert.equal(got.subscription, "CLOUD-HOOK");
    assert.deepEqual(got.event, {
      specversion: "1.0",
      id: event.id,
      source: "/js",
      type: "com.example.test.v1",
      subject: "orders/1",
      time: "2026-03-04T10:11:12.345Z",
      dataschema: "https://schemas.example/order/3",
      datacontenttype: "application/json",
      tenant: "acme",
      priority: 3,
      data: event.data,
    });
  },

  "a batch, bytes, and an event without data": async () => {
    const events = [
      ...Array.from({ length: 20 }, (_, n) => cloudEvent({ data: { n } })),
      cloudEvent({ data: Uint8Array.from([0, 255, 7]), datacontenttype: "application/octet-stream" }),
      cloudEvent({ data: undefined }),
    ];
    await publisher(cloud, "CloudEvent").send(events);
    for (const event of events.slice(0, 20)) assert.deepEqual((await delivered(event.id)).event.data, event.data);
    const [bytes, bare] = events.slice(20);
    assert.equal((await delivered(bytes.id)).event.data_base64, Buffer.from([0, 255, 7]).toString("base64"));
    assert.ok(!("data" in (await delivered(bare.id)).event));
  },

  "events of the Event Grid schema get their topic": async () => {
    const event = classicEvent({ eventTime: new Date("2026-03-04T10:11:12Z") });
    await publisher(classic, "EventGrid").send([event]);
    const got = await delivered(event.id);
    assert.equal(got.contentType, "application/json; charset=utf-8");
    assert.equal(got.event.eventType, "com.example.test");
    assert.equal(new Date(got.event.eventTime).getTime(), event.eventTime.getTime());
    assert.match(got.event.topic, /\/providers\/Microsoft.EventGrid\/topics\/classic$/);
    assert.equal(got.event.metadataVersion, "1");
    assert.deepEqual(got.event.data, { n: 1 });
  },

  "the same event twice arrives twice": async () => {
    const event = cloudEvent();
    await publisher(cloud, "CloudEvent").send([event, event]);
    await until("two deliveries", async () => {
      const deliveries = await (await fetch(endpoints.deliveries)).json();
      return deliveries.filter(({ body }) => body.id === event.id).length === 2;
    });
  },
});

concurrently("credentials", {
  "a signature of the client": async () => {
    const key = new AzureKeyCredential(cloud.key);
    const token = await generateSharedAccessSignature(cloud.endpoint, key, new Date(Date.now() + 3_600_000));
    const event = cloudEvent();
    await publisher(cloud, "CloudEvent", new AzureSASCredential(token)).send([event]);
    await delivered(event.id);
  },

  "a signature that has expired": async () => {
    const token = await generateSharedAccessSignature(cloud.endpoint, new AzureKeyCredential(cloud.key), new Date(Date.now() - 60_000));
    await refused(publisher(cloud, "CloudEvent", new AzureSASCredential(token)).send([cloudEvent()]), { statusCode: 401 });
  },

  "a signature with another key": async () => {
    const token = await generateSharedAccessSignature(cloud.endpoint, new AzureKeyCredential("d3Jvbmc="), new Date(Date.now() + 60_000));
    await refused(publisher(cloud, "CloudEvent", new AzureSASCredential(token)).send([cloudEvent()]), { statusCode: 401 });
  },

  "a wrong key, and the key of another topic": async () => {
    for (const key of ["d3Jvbmc=", classic.key]) {
      await refused(publisher(cloud, "CloudEvent", new AzureKeyCredential(key)).send([cloudEvent()]), {
        statusCode: 401,
        code: "Unauthorized",
      });
    }
  },
});

concurrently("refusals", {
  "the other schema": async () => {
    await refused(publisher(cloud, "EventGrid").send([classicEvent()]), { statusCode: 400, code: "BadRequest" });
    await refused(publisher(classic, "CloudEvent").send([cloudEvent()]), { statusCode: 400, code: "BadRequest" });
  },

  "a schema of one's own": async () => {
    await refused(publisher(cloud, "Custom").send([{ any: "thing" }]), { statusCode: 400 });
  },

  "an event that lacks what it must have": async () => {
    await refused(publisher(cloud, "CloudEvent").send([cloudEvent({ source: "" })]), { statusCode: 400 });
    await refused(publisher(classic, "EventGrid").send([classicEvent({ subject: "" })]), { statusCode: 400 });
  },

  "a request that is too large": async () => {
    await refused(publisher(cloud, "CloudEvent").send([cloudEvent({ data: { text: "x".repeat(1024 * 1024 + 1) } })]), { statusCode: 413 });
  },

  "too many events": async () => {
    const events = Array.from({ length: 5001 }, (_, n) => cloudEvent({ id: `${n}`, data: undefined }));
    await refused(publisher(cloud, "CloudEvent").send(events), { statusCode: 413 });
  },

  "a topic that is not there": async () => {
    const nowhere = { endpoint: cloud.endpoint.replace("/cloud/", "/nowhere/"), key: cloud.key };
    await refused(publisher(nowhere, "CloudEvent").send([cloudEvent()]), { statusCode: 404 });
  },
});
