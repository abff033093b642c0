//! Resource Manager: its calls on event subscriptions and topics.
//!
//! Only tokens count here. Roles are asked for on the source of the subscriptions: `eventGrid/topics/<topic>`, `storage` or
//! `eventHubs`; reading topics and their keys needs a role on `eventGrid`.

mod list;
pub(crate) mod operations;
mod path;

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, header,
    request::Parts,
    uri::{Authority, Scheme},
};
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use self::{
    operations::Status,
    path::{Resource, ResourceScope},
};
use super::{
    auth, body,
    error::Refusal,
    names::Source,
    registry::Subscription,
    service::Service,
    subscription::{self, merge_patch},
};
use crate::{identity::Action, monitor::MetricsRefusal, transport::Peer};

const BODY_LIMIT: usize = 1024 * 1024;

/// Answers everything that is not a publish request.
pub(crate) async fn handle(State(service): State<Arc<Service>>, request: Request) -> Response {
    match answer(&service, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

/// A request that was understood: its resource and what the answers are made of.
struct Call<'a> {
    service: &'a Arc<Service>,
    query: Vec<(String, String)>,
    /// `http://host` under which the client reached us.
    base: String,
    path: String,
    body: Bytes,
}

async fn answer(service: &Arc<Service>, request: Request) -> Result<Response, Refusal> {
    let (parts, request_body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let topics = service.topics.values().map(|topic| topic.name.as_str());
    if path.starts_with("/topics/") {
        // The data plane of namespaces; its callers have no token of Resource Manager.
        return Err(Refusal::unsupported(&format!("{} {path}", parts.method)));
    }
    let caller = auth::manager(&service.identity, &parts)?;
    let resource = path::parse(&service.names, topics, &path).ok_or_else(|| unknown(&parts.method, &path))?;
    let query: Vec<(String, String)> =
        form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    if !query.iter().any(|(name, _)| name.eq_ignore_ascii_case("api-version")) {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        ));
    }
    let (action, scope) = needs(&parts.method, &resource);
    caller.may(action, &scope).map_err(|forbidden| Refusal::forbidden(&forbidden))?;
    let call =
        Call { service, query, base: base(&parts, service), path, body: body::read(request_body, BODY_LIMIT).await? };
    match (parts.method, resource) {
        (Method::PUT, Resource::Subscription(within, name)) => call.put(&within, &name),
        (Method::PATCH, Resource::Subscription(within, name)) => call.patch(&within, &name),
        (Method::GET, Resource::Subscription(within, name)) => {
            Ok(Json(call.shown(&within, &*call.find(&within, &name)?)).into_response())
        }
        (Method::DELETE, Resource::Subscription(within, name)) => call.delete(&within, &name),
        (Method::GET, Resource::Subscriptions(within)) => call.list(&within),
        (Method::POST, Resource::Action(within, name, action)) => call.act(&within, &name, &action),
        (Method::GET, Resource::Operation(id)) => {
            let status = call.status(id)?;
            Ok(call.polled(StatusCode::OK, &status, id))
        }
        (Method::GET, Resource::OperationResult(id)) => match call.status(id)? {
            status @ Status::InProgress => Ok(call.polled(StatusCode::ACCEPTED, &status, id)),
            status => Ok(call.polled(StatusCode::OK, &status, id)),
        },
        (Method::GET, Resource::Topics) => {
            let topics: Vec<Value> = service.topics.keys().filter_map(|name| service.topic_shown(name)).collect();
            Ok(Json(json!({ "value": topics })).into_response())
        }
        (Method::GET, Resource::Topic(name)) => Ok(Json(service.topic_shown(&name)).into_response()),
        (Method::GET, Resource::TopicMetrics(name)) => {
            let topic = service.names.source(&Source::Topic(name));
            match service.delivery().monitor.metrics(&topic, &call.query) {
                Ok(metrics) => Ok(Json(metrics).into_response()),
                Err(MetricsRefusal::Unsupported(what)) => Err(Refusal::unsupported(&what)),
                Err(MetricsRefusal::Invalid(message)) => Err(Refusal::bad_request(message)),
            }
        }
        (Method::POST, Resource::TopicKeys(name)) => {
            let keys = service.topics.get(&name).map(|topic| &topic.keys);
            Ok(Json(json!({ "key1": keys.map(|k| &k.key1), "key2": keys.map(|k| &k.key2) })).into_response())
        }
        (method, _) => Err(Refusal::unsupported(&format!("{method} {}", call.path))),
    }
}

