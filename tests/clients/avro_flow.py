"""The official Avro encoder and the app: an event it wrote is projected, and an event the app wrote it reads."""

import datetime
import json
import pathlib
import threading
import urllib.request

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.schemaregistry import SchemaRegistryClient
from azure.schemaregistry.encoder.avroencoder import AvroEncoder

from suite import Identity, case, endpoints, run, until

SCHEMA = (pathlib.Path(__file__).parents[2] / "schemas/product/changed.v1.avsc").read_text()
CONNECTION = endpoints["eventHubs"]["connectionString"]
MOMENT = datetime.datetime(2026, 3, 4, 10, 11, 12, tzinfo=datetime.timezone.utc)

registry = SchemaRegistryClient(
    endpoints["eventHubs"]["schemaRegistryNamespace"], Identity("deployment"))
encoder = AvroEncoder(client=registry, group_name="contoso")


def on_the_site(product):
    try:
        with urllib.request.urlopen(f"{endpoints['functions']}/api/site/products/{product}") as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        assert error.code == 404, (error, error.read())
        return None


def announce(product, revision, minor_units, changes):
    state = {"name": "Rope", "category": "Climbing", "brand": None, "description": "10 m", "stock": 3, "updatedAt": MOMENT,
             "price": {"minorUnits": minor_units, "currency": "EUR"}}
    content = {"productId": product, "revision": revision, "version": revision, "state": state, "changes": changes}
    event = encoder.encode(content, schema=SCHEMA, message_type=EventData)
    assert event.content_type.startswith("avro/binary+")
    event.properties = {"cloudEvents:specversion": "1.0", "cloudEvents:id": f"{product}-{revision}",
                        "cloudEvents:source": "/python", "cloudEvents:type": "com.contoso.product.changed.v1",
                        "cloudEvents:subject": product, "cloudEvents:time": MOMENT.isoformat()}
    producer = EventHubProducerClient.from_connection_string(CONNECTION, eventhub_name="products")
    with producer:
        producer.send_batch([event], partition_key=product)


@case
def the_app_reads_what_the_encoder_wrote():
    """an event of the encoder reaches the site, and so does its change"""
    announce("python-rope", 1, 1999, [{"field": "price", "from": None, "to": "19.99 EUR"}])
    shown = until("the product on the site", lambda: on_the_site("python-rope"))
    assert shown["price"] == {"amount": "19.99", "currency": "EUR"} and shown["name"] == "Rope", shown
    announce("python-rope", 2, 2499, [{"field": "price", "from": "19.99 EUR", "to": "24.99 EUR"}])
    until("the new price", lambda: on_the_site("python-rope")["price"]["amount"] == "24.99")


@case
def the_encoder_reads_what_the_app_wrote():
    """an event of the app is read by the encoder"""
    body = {"name": "Boot", "category": "Footwear", "price": {"amount": "89.50", "currency": "USD"}, "stock": 7}
    request = urllib.request.Request(f"{endpoints['functions']}/api/products/python-boot", json.dumps(body).encode(),
                                     {"content-type": "application/json"}, method="PUT")
    urllib.request.urlopen(request).close()
    found = []
    done = threading.Event()

    def on_event(_, event):
        if (event.properties or {}).get(b"cloudEvents:subject") in (b"python-boot", "python-boot"):
            found.append(event)
            done.set()

    consumer = EventHubConsumerClient.from_connection_string(CONNECTION, consumer_group="$Default", eventhub_name="products")
    thread = threading.Thread(target=consumer.receive, kwargs={"on_event": on_event, "starting_position": "-1"})
    thread.start()
    arrived = done.wait(30)
    consumer.close()
    thread.join(30)
    assert arrived, "the app sent nothing"
    content = encoder.decode(found[0])
    assert content["productId"] == "python-boot" and content["revision"] == 1, content
    assert content["state"]["price"] == {"minorUnits": 8950, "currency": "USD"}, content
    assert content["state"]["stock"] == 7 and content["state"]["brand"] is None
    assert isinstance(content["state"]["updatedAt"], datetime.datetime)
    assert {"price", "name", "category"} <= {change["field"] for change in content["changes"]}


run()
