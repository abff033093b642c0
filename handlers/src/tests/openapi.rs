//! `schemas/openapi.json` against the program: every route stands there and no other, the Functions host lets each through, and what is
//! not there is answered by a problem document.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use axum::{
    Router,
    body::Body,
    http::{
        Request, StatusCode,
        header::{ALLOW, CONTENT_TYPE},
    },
    response::Response,
};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::{json, names_in, project};
use crate::{host, registry::functions};

/// The methods of each path.
type Operations = BTreeMap<String, BTreeSet<String>>;

fn router() -> Router {
    host::router(&host::tests::app(), &functions())
}

async fn ask(router: &Router, method: &str, path: &str) -> Response {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
    router.clone().oneshot(request).await.expect("an answer")
}

/// The answer's problem document.
async fn problem(response: Response) -> Value {
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    let problem: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(problem["status"], status);
    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
    problem
}

/// The paths of a router's routes: axum tells them in its `Debug` form alone, as `RouteId(7): "/api/…"`.
fn paths(router: &Router) -> BTreeSet<String> {
    let shown = format!("{router:?}");
    let listed = shown.split("RouteId(").filter_map(|part| part.split_once("): \"")?.1.split('"').next());
    listed.filter(|path| path.starts_with("/api/")).map(str::to_owned).collect()
}

/// A path with something for each of its parameters.
fn filled(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "x" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// `HEAD` goes with `GET`, and `OPTIONS` is CORS.
fn is_listed(method: &str) -> bool {
    !matches!(method, "HEAD" | "OPTIONS")
}

/// What the routers have: which methods is told to whom uses another.
async fn served(router: &Router) -> Operations {
    let mut operations = Operations::new();
    for path in paths(router) {
        let response = ask(router, "PROBE", &filled(&path)).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allow = response.headers()[ALLOW].to_str().expect("text").to_owned();
        let methods: BTreeSet<String> = allow.split(',').map(|method| method.trim().to_owned()).collect();
        assert_eq!(methods.contains("GET"), methods.contains("HEAD"), "{path}");
        assert!(problem(response).await["detail"].as_str().is_some_and(|detail| detail.contains("PROBE")), "{path}");
        let methods: BTreeSet<String> = methods.into_iter().filter(|method| is_listed(method)).collect();
        // A colon has several spellings in a path, which are the same to who reads the document.
        let path = path.replace("%3A", ":").replace("%3a", ":");
        if let Some(other) = operations.insert(path.clone(), methods.clone()) {
            assert_eq!(other, methods, "spellings of {path}");
        }
    }
    operations
}

fn document() -> Value {
    json(&project("schemas/openapi.json"))
}

fn documented(document: &Value) -> Operations {
    let paths = document["paths"].as_object().expect("paths").iter();
    let methods = |item: &Value| {
        let members = item.as_object().expect("operations").keys();
        members.filter(|name| *name != "parameters").map(|name| name.to_ascii_uppercase()).collect()
    };
    paths.map(|(path, item)| (path.clone(), methods(item))).collect()
}

/// Viewers of such documents are pages of anybody's; what else the site has is for pages that the setting names.
#[tokio::test]
async fn pages_of_any_origin_may_read_the_document_and_nothing_else() {
    let router = router();
    let asked = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path).header("origin", "https://viewer.example");
        let request = request.header("access-control-request-method", "GET").body(Body::empty()).expect("a request");
        let answer = router.clone().oneshot(request).await.expect("an answer");
        answer.headers().get("access-control-allow-origin").cloned()
    };
    for method in ["GET", "HEAD", "OPTIONS"] {
        let allowed = asked(method, "/api/site/openapi.json").await;
        assert_eq!(allowed.as_ref().map(|value| value.as_bytes()), Some(b"*".as_slice()), "{method}");
        assert_eq!(asked(method, "/api/site/trending").await, None, "{method}");
    }
}

#[tokio::test]
async fn the_document_has_every_route_and_no_other() {
    let router = router();
    let served = served(&router).await;
    assert!(served.len() > 20 && served["/api/products/{id}"].len() == 4, "{served:?}");
    assert_eq!(documented(&document()), served, "schemas/openapi.json (left) and the routers (right)");
}

