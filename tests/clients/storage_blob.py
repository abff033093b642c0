"""azure-storage-blob: upload, ranges, metadata, conditions, blocks and listing."""

import json
import sys

from azure.core import MatchConditions
from azure.core.exceptions import ClientAuthenticationError, ResourceExistsError, ResourceModifiedError
from azure.storage.blob import BlobBlock, BlobServiceClient

connection = json.load(sys.stdin)["blob"]["connectionString"]
service = BlobServiceClient.from_connection_string(connection)
container = service.create_container("python")
blob = container.get_blob_client("dir/a b.txt")
blob.upload_blob(b"hello world", metadata={"k": "v"})
try:
    blob.upload_blob(b"again")
    raise AssertionError("an upload without overwrite must be refused")
except ResourceExistsError:
    pass
assert blob.download_blob().readall() == b"hello world"
assert blob.download_blob(offset=6, length=5).readall() == b"world"

properties = blob.get_blob_properties()
assert properties.metadata == {"k": "v"}
blob.set_blob_metadata({"k": "w"}, etag=properties.etag, match_condition=MatchConditions.IfNotModified)
try:
    blob.set_blob_metadata({"k": "x"}, etag=properties.etag, match_condition=MatchConditions.IfNotModified)
    raise AssertionError("a stale condition must fail")
except ResourceModifiedError:
    pass

blocks = container.get_blob_client("blocks")
for number in range(3):
    blocks.stage_block(block_id=f"{number:04}", data=bytes([number]) * 1000)
blocks.commit_block_list([BlobBlock(f"{number:04}") for number in (2, 0, 1)])
content = blocks.download_blob().readall()
assert content == b"\x02" * 1000 + b"\x00" * 1000 + b"\x01" * 1000

large = container.get_blob_client("large")
large.upload_blob(bytes(range(256)) * 40_960)
assert large.download_blob().readall() == bytes(range(256)) * 40_960
assert [item.name for item in container.list_blobs()] == ["blocks", "dir/a b.txt", "large"]
assert [item.name for item in container.list_blobs(name_starts_with="dir/")] == ["dir/a b.txt"]

stranger = BlobServiceClient(service.url, credential="d3Jvbmc=")
try:
    stranger.get_container_client("python").get_blob_client("large").get_blob_properties()
    raise AssertionError("a wrong key must be refused")
except ClientAuthenticationError:
    pass
container.delete_container()
print("ok")
