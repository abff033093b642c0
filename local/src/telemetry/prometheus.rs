//! Prometheus' text format 0.0.4, of whatever series there are.
//!
//! Names, units and labels by "Prometheus and OpenMetrics Compatibility" of OpenTelemetry: `contoso.lag` in `s` is
//! `contoso_lag_seconds`, a counter ends in `_total`, a resource is `target_info` with the labels `job` and `instance`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write},
};

use super::{
    attributes::written,
    metrics::{Reading, Series},
};

/// One name of Prometheus, with its series by their labels.
struct Family<'s> {
    kind: &'static str,
    help: &'s str,
    series: BTreeMap<String, &'s Reading>,
}

/// The text.
pub(super) fn text<'s>(series: impl Iterator<Item = &'s Series>) -> String {
    let mut families: BTreeMap<String, Family<'_>> = BTreeMap::new();
    let mut targets = BTreeSet::new();
    for series in series {
        let origin = origin(series);
        targets.insert(target(series, &origin));
        let kind = kind(&series.reading);
        let fresh = || Family { kind, help: &series.description, series: BTreeMap::new() };
        let family = families.entry(name(series)).or_insert_with(fresh);
        // Two kinds of one name cannot be told in this format; nor twice the same labels.
        if family.kind == kind {
            family.series.entry(labels(series, origin)).or_insert(&series.reading);
        }
    }
    let mut text = String::new();
    if !targets.is_empty() {
        text.push_str("# HELP target_info Target metadata\n# TYPE target_info gauge\n");
        text.extend(targets.iter().map(|labels| format!("target_info{{{labels}}} 1\n")));
    }
    for (name, family) in &families {
        if !family.help.is_empty() {
            line(&mut text, format_args!("# HELP {name} {}", family.help.replace('\\', "\\\\").replace('\n', "\\n")));
        }
        line(&mut text, format_args!("# TYPE {name} {}", family.kind));
        for (labels, reading) in &family.series {
            samples(&mut text, name, labels, reading);
        }
    }
    text
}

fn samples(text: &mut String, name: &str, labels: &str, reading: &Reading) {
    let separator = if labels.is_empty() { "" } else { "," };
    match reading {
        Reading::Gauge(value) | Reading::Counter(value) => {
            line(text, format_args!("{name}{{{labels}}} {}", Sample(*value)));
        }
        Reading::Histogram(histogram) => {
            let mut below = 0;
            for (bound, count) in histogram.bounds.iter().zip(&histogram.counts) {
                below += count;
                line(text, format_args!("{name}_bucket{{{labels}{separator}le=\"{}\"}} {below}", Sample(*bound)));
            }
            line(text, format_args!("{name}_bucket{{{labels}{separator}le=\"+Inf\"}} {}", histogram.count));
            if let Some(sum) = histogram.sum {
                line(text, format_args!("{name}_sum{{{labels}}} {}", Sample(sum)));
            }
            line(text, format_args!("{name}_count{{{labels}}} {}", histogram.count));
        }
        Reading::Summary(summary) => {
            for (quantile, value) in &summary.quantiles {
                let (quantile, value) = (Sample(*quantile), Sample(*value));
                line(text, format_args!("{name}{{{labels}{separator}quantile=\"{quantile}\"}} {value}"));
            }
            line(text, format_args!("{name}_sum{{{labels}}} {}", Sample(summary.sum)));
            line(text, format_args!("{name}_count{{{labels}}} {}", summary.count));
        }
    }
}

fn line(text: &mut String, line: fmt::Arguments<'_>) {
    // Text takes whatever is written to it.
    if writeln!(text, "{line}").is_err() {
        text.push('\n');
    }
}

/// A number as Go reads it.
struct Sample(f64);

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            value => write!(f, "{value}"),
        }
    }
}

fn kind(reading: &Reading) -> &'static str {
    match reading {
        Reading::Gauge(_) => "gauge",
        Reading::Counter(_) => "counter",
        Reading::Histogram(_) => "histogram",
        Reading::Summary(_) => "summary",
    }
}