/// A function's definition: its route's segments below the prefix, its methods, and whether it asks for a key of the host.
struct Definition {
    route: Vec<String>,
    methods: BTreeSet<String>,
    asks_for_a_key: bool,
}

fn definitions() -> Vec<Definition> {
    let folder = project("function-definitions");
    let http = |name: String| {
        let binding = json(&folder.join(name).join("function.json"))["bindings"][0].clone();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        (binding["type"] == "httpTrigger").then(|| Definition {
            route: text(&binding["route"]).split('/').map(str::to_owned).collect(),
            methods: binding["methods"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|one| text(one).to_ascii_uppercase())
                .collect(),
            asks_for_a_key: binding["authLevel"] != "anonymous",
        })
    };
    names_in(&folder).into_iter().filter_map(http).collect()
}

impl Definition {
    fn lets_through(&self, method: &str, path: &str) -> bool {
        let segments: Vec<&str> = path.trim_start_matches("/api/").split('/').collect();
        let is_rest = self.route.last().is_some_and(|last| last.starts_with("{*"));
        let fixed = if is_rest { &self.route[..self.route.len() - 1] } else { &self.route[..] };
        let fits = |(ours, theirs): (&String, &&str)| ours.starts_with('{') || ours == theirs;
        let has_length = if is_rest { segments.len() >= fixed.len() } else { segments.len() == fixed.len() };
        has_length && self.methods.contains(method) && fixed.iter().zip(&segments).all(fits)
    }
}

/// A route that no definition lets through answers in tests of the handler, and in Azure never.
#[test]
fn the_functions_host_lets_every_operation_through_and_asks_for_the_key_that_stands_there() {
    let (document, definitions) = (document(), definitions());
    for (path, methods) in documented(&document) {
        for method in &methods {
            let through = definitions.iter().find(|definition| definition.lets_through(method, &path));
            let through = through.unwrap_or_else(|| panic!("no function.json has {method} {path}"));
            let security = document["paths"][&path][method.to_ascii_lowercase()]["security"].to_string();
            assert_eq!(security.contains("functionKey"), through.asks_for_a_key, "{method} {path}: {security}");
        }
        let heads = definitions.iter().any(|definition| definition.lets_through("HEAD", &path));
        assert!(heads || !methods.contains("GET"), "HEAD {path}");
    }
}

#[tokio::test]
async fn what_is_not_there_or_malformed_is_a_problem_with_a_body() {
    let router = router();
    for path in ["/api/", "/api/none", "/api/partners", "/api/partners/a/b/c/d/e/f", "/api/site/%20", "/api/ops/"] {
        let response = ask(&router, "GET", path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        problem(response).await;
    }
    for path in
        ["/api/products/%ff", "/api/site/visitors/%ff", "/api/partners/%ff", "/api/partners/x/subscriptions/%ff"]
    {
        let response = ask(&router, "GET", path).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
        problem(response).await;
    }
    let response = ask(&router, "POST", "/api/partners/x/keys").await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(problem(response).await["type"], "/problems/key-invalid");
}

/// By the kind of a problem callers tell it from others, so each stands in the document.
#[test]
fn the_document_names_every_kind_of_problem() {
    let kinds = document()["components"]["schemas"]["Problem"]["properties"]["type"]["examples"].clone();
    let mut sources = Vec::new();
    sources_in(&project("handlers/src/functions"), &mut sources);
    let mut named = BTreeSet::new();
    for source in sources {
        let text = std::fs::read_to_string(source).expect("a source");
        named.extend(text.split(".of_kind(\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    }
    assert!(named.len() > 10, "{named:?}");
    for kind in named {
        let kind = Value::String(format!("/problems/{kind}"));
        assert!(kinds.as_array().expect("a list").contains(&kind), "schemas/openapi.json, Problem: {kind}");
    }
}

fn sources_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources_in(&path, found);
        } else {
            found.push(path);
        }
    }
}
