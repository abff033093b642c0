// @azure/cosmos: items, conditions, queries, paging, change feed, patch, batch, bulk, throughput, time to live, refusals.

import assert from "node:assert/strict";

import { BulkOperationType, ChangeFeedStartFrom, CosmosClient, PatchOperationType } from "@azure/cosmos";

import { concurrently, endpoints, identity, refused, secure, test, unique, until } from "./suite.js";

const { endpoint, key } = endpoints.cosmos;
const client = new CosmosClient({ endpoint, key });
const database = client.database("suites");

/** A container of the case's own. */
async function container(options = {}) {
  const { container } = await database.containers.create({ id: unique("js"), partitionKey: { paths: ["/kind"] }, ...options });
  return container;
}

async function filled(items, options) {
  const things = await container(options);
  for (const item of items) await things.items.create(item);
  return things;
}

const all = async (things, query, options) => (await things.items.query(query, options).fetchAll()).resources;
const range = (count) => Array.from({ length: count }, (_, index) => index);

test("databases and containers", async () => {
  const id = unique("js");
  const { database: made } = await client.databases.create({ id });
  await refused(client.databases.create({ id }), { code: 409 });
  assert.equal((await client.databases.createIfNotExists({ id })).resource.id, id);
  const { container } = await made.containers.create({ id: "c", partitionKey: { paths: ["/a"] } });
  await refused(made.containers.create({ id: "c", partitionKey: { paths: ["/a"] } }), { code: 409 });
  const { resource } = await container.read();
  assert.deepEqual(resource.partitionKey.paths, ["/a"]);
  await refused(made.container("none").read(), { code: 404 });
  await refused(client.database(unique("none")).read(), { code: 404 });
  assert.deepEqual((await made.containers.readAll().fetchAll()).resources.map((found) => found.id), ["c"]);
  await container.delete();
  await made.delete();
  await refused(made.read(), { code: 404 });
});

concurrently("items", {
  "are created, read, replaced, upserted and deleted": async () => {
    const things = await container();
    const created = await things.items.create({ id: "a", kind: "x", n: 1 });
    assert.equal(created.statusCode, 201);
    assert.ok(created.requestCharge > 0);
    for (const name of ["_rid", "_etag", "_ts", "_self"]) assert.ok(created.resource[name], name);
    const item = things.item("a", "x");
    assert.equal((await item.read()).resource.n, 1);
    assert.equal((await item.replace({ id: "a", kind: "x", n: 2 })).resource.n, 2);
    assert.equal((await things.items.upsert({ id: "a", kind: "x", n: 3 })).statusCode, 200);
    assert.equal((await things.items.upsert({ id: "b", kind: "x", n: 4 })).statusCode, 201);
    assert.equal((await item.delete()).statusCode, 204);
    assert.equal((await item.read()).statusCode, 404);
    await refused(item.delete(), { code: 404 });
    await refused(item.replace({ id: "a", kind: "x" }), { code: 404 });
  },

  "are unique by id and partition key": async () => {
    const things = await filled([{ id: "a", kind: "x" }]);
    await refused(things.items.create({ id: "a", kind: "x" }), { code: 409 });
    assert.equal((await things.items.create({ id: "a", kind: "y" })).statusCode, 201);
    assert.equal((await things.item("a", "z").read()).statusCode, 404);
  },

  "without a partition key, and with ids that need escaping": async () => {
    const things = await container();
    const { resource } = await things.items.create({ id: "none" });
    assert.equal(resource.id, "none");
    for (const id of ["a b", "ünïcødé", "quote'\"", "pl+us%41&x=1", "a%20b", "a?b"]) {
      await things.items.create({ id, kind: "k 'x' ü" });
      assert.equal((await things.item(id, "k 'x' ü").read()).resource?.id, id);
    }
  },

  "that are too large": async () => {
    const things = await container();
    await refused(things.items.create({ id: "big", kind: "x", text: "x".repeat(2 * 1024 * 1024 + 1000) }), { code: 413 });
  },

  "respect conditions": async () => {
    const things = await filled([{ id: "a", kind: "x", n: 1 }]);
    const item = things.item("a", "x");
    const { resource } = await item.read();
    const accessCondition = { type: "IfMatch", condition: resource._etag };
    const replaced = await item.replace({ id: "a", kind: "x", n: 2 }, { accessCondition });
    assert.notEqual(replaced.resource._etag, resource._etag);
    await refused(item.replace({ id: "a", kind: "x", n: 3 }, { accessCondition }), { code: 412 });
    await refused(things.items.upsert({ id: "a", kind: "x", n: 3 }, { accessCondition }), { code: 412 });
    await refused(item.delete({ accessCondition }), { code: 412 });
    const unchanged = await item.read({ accessCondition: { type: "IfNoneMatch", condition: replaced.resource._etag } });
    assert.equal(unchanged.statusCode, 304);
    assert.equal((await item.read()).resource.n, 2);
  },
});

