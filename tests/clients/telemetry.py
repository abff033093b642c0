"""opentelemetry-sdk: a trace, a metric and a log record by OTLP over HTTP, plain and packed, all of them taken."""

import json
import sys

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode

otlp = json.load(sys.stdin)["otlp"]
resource = Resource.create({"service.name": "python", "service.instance.id": "1"})
taken = []


class Noted(OTLPSpanExporter):
    """Notes what became of each export: the SDK itself drops what is not taken."""

    def export(self, spans):
        result = super().export(spans)
        taken.append(result is SpanExportResult.SUCCESS)
        return result


spans = TracerProvider(resource=resource)
for compression in (Compression.NoCompression, Compression.Gzip):
    spans.add_span_processor(SimpleSpanProcessor(Noted(endpoint=f"{otlp}/v1/traces", compression=compression)))
tracer = spans.get_tracer("witness")
with tracer.start_as_current_span("cause", kind=SpanKind.SERVER) as cause:
    trace = format(cause.get_span_context().trace_id, "032x")
    with tracer.start_as_current_span("effect", attributes={"messaging.message.id": "from-python", "sizes": [1, 2]}) as span:
        span.add_event("noticed", {"bytes": 1.5})
        span.set_status(Status(StatusCode.ERROR, "no stock"))
assert spans.force_flush()
assert taken == [True] * 4, taken

reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{otlp}/v1/metrics", compression=Compression.Gzip))
metrics = MeterProvider([reader], resource=resource)
meter = metrics.get_meter("witness")
meter.create_counter("things", unit="{thing}").add(3, {"kind": "a"})
meter.create_histogram("wait", unit="s").record(0.2)
meter.create_up_down_counter("waiting").add(-2)
assert metrics.force_flush()

logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint=f"{otlp}/v1/logs")))
logs.get_logger("witness").emit(
    LogRecord(body="invocation", severity_number=SeverityNumber.WARN, attributes={"records": 2})
)
assert logs.force_flush()
for provider in (spans, metrics, logs):
    provider.shutdown()
print(trace)
print("ok")
