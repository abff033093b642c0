"""What every suite needs: the stack's addresses, its identities, cases that print a line each, and waiting on a state."""

import json
import os
import sys
import time
import traceback
import urllib.request

from azure.core.credentials import AccessToken

endpoints = json.load(sys.stdin)
PATIENCE = 30

# What the official clients' transport trusts; not every client passes its own option on.
os.environ["REQUESTS_CA_BUNDLE"] = endpoints["caCertificate"]

_cases = []


def case(function):
    """A case; its docstring is its name."""
    _cases.append(function)
    return function


def run():
    """Runs every case, a line each, and exits."""
    failed = 0
    for function in _cases:
        began = time.monotonic()
        try:
            function()
            verdict = "ok    "
        except BaseException:
            traceback.print_exc()
            failed += 1
            verdict = "FAILED"
        print(f"{verdict} {function.__doc__} ({(time.monotonic() - began) * 1000:.0f} ms)", flush=True)
    sys.exit(1 if failed else 0)


def refused(kind, action, status=None):
    """The error that `action` ends with, which must be of this kind and status."""
    try:
        result = action()
    except kind as error:
        seen = getattr(error, "status_code", None)
        assert status is None or seen == status, f"status {seen}, wanted {status}: {error}"
        return error
    raise AssertionError(f"it was not refused: {result!r}")


def until(what, probe):
    """Waits until `probe` yields something, and returns it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        value = probe()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def get(url):
    """The JSON at an address."""
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


class Identity:
    """The credential of an app that has this identity of the stack: it asks the App Service identity endpoint."""

    def __init__(self, name):
        self._own = endpoints["identities"][name]

    def get_token(self, *scopes, **_):
        resource = scopes[0].removesuffix("/.default")
        request = urllib.request.Request(
            f"{self._own['endpoint']}?api-version=2019-08-01&resource={resource}",
            headers={"X-IDENTITY-HEADER": self._own["header"]},
        )
        with urllib.request.urlopen(request) as answer:
            token = json.load(answer)
        return AccessToken(token["access_token"], int(token["expires_on"]))
