"""azure-eventhub: every feature that its documentation shows, and what it says when the service refuses. A line a case."""

import base64
import datetime
import hashlib
import hmac
import json
import sys
import threading
import time
import traceback
import urllib.parse
import uuid

from azure.core.credentials import AzureSasCredential
from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient, TransportType
from azure.eventhub.amqp import AmqpAnnotatedMessage
from azure.eventhub.exceptions import (
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    EventDataSendError,
    EventHubError,
)

endpoints = json.load(sys.stdin)
CONNECTION = endpoints["eventHubs"]["connectionString"]
FIELDS = dict(part.split("=", 1) for part in CONNECTION.split(";") if part)
ADDRESS = urllib.parse.urlparse(FIELDS["Endpoint"]).netloc
RULE, KEY = FIELDS["SharedAccessKeyName"], FIELDS["SharedAccessKey"]
HUB, GROUP = "events", "second"
PATIENCE = 30


def producer(connection=CONNECTION, hub=HUB, **options):
    options.setdefault("retry_total", 0)
    return EventHubProducerClient.from_connection_string(connection, eventhub_name=hub, **options)


def consumer(group=GROUP, connection=CONNECTION, hub=HUB, **options):
    options.setdefault("retry_total", 0)
    return EventHubConsumerClient.from_connection_string(connection, consumer_group=group, eventhub_name=hub, **options)


def refused(kinds, call, text=""):
    try:
        call()
    except kinds as error:
        assert text.lower() in str(error).lower(), error
        return error
    raise AssertionError(f"{call} must be refused")


def send(events, **options):
    with producer() as client:
        batch = client.create_batch(**options)
        for event in events:
            batch.add(event if isinstance(event, EventData) else EventData(event))
        client.send_batch(batch)


class Reader:
    """Receives from one partition in a thread of its own."""

    def __init__(self, partition, position="-1", group=GROUP, client=None, **options):
        self.events, self.error, self.changed = [], None, threading.Condition()
        self.client = client or consumer(group)
        options.update(partition_id=partition, starting_position=position, on_event=self.on_event, on_error=self.on_error)
        self.thread = threading.Thread(target=self.client.receive, kwargs=options, daemon=True)
        self.thread.start()

    def on_event(self, context, event):
        with self.changed:
            self.events.append(event)
            self.context = context
            self.changed.notify_all()

    def on_error(self, context, error):
        with self.changed:
            self.error = error
            self.changed.notify_all()

    def wait(self, condition):
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), PATIENCE), (len(self.events), self.error)
        return self

    def take(self, count):
        try:
            return self.wait(lambda reader: len(reader.events) >= count or reader.error).events[:count]
        finally:
            self.close()

    def fail(self):
        try:
            return self.wait(lambda reader: reader.error).error
        finally:
            self.close()

    def close(self):
        self.client.close()
        self.thread.join(PATIENCE)


def numbers(events):
    return [event.sequence_number for event in events]


def end(partition):
    with producer() as client:
        return client.get_partition_properties(partition)


def sas(resource, rule=RULE, key=KEY, seconds=60):
    resource = urllib.parse.quote_plus(resource)
    expiry = str(int(time.time() + seconds))
    digest = hmac.new(key.encode(), f"{resource}\n{expiry}".encode(), hashlib.sha256).digest()
    signature = urllib.parse.quote_plus(base64.b64encode(digest))
    return AzureSasCredential(f"SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn={rule}")


def with_token(credential, **options):
    options.setdefault("retry_total", 0)
    return EventHubProducerClient(ADDRESS, HUB, credential, use_tls=False, **options)


# Properties.
def hub_properties():
    with producer() as client:
        properties = client.get_eventhub_properties()
        assert properties["eventhub_name"] == HUB
        assert properties["partition_ids"] == ["0", "1", "2", "3"]
        assert properties["created_at"] <= datetime.datetime.now(datetime.timezone.utc)
        empty = client.get_partition_properties("3")
        assert empty["is_empty"] and empty["last_enqueued_sequence_number"] == -1
        assert empty["last_enqueued_offset"] == "-1"


def unknown_hub():
    for call in ["get_eventhub_properties", "get_partition_ids"]:
        with producer(hub="nowhere") as client:
            refused((ConnectError, EventHubError), getattr(client, call))
    with producer(hub="nowhere") as client:
        refused((ConnectError, EventHubError), lambda: client.send_event(EventData("x")))


