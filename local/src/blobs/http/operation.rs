//! Operations: which one a request asks for. What is not in [`Operation`] is refused by its name.

use http::Method;

use super::request::{Call, Target};
use crate::{
    blobs::{
        error::Failure,
        names::{BlobPath, ContainerName},
    },
    identity::Action,
    storage_account::{
        self,
        auth::{Grant, Need},
    },
};

/// The operations that are served, with what they work on.
#[derive(Debug)]
pub(super) enum Operation<'c> {
    ListContainers,
    GetServiceProperties,
    GetAccountInformation,
    /// Within the account or one container.
    Batch(Option<&'c ContainerName>),
    Container(ContainerOperation, &'c ContainerName),
    Blob(BlobOperation, &'c BlobPath),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContainerOperation {
    Create,
    GetProperties,
    SetMetadata,
    Delete,
    List,
    Lease,
}

impl ContainerOperation {
    /// The headers of conditions that it takes. Writes of blobs take all of them.
    ///
    /// Source: the table in "Specifying conditional headers for Blob service operations", and the parameters that the
    /// official clients have.
    pub(super) fn conditions(self) -> &'static [&'static str] {
        match self {
            Self::SetMetadata => &["if-modified-since"],
            Self::Delete | Self::Lease => &["if-modified-since", "if-unmodified-since"],
            Self::Create | Self::GetProperties | Self::List => &[],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlobOperation {
    Put,
    PutFromUrl,
    Copy,
    AbortCopy,
    Get,
    GetProperties,
    SetMetadata,
    SetProperties,
    Delete,
    Lease,
    PutBlock,
    PutBlockFromUrl,
    PutBlockList,
    GetBlockList,
}

/// What reading a blob needs.
pub(super) const READ: Need = Need { resource: 'o', permissions: "r", action: Action::BlobRead };

/// Headers that change what an operation means, in ways that are not served.
const REFUSED_HEADERS: [&str; 16] = [
    "x-ms-access-tier",
    "x-ms-blob-public-access",
    "x-ms-content-crc64",
    "x-ms-encryption-algorithm",
    "x-ms-encryption-key",
    "x-ms-encryption-key-sha256",
    "x-ms-encryption-scope",
    "x-ms-if-tags",
    "x-ms-immutability-policy-until-date",
    "x-ms-legal-hold",
    "x-ms-range-get-content-crc64",
    "x-ms-source-content-crc64",
    "x-ms-source-if-tags",
    "x-ms-structured-body",
    "x-ms-tags",
    "x-ms-expiry-option",
];

/// Parameters that name a version of a blob other than the present one.
const REFUSED_PARAMETERS: [&str; 2] = ["snapshot", "versionid"];

impl<'c> Operation<'c> {
    /// # Errors
    /// `501 NotImplemented` with the operation's name; `405` for what the service has no name for.
    pub(super) fn of(call: &'c Call) -> Result<Self, Failure> {
        let [comp, restype] = ["comp", "restype"].map(|name| call.query.word(name).unwrap_or_default());
        let operation = match &call.target {
            // It may be asked at any address of the account.
            _ if restype == "account" => of_service(call, &comp, &restype)?,
            Target::Service => of_service(call, &comp, &restype)?,
            Target::Container(name) if (call.method.as_str(), &*restype, &*comp) == ("POST", "container", "batch") => {
                Self::Batch(Some(name))
            }
            Target::Container(name) => Self::Container(of_container(call, &comp, &restype)?, name),
            Target::Blob(path) => Self::Blob(of_blob(call, &comp)?, path),
        };
        for name in REFUSED_HEADERS {
            if call.headers.contains_key(name) {
                return Err(not_implemented(&format!("header {name}")));
            }
        }
        refuse_versions(call)?;
        Ok(operation)
    }

    /// Whether the caller may do this.
    ///
    /// # Errors
    /// `403` with the service's code for what is missing.
    pub(super) fn authorize(&self, grant: &Grant, call: &Call) -> Result<(), Failure> {
        Ok(self.need().map_or(Ok(()), |need| grant.covers(need, call))?)
    }

    /// What a shared access signature or a role must allow; nothing for a batch, whose requests are authorised each by
    /// itself.
    fn need(&self) -> Option<Need> {
        let need = |resource, permissions| {
            // Every permission but reading and listing changes something.
            let action = if matches!(permissions, "r" | "l") { Action::BlobRead } else { Action::BlobWrite };
            Need { resource, permissions, action }
        };
        Some(match self {
            Self::Batch(_) => return None,
            Self::ListContainers => need('s', "l"),
            Self::GetServiceProperties => need('s', "r"),
            // Any permission of an account signature will do; tokens need a role to read.
            Self::GetAccountInformation => Need { resource: 's', permissions: "rwdlac", action: Action::BlobRead },
            Self::Container(operation, _) => match operation {
                ContainerOperation::Create => need('c', "cw"),
                ContainerOperation::GetProperties => need('c', "r"),
                ContainerOperation::SetMetadata => need('c', "w"),
                ContainerOperation::Delete => need('c', "d"),
                ContainerOperation::List => need('c', "l"),
                ContainerOperation::Lease => need('c', "wd"),
            },
            Self::Blob(operation, _) => match operation {
                BlobOperation::Put
                | BlobOperation::PutFromUrl
                | BlobOperation::Copy
                | BlobOperation::PutBlock
                | BlobOperation::PutBlockFromUrl
                | BlobOperation::PutBlockList => need('o', "cw"),
                BlobOperation::Get | BlobOperation::GetProperties | BlobOperation::GetBlockList => READ,
                BlobOperation::SetMetadata | BlobOperation::SetProperties | BlobOperation::AbortCopy => need('o', "w"),
                BlobOperation::Delete => need('o', "d"),
                BlobOperation::Lease => need('o', "wd"),
            },
        })
    }
}

fn of_service<'c>(call: &Call, comp: &str, restype: &str) -> Result<Operation<'c>, Failure> {
    Err(match (&call.method, restype, comp) {
        (&Method::GET, "", "list") => return Ok(Operation::ListContainers),
        (&Method::GET, "service", "properties") => return Ok(Operation::GetServiceProperties),
        (&Method::PUT, "service", "properties") => not_implemented("Set Blob Service Properties"),
        (&Method::GET, "service", "stats") => not_implemented("Get Blob Service Stats"),
        (&Method::POST, "service", "userdelegationkey") => not_implemented("Get User Delegation Key"),
        (&Method::GET | &Method::HEAD, "account", "properties") => return Ok(Operation::GetAccountInformation),
        // The JavaScript client takes an account in the path for a container.
        (&Method::POST, "" | "container", "batch") => return Ok(Operation::Batch(None)),
        (&Method::GET, _, "blobs") => not_implemented("Find Blobs by Tags"),
        (&Method::OPTIONS, ..) => not_implemented("Preflight Blob Request"),
        _ => unknown(call),
    })
}

fn of_container(call: &Call, comp: &str, restype: &str) -> Result<ContainerOperation, Failure> {
    if restype != "container" {
        return Err(unknown(call));
    }
    Err(match (&call.method, comp) {
        (&Method::PUT, "") => return Ok(ContainerOperation::Create),
        (&Method::GET | &Method::HEAD, "" | "metadata") => return Ok(ContainerOperation::GetProperties),
        (&Method::PUT, "metadata") => return Ok(ContainerOperation::SetMetadata),
        (&Method::DELETE, "") => return Ok(ContainerOperation::Delete),
        (&Method::GET, "list") => return Ok(ContainerOperation::List),
        (&Method::GET | &Method::HEAD, "acl") => not_implemented("Get Container ACL"),
        (&Method::PUT, "acl") => not_implemented("Set Container ACL"),
        (&Method::PUT, "lease") => return Ok(ContainerOperation::Lease),
        (&Method::PUT, "undelete") => not_implemented("Restore Container"),
        (&Method::PUT, "rename") => not_implemented("Rename Container"),
        (&Method::GET, "blobs") => not_implemented("Find Blobs by Tags in Container"),
        _ => unknown(call),
    })
}

fn of_blob(call: &Call, comp: &str) -> Result<BlobOperation, Failure> {
    let [copies, has_type] = ["x-ms-copy-source", "x-ms-blob-type"].map(|name| call.headers.contains_key(name));
    Err(match (&call.method, comp) {
        (&Method::PUT, "") if copies && !has_type => return Ok(BlobOperation::Copy),
        (&Method::PUT, "copy") => return Ok(BlobOperation::AbortCopy),
        (&Method::PUT, "block") if copies => return Ok(BlobOperation::PutBlockFromUrl),
        (&Method::PUT, "") => match call.required::<String>("x-ms-blob-type")?.to_ascii_lowercase().as_str() {
            "blockblob" if copies => return Ok(BlobOperation::PutFromUrl),
            "blockblob" => return Ok(BlobOperation::Put),
            "appendblob" => not_implemented("Put Blob of type AppendBlob"),
            "pageblob" => not_implemented("Put Blob of type PageBlob"),
            _ => super::request::unusable("x-ms-blob-type"),
        },
        (&Method::GET, "") => return Ok(BlobOperation::Get),
        (&Method::HEAD, "" | "metadata") | (&Method::GET, "metadata") => return Ok(BlobOperation::GetProperties),
        (&Method::PUT, "metadata") => return Ok(BlobOperation::SetMetadata),
        (&Method::PUT, "properties") => return Ok(BlobOperation::SetProperties),
        (&Method::DELETE, "") => return Ok(BlobOperation::Delete),
        (&Method::PUT, "lease") => return Ok(BlobOperation::Lease),
        (&Method::PUT, "block") => return Ok(BlobOperation::PutBlock),
        (&Method::PUT, "blocklist") => return Ok(BlobOperation::PutBlockList),
        (&Method::GET, "blocklist") => return Ok(BlobOperation::GetBlockList),
        (&Method::PUT, "appendblock") => not_implemented("Append Block"),
        (&Method::PUT, "seal") => not_implemented("Append Blob Seal"),
        (&Method::PUT, "page") => not_implemented("Put Page"),
        (&Method::GET, "pagelist") => not_implemented("Get Page Ranges"),
        (&Method::PUT, "incrementalcopy") => not_implemented("Incremental Copy Blob"),
        (&Method::PUT, "snapshot") => not_implemented("Snapshot Blob"),
        (&Method::PUT, "undelete") => not_implemented("Undelete Blob"),
        (&Method::GET, "tags") => not_implemented("Get Blob Tags"),
        (&Method::PUT, "tags") => not_implemented("Set Blob Tags"),
        (&Method::PUT, "tier") => not_implemented("Set Blob Tier"),
        (&Method::PUT, "expiry") => not_implemented("Set Blob Expiry"),
        (&Method::PUT | &Method::DELETE, "immutabilitypolicies") => not_implemented("Blob Immutability Policy"),
        (&Method::PUT, "legalhold") => not_implemented("Set Blob Legal Hold"),
        (&Method::POST, "query") => not_implemented("Query Blob Contents"),
        (&Method::OPTIONS, _) => not_implemented("Preflight Blob Request"),
        _ => unknown(call),
    })
}

/// Refuses what names a version of a blob other than the present one.
pub(super) fn refuse_versions(call: &Call) -> Result<(), Failure> {
    match REFUSED_PARAMETERS.into_iter().find(|name| call.query.get(name).is_some()) {
        Some(name) => Err(not_implemented(&format!("parameter {name}"))),
        None => Ok(()),
    }
}

pub(super) fn not_implemented(what: &str) -> Failure {
    storage_account::not_implemented(what).into()
}

fn unknown(call: &Call) -> Failure {
    call.unknown().into()
}
