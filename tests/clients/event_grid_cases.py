"""azure-eventgrid: both schemas, every credential, batches, refusals, and what arrives at a webhook."""

import base64
import datetime
import uuid

from azure.core.credentials import AzureKeyCredential, AzureSasCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient, generate_sas

from suite import Identity, case, endpoints, get, refused, run, until

CLOUD, CLASSIC = endpoints["topics"]["cloud"], endpoints["topics"]["classic"]


def publisher(topic, credential=None, **more):
    return EventGridPublisherClient(topic["endpoint"], credential or AzureKeyCredential(topic["key"]), retry_total=0, **more)


def secure(topic):
    return {**topic, "endpoint": topic["endpoint"].replace("http:", "https:", 1)}


def cloud_event(**more):
    return CloudEvent(**{"source": "/python", "type": "com.example.test.v1", "data": {"n": 1}, **more})


def classic_event(**more):
    return EventGridEvent(**{"subject": "s", "event_type": "com.example.test", "data": {"n": 1}, "data_version": "1", **more})


def deliveries():
    return [(delivery, event) for delivery in get(endpoints["deliveries"])
            for event in (delivery["body"] if isinstance(delivery["body"], list) else [delivery["body"]])]


def delivered(event_id):
    found = until(f"the delivery of {event_id}", lambda: [pair for pair in deliveries() if pair[1]["id"] == event_id])
    return found[0]


def in_an_hour(hours=1):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)


@case
def cloud_events_arrive_as_sent():
    """a CloudEvent arrives with all it says"""
    event = cloud_event(subject="orders/1", dataschema="https://schemas.example/order/3", datacontenttype="application/json",
                        extensions={"tenant": "acme", "priority": 3}, data={"text": "grüße", "list": [1, {"deep": None}]})
    publisher(CLOUD).send(event)
    delivery, got = delivered(event.id)
    assert delivery["contentType"] == "application/cloudevents+json; charset=utf-8"
    sent = {"specversion": "1.0", "id": event.id, "source": "/python", "type": "com.example.test.v1", "subject": "orders/1",
            "dataschema": "https://schemas.example/order/3", "datacontenttype": "application/json", "tenant": "acme",
            "priority": 3, "data": event.data}
    time = got.pop("time")
    assert got == sent, got
    assert datetime.datetime.fromisoformat(time.replace("Z", "+00:00")) == event.time


@case
def a_batch_arrives():
    """a batch with bytes, text, null and no data arrives, an event a delivery"""
    events = [cloud_event(data=n) for n in range(10)]
    raw, bare, text = cloud_event(data=b"\x00\xff"), cloud_event(data=None), cloud_event(data="plain")
    as_dict = {"id": uuid.uuid4().hex, "source": "/dict", "type": "t", "specversion": "1.0", "data": {"a": 1}}
    publisher(CLOUD).send([*events, raw, bare, text, ])
    publisher(CLOUD).send([as_dict])
    for event in events:
        assert delivered(event.id)[1]["data"] == event.data
    assert base64.b64decode(delivered(raw.id)[1]["data_base64"]) == b"\x00\xff"
    assert "data" not in delivered(bare.id)[1]
    assert delivered(text.id)[1]["data"] == "plain"
    assert delivered(as_dict["id"])[1] == as_dict


@case
def classic_events_arrive():
    """an event of the Event Grid schema gets its topic and version"""
    event = classic_event(event_time=datetime.datetime(2026, 3, 4, 10, 11, 12, tzinfo=datetime.timezone.utc))
    publisher(CLASSIC).send([event])
    delivery, got = delivered(str(event.id))
    assert delivery["contentType"] == "application/json; charset=utf-8" and isinstance(delivery["body"], list)
    assert (got["eventType"], got["subject"], got["dataVersion"], got["metadataVersion"]) == ("com.example.test", "s", "1", "1")
    assert got["topic"].endswith("/topics/classic") and got["data"] == {"n": 1}
    assert got["eventTime"].startswith("2026-03-04T10:11:12")


@case
def signatures_of_the_client_count():
    """a shared access signature is good until it expires, and only with the right key"""
    event = cloud_event()
    publisher(CLOUD, AzureSasCredential(generate_sas(CLOUD["endpoint"], CLOUD["key"], in_an_hour()))).send(event)
    delivered(event.id)
    for key, expiry in [(CLOUD["key"], in_an_hour(-1)), ("d3Jvbmc=", in_an_hour()), (CLASSIC["key"], in_an_hour())]:
        token = AzureSasCredential(generate_sas(CLOUD["endpoint"], key, expiry))
        refused(ClientAuthenticationError, lambda: publisher(CLOUD, token).send(event), 401)


@case
def wrong_keys_are_refused():
    """a wrong key and the key of another topic are 401"""
    for key in ["d3Jvbmc=", CLASSIC["key"]]:
        error = refused(ClientAuthenticationError, lambda: publisher(CLOUD, AzureKeyCredential(key)).send(cloud_event()), 401)
        assert error.error.code == "Unauthorized", error.error


@case
def identities_publish():
    """an identity with the role publishes over https, one without is 403"""
    event = cloud_event()
    publisher(secure(CLOUD), Identity("writer")).send(event)
    delivered(event.id)
    refused(HttpResponseError, lambda: publisher(secure(CLOUD), Identity("stranger")).send(event), 403)
    refused(HttpResponseError, lambda: publisher(secure(CLASSIC), Identity("writer")).send(classic_event()), 403)


@case
def a_key_works_over_https():
    """a key works over https too"""
    event = cloud_event()
    publisher(secure(CLOUD)).send(event)
    delivered(event.id)


@case
def the_other_schema_is_refused():
    """the other schema is 400"""
    refused(HttpResponseError, lambda: publisher(CLOUD).send([classic_event()]), 400)
    refused(HttpResponseError, lambda: publisher(CLASSIC).send([cloud_event()]), 400)
    refused(HttpResponseError, lambda: publisher(CLOUD).send([{"any": "thing"}]), 400)


@case
def broken_rules_are_refused():
    """an event without what it must have is 400, and nothing of its batch arrives"""
    good, bad = cloud_event(), cloud_event(source="")
    refused(HttpResponseError, lambda: publisher(CLOUD).send([good, bad]), 400)
    refused(HttpResponseError, lambda: publisher(CLASSIC).send([classic_event(subject="")]), 400)
    marker = cloud_event()
    publisher(CLOUD).send(marker)
    delivered(marker.id)
    assert good.id not in [event["id"] for _, event in deliveries()]


@case
def limits_hold():
    """a request over 1 MiB and one of 5,001 events are 413"""
    refused(HttpResponseError, lambda: publisher(CLOUD).send(cloud_event(data="x" * (1024 * 1024 + 1))), 413)
    refused(HttpResponseError, lambda: publisher(CLOUD).send([cloud_event(data=None) for _ in range(5001)]), 413)


@case
def unknown_topics_are_not_found():
    """a topic that is not there is 404"""
    nowhere = {"endpoint": CLOUD["endpoint"].replace("/cloud/", "/nowhere/"), "key": CLOUD["key"]}
    refused(ResourceNotFoundError, lambda: publisher(nowhere).send(cloud_event()))


run()
