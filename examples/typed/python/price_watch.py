"""Tells whose price fell, from the bodies of deliveries: a line of JSON each on standard input.

contoso_events.py is made by `contoso schemas bindings --lang python`.
"""

import json
import sys

from contoso_events import InvalidData, KnownEvent, is_known_event, parse_event


def events(body: str) -> list[KnownEvent]:
    """The known events of a body, which is one object or, with batching, an array of them."""
    document: object = json.loads(body)
    every = document if isinstance(document, list) else [document]
    # Types that come some day, and notices, are passed over.
    return [event for event in map(parse_event, every) if is_known_event(event)]


def told(event: KnownEvent) -> str:
    if event["type"] == "com.contoso.product.changed.v1":
        data = event["data"]
        drop, price = data["match"].get("priceDropPercent"), data["state"]["price"]
        if drop is None:
            return f"{data['productId']} changed"
        return f"{data['productId']} is {drop} % cheaper: {price['amount']} {price['currency']}"
    if event["type"] == "com.contoso.product.discontinued.v1":
        reason = event["data"].get("reason")
        return f"{event['data']['productId']} is gone{f': {reason}' if reason else ''}"
    return "of no interest here"


for line in sys.stdin:
    try:
        for event in events(line):
            print(told(event))
    except (InvalidData, json.JSONDecodeError) as error:
        print(f"refused: {error}")
