"""azure-eventhub: records that no consumer of ours can read, four into each partition. Prints how many were sent."""

import json
import sys

from azure.eventhub import EventData, EventHubProducerClient

connection = json.load(sys.stdin)["eventHubs"]["connectionString"]
attributes = {
    "cloudEvents:specversion": "1.0",
    "cloudEvents:id": "poison",
    "cloudEvents:source": "/poison",
    "cloudEvents:type": "com.contoso.product.changed.v1",
    "cloudEvents:subject": "poison",
}


def event(body, content_type=None, properties=None):
    data = EventData(body)
    data.content_type = content_type
    data.properties = properties or {}
    return data


producer = EventHubProducerClient.from_connection_string(connection, eventhub_name="products")
sent = 0
with producer:
    for partition in producer.get_partition_ids():
        batch = producer.create_batch(partition_id=partition)
        batch.add(event(b"not an event at all"))
        batch.add(event(b"\x00\x01", "avro/binary+" + "0" * 32, attributes))
        batch.add(event(b"{broken", "application/json", attributes))
        batch.add(event(b'{"productId": 7}', "application/json", attributes))
        producer.send_batch(batch)
        sent += 4
print(sent)
