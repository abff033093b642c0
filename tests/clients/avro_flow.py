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

SCHEMA = (pathlib.Path(__file__).parents[2] / "schemas/product/versions/changed.v1/latest.avsc").read_text()
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


def announce(product, revision, minor_units, changes, schema=SCHEMA, event_type="com.contoso.product.changed.v1", **more):
    state = {"name": "Rope", "category": "Climbing", "brand": None, "description": "10 m", "stock": 3, "updatedAt": MOMENT,
             "price": {"minorUnits": minor_units, "currency": "EUR"}}
    content = {"productId": product, "revision": revision, "version": revision, "state": state, "changes": changes, **more}
    event = encoder.encode(content, schema=schema, message_type=EventData)
    assert event.content_type.startswith("avro/binary+")
    event.properties = {"cloudEvents:specversion": "1.0", "cloudEvents:id": f"{product}-{revision}",
                        "cloudEvents:source": "/python", "cloudEvents:type": event_type,
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


def first_event_of(product):
    """The first event about the product on the hub."""
    found = []
    done = threading.Event()

    def on_event(_, event):
        if (event.properties or {}).get(b"cloudEvents:subject") in (product.encode(), product):
            found.append(event)
            done.set()

    consumer = EventHubConsumerClient.from_connection_string(CONNECTION, consumer_group="$Default", eventhub_name="products")
    thread = threading.Thread(target=consumer.receive, kwargs={"on_event": on_event, "starting_position": "-1"})
    thread.start()
    arrived = done.wait(30)
    consumer.close()
    thread.join(30)
    assert arrived, f"nobody sent an event about {product}"
    return found[0]


def register(schema):
    """The schema as a text, registered."""
    name = f"{schema['namespace']}.{schema['name']}"
    properties = registry.register_schema("contoso", name, json.dumps(schema), "Avro")
    return json.dumps(schema), properties.version


@case
def the_encoder_reads_what_the_app_wrote():
    """an event of the app is read by the encoder"""
    body = {"name": "Boot", "category": "Footwear", "price": {"amount": "89.50", "currency": "USD"}, "stock": 7}
    request = urllib.request.Request(f"{endpoints['functions']}/api/products/python-boot", json.dumps(body).encode(),
                                     {"content-type": "application/json"}, method="PUT")
    urllib.request.urlopen(request).close()
    content = encoder.decode(first_event_of("python-boot"))
    assert content["productId"] == "python-boot" and content["revision"] == 1, content
    assert content["state"]["price"] == {"minorUnits": 8950, "currency": "USD"}, content
    assert content["state"]["stock"] == 7 and content["state"]["brand"] is None
    assert isinstance(content["state"]["updatedAt"], datetime.datetime)
    assert {"price", "name", "category"} <= {change["field"] for change in content["changes"]}


@case
def versions_of_an_event_live_side_by_side():
    """version 2 is read by the app, which knows version 1; version 1 of the app by a reader of version 2; a new type passes the app by"""
    newer = json.loads(SCHEMA)
    newer["fields"].append({"name": "campaign", "type": ["null", "string"], "default": None})
    version_2, number = register(newer)
    assert number > 1, number

    announce("python-tent", 1, 1999, [], schema=version_2, campaign="spring")
    shown = until("the product that version 2 announced", lambda: on_the_site("python-tent"))
    assert shown["price"] == {"amount": "19.99", "currency": "EUR"}, shown
    assert encoder.decode(first_event_of("python-tent"))["campaign"] == "spring", "the hub has version 2"
    assert "campaign" not in encoder.decode(first_event_of("python-tent"), readers_schema=SCHEMA), "a reader of version 1"

    old = first_event_of("python-boot")
    content = encoder.decode(old, readers_schema=version_2)
    assert content["campaign"] is None and content["state"]["name"] == "Boot", content

    other = {**newer, "name": "ProductChangedV2"}
    other["fields"] = [{"name": "code", "type": "long"}, *newer["fields"]]
    type_2, number = register(other)
    assert number == 1, number
    announce("python-tent", 2, 1, [], schema=type_2, event_type="com.contoso.product.changed.v2", campaign=None, code=7)
    announce("python-tent", 3, 2999, [])
    until("what the first type says", lambda: on_the_site("python-tent")["price"]["amount"] == "29.99")


run()
