//! Dead letters: what a test leaves in the two containers, and which of them it expects. Any other fails the test.
//!
//! Tests look at effects, and a record that was parked by mistake may have none: each shop looks once more at its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use contoso_cli::{
    endpoints::handler_settings,
    identity::{OPERATOR, SignedIn},
};
use contoso_local::stack::Endpoints;
use reqwest::Method;
use serde_json::Value;

use super::eventually;

/// Where the app parks bad records, and where Event Grid leaves what it could not deliver.
const CONTAINERS: [&str; 2] = ["dead-letters", "event-grid-dead-letters"];
const RESOURCE: &str = "https://storage.azure.com";
/// The oldest version of the protocol that takes tokens.
const VERSION: &str = "2017-11-09";
/// Letters that a complaint shows of one owner.
const SHOWN: usize = 5;

/// The dead letters a test expects, by owner: the function that parked them, or the topic whose events were given up.
#[derive(Default)]
pub(crate) struct Expected(Mutex<BTreeMap<String, usize>>);

impl Expected {
    /// Waits until `owner` has left `count` letters, and expects them from then on.
    pub(crate) async fn come(&self, endpoints: &Endpoints, owner: &str, count: usize) {
        let containers = Containers::of(endpoints);
        eventually(&format!("{count} dead letters of {owner}"), || async {
            let found = containers.letters().await.get(owner).map_or(0, Vec::len);
            if found >= count { Ok(()) } else { Err(found.to_string()) }
        })
        .await;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(owner.to_owned(), count);
    }

    /// Looks once at what is there; the error names the letters that were not expected, or that are missing.
    pub(crate) async fn check(&self, endpoints: &Endpoints) -> Result<(), String> {
        let containers = Containers::of(endpoints);
        let found = containers.letters().await;
        let expected = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let owners = found.keys().chain(expected.keys());
        let mut complaint = String::new();
        for owner in owners.collect::<BTreeSet<_>>() {
            let letters = found.get(owner).map_or(&[][..], Vec::as_slice);
            let expected = expected.get(owner).copied().unwrap_or_default();
            if letters.len() == expected {
                continue;
            }
            complaint += &format!("{owner}: {} dead letters, {expected} expected\n", letters.len());
            for letter in letters.iter().take(SHOWN) {
                complaint += &format!("  {letter}: {}\n", shown(&containers.get(letter).await));
            }
        }
        if complaint.is_empty() { Ok(()) } else { Err(complaint) }
    }
}

/// All dead letters, each with its name.
pub(crate) async fn texts(endpoints: &Endpoints) -> String {
    let containers = Containers::of(endpoints);
    let mut texts = String::new();
    for letter in containers.letters().await.into_values().flatten() {
        texts += &format!("{letter}: {}\n", containers.get(&letter).await);
    }
    texts
}

/// Cause and position of a letter, or all of it where it has neither: Event Grid's are arrays of events.
fn shown(letter: &str) -> String {
    let parsed: Value = serde_json::from_str(letter).unwrap_or_default();
    match &parsed["cause"] {
        Value::String(cause) => format!("{cause}, at {}", parsed["position"]),
        _ => letter.to_owned(),
    }
}

/// The containers of a running stack, read over the wire as operators read them.
struct Containers {
    operator: SignedIn,
    account: String,
}

impl Containers {
    fn of(endpoints: &Endpoints) -> Self {
        let operator = SignedIn::new(endpoints, OPERATOR).expect("the topology has operators");
        let account = handler_settings(endpoints).expect("complete endpoints").storage.endpoint.to_string();
        Self { operator, account: account.trim_end_matches('/').to_owned() }
    }

    /// Paths of all letters, `<container>/<blob>`, by owner.
    async fn letters(&self) -> BTreeMap<String, Vec<String>> {
        let mut letters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for container in CONTAINERS {
            let listing = self.get(&format!("{container}?restype=container&comp=list")).await;
            let is_whole = listing.contains("<NextMarker></NextMarker>") || listing.contains("<NextMarker />");
            assert!(is_whole, "{container} has more letters than one listing");
            // The app encodes everything in a name that XML would.
            for name in listing.split("<Name>").skip(1).filter_map(|rest| rest.split("</Name>").next()) {
                let owner = name.split('/').next().unwrap_or_default();
                letters.entry(owner.to_owned()).or_default().push(format!("{container}/{name}"));
            }
        }
        letters
    }

    async fn get(&self, path: &str) -> String {
        let url = format!("{}/{}", self.account, path.replace('%', "%25"));
        let request = self.operator.request(Method::GET, &url, RESOURCE).await.expect("a token");
        let answer = request.header("x-ms-version", VERSION).send().await.expect("Blob Storage answers");
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        assert!(status.is_success(), "{path}: {status} {text}");
        text
    }
}
