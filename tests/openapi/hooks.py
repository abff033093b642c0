"""What schemathesis sends instead of chance: keys, names that exist, endpoints and times of this shop.

Each partner has a key of its own and 20 requests a second, so the requests are spread over several partners.
"""

import datetime
import json
import os
import random

import requests
import schemathesis
from hypothesis import strategies as st

SHOP = json.loads(os.environ["CONTOSO_SHOP"])
PARTNERS = SHOP["partners"]
FIRST = next(iter(PARTNERS.values()))
RECEIVER = SHOP["receiver"]
CHANCE = random.Random(SHOP["seed"])

# Consents; refuses; is not there. A name of chance would be looked up and dialled.
ENDPOINTS = [f"{RECEIVER}/yes/fuzz", f"{RECEIVER}/no/fuzz", "http://127.0.0.1:1/none"]


def near(hours):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now + datetime.timedelta(hours=hours)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


TIMES = st.floats(-40, 2).map(near)
schemathesis.openapi.format("date-time", TIMES | st.datetimes(timezones=st.just(datetime.timezone.utc)).map(lambda at: at.isoformat()))
schemathesis.openapi.format("iso-4217", st.sampled_from(["USD", "EUR", "JPY", "BHD"]))
schemathesis.openapi.format("entity-tags", st.sampled_from(['"1"', '"2"', "*", '"1", W/"2"']))
schemathesis.openapi.format("uri", st.sampled_from(ENDPOINTS))


@schemathesis.auth().apply_to(path_regex="^/api/partners/")
class PartnerKey:
    def get(self, case, ctx):
        return FIRST

    def set(self, case, data, ctx):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.auth().apply_to(path_regex="^/api/(products|site/visitors|ops)/")
class FunctionKey:
    def get(self, case, ctx):
        return SHOP["keys"][case.operation.path.split("/")[2]]

    def set(self, case, data, ctx):
        case.headers["x-functions-key"] = data


# A key that is revoked or superseded would be missed.
OWN = {key[4:16] for key in PARTNERS.values()}


def is_negative(case, place):
    components = {location.value: info for location, info in case.meta.components.items()} if case.meta else {}
    return place in components and components[place].mode.is_negative


def begun(partner):
    """A redelivery that waits for what is not captured yet, so that it can be cancelled; the one there was, where none is begun now."""
    url = f"{SHOP['base']}/api/partners/{partner}/subscriptions/prices/redeliveries"
    headers = {"Authorization": f"Bearer {PARTNERS[partner]}"}
    answer = requests.post(url, json={"from": near(-1), "openWindow": "wait"}, headers=headers, timeout=60)
    return answer.json()["id"] if answer.ok else SHOP["jobs"][partner]


def spare(partner):
    """A key that may be revoked: one that chance made, or a new one; one that there is not, where none is made now."""
    url, headers = f"{SHOP['base']}/api/partners/{partner}/keys", {"Authorization": f"Bearer {PARTNERS[partner]}"}
    listed = requests.get(url, headers=headers, timeout=60)
    made = [key["id"] for key in listed.json()["items"] if key["counts"] and key["id"] not in OWN] if listed.ok else []
    if made:
        return made[0]
    answer = requests.post(url, json={"scope": "read"}, headers=headers, timeout=60)
    return answer.json()["id"] if answer.ok else "000000000000"


@schemathesis.hook
def before_call(ctx, case, kwargs):
    path = case.path_parameters or {}
    if not is_negative(case, "path"):
        if "partner" in path:
            own = case.headers.get("Authorization") == f"Bearer {FIRST}"
            path["partner"] = CHANCE.choice(list(PARTNERS))
            # What the check of ignored keys sends has none, or a wrong one, and stays so.
            if own:
                case.headers["Authorization"] = f"Bearer {PARTNERS[path['partner']]}"
        if "subscription" in path and CHANCE.random() < 0.9:
            # The first goes on delivering, since redeliveries end with their subscription.
            ends = case.operation.path.endswith(("{subscription}/pause", "{subscription}")) and case.method != "GET"
            path["subscription"] = CHANCE.choice(SHOP["subscriptions"][1:] if ends else SHOP["subscriptions"])
        if "event" in path and CHANCE.random() < 0.8:
            path["subscription"] = "prices"
            path["event"] = CHANCE.choice(SHOP["events"])
            # A time of chance is not the event's.
            if isinstance(case.body, dict) and not is_negative(case, "body"):
                case.body.pop("time", None)
        if "job" in path and path.get("partner") in SHOP["jobs"] and CHANCE.random() < 0.8:
            path["subscription"] = "prices"
            path["job"] = begun(path["partner"]) if case.method == "DELETE" else SHOP["jobs"][path["partner"]]
        if "key" in path and path.get("partner") in PARTNERS and CHANCE.random() < 0.5:
            path["key"] = spare(path["partner"])
        if "listener" in path and path.get("partner") in SHOP["listeners"] and CHANCE.random() < 0.9:
            path["listener"] = SHOP["listeners"][path["partner"]][case.method == "DELETE"]
        if case.operation.path.startswith("/api/products/") and CHANCE.random() < 0.7:
            path["id"] = CHANCE.choice(["fuzz-1", "fuzz-2", "fuzz-3"])
    if path.get("key") in OWN:
        path["key"] = "000000000000"
    if isinstance(case.body, dict) and str(case.body.get("supersedes")) in OWN:
        case.body["supersedes"] = "000000000000"
    # Every example has the one key of the document, which stands for one request.
    if not is_negative(case, "header") and "Idempotency-Key" in (case.headers or {}) and CHANCE.random() < 0.9:
        case.headers["Idempotency-Key"] = f"{CHANCE.getrandbits(64):016x}"
    # One that there is, where it is a name at all.
    if case.operation.path.endswith("/listeners") and isinstance(case.body, dict) and case.body.get("like") and not is_negative(case, "body"):
        case.body["like"] = CHANCE.choice(SHOP["subscriptions"])
    # A shrunk or mutated text may be a stranger's address.
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("endpoint"), str) and body["endpoint"].lower().startswith("http"):
        body["endpoint"] = CHANCE.choice(ENDPOINTS)
