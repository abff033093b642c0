"""The OpenAPI document against a running shop: the document itself, what webhooks get, numbers, and what schemathesis finds.

Reads from standard input where the shop is, the keys of its functions, and partners with theirs. Fails by its exit code.
"""

import collections
import copy
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse

import document as documents
from document import ENDPOINT, fail
from shop import SUBSCRIPTIONS, Shop

HERE = pathlib.Path(__file__).parent

# In range, written as JSON allows; then out of every range.
WHOLE = ["2", "2.0", "2e0"]
OTHERS = ["9223372036854775808", "1e400", "0.5", "-1", "-0"]


def check_numbers(document, shop):
    """Numbers that schemathesis does not write: each is answered, and a whole number with a point is one."""
    partner, key = next(iter(shop.partners.items()))
    known = {"id": "fuzz-numbers", "partner": partner, "subscription": "prices", "job": "none", "event": "none", "key": "none"}
    known["listener"] = shop.listeners[partner][0]
    tried = 0
    for path, method, operation in documents.operations(document):
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        for names in documents.integers(document, schema):
            body = copy.deepcopy(documents.resolved(document, schema).get("examples", [{}])[0])
            functools.reduce(lambda at, name: at.setdefault(name, {}), names[:-1], body)[names[-1]] = "NUMBER"
            text = json.dumps(body).replace(ENDPOINT, "http://127.0.0.1:1/none")
            statuses = {}
            for number in [*WHOLE, *OTHERS]:
                key = shop.partners[partner] if "{partner}" in path else shop.keys["ops" if path.startswith("/api/ops/") else "products"]
                answer = shop.request(method, path.format(**known), key, data=text.replace('"NUMBER"', number))
                statuses[number] = answer.status_code
                if answer.status_code >= 500 or str(answer.status_code) not in operation["responses"]:
                    fail(f"{method} {path} with {'.'.join(names)} = {number}: {answer.status_code} {answer.text}")
            refused = {number for number, status in statuses.items() if status in (400, 422)}
            if len(refused & set(WHOLE)) not in (0, len(WHOLE)) or not refused >= {"9223372036854775808", "1e400", "0.5"}:
                fail(f"{method} {path} with {'.'.join(names)}: {statuses}")
            tried += len(statuses)
    if tried == 0:
        fail("no operation takes an integer")
    print(f"numbers: {tried} requests")


def run_schemathesis(document, given, shop, *arguments):
    """Its exit code, what it printed, and the report of its requests and their answers."""
    text = json.dumps(document).replace(ENDPOINT, f"{shop.receiver.url}/yes/example")
    known = {
        "base": shop.base,
        "partners": shop.partners,
        "keys": shop.keys,
        "receiver": shop.receiver.url,
        "subscriptions": SUBSCRIPTIONS,
        "jobs": shop.jobs,
        "listeners": shop.listeners,
        "events": sorted(set(shop.events)),
        "seed": given["seed"],
    }
    environment = {**os.environ, "CONTOSO_SHOP": json.dumps(known), "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)}
    with tempfile.TemporaryDirectory() as folder:
        file, report = pathlib.Path(folder) / "openapi.json", pathlib.Path(folder) / "report.ndjson"
        file.write_text(text)
        command = [
            *(str(pathlib.Path(sys.executable).parent / "st"), "--config-file", str(HERE / "schemathesis.toml"), "run", str(file)),
            *("--url", shop.base, "--max-examples", str(given["examples"]), "--seed", str(given["seed"])),
            *("--report", "ndjson", "--report-ndjson-path", str(report), *arguments),
        ]
        pipes = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        ended = subprocess.run(command, cwd=folder, env=environment, check=False, **pipes)
        return ended.returncode, ended.stdout, report.read_text() if report.exists() else ""


def exchanges(value):
    """Every request of a report with its answer."""
    if isinstance(value, dict):
        if "request" in value and isinstance(value.get("response"), dict):
            yield value["request"], value["response"]
        else:
            for member in value.values():
                yield from exchanges(member)
    elif isinstance(value, list):
        for member in value:
            yield from exchanges(member)


def check_schemathesis(document, given, shop):
    """Has schemathesis look at everything, after one look that must not pass."""
    broken = copy.deepcopy(document)
    broken["components"]["schemas"]["Categories"]["properties"]["categories"] = {"type": "string"}
    code, said, _ = run_schemathesis(broken, given, shop, "--include-operation-id", "listCategories", "--phases", "examples")
    if code != 1 or "Response violates schema" not in said:
        sys.exit(f"schemathesis does not see that an answer differs from its schema:\n{said}")
    phases = ["examples", "coverage", "fuzzing", *(["stateful"] if given["stateful"] else [])]
    code, said, report = run_schemathesis(document, given, shop, "--phases", ",".join(phases))
    if code != 0:
        sys.exit(said)
    operations = {(method.upper(), path) for path, method, _ in documents.operations(document)}
    patterns = {re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(path))): path for _, path in operations}
    answered, statuses = set(), collections.Counter()
    for line in report.splitlines():
        for request, response in exchanges(json.loads(line)):
            statuses[response["status_code"]] += 1
            sent = urllib.parse.urlsplit(request["uri"]).path
            if 200 <= response["status_code"] < 300:
                answered |= {(request["method"], path) for pattern, path in patterns.items() if pattern.fullmatch(sent)}
    # Without keys that count, everything would be refused, and nothing be seen. This shop has no dead letter, no sales file, and events at
    # places that chance does not find, so what needs one is answered with 404: tests/it has each, in dead_letters.rs, sales.rs and hubs.rs.
    letters = "/api/ops/dead-letters/"
    operations -= {("GET", f"{letters}letter"), ("GET", f"{letters}letter/body"), ("POST", f"{letters}replay"), ("GET", f"{letters}batches/{{id}}")}
    operations -= {("GET", f"/api/ops/sales/{path}") for path in ("bad-lines", "report", "days/{day}")} | {("GET", "/api/ops/hubs/{hub}/event")}
    if unanswered := sorted(operations - answered):
        sys.exit(f"schemathesis: never answered with 2xx: {unanswered}")
    print(f"schemathesis: {sum(statuses.values())} requests of {len(operations)} operations, answered with {dict(sorted(statuses.items()))}")


def main():
    given, document, started = json.load(sys.stdin), documents.read(), time.monotonic()
    schemas = documents.Schemas(document)
    documents.check(document, schemas)
    documents.check_false_alarms(document)
    shop = Shop(given)
    shop.prepare()
    shop.check_webhooks(document, schemas)
    shop.capture()
    check_numbers(document, shop)
    check_schemathesis(document, given, shop)
    print(f"within {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
