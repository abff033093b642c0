"""azure-storage-blob: upload, ranges, metadata, conditions, blocks, listing, leases, signatures, and what is refused."""

import hashlib
import json
import sys
from datetime import datetime, timedelta, timezone

from azure.core import MatchConditions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import (
    BlobBlock,
    BlobClient,
    BlobPrefix,
    BlobSasPermissions,
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    ContentSettings,
    StandardBlobTier,
    generate_blob_sas,
    generate_container_sas,
)

connection = json.load(sys.stdin)["blob"]["connectionString"]
service = BlobServiceClient.from_connection_string(connection)
key = service.credential.account_key
soon = datetime.now(timezone.utc) + timedelta(hours=1)


def refused(kind, code, call, *args, **options):
    try:
        call(*args, **options)
    except kind as error:
        assert code is None or error.error_code == code, (code, error.error_code)
        return error
    raise AssertionError(f"{call} must be refused with {code}")


# Containers.
container = service.create_container("python", metadata={"team": "shop"})
refused(ResourceExistsError, "ContainerAlreadyExists", service.create_container, "python")
assert container.exists() and not service.get_container_client("nowhere").exists()
assert container.get_container_properties().metadata == {"team": "shop"}
container.set_container_metadata({"team": "site"})
assert [item.metadata for item in service.list_containers("pyth", include_metadata=True)] == [{"team": "site"}]
refused(HttpResponseError, "InvalidResourceName", service.create_container, "Not_Allowed")
for number in range(3):
    service.create_container(f"page-{number}")
pages = [[item.name for item in page] for page in service.list_containers("page-", results_per_page=2).by_page()]
assert pages == [["page-0", "page-1"], ["page-2"]], pages
for number in range(3):
    service.delete_container(f"page-{number}")

# Upload and ranges.
blob = container.get_blob_client("dir/a b.txt")
blob.upload_blob(b"hello world", metadata={"k": "v"})
refused(ResourceExistsError, "BlobAlreadyExists", blob.upload_blob, b"again")
assert blob.exists() and not container.get_blob_client("missing").exists()
assert blob.download_blob().readall() == b"hello world"
assert blob.download_blob(offset=6, length=5).readall() == b"world"
assert blob.download_blob(offset=6, length=500).readall() == b"world"
refused(HttpResponseError, "InvalidRange", blob.download_blob, offset=11)
refused(ResourceNotFoundError, "BlobNotFound", container.get_blob_client("missing").download_blob)
refused(ResourceNotFoundError, "ContainerNotFound", service.get_blob_client("nowhere", "x").upload_blob, b"lost")
empty = container.upload_blob("empty", b"")
assert empty.download_blob().readall() == b""
large = container.get_blob_client("large")
large.upload_blob(bytes(range(256)) * 40_960)
assert large.download_blob(max_concurrency=4).readall() == bytes(range(256)) * 40_960
container.upload_blob("unicode/ä€ %?#.txt", "text")
assert container.download_blob("unicode/ä€ %?#.txt").readall() == b"text"

# Properties, metadata, headers, digests.
properties = blob.get_blob_properties()
assert properties.metadata == {"k": "v"} and properties.size == 11 and properties.blob_type == "BlockBlob"
blob.set_http_headers(ContentSettings(content_type="text/plain", cache_control="no-cache", content_language="en"))
settings = blob.get_blob_properties().content_settings
assert (settings.content_type, settings.cache_control, settings.content_language) == ("text/plain", "no-cache", "en")
digest = hashlib.md5(b"hello world").digest()
checked = container.get_blob_client("checked")
checked.upload_blob(b"hello world", validate_content=True, content_settings=ContentSettings(content_md5=bytearray(digest)))
assert bytes(checked.get_blob_properties().content_settings.content_md5) == digest
assert checked.download_blob(validate_content=True).readall() == b"hello world"
wrong = ContentSettings(content_md5=bytearray(hashlib.md5(b"other").digest()))
refused(HttpResponseError, "Md5Mismatch", checked.upload_blob, b"hello world", overwrite=True, content_settings=wrong)
refused(HttpResponseError, "InvalidMetadata", blob.set_blob_metadata, {"not-a-name": "x"})

# Names of metadata keep their case, in headers and in listings; what is not ASCII is refused.
blob.set_blob_metadata({"customerId": "7", "plain": "y"})
assert blob.get_blob_properties().metadata == {"customerId": "7", "plain": "y"}
assert [item.metadata for item in container.list_blobs("dir/", include=["metadata", "copy", "snapshots"])] == [
    {"customerId": "7", "plain": "y"}
]
refused(HttpResponseError, "InvalidMetadata", blob.set_blob_metadata, {"k": "\u00e4"})

