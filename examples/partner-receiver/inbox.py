"""What a partner knows of the products, in one SQLite file: the newest state of each, and which deliveries came already.

Deliveries come at least once and in no order. So a product has the state with the highest `sequence`, whatever came last, and a delivery
that is known changes nothing. Both are written in one transaction, before the delivery is answered.
"""

import hashlib
import json
import re
import sqlite3
import threading

CHANGED = "com.contoso.product.changed.v1"
DISCONTINUED = "com.contoso.product.discontinued.v1"
NOTICES = (
    "com.contoso.partner.welcome.v1",
    "com.contoso.partner.test.v1",
    "com.contoso.partner.subscription-failing.v1",
    "com.contoso.partner.subscription-paused.v1",
    "com.contoso.partner.subscription-recovered.v1",
)

# How many deliveries are remembered. An older one that comes again still changes nothing, as its sequence is not higher.
REMEMBERED = 100_000

PRODUCT_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
DIGITS = re.compile(r"[0-9]{1,20}")

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS products (
    id TEXT PRIMARY KEY, sequence TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE);
"""


class Malformed(ValueError):
    """A body that holds no CloudEvents."""


def parse(body):
    """The events of a body, which is one object or, with batching, an array of them."""
    try:
        # As text: bytes would be taken for UTF-16 too, and NaN is no JSON.
        document = json.loads(body.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Malformed("the body is not JSON") from error
    events = document if isinstance(document, list) else [document]
    for event in events:
        if not isinstance(event, dict) or event.get("specversion") != "1.0":
            raise Malformed("the body is no CloudEvent 1.0 and no array of them")
        for attribute in ("id", "source", "type"):
            if not isinstance(event.get(attribute), str) or not event[attribute]:
                raise Malformed(f"an event has no {attribute}")
        if not isinstance(event.get("subject", ""), (str, type(None))):
            raise Malformed("an event has a subject that is no text")
    return events


def refuse(constant):
    raise ValueError(f"{constant} is no JSON")


class Inbox:
    """The file, for threads that take turns."""

    def __init__(self, file):
        self._turn = threading.Lock()
        # Several receivers may share the file; whoever waits longer than this answers 503.
        self._database = sqlite3.connect(file, timeout=5, isolation_level="IMMEDIATE", check_same_thread=False)
        self._database.executescript(SCHEMA)

    def take(self, events, subscription):
        """Takes a delivery, all of it or nothing, and returns a line for each event. What they say is on the disk."""
        with self._turn, self._database:
            lines = [self._take(event, subscription) for event in events]
            self._database.execute(
                "DELETE FROM deliveries WHERE number <= (SELECT max(number) FROM deliveries) - ?", (REMEMBERED,)
            )
        return lines

    def _take(self, event, subscription):
        # Two subscriptions may select one event, and each delivers it: that is no repeat.
        key = json.dumps([event["source"], event["id"], subscription])
        key = hashlib.sha256(key.encode()).digest()
        is_new = self._database.execute("INSERT OR IGNORE INTO deliveries (key) VALUES (?)", (key,)).rowcount
        verdict = self._apply(event) if is_new else "repeat"
        return line(verdict, event)

    def _apply(self, event):
        # `contoso partners send` marks its examples: their product may not exist, and their price is made up.
        if event["type"] in NOTICES or event.get("test") is True:
            return "notice"
        # Types that come some day are taken, since a refusal would have them come again.
        product, sequence, data = event.get("subject"), event.get("sequence"), event.get("data")
        if event["type"] not in (CHANGED, DISCONTINUED) or not isinstance(data, dict):
            return "ignored"
        if not is_text(product, PRODUCT_ID) or not is_text(sequence, DIGITS):
            return "ignored"
        # As text of one length, 64-bit numbers compare alike in every language and database.
        row = (product, sequence.zfill(20), event["type"], json.dumps(data))
        applied = self._database.execute(
            "INSERT INTO products (id, sequence, type, data) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
            " SET sequence = excluded.sequence, type = excluded.type, data = excluded.data"
            " WHERE excluded.sequence > products.sequence",
            row,
        ).rowcount
        # A product that is no longer sold stays, so that an older change does not bring it back.
        return "applied" if applied else "older"

    def products(self):
        """A line for each product."""
        with self._turn:
            rows = self._database.execute("SELECT id, sequence, type, data FROM products ORDER BY id").fetchall()
        return [f"{product} {int(sequence)} {state_of(kind, json.loads(data))}" for product, sequence, kind, data in rows]


def line(verdict, event):
    """What became of an event: verdict, type, product, sequence, state."""
    sequence = event.get("sequence")
    words = [verdict, event["type"], event.get("subject"), int(sequence) if is_text(sequence, DIGITS) else sequence]
    if verdict == "applied":
        words.append(state_of(event["type"], event["data"]))
    if "redelivery" in event:
        words.append(f"(redelivery {event['redelivery']})")
    # Whatever the text is, it stays one line that a terminal can show.
    return ascii(" ".join(str(word)[:200] for word in words if word is not None))[1:-1]


def state_of(kind, data):
    """A product in a word: its price, or that it is no longer sold."""
    if kind == DISCONTINUED:
        return "discontinued"
    state = data.get("state")
    price = state.get("price") if isinstance(state, dict) else None
    # The amount is text. As a float, 17.50 and 1999999999999999.99 would not stay what they are.
    return f"{price.get('amount')} {price.get('currency')}" if isinstance(price, dict) else "without a price"


def is_text(value, pattern):
    return isinstance(value, str) and pattern.fullmatch(value) is not None