def unknown_partition():
    with producer() as client:
        refused(EventHubError, lambda: client.get_partition_properties("4"))
    with producer() as client:
        refused(EventHubError, lambda: client.send_event(EventData("x"), partition_id="4"), "invalid partition")
    assert "Wrong partition" in str(Reader("4").fail())


def unknown_group():
    assert "not be found" in str(Reader("0", group="nobody").fail())


# Keys and tokens.
def wrong_key():
    wrong = CONNECTION.replace(KEY, "bm90IHRoZSBrZXk=")
    with producer(wrong) as client:
        refused((AuthenticationError, ConnectError), client.get_eventhub_properties)
    with producer(wrong) as client:
        refused((AuthenticationError, ConnectError), lambda: client.send_event(EventData("x")))
    error = Reader("0", client=consumer(connection=wrong)).fail()
    assert isinstance(error, (AuthenticationError, ConnectError)), error


def wrong_rule():
    with producer(CONNECTION.replace(RULE, "SomeOtherRule")) as client:
        refused((AuthenticationError, ConnectError), lambda: client.send_event(EventData("x")))


def signatures():
    hub = f"sb://{ADDRESS}/{HUB}"
    with with_token(sas(hub)) as client:
        client.send_event(EventData("signed"), partition_id="0")
    for wrong in [sas(f"sb://{ADDRESS}/shared"), sas(hub, key="wrong"), sas(hub, seconds=-5), sas(hub, rule="other")]:
        with with_token(wrong) as client:
            refused((AuthenticationError, ConnectError), lambda: client.send_event(EventData("x")))


# Sending.
def keyed_batches():
    for key in ["rope", "boots"]:
        send([f"{key} {number}" for number in range(5)], partition_key=key)
    found = {}
    for partition in ["0", "1", "2", "3"]:
        count = end(partition)["last_enqueued_sequence_number"] + 1
        for event in Reader(partition).take(count) if count else []:
            if event.partition_key:
                found.setdefault(event.partition_key.decode(), []).append((partition, event.body_as_str()))
    for key in ["rope", "boots"]:
        assert [body for _, body in found[key]] == [f"{key} {number}" for number in range(5)], found
        assert len({partition for partition, _ in found[key]}) == 1, "one key, one partition"


def partition_batches():
    before = end("2")["last_enqueued_sequence_number"]
    send(["a", "b"], partition_id="2")
    after = end("2")
    assert after["last_enqueued_sequence_number"] == before + 2
    event = Reader("2", after["last_enqueued_offset"], starting_position_inclusive=True).take(1)[0]
    assert event.body_as_str() == "b" and event.offset == after["last_enqueued_offset"]
    assert event.enqueued_time == after["last_enqueued_time_utc"]


def round_robin():
    before = [end(str(partition))["last_enqueued_sequence_number"] for partition in range(4)]
    with producer() as client:
        for number in range(8):
            client.send_event(EventData(str(number)))
    after = [end(str(partition))["last_enqueued_sequence_number"] for partition in range(4)]
    assert [b - a for a, b in zip(before, after)] == [2, 2, 2, 2]


def bodies_and_properties():
    moment = datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)
    event = EventData(b"\x00\xff")
    event.content_type, event.message_id, event.correlation_id = "application/x", "m-1", "c-1"
    event.properties = {"text": "t", "int": 7, "float": 0.5, "flag": True, "none": None,
                        "uuid": uuid.UUID(int=5), "bytes": b"\x01", "time": moment}
    before = end("1")["last_enqueued_offset"]
    send([event, EventData("text"), EventData([b"two ", b"parts"])], partition_id="1")
    got = Reader("1", before).take(3)
    assert b"".join(got[0].body) == b"\x00\xff"
    assert (got[0].content_type, got[0].message_id, got[0].correlation_id) == ("application/x", "m-1", "c-1")
    properties = {(name.decode() if isinstance(name, bytes) else name): value for name, value in got[0].properties.items()}
    plain = {name: value.decode() if isinstance(value, bytes) and name != "bytes" else value
             for name, value in properties.items()}
    assert plain["text"] == "t" and plain["int"] == 7, plain
    assert plain["float"] == 0.5 and plain["flag"] is True and plain["none"] is None, plain
    assert plain["uuid"] == uuid.UUID(int=5) and plain["bytes"] == b"\x01", plain
    assert got[1].body_as_str() == "text" and got[2].body_as_str() == "two parts"