# Names: a backslash is a slash, control characters are refused, and what XML cannot hold comes back from listings.
container.upload_blob("back\\slash", b"")
refused(HttpResponseError, "InvalidUri", container.upload_blob, "a\x01b.txt", b"")
container.upload_blob("y\uffff/a", b"")
assert [item.name for item in container.list_blobs("y\uffff")] == ["y\uffff/a"]
assert [item.name for item in container.walk_blobs("y\uffff", delimiter="/")] == ["y\uffff/"]
assert container.get_blob_client("back/slash").exists()

# Conditions.
etag = blob.get_blob_properties().etag
changed = blob.set_blob_metadata({"k": "w"}, etag=etag, match_condition=MatchConditions.IfNotModified)
assert changed["etag"] != etag
stale = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
refused(ResourceModifiedError, "ConditionNotMet", blob.set_blob_metadata, {"k": "x"}, **stale)
refused(ResourceModifiedError, "ConditionNotMet", blob.delete_blob, **stale)
refused(ResourceModifiedError, "ConditionNotMet", blob.upload_blob, b"x", overwrite=True, **stale)
same = {"etag": changed["etag"], "match_condition": MatchConditions.IfModified}
assert refused(HttpResponseError, None, blob.download_blob, **same).status_code == 304
long_ago = datetime.now(timezone.utc) - timedelta(days=1)
refused(HttpResponseError, "ConditionNotMet", blob.get_blob_properties, if_unmodified_since=long_ago)
assert blob.get_blob_properties(if_modified_since=long_ago).size == 11

# Blocks.
blocks = container.get_blob_client("blocks")
for number in range(3):
    blocks.stage_block(block_id=f"{number:04}", data=bytes([number]) * 1000)
assert not blocks.exists()
committed, uncommitted = blocks.get_block_list("all")
assert committed == [] and [block.size for block in uncommitted] == [1000] * 3
blocks.commit_block_list([BlobBlock(f"{number:04}") for number in (2, 0, 1)])
content = blocks.download_blob().readall()
assert content == b"\x02" * 1000 + b"\x00" * 1000 + b"\x01" * 1000
blocks.stage_block(block_id="0009", data=b"tail")
blocks.commit_block_list([BlobBlock("0000"), BlobBlock("0009")], metadata={"version": "2"})
assert blocks.download_blob().readall() == b"\x00" * 1000 + b"tail"
refused(HttpResponseError, "InvalidBlockList", blocks.commit_block_list, [BlobBlock("0001")])
refused(HttpResponseError, "InvalidBlobOrBlock", blocks.stage_block, "longer-id", b"x")

# Listing: names, prefixes, pages, folders.
for name in ("list/1", "list/2/a", "list/2/b", "list/3/c", "list/4"):
    container.upload_blob(name, name.encode(), metadata={"name": name.replace("/", "_")})
assert [item.name for item in container.list_blobs(name_starts_with="list/2")] == ["list/2/a", "list/2/b"]
pages = [[item.name for item in page] for page in container.list_blobs("list/", results_per_page=2).by_page()]
assert pages == [["list/1", "list/2/a"], ["list/2/b", "list/3/c"], ["list/4"]], pages
assert list(container.list_blob_names(name_starts_with="list/4")) == ["list/4"]
token = container.list_blobs("list/", results_per_page=2).by_page()
next(token)
resumed = container.list_blobs("list/", results_per_page=2).by_page(continuation_token=token.continuation_token)
assert [item.name for item in next(resumed)] == ["list/2/b", "list/3/c"]
walked = [(type(item) is BlobPrefix, item.name) for item in container.walk_blobs("list/", delimiter="/")]
assert walked == [(False, "list/1"), (False, "list/4"), (True, "list/2/"), (True, "list/3/")] or sorted(walked) == sorted(
    [(False, "list/1"), (True, "list/2/"), (True, "list/3/"), (False, "list/4")]
), walked
listed = next(iter(container.list_blobs("list/4", include=["metadata"])))
assert (listed.metadata, listed.size, listed.etag) == (
    {"name": "list_4"},
    6,
    container.get_blob_client("list/4").get_blob_properties().etag.strip('"'),
)
refused(ResourceNotFoundError, "ContainerNotFound", lambda: list(service.get_container_client("nowhere").list_blobs()))

