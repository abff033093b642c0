"""azure-storage-queue: what Event Grid puts into the queue of a partner's listener."""

import json
import sys

from azure.storage.queue import BinaryBase64DecodePolicy, QueueClient

given = json.load(sys.stdin)
queue = QueueClient.from_connection_string(
    given["queue"]["connectionString"], given["name"], message_decode_policy=BinaryBase64DecodePolicy()
)
events = [json.loads(message.content) for message in queue.peek_messages(max_messages=32)]
assert [event["subject"] for event in events] == ["rope-1"], events
assert events[0]["specversion"] == "1.0" and events[0]["audience"] == "all", events
print("ok")
