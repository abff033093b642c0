import hashlib
import hmac
import json
import os
import re

from fastapi import FastAPI, Request, Response

LARGEST_BODY = 2 * 1024 * 1024
MEDIA_TYPES = ("application/cloudevents+json", "application/cloudevents-batch+json", "application/json")
NOTICES = (
    "com.contoso.partner.welcome.v1",
    "com.contoso.partner.test.v1",
    "com.contoso.partner.subscription-failing.v1",
    "com.contoso.partner.subscription-paused.v1",
    "com.contoso.partner.subscription-recovered.v1",
)
CHANGED = "com.contoso.product.changed.v1"
DISCONTINUED = "com.contoso.product.discontinued.v1"
REMEMBERED = 10_000

# What GET …/secret answers, separated by commas.
SECRETS = [secret.strip().encode() for secret in os.environ.get("CONTOSO_SECRETS", "").split(",") if secret.strip()]
if not SECRETS:
    raise SystemExit("CONTOSO_SECRETS is not set: put what GET …/subscriptions/{name}/secret answers there, separated by commas")

app = FastAPI()

# In place of two tables: write them in one transaction, all events of a delivery or none, before it is answered.
products = {}
deliveries = {}


@app.options("/hook")
async def handshake(request: Request):
    origin = request.headers.get("webhook-request-origin")
    if not origin:
        return Response(status_code=405, headers={"Allow": "POST"})
    return Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": "POST"})


# The request itself, and no parameter for a body: one of a model takes either an object or an array, and 422 would come again.
@app.post("/hook")
async def deliver(request: Request):
    if not is_ours(request.headers.getlist("x-contoso-secret")):
        return Response(status_code=401)
    if request.headers.get("content-type", "").split(";")[0].strip().lower() not in MEDIA_TYPES:
        return Response(status_code=415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return Response(status_code=413)
    try:
        events = parse(bytes(body))
    except (ValueError, RecursionError):
        return Response(status_code=400)
    for event in events:
        verdict = take(event, request.headers.get("aeg-subscription-name", ""))
        # Whatever the text is, it stays one line.
        print(ascii(f"{verdict} {event['type']} {event.get('subject')} {event.get('sequence')}")[1:-1])
    return Response()


def is_ours(values):
    """Whether the secret's header has one that is known: it holds one, or several, newest first, while older ones still count."""
    if len(values) != 1:
        return False
    # Bytes, since `compare_digest` raises on text that is not ASCII.
    given = [secret.strip().encode("latin-1") for secret in values[0].split(",")]
    return any([hmac.compare_digest(one, other) for one in given for other in SECRETS])


def parse(body):
    """The events of a body, which is one object or, with batching, an array of them."""
    # As text: bytes would be taken for UTF-16 too, and NaN is no JSON.
    document = json.loads(body.decode("utf-8"), parse_constant=refuse)
    events = document if isinstance(document, list) else [document]
    for event in events:
        if not isinstance(event, dict) or event.get("specversion") != "1.0":
            raise ValueError("no CloudEvent 1.0, and no array of them")
        if not all(isinstance(event.get(name), str) and event[name] for name in ("id", "source", "type")):
            raise ValueError("an event without id, source or type")
        if not isinstance(event.get("subject", ""), (str, type(None))):
            raise ValueError("a subject that is no text")
    return events


def refuse(constant):
    raise ValueError(f"{constant} is no JSON")


def take(event, subscription):
    """Takes one event, and says what it was: applied, older, repeat, notice or ignored."""
    # Two subscriptions may select one event, and each delivers it: that is no repeat.
    delivery = hashlib.sha256(json.dumps([event["source"], event["id"], subscription]).encode()).digest()
    if delivery in deliveries:
        return "repeat"
    deliveries[delivery] = True
    if len(deliveries) > REMEMBERED:
        del deliveries[next(iter(deliveries))]

    # `contoso partners send` marks its examples: their product may not exist, and their price is made up.
    if event["type"] in NOTICES or event.get("test") is True:
        return "notice"
    # Types that come some day are taken, since a refusal would have them come again.
    product, sequence, data = event.get("subject"), event.get("sequence"), event.get("data")
    if event["type"] not in (CHANGED, DISCONTINUED) or not isinstance(data, dict) or product is None:
        return "ignored"
    if not isinstance(sequence, str) or re.fullmatch("[0-9]{1,20}", sequence) is None:
        return "ignored"
    # As text of one length, the 64-bit number compares alike in every language and database.
    sequence = sequence.zfill(20)
    if product in products and products[product]["sequence"] >= sequence:
        return "older"
    # What is no longer sold stays, so that an older change does not bring it back.
    state = data.get("state", data.get("lastState"))
    products[product] = {"sequence": sequence, "is_sold": event["type"] == CHANGED, "state": state}
    return "applied"