# Leases of blobs and containers.
lease = blob.acquire_lease(lease_duration=15)
refused(HttpResponseError, "LeaseIdMissing", blob.delete_blob)
refused(HttpResponseError, "LeaseIdMissing", blob.upload_blob, b"x", overwrite=True)
# Without "overwrite" the client says `If-None-Match: *`: the lease is asked for first, and who holds it may write.
refused(HttpResponseError, "LeaseIdMissing", blob.upload_blob, b"x")
blob.upload_blob(b"hello world", lease=lease)
refused(ResourceExistsError, "LeaseAlreadyPresent", blob.acquire_lease)
blob.set_blob_metadata({"k": "leased"}, lease=lease)
assert blob.get_blob_properties().lease.state == "leased"
lease.renew()
held = "0d2a7f5c-3a5b-4a52-9f6a-0a3b2d1c4e5f"
lease.change(held)
lease.release()
assert blob.get_blob_properties().lease.state == "available"
refused(HttpResponseError, "LeaseNotPresentWithBlobOperation", blob.set_blob_metadata, {}, lease=held)
guard = container.acquire_lease()
assert container.get_container_properties().lease.state == "leased"
refused(HttpResponseError, "LeaseIdMissing", container.delete_container)
refused(HttpResponseError, "LeaseIdMismatchWithContainerOperation", container.delete_container, lease=held)
container.upload_blob("written under a lease", b"x")
assert guard.break_lease(lease_break_period=0) == 0
container.acquire_lease(lease_duration=60).release()

# Signatures.
reader = generate_container_sas(
    service.account_name, "python", key, permission=ContainerSasPermissions(read=True, list=True), expiry=soon
)
guest = ContainerClient(service.url, "python", credential=reader)
assert "large" in [item.name for item in guest.list_blobs()]
assert guest.download_blob("list/1").readall() == b"list/1"
refused(HttpResponseError, "AuthorizationPermissionMismatch", guest.upload_blob, "mine", b"x")
one = generate_blob_sas(
    service.account_name, "python", "list/1", account_key=key, permission=BlobSasPermissions(read=True), expiry=soon
)
assert BlobClient(service.url, "python", "list/1", credential=one).download_blob().readall() == b"list/1"
refused(
    ClientAuthenticationError,
    "AuthenticationFailed",
    BlobClient(service.url, "python", "list/4", credential=one).download_blob,
)
stranger = BlobServiceClient(service.url, credential="d3Jvbmc=")
refused(ClientAuthenticationError, None, stranger.get_container_client("python").get_blob_client("large").exists)
anonymous = BlobServiceClient(service.url)
refused(ClientAuthenticationError, "NoAuthenticationInformation", anonymous.get_blob_client("python", "large").download_blob)

rendered = generate_blob_sas(
    service.account_name,
    "python",
    "list/1",
    account_key=key,
    permission=BlobSasPermissions(read=True),
    expiry=soon,
    content_type="text/csv",
    cache_control="no-store",
    content_disposition="attachment",
    content_encoding="gzip",
    content_language="de",
)
shown = BlobClient(service.url, "python", "list/1", credential=rendered).get_blob_properties().content_settings
assert (shown.content_type, shown.cache_control, shown.content_disposition) == ("text/csv", "no-store", "attachment")
assert (shown.content_encoding, shown.content_language) == ("gzip", "de")

