"""azure-eventhub: properties, a keyed batch, a partition batch, and receiving what was sent."""

import json
import sys
import threading

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.exceptions import ConnectError, EventHubError

endpoints = json.load(sys.stdin)
connection = endpoints["eventHubs"]["connectionString"]

producer = EventHubProducerClient.from_connection_string(connection, eventhub_name="products")
with producer:
    assert producer.get_eventhub_properties()["partition_ids"] == ["0", "1", "2", "3"]
    keyed = producer.create_batch(partition_key="rope")
    for number in range(5):
        event = EventData(json.dumps({"number": number}))
        event.content_type = "application/json"
        event.properties = {"cloudEvents:specversion": "1.0", "cloudEvents:id": f"py-{number}",
                            "cloudEvents:source": "/python", "cloudEvents:type": "com.example.test.v1"}
        keyed.add(event)
    producer.send_batch(keyed)
    large = producer.create_batch(partition_id="2")
    large.add(EventData(b"x" * 500_000))
    producer.send_batch(large)

received = []
done = threading.Event()


def on_event(context, event):
    # The client hands the key over as bytes.
    received.append((context.partition_id, event.sequence_number, event.partition_key, event.body_as_str()))
    if len(received) == 6:
        done.set()


consumer = EventHubConsumerClient.from_connection_string(connection, consumer_group="$Default", eventhub_name="products")
thread = threading.Thread(target=consumer.receive, kwargs={"on_event": on_event, "starting_position": "-1"})
thread.start()
assert done.wait(30), received
consumer.close()
thread.join(30)

rope = [entry for entry in received if entry[2] == b"rope"]
assert [json.loads(entry[3])["number"] for entry in rope] == [0, 1, 2, 3, 4], rope
assert len({entry[0] for entry in rope}) == 1, "one key, one partition"
assert any(len(entry[3]) == 500_000 and entry[0] == "2" for entry in received)

unknown = EventHubProducerClient.from_connection_string(connection, eventhub_name="nowhere", retry_total=0)
try:
    unknown.get_eventhub_properties()
    raise AssertionError("an unknown hub must be refused")
except (ConnectError, EventHubError):
    pass
finally:
    unknown.close()
print("ok")
