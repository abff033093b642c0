//! The page, read.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

/// A line of a table.
pub(super) struct Row {
    pub(super) operation: String,
    pub(super) verdict: String,
    pub(super) in_code: Vec<String>,
    pub(super) request: Option<Sample>,
    pub(super) note: String,
}

/// A request to ask.
pub(super) struct Sample {
    pub(super) method: Method,
    /// Path and query behind the endpoint.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
}

pub(super) struct Page {
    /// In the order of the page.
    pub(super) sections: Vec<(String, Vec<Row>)>,
}

impl Page {
    pub(super) fn read() -> Self {
        let mut sections: Vec<(String, Vec<Row>)> = Vec::new();
        for line in include_str!("../../PARITY.md").lines() {
            if let Some(title) = line.strip_prefix("## ") {
                sections.push((title.to_owned(), Vec::new()));
            } else if line.starts_with("| ") && !line.starts_with("| Operation |") && !line.starts_with("| --- ") {
                let (_, rows) = sections.last_mut().expect("a table stands in a section");
                rows.push(Row::read(line));
            }
        }
        Self { sections }
    }

    pub(super) fn section(&self, title: &str) -> &[Row] {
        let found = self.sections.iter().find(|(name, _)| name == title);
        &found.unwrap_or_else(|| panic!("PARITY.md has no section {title}")).1
    }
}

impl Row {
    fn read(line: &str) -> Self {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [operation, verdict, in_code, request, note] = cells[..] else { panic!("not five cells: {line}") };
        Self {
            operation: operation.to_owned(),
            verdict: verdict.to_owned(),
            in_code: spans(in_code).map(str::to_owned).collect(),
            request: Sample::read(request),
            note: note.to_owned(),
        }
    }

    /// Status and code of a refusal over HTTP.
    pub(super) fn refusal(&self) -> Option<(StatusCode, Option<&str>)> {
        let mut words = self.verdict.strip_prefix("refused ")?.split(' ');
        let status = words.next()?.parse().ok()?;
        Some((status, words.next()))
    }
}

impl Sample {
    fn read(cell: &str) -> Option<Self> {
        let mut spans = spans(cell);
        let (method, target) = spans.next()?.split_once(' ').expect("a method and a target");
        let mut headers = HeaderMap::new();
        for header in spans {
            let (name, value) = header.split_once(": ").expect("a header");
            let name: HeaderName = name.parse().expect("a header name");
            headers.insert(name, HeaderValue::from_str(value).expect("a header value"));
        }
        Some(Self { method: method.parse().expect("a method"), target: target.to_owned(), headers })
    }
}

/// The code spans of a cell.
fn spans(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}