# As in the client's sample of annotated messages: it writes delivery annotations behind the body.
def annotated_messages():
    before = end("1")["last_enqueued_offset"]
    message = AmqpAnnotatedMessage(data_body=[b"aa", b"bb"], delivery_annotations={"k": "v"},
                                   annotations={"x-opt-own": "kept"}, application_properties={"a": "1"})
    with producer() as client:
        client.send_batch([message], partition_id="1")
    event = Reader("1", before).take(1)[0]
    assert list(event.body) == [b"aa", b"bb"] and event.properties == {b"a": b"1"}, (list(event.body), event.properties)
    raw = event.raw_amqp_message
    assert raw.annotations[b"x-opt-own"] == b"kept" and not raw.delivery_annotations, raw


def limits():
    with producer() as client:
        batch = client.create_batch(partition_id="0")
        assert batch.max_size_in_bytes == 1 << 20
        batch.add(EventData(b"x" * 1_000_000))
        refused(ValueError, lambda: batch.add(EventData(b"x" * 100_000)))
        client.send_batch(batch)
        refused((EventDataSendError, EventHubError, ValueError),
                lambda: client.send_batch([EventData(b"x" * 1_100_000)], partition_id="0"))
        client.send_event(EventData("and on"), partition_id="0")
    event = Reader("0", "-1").take(end("0")["last_enqueued_sequence_number"] + 1)[-1]
    assert event.body_as_str() == "and on"


def buffered():
    sent, failed = [], []
    client = producer(buffered_mode=True, on_success=lambda events, partition: sent.extend(events),
                      on_error=lambda events, partition, error: failed.append(error), max_wait_time=1)
    with client:
        for number in range(50):
            client.send_event(EventData(str(number)), partition_key=str(number % 7))
        client.flush()
    assert len(sent) == 50 and not failed, failed


# Receiving.
def start_positions():
    first = end("3")["last_enqueued_sequence_number"] + 1
    send(["p0", "p1"], partition_id="3")
    time.sleep(0.05)
    # Milliseconds are what the service keeps.
    between = datetime.datetime.now(datetime.timezone.utc)
    time.sleep(0.05)
    send(["p2", "p3"], partition_id="3")
    events = Reader("3").take(first + 4)
    offset = events[first + 1].offset
    cases = [("-1", {}, 0), (offset, {}, first + 2), (offset, {"starting_position_inclusive": True}, first + 1),
             (first + 1, {}, first + 2), (first + 1, {"starting_position_inclusive": True}, first + 1),
             (between, {}, first + 2), ({"3": offset}, {}, first + 2)]
    for position, options, expected in cases:
        got = Reader("3", position, **options).take(first + 4 - expected)
        assert numbers(got) == list(range(expected, first + 4)), (position, options, numbers(got))
    # With the last event that there is.
    assert numbers(Reader("3", "@latest", starting_position_inclusive=True).take(1)) == [first + 3]
    latest = Reader("3", "@latest")
    # The receiver is there once it has its place; events before that are not for it.
    deadline = time.monotonic() + PATIENCE
    while not latest.events:
        assert time.monotonic() < deadline
        send(["late"], partition_id="3")
        time.sleep(0.1)
    assert latest.take(1)[0].sequence_number >= first + 4


def positions_behind_the_end():
    last = end("3")
    for position in [last["last_enqueued_sequence_number"] + 1, str(int(last["last_enqueued_offset"]) + 1), "none"]:
        error = Reader("3", position).fail()
        assert isinstance(error, EventHubError), error
    assert "invalid" in str(Reader("3", last["last_enqueued_sequence_number"] + 5).fail())


def owner_levels():
    old = Reader("0", owner_level=1)
    old.wait(lambda reader: reader.events)
    new = Reader("0", owner_level=2)
    new.wait(lambda reader: reader.events)
    assert isinstance(old.fail(), ConnectionLostError)
    lower, without = Reader("0", owner_level=1).fail(), Reader("0").fail()
    assert "epoch" in str(lower) and "epoch" in str(without), (lower, without)
    new.close()


def five_readers():
    readers = [Reader("0", group="third") for _ in range(5)]
    for reader in readers:
        reader.wait(lambda reader: reader.events)
    error = Reader("0", group="third").fail()
    assert "receivers" in str(error), error
    for reader in readers:
        reader.close()
    Reader("0", group="third").take(1)


