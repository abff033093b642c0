// @azure/storage-blob: containers, uploads, blocks, ranges, listing, metadata, leases, conditions, signatures.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";

import {
  AnonymousCredential,
  BlobClient,
  BlobSASPermissions,
  BlobServiceClient,
  ContainerClient,
  ContainerSASPermissions,
  StorageSharedKeyCredential,
  generateBlobSASQueryParameters,
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  generateAccountSASQueryParameters,
} from "@azure/storage-blob";

import { concurrently, endpoints, identity, refused, secure, unique } from "./suite.js";

const ONCE = { retryOptions: { maxTries: 1 } };
const service = BlobServiceClient.fromConnectionString(endpoints.blob.connectionString, ONCE);
const { credential } = service;

/** A container of the case's own. */
async function container() {
  const client = service.getContainerClient(unique("js"));
  await client.create();
  return client;
}

async function blockBlob(content, options, name = "blob") {
  const blob = (await container()).getBlockBlobClient(name);
  if (content !== undefined) await blob.upload(content, Buffer.byteLength(content), options);
  return blob;
}

async function text(response) {
  const chunks = [];
  for await (const chunk of response.readableStreamBody) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const hours = (count) => new Date(Date.now() + count * 3_600_000);

concurrently("containers", {
  "are made once and deleted": async () => {
    const client = service.getContainerClient(unique("js"));
    assert.equal(await client.exists(), false);
    const made = await client.create({ metadata: { purpose: "test" } });
    assert.match(made.etag, /^"0x[0-9A-F]+"$|^".+"$/);
    assert.equal(await client.exists(), true);
    assert.equal((await client.createIfNotExists()).succeeded, false);
    await refused(client.create(), { statusCode: 409, code: "ContainerAlreadyExists" });
    assert.deepEqual((await client.getProperties()).metadata, { purpose: "test" });
    await client.delete();
    assert.equal((await client.deleteIfExists()).succeeded, false);
    await refused(client.getProperties(), { statusCode: 404 });
  },

  "that are missing say so": async () => {
    const client = service.getContainerClient(unique("js"));
    await refused(client.getBlockBlobClient("x").upload("x", 1), { statusCode: 404, code: "ContainerNotFound" });
    await refused(client.listBlobsFlat().next(), { statusCode: 404, code: "ContainerNotFound" });
    await refused(client.delete(), { statusCode: 404, code: "ContainerNotFound" });
  },

  "with names that are not allowed": async () => {
    for (const name of ["Upper", "a", "two--dashes"]) {
      await refused(service.getContainerClient(name).create(), { statusCode: 400 });
    }
  },
});

concurrently("uploads and downloads", {
  "keep content, type and checksum": async () => {
    const blob = await blockBlob("hello world", {
      blobHTTPHeaders: { blobContentType: "text/plain", blobCacheControl: "no-cache", blobContentLanguage: "en" },
      metadata: { one: "1", two: "zwei" },
    });
    const got = await blob.download();
    assert.equal(await text(got), "hello world");
    assert.equal(got.contentType, "text/plain");
    assert.equal(got.contentLength, 11);
    const properties = await blob.getProperties();
    assert.equal(properties.blobType, "BlockBlob");
    assert.equal(properties.cacheControl, "no-cache");
    assert.equal(properties.contentLanguage, "en");
    assert.deepEqual(properties.metadata, { one: "1", two: "zwei" });
    assert.equal(Buffer.from(properties.contentMD5).toString("base64"), createHash("md5").update("hello world").digest("base64"));
    assert.ok(Math.abs(properties.lastModified - Date.now()) < 60_000);
    assert.ok(properties.createdOn instanceof Date);
  },

  "of nothing": async () => {
    const blob = await blockBlob("");
    assert.equal(await text(await blob.download()), "");
    assert.equal((await blob.getProperties()).contentLength, 0);
  },

  "of ranges": async () => {
    const blob = await blockBlob("0123456789");
    assert.equal(await text(await blob.download(2, 3)), "234");
    assert.equal(await text(await blob.download(7)), "789");
    const part = await blob.download(8, 100);
    assert.equal(await text(part), "89");
    assert.equal(part.contentRange, "bytes 8-9/10");
    assert.equal((await blob.downloadToBuffer(3, 4)).toString(), "3456");
    await refused(blob.download(10, 1), { statusCode: 416, code: "InvalidRange" });
  },

  "of streams and large buffers, in blocks": async () => {
    const content = Buffer.alloc(9_000_000, "abcdefghij");
    const client = await container();
    const stream = client.getBlockBlobClient("stream");
    await stream.uploadStream(Readable.from([content.subarray(0, 5_000_000), content.subarray(5_000_000)]), 1 << 20, 4);
    assert.ok((await stream.downloadToBuffer()).equals(content));
    assert.equal((await stream.getBlockList("committed")).committedBlocks.length, 9);
    const data = client.getBlockBlobClient("data");
    await data.uploadData(content, { blockSize: 4 << 20, maxSingleShotSize: 1 << 20 });
    assert.ok((await data.downloadToBuffer(0, undefined, { blockSize: 2 << 20, concurrency: 3 })).equals(content));
  },

  "with names that need escaping": async () => {
    const client = await container();
    const names = ["a b/c+d%41.txt", "ünï/çø∂é.json", "q?x=1&y#z", "trailing/slash/"];
    for (const name of names) await client.getBlockBlobClient(name).upload(name, Buffer.byteLength(name));
    for (const name of names) assert.equal(await text(await client.getBlobClient(name).download()), name);
    const listed = [];
    for await (const blob of client.listBlobsFlat()) listed.push(blob.name);
    assert.deepEqual(listed.sort(), [...names].sort());
  },

  "that are missing": async () => {
    const blob = await blockBlob();
    await refused(blob.download(), { statusCode: 404, code: "BlobNotFound" });
    await refused(blob.getProperties(), { statusCode: 404 });
    await refused(blob.setMetadata({ a: "b" }), { statusCode: 404, code: "BlobNotFound" });
    await refused(blob.delete(), { statusCode: 404, code: "BlobNotFound" });
    assert.equal(await blob.exists(), false);
    assert.equal((await blob.deleteIfExists()).succeeded, false);
  },

  "with a checksum that is wrong": async () => {
    const blob = await blockBlob();
    await refused(
      blob.stageBlock(Buffer.from("1").toString("base64"), "x", 1, { transactionalContentMD5: createHash("md5").update("y").digest() }),
      { statusCode: 400, code: "Md5Mismatch" },
    );
  },
});

concurrently("blocks", {
  "are committed in the order of the list": async () => {
    const blob = await blockBlob();
    const ids = ["1", "2", "3"].map((id) => Buffer.from(id).toString("base64"));
    for (const id of ids) await blob.stageBlock(id, `<${id}>`, id.length + 2);
    const before = await blob.getBlockList("all");
    assert.deepEqual([before.committedBlocks?.length ?? 0, before.uncommittedBlocks.length], [0, 3]);
    await blob.commitBlockList([ids[2], ids[0]], { metadata: { m: "1" } });
    assert.equal(await text(await blob.download()), `<${ids[2]}><${ids[0]}>`);
    const after = await blob.getBlockList("all");
    assert.deepEqual(after.committedBlocks.map((block) => block.name), [ids[2], ids[0]]);
    assert.equal(after.uncommittedBlocks?.length ?? 0, 0);
    assert.deepEqual((await blob.getProperties()).metadata, { m: "1" });
  },

  "that were never staged": async () => {
    const blob = await blockBlob();
    await refused(blob.commitBlockList([Buffer.from("9").toString("base64")]), { statusCode: 400, code: "InvalidBlockList" });
  },
});

concurrently("listing", {
  "flat, with prefix, pages and metadata": async () => {
    const client = await container();
    for (const name of ["a/1", "a/2", "a/3", "b/1", "c"]) {
      await client.getBlockBlobClient(name).upload(name, name.length, { metadata: { name: name.replace("/", "") } });
    }
    const names = async (options) => {
      const found = [];
      for await (const blob of client.listBlobsFlat(options)) found.push(blob.name);
      return found;
    };
    assert.deepEqual(await names(), ["a/1", "a/2", "a/3", "b/1", "c"]);
    assert.deepEqual(await names({ prefix: "a/" }), ["a/1", "a/2", "a/3"]);
    assert.deepEqual(await names({ prefix: "none" }), []);
    const pages = [];
    let token;
    for await (const page of client.listBlobsFlat().byPage({ maxPageSize: 2 })) {
      pages.push(page.segment.blobItems.map((blob) => blob.name));
      token ??= page.continuationToken;
    }
    assert.deepEqual(pages, [["a/1", "a/2"], ["a/3", "b/1"], ["c"]]);
    const rest = (await client.listBlobsFlat().byPage({ continuationToken: token, maxPageSize: 10 }).next()).value;
    assert.deepEqual(rest.segment.blobItems.map((blob) => blob.name), ["a/3", "b/1", "c"]);
    for await (const blob of client.listBlobsFlat({ includeMetadata: true, prefix: "c" })) {
      assert.deepEqual(blob.metadata, { name: "c" });
      assert.equal(blob.properties.contentLength, 1);
      assert.equal(blob.properties.blobType, "BlockBlob");
      assert.ok(blob.properties.etag && blob.properties.lastModified instanceof Date);
    }
  },

  "by hierarchy": async () => {
    const client = await container();
    for (const name of ["a/1", "a/b/2", "c/3", "top"]) await client.getBlockBlobClient(name).upload("x", 1);
    const level = async (options) => {
      const found = [];
      for await (const item of client.listBlobsByHierarchy("/", options)) found.push(`${item.kind}:${item.name}`);
      return found;
    };
    assert.deepEqual(await level(), ["prefix:a/", "prefix:c/", "blob:top"]);
    assert.deepEqual((await level({ prefix: "a/" })).sort(), ["blob:a/1", "prefix:a/b/"]);
    const pages = [];
    for await (const page of client.listBlobsByHierarchy("/").byPage({ maxPageSize: 1 })) {
      pages.push([...(page.segment.blobPrefixes ?? []), ...page.segment.blobItems].map((item) => item.name));
    }
    assert.deepEqual(pages.flat(), ["a/", "c/", "top"]);
  },

  "of containers": async () => {
    const client = await container();
    const names = [];
    for await (const found of service.listContainers({ prefix: client.containerName })) names.push(found.name);
    assert.deepEqual(names, [client.containerName]);
  },
});

concurrently("conditions", {
  "on uploads": async () => {
    const blob = await blockBlob("one");
    await refused(blob.upload("two", 3, { conditions: { ifNoneMatch: "*" } }), { statusCode: 409, code: "BlobAlreadyExists" });
    const { etag } = await blob.getProperties();
    const second = await blob.upload("two", 3, { conditions: { ifMatch: etag } });
    assert.notEqual(second.etag, etag);
    await refused(blob.upload("three", 5, { conditions: { ifMatch: etag } }), { statusCode: 412, code: "ConditionNotMet" });
    assert.equal(await text(await blob.download()), "two");
  },

  "on reads and deletes": async () => {
    const blob = await blockBlob("one");
    const { etag } = await blob.getProperties();
    await refused(blob.download(0, undefined, { conditions: { ifNoneMatch: etag } }), { statusCode: 304 });
    await refused(blob.download(0, undefined, { conditions: { ifMatch: '"0x1"' } }), { statusCode: 412, code: "ConditionNotMet" });
    await refused(blob.getProperties({ conditions: { ifModifiedSince: hours(1) } }), { statusCode: 304 });
    await refused(blob.delete({ conditions: { ifUnmodifiedSince: hours(-1) } }), { statusCode: 412, code: "ConditionNotMet" });
    await blob.delete({ conditions: { ifMatch: etag } });
  },

  "on metadata, as checkpoint stores use them": async () => {
    const blob = await blockBlob("", { metadata: { v: "1" } });
    const { etag } = await blob.getProperties();
    const set = await blob.setMetadata({ v: "2" }, { conditions: { ifMatch: etag } });
    assert.notEqual(set.etag, etag);
    await refused(blob.setMetadata({ v: "3" }, { conditions: { ifMatch: etag } }), { statusCode: 412, code: "ConditionNotMet" });
    assert.deepEqual((await blob.getProperties()).metadata, { v: "2" });
  },
});

concurrently("leases", {
  "keep others out until they end": async () => {
    const blob = await blockBlob("one");
    const lease = blob.getBlobLeaseClient();
    const { leaseId } = await lease.acquireLease(15);
    const properties = await blob.getProperties();
    assert.deepEqual([properties.leaseState, properties.leaseStatus, properties.leaseDuration], ["leased", "locked", "fixed"]);
    await refused(blob.getBlobLeaseClient().acquireLease(15), { statusCode: 409, code: "LeaseAlreadyPresent" });
    await refused(blob.upload("two", 3), { statusCode: 412, code: "LeaseIdMissing" });
    await refused(blob.delete(), { statusCode: 412, code: "LeaseIdMissing" });
    await refused(blob.upload("two", 3, { conditions: { leaseId: "00000000-0000-0000-0000-000000000000" } }), {
      statusCode: 412,
      code: "LeaseIdMismatchWithBlobOperation",
    });
    await blob.upload("two", 3, { conditions: { leaseId } });
    await lease.renewLease();
    await lease.releaseLease();
    await blob.upload("three", 5);
    assert.equal((await blob.getProperties()).leaseState, "available");
  },

  "are changed and broken": async () => {
    const blob = await blockBlob("one");
    const lease = blob.getBlobLeaseClient();
    await lease.acquireLease(-1);
    const proposed = "11111111-2222-3333-4444-555555555555";
    await lease.changeLease(proposed);
    assert.equal(lease.leaseId, proposed);
    await blob.getBlobLeaseClient().breakLease(0);
    await refused(lease.renewLease(), { statusCode: 409 });
    await blob.upload("two", 3);
    await refused(blob.getBlobLeaseClient("22222222-2222-3333-4444-555555555555").releaseLease(), { statusCode: 409 });
    await refused(blob.getBlobLeaseClient().acquireLease(5), { statusCode: 400 });
  },
});

concurrently("signatures", {
  "a wrong key": async () => {
    const stranger = new BlobServiceClient(service.url, new StorageSharedKeyCredential(credential.accountName, "d3Jvbmc="), ONCE);
    await refused(stranger.getContainerClient(unique("js")).create(), { statusCode: 403, code: "AuthenticationFailed" });
  },

  "none at all": async () => {
    const blob = await blockBlob("secret");
    await refused(new BlobClient(blob.url, new AnonymousCredential(), ONCE).download(), { statusCode: /^(401|403|404|409)$/ });
  },

  "of one blob, for reading": async () => {
    const blob = await blockBlob("hello", undefined, "dir/a b.txt");
    const url = await blob.generateSasUrl({ permissions: BlobSASPermissions.parse("r"), expiresOn: hours(1), startsOn: hours(-1) });
    const reader = new BlobClient(url, new AnonymousCredential(), ONCE);
    assert.equal(await text(await reader.download()), "hello");
    await refused(reader.delete(), { statusCode: 403, code: "AuthorizationPermissionMismatch" });
    const other = new BlobClient(url.replace("a%20b.txt", "other.txt"), new AnonymousCredential(), ONCE);
    await refused(other.download(), { statusCode: 403, code: "AuthenticationFailed" });
  },

  "that have expired, not begun, or were changed": async () => {
    const blob = await blockBlob("hello");
    const permissions = BlobSASPermissions.parse("r");
    const old = await blob.generateSasUrl({ permissions, expiresOn: hours(-1) });
    const early = await blob.generateSasUrl({ permissions, startsOn: hours(1), expiresOn: hours(2) });
    const good = await blob.generateSasUrl({ permissions, expiresOn: hours(1) });
    for (const url of [old, early, good.replace("sp=r", "sp=rw")]) {
      await refused(new BlobClient(url, new AnonymousCredential(), ONCE).download(), { statusCode: 403, code: "AuthenticationFailed" });
    }
  },

  "of a container, for all in it": async () => {
    const client = await container();
    const url = await client.generateSasUrl({ permissions: ContainerSASPermissions.parse("rcwdl"), expiresOn: hours(1) });
    const guest = new ContainerClient(url, new AnonymousCredential(), ONCE);
    await guest.getBlockBlobClient("x/y").upload("by guest", 8);
    assert.equal(await text(await guest.getBlobClient("x/y").download()), "by guest");
    assert.equal((await guest.listBlobsFlat().next()).value.name, "x/y");
    await guest.getBlobClient("x/y").delete();
    await refused(guest.delete(), { statusCode: 403 });
  },

  "of the account": async () => {
    const client = await container();
    const query = generateAccountSASQueryParameters(
      {
        expiresOn: hours(1),
        permissions: AccountSASPermissions.parse("rwl"),
        resourceTypes: AccountSASResourceTypes.parse("co").toString(),
        services: AccountSASServices.parse("b").toString(),
      },
      credential,
    );
    const guest = new BlobServiceClient(`${service.url}?${query}`, new AnonymousCredential(), ONCE).getContainerClient(client.containerName);
    await guest.getBlockBlobClient("x").upload("x", 1);
    await refused(guest.getBlobClient("x").delete(), { statusCode: 403, code: "AuthorizationPermissionMismatch" });
  },

  "made with another key": async () => {
    const blob = await blockBlob("hello");
    const query = generateBlobSASQueryParameters(
      { containerName: blob.containerName, blobName: blob.name, permissions: BlobSASPermissions.parse("r"), expiresOn: hours(1) },
      new StorageSharedKeyCredential(credential.accountName, "d3Jvbmc="),
    );
    await refused(new BlobClient(`${blob.url}?${query}`, new AnonymousCredential(), ONCE).download(), {
      statusCode: 403,
      code: "AuthenticationFailed",
    });
  },
});

concurrently("identities over https", {
  "one that may write": async () => {
    const { containerName } = await container();
    const client = new BlobServiceClient(secure(service.url), identity("writer"), ONCE).getContainerClient(containerName);
    await client.getBlockBlobClient("x").upload("by token", 8);
    assert.equal(await text(await client.getBlobClient("x").download()), "by token");
  },

  "one that may only read, and one without a role": async () => {
    const blob = await blockBlob("hello");
    const as = (name) => new BlobServiceClient(secure(service.url), identity(name), ONCE)
      .getContainerClient(blob.containerName).getBlockBlobClient(blob.name);
    assert.equal(await text(await as("reader").download()), "hello");
    await refused(as("reader").upload("x", 1), { statusCode: 403, code: "AuthorizationPermissionMismatch" });
    await refused(as("stranger").download(), { statusCode: 403, code: "AuthorizationPermissionMismatch" });
  },
});

concurrently("copies within the account", {
  "by the account's key, waited for as the client waits": async () => {
    const source = await blockBlob("hello", { metadata: { m: "1" }, blobHTTPHeaders: { blobContentType: "text/csv" } });
    const copy = (await container()).getBlockBlobClient("copy ü");
    const poller = await copy.beginCopyFromURL(source.url);
    const done = await poller.pollUntilDone();
    assert.equal(done.copyStatus, "success");
    const properties = await copy.getProperties();
    assert.deepEqual([properties.copyId, properties.contentType, properties.metadata], [done.copyId, "text/csv", { m: "1" }]);
    await refused(copy.abortCopyFromURL(done.copyId), { statusCode: 409, code: "NoPendingCopyOperation" });
    // What is copied before the answer needs a signature of its own for the source.
    await refused(copy.syncCopyFromURL(source.url), { statusCode: 401, code: "CannotVerifyCopySource" });
    const signed = await source.generateSasUrl({ permissions: BlobSASPermissions.parse("r"), expiresOn: hours(1) });
    assert.equal((await copy.syncCopyFromURL(signed)).copyStatus, "success");
    await copy.syncUploadFromURL(signed);
    assert.equal(await text(await copy.download()), "hello");
    const id = Buffer.from("1").toString("base64");
    await copy.stageBlockFromURL(id, signed, 1, 3);
    await copy.commitBlockList([id]);
    assert.equal(await text(await copy.download()), "ell");
  },
  "by roles, on both sides": async () => {
    const source = await blockBlob("hello");
    const as = (name) => new BlobServiceClient(secure(service.url), identity(name), ONCE).getContainerClient(source.containerName);
    await (await as("writer").getBlobClient("copy").beginCopyFromURL(secure(source.url))).pollUntilDone();
    assert.equal(await text(await as("reader").getBlobClient("copy").download()), "hello");
    await refused(as("reader").getBlobClient("copy").beginCopyFromURL(secure(source.url)), { statusCode: 403 });
  },
  "not from elsewhere": async () => {
    const copy = (await container()).getBlockBlobClient("copy");
    for (const url of ["https://other.blob.core.windows.net/a/b", "http://127.0.0.1:1/devstoreaccount1/a/b"]) {
      await refused(copy.syncCopyFromURL(url), { statusCode: 501, message: /another account/ });
    }
  },
});

concurrently("batches", {
  "delete blobs by key, and say which were not there": async () => {
    const client = await container();
    const blobs = ["a", "b/c d", "é%+"].map((name) => client.getBlockBlobClient(name));
    for (const blob of blobs) await blob.upload("x", 1);
    const done = await service.getBlobBatchClient().deleteBlobs([...blobs, client.getBlobClient("missing")]);
    assert.deepEqual([done.subResponsesSucceededCount, done.subResponsesFailedCount], [3, 1]);
    assert.equal(done.subResponses[3].errorCode, "BlobNotFound");
    for (const blob of blobs) assert.equal(await blob.exists(), false);
  },
  "delete blobs of one container by roles": async () => {
    const blob = await blockBlob("hello");
    const as = (name) => new BlobServiceClient(secure(service.url), identity(name), ONCE).getContainerClient(blob.containerName);
    const remove = (client) => client.getBlobBatchClient().deleteBlobs([client.getBlobClient(blob.name)]);
    const refusal = await remove(as("reader"));
    assert.deepEqual([refusal.subResponsesFailedCount, refusal.subResponses[0].status], [1, 403]);
    assert.equal((await remove(as("writer"))).subResponsesSucceededCount, 1);
    assert.equal(await blob.exists(), false);
  },
});

concurrently("what the stack does not serve is refused by name", {
  "append blobs": async () => {
    const client = await container();
    await refused(client.getAppendBlobClient("log").create(), { statusCode: /^(400|501)$/, message: /append/i });
  },
  "page blobs": async () => {
    const client = await container();
    await refused(client.getPageBlobClient("disk").create(512), { statusCode: /^(400|501)$/, message: /page/i });
  },
  "snapshots": async () => {
    const blob = await blockBlob("x");
    await refused(blob.createSnapshot(), { statusCode: /^(400|501)$/, message: /snapshot/i });
  },
  "tags": async () => {
    const blob = await blockBlob("x");
    await refused(blob.setTags({ a: "b" }), { statusCode: /^(400|501)$/, message: /tags/i });
  },
});
