//! Reading Azure Schema Registry (REST, api-version 2023-07-01).
//!
//! A schema never changes under its id, so what was read once is kept. Contracts are registered before a handler starts; this client
//! only asks for their ids by content.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use apache_avro::Schema;
use reqwest::{RequestBuilder, Response, StatusCode, header::CONTENT_TYPE};
use url::Url;

use super::{
    credentials::{Bearer, Credentials},
    http::Http,
};
use crate::{domain::bounds, settings::SchemaRegistrySettings};

const API_VERSION: &str = "2023-07-01";
const SCOPE: &str = "https://eventhubs.azure.net/.default";
const DEADLINE: Duration = Duration::from_secs(5);

/// Schemas kept at once; a namespace of the Standard tier has 25 versions in all.
const MAX_KEPT: usize = 256;

/// A batch of records with one bad schema id asks once, not once per record.
const FAILURE_REMEMBERED: Duration = Duration::from_millis(500);

/// The registry did not answer with a schema or an id.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RegistryError {
    /// There is no such schema. Repeating is of no use until someone registers it.
    #[error("schema {what} is not registered")]
    Unknown {
        /// Schema id or name.
        what: String,
    },
    /// The registered text is no Avro schema. Repeating is of no use.
    #[error("schema {what} is not usable: {reason}")]
    Unusable {
        /// Schema id.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The registry could not be asked. Repeating may help.
    #[error("the schema registry could not be asked for {what}: {reason}")]
    OutOfReach {
        /// Schema id or name.
        what: String,
        /// What went wrong.
        reason: String,
    },
}

/// A client of the registry; cloning shares what it knows.
#[derive(Clone)]
pub struct SchemaRegistry(Arc<Inner>);

struct Inner {
    endpoint: Url,
    group: String,
    bearer: Bearer,
    http: Http,
    is_current: IsCurrent,
    cache: Mutex<Cache>,
}

/// Tells of a full name and its schema whether it is exactly the one of that name in this binary.
pub(crate) type IsCurrent = fn(&str, &Schema) -> bool;

#[derive(Default)]
struct Cache {
    schemas: HashMap<String, Arc<Registered>>,
    ids: HashMap<&'static str, Arc<str>>,
    failures: HashMap<String, (Instant, RegistryError)>,
}

/// A schema of the registry.
pub(crate) struct Registered {
    pub(crate) schema: Schema,
    /// Full name.
    pub(crate) name: String,
    /// Whether it is exactly the schema of its name in this binary, so that nothing has to be resolved.
    pub(crate) is_current: bool,
}

impl SchemaRegistry {
    /// A client of the registry in `settings`; nothing is connected yet.
    pub(crate) fn new(settings: &SchemaRegistrySettings, credentials: &Credentials, is_current: IsCurrent) -> Self {
        Self(Arc::new(Inner {
            endpoint: settings.endpoint.clone(),
            group: settings.group.clone(),
            bearer: credentials.bearer(SCOPE),
            http: credentials.http(),
            is_current,
            cache: Mutex::default(),
        }))
    }

    /// Where the schema with this id can be read: what `dataschema` says.
    pub(crate) fn address_of(&self, id: &str) -> String {
        self.address(&["$schemaGroups", "$schemas", id]).to_string()
    }

    /// The schema with this id.
    pub(crate) async fn schema(&self, id: &str) -> Result<Arc<Registered>, RegistryError> {
        if let Some(schema) = self.cache().schemas.get(id) {
            return Ok(Arc::clone(schema));
        }
        self.recall_failure(id)?;
        let read = self.read(id).await;
        let mut cache = self.cache();
        match read {
            Ok(registered) => {
                let registered = Arc::new(registered);
                if cache.schemas.len() >= MAX_KEPT {
                    cache.schemas.clear();
                }
                cache.schemas.insert(id.to_owned(), Arc::clone(&registered));
                Ok(registered)
            }
            Err(error) => {
                cache.remember_failure(id, &error);
                Err(error)
            }
        }
    }