concurrently("patch", {
  "changes members": async () => {
    const things = await filled([{ id: "a", kind: "x", n: 1, list: [1], old: true }]);
    const { resource } = await things.item("a", "x").patch([
      { op: PatchOperationType.incr, path: "/n", value: 4 },
      { op: PatchOperationType.set, path: "/text", value: "t" },
      { op: PatchOperationType.add, path: "/list/-", value: 2 },
      { op: PatchOperationType.remove, path: "/old" },
      { op: PatchOperationType.replace, path: "/list/0", value: 9 },
    ]);
    assert.deepEqual([resource.n, resource.text, resource.list, resource.old], [5, "t", [9, 2], undefined]);
  },

  "only where its condition holds": async () => {
    const things = await filled([{ id: "a", kind: "x", n: 1 }]);
    const item = things.item("a", "x");
    const operations = [{ op: "incr", path: "/n", value: 1 }];
    assert.equal((await item.patch({ condition: "from c where c.n = 1", operations })).resource.n, 2);
    await refused(item.patch({ condition: "from c where c.n = 1", operations }), { code: 412 });
    assert.equal((await item.read()).resource.n, 2);
  },

  "of what is not there, or not possible": async () => {
    const things = await filled([{ id: "a", kind: "x", n: 1 }]);
    await refused(things.item("none", "x").patch([{ op: "set", path: "/n", value: 1 }]), { code: 404 });
    await refused(things.item("a", "x").patch([{ op: "remove", path: "/none" }]), { code: 400 });
  },
});

