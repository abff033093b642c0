//! Metrics of a function: the OpenTelemetry semantic conventions where they have one, else names that begin with `contoso.`.

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    metrics::{BoundCounter, BoundHistogram, Counter, Histogram, Meter},
};

/// Seconds from milliseconds to a day: the same for how long things take and how late they are.
const SECONDS: [f64; 17] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 86_400.0];

/// Records in a batch, up to the largest that a host is told.
const RECORDS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0];

/// Request units of one operation.
const UNITS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0, 1_000.0];

/// The instruments of this process.
pub(super) struct All {
    lag: Histogram<f64>,
    records: Counter<u64>,
    batch_size: Histogram<u64>,
    invocations: Histogram<f64>,
    requests: Histogram<f64>,
    retries: Counter<u64>,
    dead_letters: Counter<u64>,
    deliveries: Counter<u64>,
    endpoints: Counter<u64>,
    pub(super) request_charge: Histogram<f64>,
}

impl All {
    pub(super) fn new(meter: &Meter) -> Self {
        let seconds = |name| meter.f64_histogram(name).with_unit("s").with_boundaries(SECONDS.into());
        let counter = |name, unit| meter.u64_counter(name).with_unit(unit);
        Self {
            lag: seconds("contoso.lag").with_description("from an event's time until its effect is stored").build(),
            records: counter("contoso.records", "{record}").with_description("what became of records").build(),
            batch_size: meter
                .u64_histogram("contoso.batch.size")
                .with_unit("{record}")
                .with_boundaries(RECORDS.into())
                .with_description("records of an invocation")
                .build(),
            invocations: seconds("faas.invoke_duration").with_description("how long an invocation took").build(),
            requests: seconds("http.server.request.duration").with_description("how long a request took").build(),
            retries: counter("contoso.retries", "{retry}").with_description("records tried again at once").build(),
            dead_letters: counter("contoso.dead_letters", "{record}").with_description("records parked").build(),
            deliveries: counter("contoso.partner.deliveries", "{event}")
                .with_description("events for partners, by what the topic said")
                .build(),
            endpoints: counter("contoso.partner.endpoints", "{notice}")
                .with_description("what partners were told about endpoints of theirs")
                .build(),
            request_charge: meter
                .f64_histogram("azure.cosmosdb.client.operation.request_charge")
                .with_unit("{request_unit}")
                .with_boundaries(UNITS.into())
                .with_description("what a Cosmos DB operation cost")
                .build(),
        }
    }
}

/// The instruments of one function. Those of every record are bound to their attributes, which costs less than a lookup each time.
pub struct Instruments {
    function: KeyValue,
    lag: BoundHistogram<f64>,
    done: BoundCounter<u64>,
    batch_size: BoundHistogram<u64>,
    retries: BoundCounter<u64>,
    dead_letters: BoundCounter<u64>,
    records: Counter<u64>,
    invocations: Histogram<f64>,
    requests: Histogram<f64>,
    deliveries: Counter<u64>,
    endpoints: Counter<u64>,
}

/// A request that was answered. The route is a pattern of the source, not a path.
pub struct Request<'a> {
    /// The method's name, if it is one that the standard has.
    pub method: &'static str,
    /// The pattern that matched.
    pub route: &'a str,
    /// The answer's status.
    pub status: u16,
}

impl Request<'_> {
    /// As attributes of spans and metrics.
    pub fn attributes(&self) -> [KeyValue; 3] {
        [
            KeyValue::new("http.request.method", self.method),
            KeyValue::new("http.route", self.route.to_owned()),
            KeyValue::new("http.response.status_code", i64::from(self.status)),
        ]
    }
}

impl Instruments {
    pub(super) fn new(all: &All, function: &'static str) -> Self {
        let function = KeyValue::new("contoso.function", function);
        let own = std::slice::from_ref(&function);
        Self {
            lag: all.lag.bind(own),
            done: all.records.bind(&[function.clone(), KeyValue::new("contoso.outcome", "done")]),
            batch_size: all.batch_size.bind(own),
            retries: all.retries.bind(own),
            dead_letters: all.dead_letters.bind(own),
            records: all.records.clone(),
            invocations: all.invocations.clone(),
            requests: all.requests.clone(),
            deliveries: all.deliveries.clone(),
            endpoints: all.endpoints.clone(),
            function,
        }
    }

    /// A record's effect is stored, so many seconds after its event's time.
    pub fn lag(&self, seconds: f64) {
        self.lag.record(seconds);
    }

    /// So many records ended as Done.
    pub fn done(&self, records: u64) {
        if records > 0 {
            self.done.add(records);
        }
    }

    /// So many records ended otherwise, for this reason.
    pub fn ended(&self, outcome: &'static str, cause: &'static str, records: u64) {
        let attributes =
            [self.function.clone(), KeyValue::new("contoso.outcome", outcome), KeyValue::new("contoso.cause", cause)];
        self.records.add(records, &attributes);
        if outcome == "parked" {
            self.dead_letters.add(records);
        }
    }

    /// So many records are tried again at once.
    pub fn retried(&self, records: u64) {
        if records > 0 {
            self.retries.add(records);
        }
    }

    /// An invocation by `trigger`, of so many records, took so long. `error` is the cause of its failure.
    pub fn invocation(&self, trigger: &'static str, records: u64, took: Duration, error: Option<&'static str>) {
        self.batch_size.record(records);
        let mut attributes = vec![self.function.clone(), KeyValue::new("faas.trigger", trigger)];
        attributes.extend(error.map(|error| KeyValue::new("error.type", error)));
        self.invocations.record(took.as_secs_f64(), &attributes);
    }

    /// A request took so long.
    pub fn request(&self, request: &Request<'_>, took: Duration) {
        let mut attributes = vec![self.function.clone()];
        attributes.extend(request.attributes());
        self.requests.record(took.as_secs_f64(), &attributes);
    }

    /// So many events were given to the partners' topic, which said this.
    pub fn delivered(&self, outcome: &'static str, events: u64) {
        if events > 0 {
            self.deliveries.add(events, &[KeyValue::new("contoso.outcome", outcome)]);
        }
    }

    /// A partner was told this about an endpoint.
    pub fn endpoint(&self, health: &'static str) {
        self.endpoints.add(1, &[KeyValue::new("contoso.health", health)]);
    }
}