/// Name, unit and `_total`, each once.
fn name(series: &Series) -> String {
    let mut name = plain(&series.name);
    let is_counter = matches!(series.reading, Reading::Counter(_));
    if is_counter && let Some(stem) = name.strip_suffix("_total") {
        name.truncate(stem.len());
    }
    let unit = match series.unit.as_str() {
        "1" if matches!(series.reading, Reading::Gauge(_)) => "ratio".to_owned(),
        unit => unit_words(unit),
    };
    if !unit.is_empty() && name != unit && !name.ends_with(&format!("_{unit}")) {
        name = format!("{name}_{unit}");
    }
    if is_counter {
        name.push_str("_total");
    }
    name
}

/// Words of a unit ("UCUM"); what stands in braces is a remark.
fn unit_words(unit: &str) -> String {
    let (amount, per) = unit.split_once('/').map_or((unit, None), |(amount, per)| (amount, Some(per)));
    let word = |code: &str, one: bool| {
        let code = code.split('{').next().unwrap_or_default();
        let many = match code {
            "d" => "days",
            "h" => "hours",
            "min" => "minutes",
            "s" => "seconds",
            "ms" => "milliseconds",
            "us" => "microseconds",
            "ns" => "nanoseconds",
            "By" => "bytes",
            "KiBy" => "kibibytes",
            "MiBy" => "mebibytes",
            "GiBy" => "gibibytes",
            "kBy" => "kilobytes",
            "MBy" => "megabytes",
            "GBy" => "gigabytes",
            "m" => "meters",
            "V" => "volts",
            "A" => "amperes",
            "J" => "joules",
            "W" => "watts",
            "g" => "grams",
            "Cel" => return "celsius".to_owned(),
            "Hz" => return "hertz".to_owned(),
            "%" => return "percent".to_owned(),
            "1" => return String::new(),
            other => return plain(other).trim_matches('_').to_owned(),
        };
        if one { many.trim_end_matches('s').to_owned() } else { many.to_owned() }
    };
    let amount = word(amount, false);
    match per.map(|per| word(per, true)).filter(|per| !per.is_empty()) {
        Some(per) => format!("{amount}_per_{per}").trim_start_matches('_').to_owned(),
        None => amount,
    }
}

/// A name with `_` for whatever may not stand in one, never two of them in a row, and none that begins with a digit.
fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        plain.push('_');
    }
    for letter in name.chars() {
        let letter = if letter.is_ascii_alphanumeric() || letter == ':' { letter } else { '_' };
        if letter != '_' || !plain.ends_with('_') {
            plain.push(letter);
        }
    }
    plain
}

/// The labels by which a series belongs to its target.
fn origin(series: &Series) -> BTreeMap<String, String> {
    let text = |name| series.resource.text(name);
    let job = text("service.name").map(|name| match text("service.namespace") {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    });
    let instance = text("service.instance.id").map(str::to_owned);
    let labels = [("job", job), ("instance", instance)];
    labels.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn target(series: &Series, origin: &BTreeMap<String, String>) -> String {
    let mut labels = origin.clone();
    let told = ["service.name", "service.namespace", "service.instance.id"];
    for (name, value) in series.resource.iter().filter(|(name, _)| !told.contains(name)) {
        add(&mut labels, name, written(value));
    }
    shown(&labels)
}

fn labels(series: &Series, mut labels: BTreeMap<String, String>) -> String {
    if !series.scope.is_empty() {
        add(&mut labels, "otel_scope_name", series.scope.clone());
    }
    for (name, value) in series.attributes.iter() {
        add(&mut labels, name, written(value));
    }
    shown(&labels)
}

/// Adds a label; where two attributes become one name, their values stand side by side.
fn add(labels: &mut BTreeMap<String, String>, name: &str, value: String) {
    let name = plain(name).replace(':', "_");
    let label = labels.entry(name).or_default();
    if !label.is_empty() {
        label.push(';');
    }
    label.push_str(&value);
}

fn shown(labels: &BTreeMap<String, String>) -> String {
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let all: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    all.join(",")
}