concurrently("queries", {
  "filter, order, project and page": async () => {
    const things = await filled(range(20).map((n) => ({ id: `i${n}`, kind: `k${n % 3}`, n, tags: [`t${n % 2}`] })));
    const ids = async (query) => (await all(things, query)).map((row) => row.id ?? row);
    assert.deepEqual(await ids("SELECT c.id FROM c WHERE c.n > 17 ORDER BY c.n DESC"), ["i19", "i18"]);
    assert.deepEqual(await ids("SELECT TOP 2 c.id FROM c ORDER BY c.n"), ["i0", "i1"]);
    assert.deepEqual(await ids("SELECT VALUE c.id FROM c ORDER BY c.n OFFSET 5 LIMIT 2"), ["i5", "i6"]);
    assert.deepEqual(
      await ids({ query: "SELECT c.id FROM c WHERE c.kind = @k AND c.n < @n ORDER BY c.n", parameters: [{ name: "@k", value: "k1" }, { name: "@n", value: 8 }] }),
      ["i1", "i4", "i7"],
    );
    assert.deepEqual((await all(things, "SELECT DISTINCT VALUE c.kind FROM c")).sort(), ["k0", "k1", "k2"]);
    assert.deepEqual((await ids("SELECT VALUE c.id FROM c WHERE ARRAY_CONTAINS(c.tags, 't1') AND STARTSWITH(c.id, 'i1')")).sort(), [
      "i1", "i11", "i13", "i15", "i17", "i19",
    ]);
    assert.equal((await all(things, "SELECT c.id, t FROM c JOIN t IN c.tags WHERE t = 't0'")).length, 10);
    const iterator = things.items.query("SELECT * FROM c", { maxItemCount: 6 });
    let seen = 0;
    let pages = 0;
    while (iterator.hasMoreResults()) {
      const page = await iterator.fetchNext();
      assert.ok((page.resources?.length ?? 0) <= 6);
      seen += page.resources?.length ?? 0;
      pages += 1;
    }
    assert.equal(seen, 20);
    assert.ok(pages >= 4, `${pages} pages`);
  },

  "aggregate over partitions": async () => {
    const things = await filled(range(10).map((n) => ({ id: `i${n}`, kind: `k${n % 2}`, n })));
    assert.deepEqual(await all(things, "SELECT VALUE COUNT(1) FROM c"), [10]);
    assert.deepEqual(await all(things, "SELECT VALUE MAX(c.n) FROM c"), [9]);
    assert.deepEqual(await all(things, "SELECT VALUE AVG(c.n) FROM c"), [4.5]);
    const sums = await all(things, "SELECT c.kind, SUM(c.n) AS total FROM c GROUP BY c.kind");
    assert.deepEqual(sums.sort((a, b) => a.kind.localeCompare(b.kind)), [{ kind: "k0", total: 20 }, { kind: "k1", total: 25 }]);
  },

  "in one partition go on from a continuation": async () => {
    const things = await filled(range(7).map((n) => ({ id: `i${n}`, kind: "x", n })));
    const query = "SELECT VALUE c.n FROM c";
    const first = await things.items.query(query, { partitionKey: "x", maxItemCount: 3 }).fetchNext();
    assert.equal(first.resources.length, 3);
    const rest = [];
    const iterator = things.items.query(query, { partitionKey: "x", continuationToken: first.continuationToken, maxItemCount: 3 });
    while (iterator.hasMoreResults()) rest.push(...((await iterator.fetchNext()).resources ?? []));
    assert.deepEqual([...first.resources, ...rest].sort(), range(7));
  },

  "read all of a partition": async () => {
    const things = await filled(range(4).map((n) => ({ id: `i${n}`, kind: n % 2 ? "odd" : "even" })));
    assert.equal((await things.items.readAll().fetchAll()).resources.length, 4);
    assert.equal((await things.items.readAll({ partitionKey: "odd" }).fetchAll()).resources.length, 2);
  },

  "that are wrong": async () => {
    const things = await filled([{ id: "a", kind: "x" }]);
    await refused(all(things, "SELEKT * FROM c"), { code: 400 });
    await refused(all(database.container("none"), "SELECT * FROM c"), { code: 404 });
  },
});

