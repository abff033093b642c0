//! Databases and containers.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde_json::Value;

use crate::cosmos::{
    data::definition,
    serve::{items, offers, sessions, values},
    store::account::{Account, Unwritten},
    wire::{
        refusal::Refusal,
        request::{ContainerName, Request, Write},
        responses,
    },
};

/// Answers a list of databases, or a query of them.
pub(in crate::cosmos) fn databases(account: &Account, request: &Request) -> Response<Bytes> {
    let all = account.catalogue().databases().map(|database| database.answered()).collect();
    values::list(request, "Databases", "", all, account.clock().now())
}

/// Answers a list of the containers of a database, or a query of them.
pub(in crate::cosmos) fn containers(account: &Account, request: &Request, database: &str) -> Response<Bytes> {
    let found = account.catalogue().database(database).map(|database| {
        let all = database.containers().map(|container| container.definition().answered(container.id)).collect();
        (database.id.to_string(), all)
    });
    match found {
        Ok((rid, all)) => values::list(request, "DocumentCollections", &rid, all, account.clock().now()),
        Err(refusal) => refusal.answer(request),
    }
}

/// Answers a database.
pub(in crate::cosmos) fn database(account: &Account, request: &Request, name: &str) -> Response<Bytes> {
    let found = account.catalogue().database(name).map(|database| database.answered());
    present(request, StatusCode::OK, found)
}

/// Answers a container.
pub(in crate::cosmos) fn container(account: &Account, request: &Request, name: &ContainerName) -> Response<Bytes> {
    let container = match account.container(name) {
        Ok(container) => container,
        Err(refusal) => return refusal.answer(request),
    };
    let mut response = present(request, StatusCode::OK, Ok(container.definition().answered(container.id)));
    sessions::tell_usage(&mut response, &container);
    response
}

/// Makes a change of databases, containers or offers.
pub(in crate::cosmos) async fn write(account: &Arc<Account>, write: Write, request: &Arc<Request>) -> Response<Bytes> {
    match account.define(write, request).await {
        Ok(()) => {}
        Err(Unwritten::Refused(refusal)) => return refusal.answer(request),
        Err(Unwritten::Unavailable(message)) => return responses::unavailable(request, &message),
    }
    let id = || definition::named(&request.body).map(|(id, _)| id).unwrap_or_default();
    let segments = request.segments();
    match (write, segments.as_slice()) {
        (Write::CreateDatabase, _) => {
            let made = account.catalogue().database(&id()).map(|database| database.answered());
            present(request, StatusCode::CREATED, made)
        }
        (Write::CreateContainer | Write::ReplaceContainer, ["dbs", database, ..]) => {
            let made = account.container(&ContainerName::new(database, &id()));
            let status = if write == Write::CreateContainer { StatusCode::CREATED } else { StatusCode::OK };
            present(request, status, made.map(|container| container.definition().answered(container.id)))
        }
        (Write::ReplaceOffer, ["offers", offer]) => offers::one(account, request, offer),
        _ => responses::answer(request, StatusCode::NO_CONTENT, "1", Bytes::new()),
    }
}

fn present(request: &Request, status: StatusCode, resource: Result<Value, Refusal>) -> Response<Bytes> {
    let resource = match resource {
        Ok(resource) => resource,
        Err(refusal) => return refusal.answer(request),
    };
    let mut response = values::one(request, status, &resource);
    let held = request.header(header::IF_NONE_MATCH).filter(|_| status == StatusCode::OK);
    if request.method == http::Method::GET && held.is_some() && held == resource["_etag"].as_str() {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Bytes::new();
    } else if status == StatusCode::CREATED && !items::wants_content(request) {
        *response.body_mut() = Bytes::new();
    }
    response
}
