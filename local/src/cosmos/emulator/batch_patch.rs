//! Patches inside a transactional batch, which the emulator does not know.
//!
//! They become replacements. What each yields is found on a workbench: an emulator of its own, on which the operations
//! before it have been made. So a patch means the same in a batch as alone, and sees what the batch did before it.

use std::{collections::HashSet, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::cosmos::{
    emulator::{change::document, etags::EtagAliases, hosted::Emulator, item::ItemKey, patch},
    error::Error,
    wire::{
        request::{PARTITION_KEY, Request, encode},
        responses,
    },
};

/// An ETag that no item has.
const NEVER: &str = "the condition of the patch is not met";

/// The batch with its patches replaced; none where it has none. Called while no write runs.
///
/// # Errors
/// The answer, where a patch cannot be made.
pub(in crate::cosmos) async fn resolve(
    emulator: &Emulator,
    request: &Request,
) -> Result<Option<Bytes>, Response<Bytes>> {
    let Ok(mut operations) = contoso_json::from_slice::<Vec<Value>>(&request.body) else { return Ok(None) };
    if !operations.iter().any(|operation| operation["operationType"] == "Patch") {
        return Ok(None);
    }
    let failed = |error: Error| responses::unavailable(request, &format!("{error}; nothing was written."));
    let mut bench = Workbench::new().await.map_err(failed)?;
    for operation in &mut operations {
        let id = operation.get("id").or_else(|| operation.get("resourceBody")?.get("id"));
        let Some(id) = id.and_then(Value::as_str).map(str::to_owned) else { continue };
        match operation["operationType"].as_str() {
            Some("Create" | "Upsert" | "Replace") => bench.put(&id, operation["resourceBody"].to_string().into()).await,
            Some("Delete") => bench.delete(&id).await,
            Some("Patch") => {
                if bench.touched.insert(id.clone()) {
                    let path = format!("{}/{}", request.path, encode(&id));
                    let item = Request::new(Method::GET, &path, request.headers.clone(), Bytes::new());
                    if let Some(body) = document(&item, emulator).await {
                        bench.put(&id, body).await;
                    }
                }
                match bench.patch(&id, operation["resourceBody"].take()).await {
                    Ok(body) => {
                        operation["operationType"] = "Replace".into();
                        operation["resourceBody"] = body;
                    }
                    Err(refusal) => match refusal.status() {
                        // A deletion on a condition that cannot hold fails for the same reason, and with it the batch.
                        StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED => {
                            *operation = json!({ "operationType": "Delete", "id": id, "ifMatch": NEVER });
                        }
                        _ => return Err(responses::bad_request(request, &responses::message_of(&refusal))),
                    },
                }
            }
            _ => {}
        }
    }
    Ok(Some(Value::Array(operations).to_string().into()))
}

struct Workbench {
    emulator: Emulator,
    /// Items whose state here is that of the batch.
    touched: HashSet<String>,
}

impl Workbench {
    async fn new() -> Result<Self, Error> {
        let bench = Self { emulator: Emulator::new(SocketAddr::from(([127, 0, 0, 1], 1)))?, touched: HashSet::new() };
        bench.send(Method::POST, "dbs", HeaderMap::new(), json!({ "id": "b" }).to_string().into()).await;
        let container = json!({ "id": "b", "partitionKey": { "paths": ["/id"], "kind": "Hash", "version": 2 } });
        bench.send(Method::POST, "dbs/b/colls", HeaderMap::new(), container.to_string().into()).await;
        Ok(bench)
    }

    async fn put(&mut self, id: &str, body: Bytes) {
        let mut headers = keyed(id);
        headers.insert(HeaderName::from_static("x-ms-documentdb-is-upsert"), HeaderValue::from_static("true"));
        // Where it is refused here, the batch is refused for the same reason.
        self.send(Method::POST, "dbs/b/colls/b/docs", headers, body).await;
        self.touched.insert(id.to_owned());
    }

    async fn delete(&mut self, id: &str) {
        self.send(Method::DELETE, &path_of(id), keyed(id), Bytes::new()).await;
        self.touched.insert(id.to_owned());
    }

    /// The document that `patch` makes of the item.
    async fn patch(&self, id: &str, patch: Value) -> Result<Value, Response<Bytes>> {
        let request = Request::new(Method::PATCH, &path_of(id), keyed(id), patch.to_string().into());
        let prepared = patch::prepare(&self.emulator, &request).await?;
        let request = prepared.unwrap_or(request);
        let response = self.emulator.send(&request, &EtagAliases::default()).await;
        if !response.status().is_success() {
            return Err(response);
        }
        let document = document(&request, &self.emulator).await;
        document.and_then(|document| contoso_json::from_slice(&document).ok()).ok_or(response)
    }

    async fn send(&self, method: Method, path: &str, headers: HeaderMap, body: Bytes) {
        let request = Request::new(method, path, headers, body);
        drop(self.emulator.send(&request, &EtagAliases::default()).await);
    }
}

fn path_of(id: &str) -> String {
    format!("dbs/b/colls/b/docs/{}", encode(id))
}

fn keyed(id: &str) -> HeaderMap {
    let key = ItemKey { partition_key: json!([id]).to_string(), id: id.to_owned() };
    HeaderMap::from_iter([(PARTITION_KEY.clone(), key.header())])
}