concurrently("the change feed", {
  "tells from the beginning, and goes on": async () => {
    const things = await filled(range(25).map((n) => ({ id: `i${n}`, kind: `k${n % 4}`, n })));
    const drain = async (start) => {
      const iterator = things.items.getChangeFeedIterator({ maxItemCount: 5, changeFeedStartFrom: start });
      const items = [];
      let idle = 0;
      let token;
      while (iterator.hasMoreResults && idle < 5) {
        const page = await iterator.readNext();
        token = page.continuationToken;
        if (page.statusCode === 304) idle += 1;
        else items.push(...page.result);
      }
      return { items, token };
    };
    const { items, token } = await drain(ChangeFeedStartFrom.Beginning());
    assert.deepEqual(items.map((item) => item.n).sort((a, b) => a - b), range(25));
    assert.ok(items.every((item) => Number.isInteger(item._lsn)), "changes carry their number");
    await things.items.upsert({ id: "i3", kind: "k3", n: 333 });
    await things.items.create({ id: "late", kind: "k9", n: 999 });
    await things.item("i4", "k0").delete();
    const more = await drain(ChangeFeedStartFrom.Continuation(token));
    assert.deepEqual(more.items.map((item) => item.n).sort(), [333, 999], "each change once, deletes untold");
    assert.deepEqual((await drain(ChangeFeedStartFrom.Continuation(more.token))).items, []);
  },

  "tells from now": async () => {
    const things = await filled([{ id: "old", kind: "x" }]);
    const iterator = things.items.getChangeFeedIterator({ changeFeedStartFrom: ChangeFeedStartFrom.Now() });
    for (let page = 0; page < 5; page += 1) assert.equal((await iterator.readNext()).statusCode, 304);
    await things.items.create({ id: "new", kind: "x" });
    const found = await until("the new item", async () => (await iterator.readNext()).result);
    assert.deepEqual(found.map((item) => item.id), ["new"]);
  },

  "of one partition key": async () => {
    const things = await filled(range(6).map((n) => ({ id: `i${n}`, kind: `k${n % 2}`, n })));
    const iterator = things.items.getChangeFeedIterator({ changeFeedStartFrom: ChangeFeedStartFrom.Beginning("k1") });
    const { result } = await iterator.readNext();
    assert.deepEqual(result.map((item) => item.n), [1, 3, 5]);
  },

  "of one range": async () => {
    const things = await filled(range(12).map((n) => ({ id: `i${n}`, kind: `k${n}`, n })));
    const seen = [];
    for (const feedRange of await things.getFeedRanges()) {
      const iterator = things.items.getChangeFeedIterator({ changeFeedStartFrom: ChangeFeedStartFrom.Beginning(feedRange) });
      for (let page = await iterator.readNext(); page.statusCode !== 304; page = await iterator.readNext()) {
        seen.push(...page.result.map((item) => item.n));
      }
    }
    assert.deepEqual(seen.sort((a, b) => a - b), range(12));
  },
});

concurrently("batches", {
  "happen as one": async () => {
    const things = await filled([{ id: "a", kind: "x", n: 1 }]);
    const { result, code } = await things.items.batch(
      [
        { operationType: BulkOperationType.Create, resourceBody: { id: "b", kind: "x" } },
        { operationType: BulkOperationType.Upsert, resourceBody: { id: "a", kind: "x", n: 2 } },
        { operationType: BulkOperationType.Read, id: "a" },
        { operationType: BulkOperationType.Replace, id: "b", resourceBody: { id: "b", kind: "x", n: 3 } },
      ],
      "x",
    );
    assert.equal(code, 200);
    assert.deepEqual(result.map((entry) => entry.statusCode), [201, 200, 200, 200]);
    assert.equal(result[2].resourceBody.n, 2);
  },

  "happen not at all where one part fails": async () => {
    const things = await filled([{ id: "a", kind: "x" }]);
    const { result } = await things.items.batch(
      [
        { operationType: BulkOperationType.Create, resourceBody: { id: "b", kind: "x" } },
        { operationType: BulkOperationType.Create, resourceBody: { id: "a", kind: "x" } },
      ],
      "x",
    );
    assert.deepEqual(result.map((entry) => entry.statusCode), [424, 409]);
    assert.equal((await things.item("b", "x").read()).statusCode, 404);
  },

  "in bulk each stand alone": async () => {
    const things = await filled([{ id: "taken", kind: "p1" }]);
    const operations = [
      { operationType: BulkOperationType.Create, partitionKey: "p1", resourceBody: { id: "k1", kind: "p1" } },
      { operationType: BulkOperationType.Create, partitionKey: "p1", resourceBody: { id: "taken", kind: "p1" } },
      { operationType: BulkOperationType.Upsert, partitionKey: "p2", resourceBody: { id: "k2", kind: "p2" } },
      { operationType: BulkOperationType.Read, partitionKey: "p1", id: "taken" },
      { operationType: BulkOperationType.Delete, partitionKey: "p9", id: "none" },
    ];
    const results = await things.items.executeBulkOperations(operations);
    assert.deepEqual(results.map((entry) => entry.response?.statusCode ?? entry.error?.code), [201, 409, 201, 200, 404]);
  },
});

