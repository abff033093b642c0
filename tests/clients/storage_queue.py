"""azure-storage-queue: queues, messages, visibility, receipts, paging, signatures, and what is refused."""

import json
import sys
from datetime import datetime, timedelta, timezone

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.queue import (
    AccountSasPermissions,
    BinaryBase64DecodePolicy,
    BinaryBase64EncodePolicy,
    QueueClient,
    QueueSasPermissions,
    QueueServiceClient,
    ResourceTypes,
    generate_account_sas,
    generate_queue_sas,
)

connection = json.load(sys.stdin)["queue"]["connectionString"]
service = QueueServiceClient.from_connection_string(connection)
key = service.credential.account_key


def refused(kind, code, call, *args, **options):
    try:
        call(*args, **options)
    except kind as error:
        assert code is None or error.error_code == code, (code, error.error_code)
        return error
    raise AssertionError(f"{call} must be refused with {code}")


# Queues.
queue = service.create_queue("python", metadata={"team": "shop"})
refused(ResourceExistsError, "QueueAlreadyExists", service.create_queue, "python", metadata={"team": "other"})
# The same metadata is a 204, which the client takes for an error of its own.
refused(ResourceExistsError, "QueueAlreadyExists", queue.create_queue, metadata={"team": "shop"})
properties = queue.get_queue_properties()
assert properties.metadata == {"team": "shop"} and properties.approximate_message_count == 0
queue.set_queue_metadata({"team": "site"})
assert queue.get_queue_properties().metadata == {"team": "site"}
refused(ResourceNotFoundError, "QueueNotFound", service.get_queue_client("nowhere").send_message, "lost")
refused(ResourceNotFoundError, "QueueNotFound", service.delete_queue, "nowhere")
refused(HttpResponseError, "InvalidResourceName", service.create_queue, "Not--Allowed")

for number in range(5):
    service.create_queue(f"page-{number}", metadata={"n": str(number)})
pages = [[item.name for item in page] for page in service.list_queues("page-", results_per_page=2).by_page()]
assert pages == [["page-0", "page-1"], ["page-2", "page-3"], ["page-4"]], pages
listed = list(service.list_queues(name_starts_with="page-3", include_metadata=True))
assert [(item.name, item.metadata) for item in listed] == [("page-3", {"n": "3"})]
assert [item.metadata for item in service.list_queues("page-3")] == [None]
for number in range(5):
    service.delete_queue(f"page-{number}")
assert list(service.list_queues("page-")) == []

# Names of metadata keep their case; characters that XML has not are refused at the door.
queue.set_queue_metadata({"customerId": "7"})
assert queue.get_queue_properties().metadata == {"customerId": "7"}
refused(HttpResponseError, "InvalidXmlDocument", queue.send_message, "a\x01b")
assert queue.peek_messages() == []

# A message's life.
sent = queue.send_message("<first> & \u20ac")
assert sent.id and sent.pop_receipt and sent.expires_on - sent.inserted_on == timedelta(days=7)
peeked = queue.peek_messages(max_messages=2)
assert [(message.content, message.dequeue_count, message.pop_receipt) for message in peeked] == [
    ("<first> & \u20ac", 0, None)
]
taken = queue.receive_message(visibility_timeout=60)
assert (taken.id, taken.content, taken.dequeue_count) == (sent.id, "<first> & \u20ac", 1)
assert taken.next_visible_on - datetime.now(timezone.utc) > timedelta(seconds=50)
assert queue.receive_message() is None and queue.peek_messages() == []
assert queue.get_queue_properties().approximate_message_count == 1
refused(HttpResponseError, "PopReceiptMismatch", queue.delete_message, sent.id, sent.pop_receipt)
refused(HttpResponseError, "InvalidQueryParameterValue", queue.delete_message, sent.id, "nonsense")
refused(ResourceNotFoundError, "MessageNotFound", queue.delete_message, "not-an-id", taken.pop_receipt)

updated = queue.update_message(taken, content="second", visibility_timeout=0)
refused(HttpResponseError, "PopReceiptMismatch", queue.update_message, taken, visibility_timeout=0)
again = queue.receive_message()
assert (again.content, again.dequeue_count, again.id) == ("second", 2, sent.id)
assert updated.pop_receipt not in (taken.pop_receipt, again.pop_receipt)
queue.delete_message(again)
refused(ResourceNotFoundError, "MessageNotFound", queue.delete_message, again)

