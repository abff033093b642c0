//! Operations on containers.

use std::io;

use base64::{Engine, prelude::BASE64_URL_SAFE};
use http::StatusCode;

use super::{
    Service,
    lease::{lease_action, leased},
    operation::{ContainerOperation, not_implemented},
    reply::Reply,
    request::{Call, Target},
    xml::{self, Include, Xml, branch, leaf},
};
use crate::{
    blobs::{
        error::{Code, Failure},
        names::ContainerName,
        record::ContainerRecord,
        store::{Access, PageRequest},
    },
    storage_account::dates,
};

/// Most entries of a page.
const MAX_RESULTS: usize = 5000;

/// Parameters of listings that are not served.
const REFUSED_OF_LISTINGS: [&str; 3] = ["showonly", "startfrom", "endbefore"];
/// What a listing of blobs may include that this account never has, nor one in Azure without these features: asking for it
/// changes nothing.
const NO_SUCH_BLOBS: [&str; 8] = [
    "deleted",
    "deletedwithversions",
    "immutabilitypolicy",
    "legalhold",
    "permissions",
    "snapshots",
    "tags",
    "versions",
];
/// The same for a listing of containers.
const NO_SUCH_CONTAINERS: [&str; 2] = ["deleted", "system"];

/// The parameters that listings of containers and of blobs share.
pub(super) struct Listing {
    pub(super) prefix: String,
    /// Name to start with; clients get it as an opaque text.
    pub(super) marker: String,
    pub(super) limit: usize,
    pub(super) include: Include,
}

impl Include {
    /// Reads the parameter, whose words have no case.
    fn of(call: &Call) -> Result<Self, Failure> {
        let of_blobs = matches!(call.target, Target::Container(_));
        let no_such: &[&str] = if of_blobs { &NO_SUCH_BLOBS } else { &NO_SUCH_CONTAINERS };
        let mut include = Self::default();
        for word in call.query.words("include") {
            match word.as_str() {
                "metadata" => include.metadata = true,
                "copy" if of_blobs => include.copy = true,
                "uncommittedblobs" if of_blobs => include.uncommitted = true,
                word if no_such.contains(&word) => {}
                word => {
                    let detail = format!("Parameter: include={word}.");
                    return Err(Failure::refused(Code::InvalidQueryParameterValue, detail));
                }
            }
        }
        Ok(include)
    }
}

impl Listing {
    pub(super) fn of(call: &Call) -> Result<Self, Failure> {
        let mut listing = Self {
            prefix: call.query.get("prefix").unwrap_or_default().to_owned(),
            marker: String::new(),
            limit: MAX_RESULTS,
            include: Include::of(call)?,
        };
        if let Some(text) = call.query.get("maxresults") {
            let limit: usize = text
                .parse()
                .map_err(|_| Failure::refused(Code::InvalidQueryParameterValue, "Parameter: maxresults."))?;
            if limit == 0 {
                let detail = "Parameter: maxresults.";
                return Err(Failure::refused(Code::OutOfRangeQueryParameterValue, detail));
            }
            listing.limit = limit.min(MAX_RESULTS);
        }
        if let Some(text) = call.query.get("marker").filter(|text| !text.is_empty()) {
            let name = BASE64_URL_SAFE.decode(text).ok().and_then(|name| String::from_utf8(name).ok());
            listing.marker =
                name.ok_or_else(|| Failure::refused(Code::InvalidQueryParameterValue, "Parameter: marker."))?;
        }
        for name in REFUSED_OF_LISTINGS {
            if call.query.get(name).is_some() {
                return Err(not_implemented(&format!("parameter {name}")));
            }
        }
        Ok(listing)
    }

    /// The frame of a listing around what `content` writes.
    pub(super) fn document(
        &self,
        base: &str,
        container: Option<(&ContainerName, Option<&str>)>,
        next: Option<&str>,
        content: impl FnOnce(&mut Xml) -> io::Result<()>,
    ) -> Result<Vec<u8>, Failure> {
        let opaque = |name: &str| BASE64_URL_SAFE.encode(name);
        xml::document(|xml| {
            let endpoint = format!("{base}/");
            let mut root =
                xml.create_element("EnumerationResults").with_attribute(("ServiceEndpoint", endpoint.as_str()));
            if let Some((name, _)) = container {
                root = root.with_attribute(("ContainerName", name.as_str()));
            }
            root.write_inner_content(|xml| {
                xml::text(xml, "Prefix", &self.prefix)?;
                leaf(xml, "Marker", if self.marker.is_empty() { String::new() } else { opaque(&self.marker) })?;
                leaf(xml, "MaxResults", self.limit.to_string())?;
                if let Some((_, Some(delimiter))) = container {
                    xml::text(xml, "Delimiter", delimiter)?;
                }
                content(xml)?;
                leaf(xml, "NextMarker", next.map(opaque).unwrap_or_default())
            })?;
            Ok(())
        })
    }
}

