"""Every official client while the disk of the stack is full: how it is refused, what goes on, and that a client which
repeats gets through once there is room."""

import json
import os
import threading

from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.cosmos import CosmosClient
from azure.cosmos.exceptions import CosmosHttpResponseError
from azure.eventgrid import EventGridPublisherClient
from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.exceptions import EventHubError
from azure.schemaregistry import SchemaRegistryClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from suite import PATIENCE, Identity, case, endpoints, get, refused, run, until

FILLER, FILLED = endpoints["filler"]["path"], endpoints["filler"]["bytes"]
REASON = "bytes left, too few to write safely; nothing was stored"
ONCE = {"retry_total": 0}
HUB = {"conn_str": endpoints["eventHubs"]["connectionString"], "eventhub_name": "single"}
TOPIC = endpoints["topics"]["cloud"]


class Answers:
    """Notes every answer, also those after which the client repeats its request."""

    def __init__(self):
        self.statuses = []

    def hook(self, response):
        self.statuses.append(response.http_response.status_code)


def container(**options):
    return BlobServiceClient.from_connection_string(endpoints["blob"]["connectionString"], **options).get_container_client("full")


def queue(**options):
    return QueueServiceClient.from_connection_string(endpoints["queue"]["connectionString"], **options).get_queue_client("full")


def things():
    client = CosmosClient(endpoints["cosmos"]["endpoint"], endpoints["cosmos"]["key"])
    return client.get_database_client("suites").get_container_client("things")


def registry(**options):
    return SchemaRegistryClient(endpoints["eventHubs"]["schemaRegistryNamespace"], Identity("writer"), **options)


def send(text, **options):
    with EventHubProducerClient.from_connection_string(**HUB, **options) as producer:
        batch = producer.create_batch()
        batch.add(EventData(text))
        producer.send_batch(batch)


def received(count):
    """The first events of the hub."""
    texts = []
    with EventHubConsumerClient.from_connection_string(consumer_group="$Default", **HUB) as consumer:
        def take(_, event):
            texts.append(event.body_as_str())
            if len(texts) == count:
                consumer.close()
        consumer.receive(take, starting_position="-1")
    return texts


def upload(name, hook=None, **options):
    container(**options).upload_blob(name, name.encode(), raw_response_hook=hook)


def put(text, hook=None, **options):
    queue(**options).send_message(text, raw_response_hook=hook)


def publish(name, hook=None, **options):
    event = CloudEvent(source="/full", type="full", data={"n": 1}, id=name)
    # This client hears of options with the call alone.
    client = EventGridPublisherClient(TOPIC["endpoint"], AzureKeyCredential(TOPIC["key"]))
    client.send(event, raw_response_hook=hook, **options)


def delivered(name):
    bodies = (delivery["body"] for delivery in get(endpoints["deliveries"]))
    events = (event for body in bodies for event in (body if isinstance(body, list) else [body]))
    return any(event.get("id") == name for event in events)


def register(name, hook=None, **options):
    definition = json.dumps({"type": "record", "name": name, "fields": []})
    registry(raw_response_hook=hook, **options).register_schema("suites", name, definition, "Avro")


def create(name):
    things().create_item({"id": name, "kind": "full"})


@case
def there_is_room():
    """everything is stored while there is room"""
    container().create_container()
    queue().create_queue()
    for name in ["first", "second"]:
        upload(name)
        put(name)
        create(name)
        publish(name)
        register(name)
        send(name)
    until("the deliveries", lambda: delivered("first") and delivered("second"))


@case
def writes_are_refused():
    """on a full disk each client is told so, in the words of its service, and nothing is stored"""
    with open(FILLER, "wb") as filler:
        filler.write(b"1" * FILLED)
    for write, status, code in [
        (upload, 500, "InternalError"),
        (put, 500, "InternalError"),
        (publish, 500, "InternalServerError"),
        (register, 500, "InternalServerError"),
    ]:
        error = refused(HttpResponseError, lambda: write("third", **ONCE), status)
        said = getattr(error, "error_code", None) or error.error.code
        assert said == code and REASON in str(error), (said, error)
    # The client repeats this one in another region, and there is none.
    error = refused(CosmosHttpResponseError, lambda: create("third"), 503)
    assert REASON in str(error), error
    error = refused(EventHubError, lambda: send("third", **ONCE))
    assert "server-busy" in str(error) and REASON in str(error), error


@case
def reads_go_on():
    """what is there is read, and of what was refused there is nothing"""
    assert container().download_blob("first").readall() == b"first"
    assert [blob.name for blob in container().list_blobs()] == ["first", "second"]
    assert [message.content for message in queue().peek_messages(5)] == ["first", "second"]
    assert things().read_item("first", "full")["id"] == "first"
    assert sorted(item["id"] for item in things().query_items_change_feed(start_time="Beginning")) == ["first", "second"]
    assert registry().get_schema(group_name="suites", name="first", version=1).properties.version == 1
    refused(ResourceNotFoundError, lambda: registry().get_schema(group_name="suites", name="third", version=1))
    assert received(2) == ["first", "second"]
    with EventHubProducerClient.from_connection_string(**HUB) as producer:
        assert producer.get_partition_properties("0")["last_enqueued_sequence_number"] == 1


@case
def deletes_go_on():
    """what takes room is deleted on a full disk too"""
    container().delete_blob("second")
    things().delete_item("second", "full")
    message = queue().receive_message()
    queue().delete_message(message)
    assert [blob.name for blob in container().list_blobs()] == ["first"]
    assert [message.content for message in queue().peek_messages(5)] == ["second"]


@case
def clients_get_through():
    """clients that repeat what was refused get through once there is room, each as it comes"""
    failures, answers = [], {write: Answers() for write in (upload, put, publish, register)}

    def through(write):
        try:
            write("fourth", hook=answers[write].hook)
        except BaseException as error:
            failures.append(error)

    def all_refused():
        assert not failures, failures
        return all(500 in of.statuses for of in answers.values())

    threads = [threading.Thread(target=through, args=[write], daemon=True) for write in answers]
    for thread in threads:
        thread.start()
    until("refusals", all_refused)
    os.remove(FILLER)
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a client still waits"
    assert not failures, failures
    # These two leave it to the program.
    create("fourth")
    send("fourth")
    assert container().download_blob("fourth").readall() == b"fourth"
    assert [message.content for message in queue().peek_messages(5)] == ["second", "fourth"]
    assert things().read_item("fourth", "full")["id"] == "fourth"
    assert registry().get_schema(group_name="suites", name="fourth", version=1).properties.version == 1
    until("the delivery", lambda: delivered("fourth"))
    assert received(3) == ["first", "second", "fourth"]
    assert not delivered("third")


run()