def runtime_metrics():
    reader = Reader("0", track_last_enqueued_event_properties=True)
    last = end("0")
    reader.wait(lambda reader: len(reader.events) > last["last_enqueued_sequence_number"])
    properties = reader.context.last_enqueued_event_properties
    reader.close()
    assert properties["sequence_number"] == last["last_enqueued_sequence_number"], properties
    assert str(properties["offset"]) == last["last_enqueued_offset"], properties
    assert properties["enqueued_time"] == last["last_enqueued_time_utc"], properties
    assert properties["retrieval_time"] is not None


def batches_received():
    got, done = [], threading.Event()

    def on_event_batch(context, events):
        got.append(len(events))
        if sum(got) > 4:
            done.set()

    client = consumer()
    options = {"on_event_batch": on_event_batch, "partition_id": "0", "starting_position": "-1", "max_batch_size": 3}
    thread = threading.Thread(target=client.receive_batch, kwargs=options, daemon=True)
    thread.start()
    assert done.wait(PATIENCE)
    client.close()
    thread.join(PATIENCE)
    assert max(got) <= 3


# TLS, on the same port, under the namespace's own name.
def secure(namespace="suites"):
    keys = f"SharedAccessKeyName={RULE};SharedAccessKey={KEY}"
    options = {"custom_endpoint_address": f"sb://{ADDRESS.replace('127.0.0.1', 'localhost')}"}
    return f"Endpoint=sb://{namespace}.servicebus.windows.net/;{keys}", options


def tls():
    connection, options = secure()
    trusting = dict(options, connection_verify=endpoints["caCertificate"])
    with producer(connection, **trusting) as client:
        assert client.get_eventhub_properties()["partition_ids"] == ["0", "1", "2", "3"]
        client.send_event(EventData("over TLS"), partition_id="1")
        client.send_batch([EventData(b"x" * 400_000)], partition_id="1")
    reader = Reader("1", client=consumer(connection=connection, **trusting))
    events = reader.take(end("1")["last_enqueued_sequence_number"] + 1)
    assert events[-2].body_as_str() == "over TLS" and len(events[-1].body_as_str()) == 400_000
    # A client that does not know the authority goes no further, nor does one that is after another namespace.
    with producer(connection, **options) as client:
        refused(EventHubError, client.get_eventhub_properties)
    with producer(secure("others")[0], **trusting) as client:
        refused((AuthenticationError, ConnectError), client.get_eventhub_properties)


# WebSockets, on the same port again, in plain text and over TLS. Without a custom endpoint the client dials 80 or 443.
def web_sockets():
    connection, options = secure()
    plain = (CONNECTION, {"custom_endpoint_address": f"sb://{ADDRESS}"})
    for connection, options in [plain, (connection, {**options, "connection_verify": endpoints["caCertificate"]})]:
        options["transport_type"] = TransportType.AmqpOverWebsocket
        with producer(connection, **options) as client:
            before = client.get_partition_properties("1")["last_enqueued_offset"]
            client.send_event(EventData("over WebSockets"), partition_id="1")
            client.send_batch([EventData(b"x" * 900_000)], partition_id="1")
        events = Reader("1", before, client=consumer(connection=connection, **options)).take(2)
        assert events[0].body_as_str() == "over WebSockets" and len(events[1].body_as_str()) == 900_000
        with producer(connection, hub="nowhere", **options) as client:
            refused(EventHubError, lambda: client.send_event(EventData("x")))


CASES = [hub_properties, unknown_hub, unknown_partition, unknown_group, wrong_key, wrong_rule, signatures,
         keyed_batches, partition_batches, round_robin, bodies_and_properties, limits, buffered, start_positions,
         positions_behind_the_end, owner_levels, five_readers, runtime_metrics, batches_received, annotated_messages, tls, web_sockets]
only, failed = sys.argv[1:], []
for case in CASES:
    if not only or case.__name__ in only:
        begun = time.monotonic()
        try:
            case()
            print(f"{case.__name__} {time.monotonic() - begun:.1f} s", flush=True)
        except Exception:
            failed.append(case.__name__)
            print(f"{case.__name__} failed: {traceback.format_exc()}", flush=True)
assert not failed, failed
print("ok")
