"""azure-eventgrid: CloudEvents to the partner topic, which the demo partner receives."""

import json
import sys
import time
import urllib.request

from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient

endpoints = json.load(sys.stdin)
topic = endpoints["eventGrid"]["topicEndpoint"]
event = CloudEvent(source="/python", type="com.example.test.v1", data={"n": 1}, extensions={"audience": "all"})
EventGridPublisherClient(topic, AzureKeyCredential(endpoints["eventGrid"]["topicKey"])).send([event])

deadline = time.monotonic() + 30
while True:
    with urllib.request.urlopen(endpoints["site"] + "/partner?format=json") as answer:
        if event.id in [got["id"] for got in json.load(answer)["events"]]:
            break
    assert time.monotonic() < deadline, "the partner did not get the event"
    time.sleep(0.05)

try:
    EventGridPublisherClient(topic, AzureKeyCredential("d3Jvbmc=")).send([event])
    raise AssertionError("a wrong key must be refused")
except ClientAuthenticationError:
    pass
print("ok")