# Copies within the account: by its key, which counts for a source only where the copy may take its time; by a signature of the source;
# by two signatures.
source = container.get_blob_client("list/1")
source.set_blob_metadata({"customerId": "7"})
copy = container.get_blob_client("copies/1 \u20ac")
started = copy.start_copy_from_url(source.url)
assert started["copy_status"] == "success" and started["copy_id"]
copied = copy.get_blob_properties()
assert (copied.copy.id, copied.copy.status, copied.copy.source) == (started["copy_id"], "success", source.url)
assert (copied.copy.progress, copied.metadata, copied.blob_tier) == ("6/6", {"customerId": "7"}, "Hot")
assert copied.blob_tier_inferred and copied.copy.completion_time is not None
assert copy.download_blob().readall() == b"list/1"
assert [item.copy.id for item in container.list_blobs("copies/", include=["copy"])] == [started["copy_id"]]
refused(HttpResponseError, "NoPendingCopyOperation", copy.abort_copy, started["copy_id"])
again = container.get_blob_client("copies/2")
refused(HttpResponseError, "CannotVerifyCopySource", again.start_copy_from_url, source.url, requires_sync=True)
refused(HttpResponseError, "CannotVerifyCopySource", again.upload_blob_from_url, source.url)
refused(HttpResponseError, "CannotVerifyCopySource", again.stage_block_from_url, "01", source.url)
signature = f"{source.url}?{one}"
assert again.start_copy_from_url(signature, requires_sync=True, metadata={"own": "1"})["copy_status"] == "success"
assert again.get_blob_properties().metadata == {"own": "1"}
refused(ResourceExistsError, "BlobAlreadyExists", again.upload_blob_from_url, f"{source.url}?{one}")
again.upload_blob_from_url(f"{source.url}?{one}", overwrite=True)
assert again.download_blob().readall() == b"list/1" and again.get_blob_properties().copy.id is None
again.stage_block_from_url("01", signature, source_offset=5, source_length=1)
again.commit_block_list([BlobBlock("01")])
assert again.download_blob().readall() == b"1"
writer = generate_container_sas(
    service.account_name, "python", key, permission=ContainerSasPermissions(write=True, delete=True), expiry=soon
)
signed = ContainerClient(service.url, "python", credential=writer)
assert signed.get_blob_client("copies/3").start_copy_from_url(f"{source.url}?{one}")["copy_status"] == "success"
refused(HttpResponseError, "CannotVerifyCopySource", signed.get_blob_client("copies/4").start_copy_from_url, source.url)
missing = container.get_blob_client("missing")
refused(ResourceNotFoundError, "CannotVerifyCopySource", copy.start_copy_from_url, missing.url)
mismatch = {"source_etag": "0x1", "source_match_condition": MatchConditions.IfNotModified}
refused(HttpResponseError, "SourceConditionNotMet", copy.start_copy_from_url, source.url, **mismatch)
present = {"etag": "0x1", "match_condition": MatchConditions.IfNotModified}
refused(HttpResponseError, "TargetConditionNotMet", copy.start_copy_from_url, source.url, **present)

# Batches: of the container, by key and by signature.
names = [f"batch/{number} \u20ac+%" for number in range(40)]
for name in names:
    container.upload_blob(name, b"")
answers = list(container.delete_blobs(*names[:20], "missing", raise_on_any_failure=False))
assert [answer.status_code for answer in answers] == [202] * 20 + [404]
assert answers[20].headers["x-ms-error-code"] == "BlobNotFound"
assert [answer.status_code for answer in signed.delete_blobs(*names[20:], delete_snapshots="include")] == [202] * 20
assert list(container.list_blobs("batch/")) == []
stale = {"name": "copies/2", "etag": "0x1", "match_condition": MatchConditions.IfNotModified}
assert [answer.status_code for answer in container.delete_blobs(stale, raise_on_any_failure=False)] == [412]
assert [answer.status_code for answer in guest.delete_blobs("copies/2", raise_on_any_failure=False)] == [403]
refused(HttpResponseError, "ExceedsMaxBatchRequestCount", container.delete_blobs, *["missing"] * 257)

# A blob that has only staged blocks is listed where it is asked for.
container.get_blob_client("staged").stage_block("QQ==", b"a")
assert "staged" not in [item.name for item in container.list_blobs()]
(staged,) = [item for item in container.list_blobs(include=["uncommittedblobs"]) if item.name == "staged"]
assert staged.size == 0, staged

# The account, and what is refused by name.
assert service.get_account_information()["sku_name"] == "Standard_LRS"
assert service.get_service_properties()["analytics_logging"].read is False
for operation, call in {
    "Snapshot Blob": lambda: blob.create_snapshot(),
    "x-ms-delete-snapshots: only": lambda: blob.delete_blob(delete_snapshots="only"),
    "Get Blob Tags": lambda: blob.get_blob_tags(),
    "Set Blob Tags": lambda: blob.set_blob_tags({"a": "b"}),
    "Set Blob Tier": lambda: blob.set_standard_blob_tier(StandardBlobTier.COOL),
    "Copy Blob from another account": lambda: copy.start_copy_from_url("https://other.blob.core.windows.net/a/b"),
    "Incremental Copy Blob": lambda: copy.start_copy_from_url(source.url, incremental_copy=True),
    "AppendBlob": lambda: container.get_blob_client("append").create_append_blob(),
    "PageBlob": lambda: container.get_blob_client("page").create_page_blob(512),
    "Find Blobs by Tags": lambda: list(service.find_blobs_by_tags("a='b'")),
    "Get Container ACL": lambda: container.get_container_access_policy(),
}.items():
    error = refused(HttpResponseError, None, call)
    assert error.status_code == 501 and operation in str(error), (operation, error)

blob.delete_blob(delete_snapshots="include")
assert not blob.exists()
container.delete_container()
print("ok")