    /// The id of the schema with this full name and text, asked for once.
    pub(crate) async fn id_of(&self, name: &'static str, text: &'static str) -> Result<Arc<str>, RegistryError> {
        if let Some(id) = self.cache().ids.get(name) {
            return Ok(Arc::clone(id));
        }
        self.recall_failure(name)?;
        let found = self.find(name, text).await;
        let mut cache = self.cache();
        match found {
            Ok(id) => {
                cache.ids.insert(name, Arc::clone(&id));
                Ok(id)
            }
            Err(error) => {
                cache.remember_failure(name, &error);
                Err(error)
            }
        }
    }

    async fn read(&self, id: &str) -> Result<Registered, RegistryError> {
        let address = self.address(&["$schemaGroups", "$schemas", id]);
        let response = self.ask(id, self.client(id)?.get(address)).await?;
        let text = response.text().await.map_err(|error| out_of_reach(id, &error))?;
        let unusable = |reason: String| RegistryError::Unusable { what: id.to_owned(), reason };
        contoso_json::check(text.as_bytes()).map_err(|error| unusable(error.to_string()))?;
        let schema = Schema::parse_str(&text).map_err(|error| unusable(error.to_string()))?;
        bounds::check(&schema).map_err(|error| unusable(error.to_string()))?;
        let name = schema.name().ok_or_else(|| unusable("it has no name".to_owned()))?.to_string();
        let is_current = (self.0.is_current)(&name, &schema);
        Ok(Registered { schema, name, is_current })
    }

    async fn find(&self, what: &str, text: &'static str) -> Result<Arc<str>, RegistryError> {
        let address = self.address(&["$schemaGroups", &self.0.group, "schemas", &format!("{what}:get-id")]);
        let request =
            self.client(what)?.post(address).header(CONTENT_TYPE, "application/json; serialization=Avro").body(text);
        let response = self.ask(what, request).await?;
        let id = response.headers().get("schema-id").and_then(|id| id.to_str().ok());
        id.map(Arc::from).ok_or_else(|| RegistryError::OutOfReach {
            what: what.to_owned(),
            reason: "the answer has no schema-id header".to_owned(),
        })
    }

    async fn ask(&self, what: &str, request: RequestBuilder) -> Result<Response, RegistryError> {
        let request = request.query(&[("api-version", API_VERSION)]).timeout(DEADLINE);
        let request = self.0.bearer.apply(request).await.map_err(|error| out_of_reach(what, &error))?;
        let response = request.send().await.map_err(|error| out_of_reach(what, &error))?;
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => Err(RegistryError::Unknown { what: what.to_owned() }),
            status => Err(RegistryError::OutOfReach { what: what.to_owned(), reason: format!("it answered {status}") }),
        }
    }

    fn client(&self, what: &str) -> Result<&reqwest::Client, RegistryError> {
        self.0.http.client().map_err(|error| out_of_reach(what, &error))
    }

    fn address(&self, path: &[&str]) -> Url {
        let mut address = self.0.endpoint.clone();
        if let Ok(mut segments) = address.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        address
    }

    fn recall_failure(&self, what: &str) -> Result<(), RegistryError> {
        match self.cache().failures.get(what) {
            Some((at, error)) if at.elapsed() < FAILURE_REMEMBERED => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // What is cache stays true whatever panicked while holding it.
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    fn remember_failure(&mut self, what: &str, error: &RegistryError) {
        if self.failures.len() >= MAX_KEPT {
            self.failures.clear();
        }
        self.failures.insert(what.to_owned(), (Instant::now(), error.clone()));
    }
}

fn out_of_reach(what: &str, error: &dyn std::error::Error) -> RegistryError {
    let mut reason = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        reason = format!("{reason}: {source}");
        next = source.source();
    }
    RegistryError::OutOfReach { what: what.to_owned(), reason }
}