# The receipt of the sender is good for it as well.
recalled = queue.send_message("recalled")
queue.update_message(recalled.id, recalled.pop_receipt, visibility_timeout=0)
queue.clear_messages()
assert queue.get_queue_properties().approximate_message_count == 0

# Visibility, life, batches.
hidden = queue.send_message("later", visibility_timeout=3600)
assert queue.receive_message() is None
queue.delete_message(hidden.id, hidden.pop_receipt)
assert queue.send_message("for ever", time_to_live=-1).expires_on.year == 9999
refused(HttpResponseError, "InvalidQueryParameterValue", queue.send_message, "x", visibility_timeout=60, time_to_live=60)
refused(HttpResponseError, "OutOfRangeQueryParameterValue", queue.send_message, "x", visibility_timeout=700_000)
refused(HttpResponseError, "OutOfRangeQueryParameterValue", lambda: list(queue.receive_messages(messages_per_page=33)))
refused(HttpResponseError, "OutOfRangeQueryParameterValue", queue.receive_message, visibility_timeout=0)
queue.clear_messages()
for number in range(40):
    queue.send_message(str(number))
received = [message.content for message in queue.receive_messages(messages_per_page=32, visibility_timeout=60)]
assert received == [str(number) for number in range(40)], received
queue.clear_messages()

# Sizes.
queue.send_message("x" * 65_536)
assert len(queue.receive_message().content) == 65_536
refused(HttpResponseError, "RequestBodyTooLarge", queue.send_message, "x" * 65_537)
queue.clear_messages()
binary = QueueClient.from_connection_string(
    connection,
    "python",
    message_encode_policy=BinaryBase64EncodePolicy(),
    message_decode_policy=BinaryBase64DecodePolicy(),
)
binary.send_message(bytes(range(256)))
assert binary.receive_message().content == bytes(range(256))

# Who may do what.
soon = datetime.now(timezone.utc) + timedelta(hours=1)
signature = generate_queue_sas(
    service.account_name, "python", key, permission=QueueSasPermissions(add=True, read=True), expiry=soon
)
guest = QueueClient(service.url, "python", credential=signature)
guest.send_message("by a guest")
assert guest.get_queue_properties().approximate_message_count == 2
assert [message.content for message in guest.peek_messages()] == ["by a guest"]
refused(HttpResponseError, "AuthorizationPermissionMismatch", guest.receive_message)
refused(HttpResponseError, "AuthorizationResourceTypeMismatch", guest.delete_queue)
other = QueueClient(service.url, "elsewhere", credential=signature)
refused(ClientAuthenticationError, "AuthenticationFailed", other.send_message, "x")
account = generate_account_sas(
    service.account_name,
    key,
    resource_types=ResourceTypes(service=True, object=True),
    permission=AccountSasPermissions(list=True, process=True),
    expiry=soon,
)
reader = QueueServiceClient(service.url, credential=account)
assert "python" in [item.name for item in reader.list_queues()]
assert reader.get_queue_client("python").receive_message().content == "by a guest"
refused(HttpResponseError, "AuthorizationResourceTypeMismatch", reader.create_queue, "mine")
expired = generate_queue_sas(
    service.account_name,
    "python",
    key,
    permission=QueueSasPermissions(read=True),
    expiry=datetime.now(timezone.utc) - timedelta(minutes=1),
)
refused(
    ClientAuthenticationError,
    "AuthenticationFailed",
    QueueClient(service.url, "python", credential=expired).peek_messages,
)
stranger = QueueClient(service.url, "python", credential={"account_name": service.account_name, "account_key": "d3Jvbmc="})
refused(ClientAuthenticationError, "AuthenticationFailed", stranger.send_message, "x")

# What is there, and what is refused by name.
assert service.get_service_properties()["analytics_logging"].read is False
error = refused(HttpResponseError, None, queue.get_queue_access_policy)
assert error.status_code == 501 and "Get Queue ACL" in str(error), error
queue.delete_queue()
refused(ResourceNotFoundError, "QueueNotFound", queue.get_queue_properties)
print("ok")
