"""Reads and writes Avro as any program might that knows nothing of us: with fastavro. Takes a list from standard input, each with a schema and
either data or bytes in base64, and prints both of each."""

import base64
import datetime
import io
import json
import sys

import fastavro


def plain(value):
    if isinstance(value, datetime.datetime):
        return round(value.timestamp() * 1000)
    raise TypeError(type(value))


done = []
for item in json.load(sys.stdin):
    schema = fastavro.parse_schema(json.loads(item["schema"]))
    if "data" in item:
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, schema, item["data"], strict_allow_default=True)
        encoded = stream.getvalue()
    else:
        encoded = base64.b64decode(item["bytes"])
    stream = io.BytesIO(encoded)
    data = fastavro.schemaless_reader(stream, schema)
    assert stream.read() == b"", "there is more than the datum"
    done.append({"bytes": base64.b64encode(encoded).decode(), "data": data})
json.dump(done, sys.stdout, default=plain)