concurrently("containers know", {
  "their throughput": async () => {
    const { container: things } = await database.containers.create({ id: unique("js"), partitionKey: { paths: ["/kind"] }, throughput: 500 });
    const { resource, offer } = await things.readOffer();
    assert.equal(resource?.content?.offerThroughput, 500);
    resource.content.offerThroughput = 800;
    await offer.replace(resource);
    assert.equal((await things.readOffer()).resource.content.offerThroughput, 800);
  },

  "when items expire": async () => {
    const things = await container({ defaultTtl: -1 });
    assert.equal((await things.read()).resource.defaultTtl, -1);
    await things.items.create({ id: "brief", kind: "x", ttl: 1 });
    await things.items.create({ id: "long", kind: "x" });
    await until("the end of the brief item", async () => (await things.item("brief", "x").read()).statusCode === 404);
    assert.equal((await things.item("long", "x").read()).statusCode, 200);
    assert.deepEqual(await all(things, "SELECT VALUE c.id FROM c"), ["long"]);
  },

  "which values are unique": async () => {
    const things = await container({ uniqueKeyPolicy: { uniqueKeys: [{ paths: ["/name"] }] } });
    await things.items.create({ id: "a", kind: "x", name: "n" });
    await refused(things.items.create({ id: "b", kind: "x", name: "n" }), { code: 409 });
    await things.items.create({ id: "b", kind: "y", name: "n" });
  },

  "keys of several levels": async () => {
    const things = await container({ partitionKey: { paths: ["/tenant", "/kind"], kind: "MultiHash", version: 2 } });
    await things.items.create({ id: "a", tenant: "t1", kind: "x" });
    await things.items.create({ id: "b", tenant: "t1", kind: "y" });
    await things.items.create({ id: "c", tenant: "t2", kind: "x" });
    assert.equal((await things.item("a", ["t1", "x"]).read()).resource.id, "a");
    const found = await all(things, "SELECT VALUE c.id FROM c WHERE c.tenant = 't1' ORDER BY c.id");
    assert.deepEqual(found, ["a", "b"]);
  },
});

concurrently("refusals", {
  "of a wrong key": async () => {
    const wrong = Buffer.from("not the key of this account").toString("base64");
    const stranger = new CosmosClient({ endpoint, key: wrong });
    await refused(stranger.database("suites").read(), { code: 401 });
    await refused(stranger.database("suites").container("things").items.create({ id: "x", kind: "x" }), { code: 401 });
  },

  "of identities without the role, over https": async () => {
    const as = (name) =>
      new CosmosClient({ endpoint: secure(endpoint), aadCredentials: identity(name) }).database("suites").container("things");
    const id = unique("token");
    await as("writer").items.create({ id, kind: "token" });
    assert.equal((await as("reader").item(id, "token").read()).resource.id, id);
    await refused(as("reader").items.create({ id: unique("token"), kind: "token" }), { code: 403 });
    await refused(as("stranger").item(id, "token").read(), { code: 403 });
  },

  "of stored procedures, by name": async () => {
    const things = await container();
    const refusal = await refused(things.scripts.storedProcedures.create({ id: "s", body: "function () {}" }), {});
    assert.ok([400, 403, 501].includes(refusal.code), `${refusal.code}: ${refusal.message}`);
    assert.match(refusal.message, /sproc|stored procedure/i);
  },

  "of what is not there": async () => {
    await refused(database.container("none").items.create({ id: "a" }), { code: 404 });
    assert.equal((await database.container("things").item("none", "x").read()).statusCode, 404);
  },
});
