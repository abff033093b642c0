"""A running shop with partners, and endpoints of theirs."""

import http.server
import json
import sys
import threading
import time

import requests

from document import fail

# Those that each partner has.
SUBSCRIPTIONS = ["prices", "batches", "paused", "failed"]

# Told of an endpoint that fails for an hour or more, so not within a test.
LATE = {f"com.contoso.partner.subscription-{health}.v1" for health in ("failing", "paused", "recovered")}


def eventually(what, look, within=60):
    """Looks until there is an answer."""
    end = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > end:
            sys.exit(f"{what} did not happen within {within} s")
        time.sleep(0.1)
    return found


class Receiver(http.server.ThreadingHTTPServer):
    """Endpoints that consent below /yes, and keep what they get."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.got = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answers(http.server.BaseHTTPRequestHandler):
    def answer(self, status, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_OPTIONS(self):
        if self.path.startswith("/yes"):
            self.answer(200, ("WebHook-Allowed-Origin", "*"), ("WebHook-Allowed-Rate", "*"))
        else:
            self.answer(405)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append((self.path, headers, json.loads(body)))
        self.answer(200)

    def log_message(self, *_):
        pass


class Shop:
    def __init__(self, given):
        self.base = given["functions"]
        self.control = given["control"]
        self.keys = given["keys"]
        self.partners = given["partners"]
        self.receiver = Receiver()
        # A redelivery of each partner, and captured events, which can be resent.
        self.jobs = {}
        self.events = []
        # Listeners of each partner: one that stays, and one that may end. A third may be made.
        self.listeners = {}

    def request(self, method, path, key, **body):
        headers = {"Authorization": f"Bearer {key}"} if path.startswith("/api/partners/") else {"x-functions-key": key}
        return requests.request(method, self.base + path, headers={**headers, "Content-Type": "application/json"}, timeout=60, **body)

    def call(self, method, path, key, body=None):
        answer = self.request(method, path, key, json=body) if body is not None else self.request(method, path, key)
        if not 200 <= answer.status_code < 300:
            sys.exit(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def is_active(self, partner, name):
        at = f"/api/partners/{partner}/subscriptions/{name}"
        eventually(f"{at} is active", lambda: self.call("GET", at, self.partners[partner])["state"]["name"] == "active")

    def prepare(self):
        """Gives every partner subscriptions, one of them paused and one that failed, a redelivery and two listeners."""
        url = self.receiver.url
        an_hour_ago = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
        for partner, key in self.partners.items():
            at = f"/api/partners/{partner}/subscriptions"
            wishes = [
                {"endpoint": f"{url}/yes/{partner}/single"},
                {"endpoint": f"{url}/yes/{partner}/batch", "batching": {"maxEvents": 10}},
                {"endpoint": f"{url}/yes/{partner}/paused", "paused": True},
                {"endpoint": f"{url}/no/{partner}"},
            ]
            for name, wish in zip(SUBSCRIPTIONS, wishes, strict=True):
                self.call("POST", at, key, {"name": name, **wish})
            self.is_active(partner, "prices")
            self.is_active(partner, "batches")
            self.jobs[partner] = self.call("POST", f"{at}/prices/redeliveries", key, {"from": an_hour_ago})["id"]
            self.listeners[partner] = [self.call("POST", f"/api/partners/{partner}/listeners", key, {})["id"] for _ in range(2)]

    def types(self, partner, place):
        """The types of event that an endpoint got."""
        bodies = [body for path, _, body in self.receiver.got if path == f"/yes/{partner}/{place}"]
        return {event["type"] for body in bodies for event in (body if isinstance(body, list) else [body])}

    def tell(self, kinds):
        """Has a partner told of everything, at an endpoint for single events and one for batches."""
        partner, key = next(iter(self.partners.items()))
        places = {"single": "prices", "batch": "batches"}
        for name in places.values():
            self.call("POST", f"/api/partners/{partner}/subscriptions/{name}/test", key)
        product = {"name": "Rope", "category": "Ropes", "price": {"amount": "20.00", "currency": "USD"}, "stock": 3}
        self.call("PUT", "/api/products/told-1", self.keys["products"], product)
        # The change feed has the last of changes that come close together.
        for place in places:
            eventually(f"a change at {place}", lambda: "com.contoso.product.changed.v1" in self.types(partner, place))
        self.call("DELETE", "/api/products/told-1?reason=sold%20out", self.keys["products"])
        for place in places:
            eventually(f"every type of event at {place}", lambda: self.types(partner, place) == kinds)

    def check_webhooks(self, document, schemas):
        """Compares what endpoints get with the document."""
        kinds = set(document["components"]["schemas"]["Event"]["discriminator"]["mapping"]) - LATE
        self.tell(kinds)
        delivery = document["webhooks"]["delivery"]["post"]
        required = {one["name"].lower(): one["schema"] for one in delivery["parameters"] if one["required"]}
        for _, headers, body in list(self.receiver.got):
            media = headers["content-type"].split(";")[0]
            if media not in delivery["requestBody"]["content"]:
                fail(f"webhooks: a delivery came as {media}")
            pointer = f"/webhooks/delivery/post/requestBody/content/{media.replace('/', '~1')}/schema"
            if wrong := schemas.errors(pointer, body):
                fail(f"webhooks: {json.dumps(body)} does not fit: {wrong}")
            for name, schema in required.items():
                if headers.get(name, "") == "" or headers[name] != schema.get("const", headers[name]):
                    fail(f"webhooks: header {name} is {headers.get(name)!r}")
        print(f"webhooks: {len(self.receiver.got)} deliveries as the document says, of {len(kinds)} types, single and in batches")

    def capture(self):
        """Steps the clock past a window of capture, so that what happened is a list of events."""
        requests.post(f"{self.control}/clock/advance", json={"seconds": 301}, timeout=60).raise_for_status()
        partner, key = next(iter(self.partners.items()))

        def captured():
            listed = self.call("GET", f"/api/partners/{partner}/events?subscription=prices", key)["events"]
            return [event["id"] for event in listed] if len(listed) > 1 else None

        self.events = eventually("captured events", captured)