impl Call<'_> {
    fn find(&self, within: &ResourceScope, name: &str) -> Result<Arc<Subscription>, Refusal> {
        let found = self.service.provisioning.registry.find(&within.source, name);
        found.filter(|found| !found.expired(self.service.clock.now())).ok_or_else(|| {
            Refusal::not_found(format!("The event subscription `{name}` does not exist on {}.", within.parent))
        })
    }

    fn object(&self) -> Result<Map<String, Value>, Refusal> {
        contoso_json::from_slice(&self.body)
            .map_err(|error| Refusal::invalid(format!("The body is not a JSON object: {error}.")))
    }

    fn put(&self, within: &ResourceScope, name: &str) -> Result<Response, Refusal> {
        let mut body = self.object()?;
        let properties = body.remove("properties").ok_or_else(|| Refusal::invalid("The body needs `properties`."))?;
        self.propose(within, name, properties)
    }

    fn patch(&self, within: &ResourceScope, name: &str) -> Result<Response, Refusal> {
        let body = self.object()?;
        if body.contains_key("properties") {
            return Err(Refusal::invalid("The body of PATCH is flat: it has no `properties`."));
        }
        let properties = merge_patch(self.find(within, name)?.record().properties(), &body);
        self.propose(within, name, properties)
    }

    fn propose(&self, within: &ResourceScope, name: &str, properties: Value) -> Result<Response, Refusal> {
        let input =
            self.service.input_schema(&within.source).ok_or_else(|| Refusal::not_found("The topic does not exist."))?;
        let (subscription, operation) = self.service.provisioning.propose(&within.source, name, input, properties)?;
        let headers = self.operation_headers(operation);
        Ok((StatusCode::CREATED, headers, Json(self.shown(within, &subscription))).into_response())
    }

    fn delete(&self, within: &ResourceScope, name: &str) -> Result<Response, Refusal> {
        let Some(subscription) = self.service.provisioning.registry.find(&within.source, name) else {
            return Ok(StatusCode::NO_CONTENT.into_response());
        };
        let operation = self.service.provisioning.delete(&subscription)?;
        let mut headers = self.operation_headers(operation);
        if let Ok(location) = HeaderValue::try_from(self.operation_url("operationResults", operation)) {
            headers.insert(header::LOCATION, location);
        }
        Ok((StatusCode::ACCEPTED, headers).into_response())
    }

    fn act(&self, within: &ResourceScope, name: &str, action: &str) -> Result<Response, Refusal> {
        if action.eq_ignore_ascii_case("getFullUrl") {
            let record = self.find(within, name)?.record();
            return Ok(Json(subscription::full_url(&record).unwrap_or_else(|| json!({}))).into_response());
        }
        if action.eq_ignore_ascii_case("getDeliveryAttributes") {
            let record = self.find(within, name)?.record();
            return Ok(Json(subscription::delivery_attributes(&record)).into_response());
        }
        Err(Refusal::unsupported(&format!("POST {}", self.path)))
    }

    fn shown(&self, within: &ResourceScope, subscription: &Subscription) -> Value {
        let topic = self.service.names.source(&within.source);
        json!({
            "id": format!("{}/eventSubscriptions/{}", within.parent, subscription.name),
            "name": subscription.name,
            "type": within.r#type,
            "properties": subscription::shown(&subscription.record(), &topic, subscription.input),
        })
    }

    fn status(&self, id: Uuid) -> Result<Status, Refusal> {
        let status = self.service.provisioning.operations.status(id);
        status.ok_or_else(|| Refusal::not_found(format!("The operation {id} is not known.")))
    }

    fn polled(&self, code: StatusCode, status: &Status, id: Uuid) -> Response {
        (code, [RETRY_SOON], Json(status.body(&self.path, id))).into_response()
    }

    fn operation_url(&self, collection: &str, id: Uuid) -> String {
        format!(
            "{}/subscriptions/{}/providers/Microsoft.EventGrid/locations/local/{collection}/{id}?api-version=2025-02-15",
            self.base, self.service.names.subscription_id
        )
    }

    fn operation_headers(&self, operation: Uuid) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([RETRY_SOON]);
        if let Ok(url) = HeaderValue::try_from(self.operation_url("operationsStatus", operation)) {
            headers.insert("azure-asyncoperation", url);
        }
        headers
    }
}

/// What the caller must be allowed to do, and on what.
fn needs(method: &Method, resource: &Resource) -> (Action, String) {
    let action = match *method {
        Method::GET => Action::SubscriptionsRead,
        _ => Action::SubscriptionsWrite,
    };
    let scope = match resource {
        Resource::Subscriptions(within) | Resource::Subscription(within, _) | Resource::Action(within, ..) => {
            within.source.scope()
        }
        Resource::Topic(name) | Resource::TopicKeys(name) => Source::Topic(name.clone()).scope(),
        Resource::TopicMetrics(name) => return (Action::MetricsRead, Source::Topic(name.clone()).scope()),
        Resource::Topics => "eventGrid".to_owned(),
        // Whoever may change anything may look at how it goes; the id is a secret of who asked.
        Resource::Operation(_) | Resource::OperationResult(_) => {
            return (Action::SubscriptionsRead, "eventGrid".to_owned());
        }
    };
    (action, scope)
}

/// Operations are over in an instant here; without this, clients wait half a minute between polls.
const RETRY_SOON: (header::HeaderName, HeaderValue) = (header::RETRY_AFTER, HeaderValue::from_static("1"));

/// A kind of resource that this service has not, or one that does not exist.
fn unknown(method: &Method, path: &str) -> Refusal {
    let lower = path.to_ascii_lowercase();
    let kind: Vec<&str> =
        lower.rsplit_once(path::PROVIDER).map(|(_, rest)| rest.split('/').collect()).unwrap_or_default();
    match kind[..] {
        ["topics" | "systemtopics"]
        | ["topics" | "systemtopics", _]
        | ["topics" | "systemtopics", _, "eventsubscriptions" | "listkeys", ..]
        | ["eventsubscriptions" | "locations", ..] => {
            Refusal::not_found(format!("The local Event Grid has nothing at {method} {path}."))
        }
        _ => Refusal::unsupported(&format!("{method} {path}")),
    }
}

/// The URL under which the client reached us; over HTTP/2 the host stands in the request's target.
fn base(parts: &Parts, service: &Service) -> String {
    let scheme = parts.extensions.get::<ConnectInfo<Peer>>().map_or(Scheme::HTTP, |peer| peer.0.scheme());
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(Authority::as_str));
    host.map_or_else(|| format!("{scheme}://{}", service.address), |host| format!("{scheme}://{host}"))
}
