"""What silent connections, half requests and large bodies cost honest callers of a running stack, and the stack itself.

    python3 tests/clients/doors.py .contoso/endpoints.json

Prints a line a measurement: the 99th percentile of honest requests, each on a new connection, beside 600 connections that
say nothing or half of something; then the stack's memory while 200 bodies of 10 MB come in at once. Needs no package.
"""

import base64
import email.utils
import hashlib
import hmac
import http.client
import json
import os
import re
import resource
import socket
import sys
import threading
import time

SILENCES = {
    "nothing": b"",
    "half a request": b"GET / HTTP/1.1\r\nhost: local",
    "half a TLS handshake": bytes([0x16, 3, 1, 2, 0, 1, 0, 1]),
}
CONNECTIONS = 600
REQUESTS = 300
BODIES = 200
BODY = b"x" * 10_000_000


def ports(endpoints):
    """The ports to try: those of HTTP, and that of AMQP, by name."""
    port = lambda url: int(re.search(r":(\d+)", url.split("//", 1)[1]).group(1))
    part = lambda text, name: re.search(name + r"=([^;]*)", text).group(1)
    http = {
        "functions": port(endpoints["functions"]),
        "cosmos": port(endpoints["cosmos"]["endpoint"]),
        "blob": port(part(endpoints["blob"]["connectionString"], "BlobEndpoint")),
        "control": port(endpoints["control"]),
        "site": port(endpoints["site"]),
    }
    return http, port(part(endpoints["eventHubs"]["connectionString"], "Endpoint"))


def ask(port):
    """One request on a new connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()


def greet(port):
    """The first exchange of AMQP on a new connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"AMQP\x03\x01\x00\x00")
        connection.recv(8)


def percentile(port, once):
    took = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        once(port)
        took.append(time.perf_counter() - started)
        time.sleep(0.005)
    return sorted(took)[REQUESTS * 99 // 100] * 1000


def beside(port, once, silence):
    silent = []
    for _ in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        connection.sendall(silence)
        silent.append(connection)
    figure = percentile(port, once)
    for connection in silent:
        connection.close()
    return figure


def owner(port):
    """Id of the process that listens on a port."""
    listening = next(
        line.split()[9] for line in open("/proc/net/tcp") if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    )
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if any(os.readlink(f"/proc/{pid}/fd/{fd}") == f"socket:[{listening}]" for fd in os.listdir(f"/proc/{pid}/fd")):
                return int(pid)
        except OSError:
            continue
    raise SystemExit(f"nobody listens on {port}")


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1)) / 1024


def bodies(name, port, send, pid):
    """The most memory while the bodies are on their way, how long that took, and the answers to `send(connection, number)`."""
    before, peak, answers = resident(pid), 0, {}

    def request(number):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
            send(connection, number)
            answer = connection.getresponse().status
        except OSError as error:
            answer = type(error).__name__
        answers[answer] = answers.get(answer, 0) + 1

    threads = [threading.Thread(target=request, args=(number,)) for number in range(BODIES)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        peak = max(peak, resident(pid))
        time.sleep(0.02)
    took = time.perf_counter() - started
    print(f"{name}: {BODIES} bodies of 10 MB: {before:.0f} MiB before, {peak:.0f} MiB at most, {took:.1f} s, answers {answers}")


def post(path):
    return lambda connection, _: connection.request("POST", path, BODY, {"content-type": "application/json"})


def put_blob(text):
    """Puts a blob for each body, in a container that is made here; `text` is the account's connection string."""
    account = dict(part.split("=", 1) for part in text.split(";") if part)
    name, key = account["AccountName"], base64.b64decode(account["AccountKey"])
    base = "/" + account["BlobEndpoint"].split("://", 1)[1].partition("/")[2].rstrip("/")
    base = "" if base == "/" else base

    def send(connection, path, body, blob_type, query=""):
        headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-08-06", **blob_type}
        canonical = "".join(f"{header}:{headers[header]}\n" for header in sorted(headers))
        resource = f"/{name}{base}{path}" + (f"\n{query.replace('=', ':')}" if query else "")
        signed = f"PUT\n\n\n{len(body) or ''}\n\n\n\n\n\n\n\n\n{canonical}{resource}"
        signature = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
        headers["authorization"] = f"SharedKey {name}:{signature}"
        connection.request("PUT", f"{base}{path}" + (f"?{query}" if query else ""), body, headers)

    port = int(re.search(r":(\d+)", account["BlobEndpoint"].split("//", 1)[1]).group(1))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    send(connection, "/doors", b"", {}, "restype=container")
    connection.getresponse().read()
    return lambda connection, number: send(connection, f"/doors/{number}", BODY, {"x-ms-blob-type": "BlockBlob"})


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    endpoints = json.load(open(sys.argv[1]))
    http_ports, amqp = ports(endpoints)
    tried = [(name, port, ask) for name, port in http_ports.items()] + [("event hubs", amqp, greet)]
    for name, port, once in tried:
        alone = percentile(port, once)
        figures = [f"{what} {beside(port, once, silence):.1f}" for what, silence in SILENCES.items()]
        print(f"{name}: p99 of new connections alone {alone:.1f} ms; beside {CONNECTIONS} that say", ", ".join(figures), "ms")
    pid = owner(http_ports["functions"])
    bodies("functions", http_ports["functions"], post("/api/clicks"), pid)
    bodies("cosmos", http_ports["cosmos"], post("/dbs"), pid)
    bodies("site", http_ports["site"], post("/partner/events"), pid)
    bodies("control", http_ports["control"], post("/"), pid)
    bodies("blob", http_ports["blob"], put_blob(endpoints["blob"]["connectionString"]), pid)


main()