/// The content of a container's `Properties`. `now` decides the state of a lease.
pub(super) fn properties(xml: &mut Xml, record: &ContainerRecord, now: i64) -> io::Result<()> {
    let lease = record.lease.state(now);
    leaf(xml, "Last-Modified", dates::format(record.last_modified))?;
    leaf(xml, "Etag", record.etag.to_string())?;
    leaf(xml, "LeaseStatus", lease.status())?;
    leaf(xml, "LeaseState", lease.as_str())?;
    if let Some(duration) = record.lease.duration(now) {
        leaf(xml, "LeaseDuration", duration)?;
    }
    leaf(xml, "HasImmutabilityPolicy", "false")?;
    leaf(xml, "HasLegalHold", "false")
}

impl Service {
    pub(super) async fn create_container(&self, call: &Call, name: &ContainerName) -> Result<Reply, Failure> {
        let (name, metadata) = (name.clone(), call.metadata()?);
        let record = self.on_store(move |store| store.create_container(&name, metadata)).await?;
        Ok(Reply::new(StatusCode::CREATED).version(record.etag, record.last_modified))
    }

    pub(super) async fn get_container(&self, call: &Call, name: &ContainerName) -> Result<Reply, Failure> {
        let (name, lease) = (name.clone(), call.lease()?);
        let record = self.on_store(move |store| store.container_properties(&name, lease)).await?;
        let now = self.store.now_millis();
        let lease = record.lease.state(now);
        Ok(Reply::new(StatusCode::OK)
            .version(record.etag, record.last_modified)
            .header("x-ms-lease-status", lease.status())
            .header("x-ms-lease-state", lease.as_str())
            .optional("x-ms-lease-duration", record.lease.duration(now))
            .header("x-ms-has-immutability-policy", "false")
            .header("x-ms-has-legal-hold", "false")
            .metadata(&record.metadata))
    }

    pub(super) async fn set_container_metadata(&self, call: &Call, name: &ContainerName) -> Result<Reply, Failure> {
        let (name, metadata) = (name.clone(), call.metadata()?);
        let access = access(call, ContainerOperation::SetMetadata)?;
        let record = self.on_store(move |store| store.set_container_metadata(&name, metadata, &access)).await?;
        Ok(Reply::new(StatusCode::OK).version(record.etag, record.last_modified))
    }

    pub(super) async fn delete_container(&self, call: &Call, name: &ContainerName) -> Result<Reply, Failure> {
        let (name, access) = (name.clone(), access(call, ContainerOperation::Delete)?);
        self.on_store(move |store| store.delete_container(&name, &access)).await?;
        Ok(Reply::new(StatusCode::ACCEPTED))
    }

    pub(super) async fn lease_container(&self, call: &Call, name: &ContainerName) -> Result<Reply, Failure> {
        let (action, name) = (lease_action(call)?, name.clone());
        let conditions = access(call, ContainerOperation::Lease)?.conditions;
        let (record, seconds) = self.on_store(move |store| store.lease_container(&name, &conditions, action)).await?;
        Ok(leased(action, seconds).version(record.etag, record.last_modified))
    }

    pub(super) async fn list_blobs(&self, call: &Call, name: &ContainerName) -> Result<Reply, Failure> {
        let listing = Listing::of(call)?;
        let delimiter = call.query.get("delimiter").filter(|text| !text.is_empty());
        let request = PageRequest {
            prefix: listing.prefix.clone(),
            delimiter: delimiter.map(str::to_owned),
            marker: listing.marker.clone(),
            limit: listing.limit,
            uncommitted: listing.include.uncommitted,
        };
        let container = name.clone();
        let page = self.on_store(move |store| store.list_blobs(&container, &request)).await?;
        let now = self.store.now_millis();
        let document = listing.document(&self.base, Some((name, delimiter)), page.next.as_deref(), |xml| {
            branch(xml, "Blobs", |xml| {
                page.entries.iter().try_for_each(|entry| xml::entry(xml, entry, listing.include, now))
            })
        })?;
        Ok(Reply::xml(StatusCode::OK, document))
    }
}

/// The headers that state conditions.
const CONDITIONS: [&str; 4] = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];

/// For a write to a container.
///
/// # Errors
/// [`Code::ConditionHeadersNotSupported`] for conditions that `operation` does not take.
fn access(call: &Call, operation: ContainerOperation) -> Result<Access, Failure> {
    let taken = operation.conditions();
    match CONDITIONS.iter().find(|name| call.headers.contains_key(**name) && !taken.contains(name)) {
        Some(name) => Err(Failure::refused(Code::ConditionHeadersNotSupported, format!("Header: {name}."))),
        None => call.write_access(),
    }
}
