"""Decodes OTLP requests with the official messages: standard input has one a line, JSON with path and body (base64)."""

import base64
import gzip
import json
import sys

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


def attributes(item):
    return {pair["key"]: next(iter(pair.get("value", {}).values()), None) for pair in item.get("attributes", [])}


def identity(text):
    return base64.b64decode(text).hex()


def main():
    spans, metrics, logs, resources = [], {}, [], []
    for line in sys.stdin:
        sent = json.loads(line)
        body = base64.b64decode(sent["body"])
        request = REQUESTS[sent["path"]]()
        request.ParseFromString(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        for resource in MessageToDict(request).popitem()[1]:
            resources.append(attributes(resource["resource"]))
            for scope in resource.get("scopeSpans", []):
                for span in scope["spans"]:
                    spans.append(
                        {
                            "name": span["name"],
                            "kind": span["kind"],
                            "trace": identity(span["traceId"]),
                            "id": identity(span["spanId"]),
                            "parent": identity(span.get("parentSpanId", "")),
                            "links": [identity(link["spanId"]) for link in span.get("links", [])],
                            "failed": span.get("status", {}).get("code") == "STATUS_CODE_ERROR",
                            "attributes": attributes(span),
                        }
                    )
            for scope in resource.get("scopeMetrics", []):
                for metric in scope["metrics"]:
                    data = metric.get("histogram") or metric.get("sum") or metric.get("gauge")
                    points = metrics.setdefault(metric["name"], [])
                    for point in data["dataPoints"]:
                        value = point.get("count", point.get("asInt", point.get("asDouble", 0)))
                        points.append({"attributes": attributes(point), "value": float(value)})
            for scope in resource.get("scopeLogs", []):
                for record in scope["logRecords"]:
                    logs.append(
                        {
                            "body": record.get("body", {}).get("stringValue"),
                            "trace": identity(record.get("traceId", "")),
                            "attributes": attributes(record),
                        }
                    )
    print(json.dumps({"spans": spans, "metrics": metrics, "logs": logs, "resources": resources}))


main()
