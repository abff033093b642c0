#!/usr/bin/env python3
"""Webhook of a partner: proves who sends, takes what comes in any order and more than once, and keeps it.

    receiver.py --secrets secret.json --database products.db      # until Ctrl-C
    receiver.py --database products.db --show                     # what is known of the products

Python 3.9 or newer, and nothing else. docs/partners.md of Contoso Events has it running in ten minutes, docs/partner-receivers.md has the
rules that it keeps. It speaks plain HTTP on this machine: on the Internet it belongs behind something that speaks https.
"""

import argparse
import hmac
import json
import pathlib
import re
import socket
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from inbox import Inbox, Malformed, parse

MEDIA_TYPES = ("application/cloudevents+json", "application/cloudevents-batch+json", "application/json")
# An event has at most 1 MB, and a batch about as much.
LARGEST_BODY = 2 * 1024 * 1024
LONGEST_LINE = 256
ORIGIN = re.compile(r"[A-Za-z0-9.-]{1,255}")


class Secrets:
    """The secrets that count: what `GET …/subscriptions/{name}/secret` answered, in a file that is read again when it changes."""

    def __init__(self, file):
        self._file = pathlib.Path(file)
        self._stamp = None
        self._known = []

    def known(self):
        try:
            status = self._file.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp != self._stamp:
                versions = json.loads(self._file.read_bytes())["versions"]
                self._known = [version["secret"].encode() for version in versions]
                self._stamp = stamp
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            # Not there yet, or half written: what was known still counts.
            pass
        return self._known


def is_ours(headers, known):
    """Whether the secret's header has one of those that are known: it holds one, or several, newest first, while older ones count."""
    if len(headers) != 1:
        return False
    given = [part.strip().encode("latin-1") for part in headers[0].split(",")]
    # Bytes, since `compare_digest` raises on text that is not ASCII; and all pairs, so that time tells nothing.
    return any([hmac.compare_digest(one, other) for one in given for other in known])


def say(*lines):
    """Prints lines in one piece, as several threads do."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


class Refused(Exception):
    """A request that gets this status."""

    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


class Webhook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "receiver", ""
    # A silent peer holds a thread no longer than that.
    timeout = 30

    def do_OPTIONS(self):
        """The handshake: without consent nothing is delivered. Whoever knows the path gets it, so the path should be hard to guess."""
        try:
            self.find()
            origin = self.headers.get("WebHook-Request-Origin", "")
            if ORIGIN.fullmatch(origin) is None:
                raise Refused(405, "OPTIONS without WebHook-Request-Origin is no handshake")
            self.answer(200, {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": "POST"})
            say(f"consent given to {origin}")
        except Refused as refused:
            self.refuse(refused)

    def do_POST(self):
        """A delivery. 200 says that it is stored, also where it came before; 400, 401 and 413 end it; after 503 it comes again."""
        try:
            self.find()
            known = self.server.secrets.known()
            if not known:
                raise Refused(503, "no secret is known yet")
            # Before a byte of the body is looked at.
            if not is_ours(self.headers.get_all("x-contoso-secret", []), known):
                raise Refused(401, "x-contoso-secret is not one that is known")
            if self.headers.get_content_type() not in MEDIA_TYPES:
                raise Refused(415, "the body is not said to be CloudEvents in JSON")
            try:
                events = parse(self.body())
                lines = self.server.inbox.take(events, self.headers.get("aeg-subscription-name", ""))
            except Malformed as malformed:
                raise Refused(400, str(malformed)) from malformed
            except sqlite3.Error as error:
                raise Refused(503, f"nothing could be stored: {error}") from error
            # Told before the answer, so that a line is never missing for what was answered.
            say(*lines)
            self.answer(200, {})
        except Refused as refused:
            self.refuse(refused)
        except OSError:
            # The peer went away; what was not answered comes again.
            self.close_connection = True

    def find(self):
        path = urlsplit(self.path).path.encode("latin-1")
        if not hmac.compare_digest(path, self.server.hook.encode()):
            raise Refused(404, "nothing is here")

    def body(self):
        if self.headers.get("Transfer-Encoding", "").strip().lower() == "chunked":
            return self.chunks()
        lengths = self.headers.get_all("Content-Length", [])
        if not lengths:
            # Neither a length nor chunks: there is no body.
            return b""
        if len(lengths) != 1 or re.fullmatch("[0-9]{1,10}", lengths[0].strip()) is None:
            raise Refused(400, "the body's length is not a number")
        return self.read(int(lengths[0]))

    def chunks(self):
        body = b""
        while True:
            size = self.rfile.readline(LONGEST_LINE).split(b";")[0].strip()
            if re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size) is None:
                raise Refused(400, "the body is not in chunks")
            chunk = self.read(int(size, 16), len(body))
            if self.rfile.readline(LONGEST_LINE).strip():
                raise Refused(400, "the body is not in chunks")
            if not chunk:
                return body
            body += chunk

    def read(self, size, before=0):
        if before + size > LARGEST_BODY:
            raise Refused(413, f"the body has more than {LARGEST_BODY} bytes")
        read = self.rfile.read(size)
        if len(read) < size:
            raise Refused(400, "the body ended early")
        return read

    def refuse(self, refused):
        say(f"refused {refused.status}: {refused}")
        # What was not read of the request must not be taken for the next one.
        self.answer(refused.status, {"Connection": "close"})
        try:
            # Who still sends hears the answer only if somebody listens.
            left = LARGEST_BODY * 4
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(2)
            while left > 0 and (read := self.rfile.read1(65536)):
                left -= len(read)
        except OSError:
            pass

    def answer(self, status, headers):
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        """Nothing: a request's line holds the path, and what is to be said is said above."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, arguments):
        self.inbox = Inbox(arguments.database)
        self.secrets = Secrets(arguments.secrets)
        self.hook = arguments.path
        super().__init__((arguments.host, arguments.port), Webhook)


def main():
    parser = argparse.ArgumentParser(description="Receives webhooks of Contoso Events, and keeps the newest state of each product.")
    parser.add_argument("--database", default="products.db", help="SQLite file, made where it is missing [default: %(default)s]")
    parser.add_argument("--secrets", default="secret.json", help="the answer of GET …/secret, as a file [default: %(default)s]")
    parser.add_argument("--path", default="/hook", help="path of the webhook [default: %(default)s]")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on [default: %(default)s]")
    parser.add_argument("--port", type=int, default=3000, help="0 takes any that is free [default: %(default)s]")
    parser.add_argument("--show", action="store_true", help="print what is known of the products, and end")
    arguments = parser.parse_args()
    if arguments.show:
        print(*Inbox(arguments.database).products(), sep="\n")
        return
    with Server(arguments) as server:
        host, port = server.server_address[:2]
        say(f"listening on http://{host}:{port}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit(130)


if __name__ == "__main__":
    main()
