//! Operations on the account.

use http::StatusCode;

use super::{
    Service, container,
    reply::Reply,
    request::Call,
    xml::{self, Xml, branch, leaf},
};
use crate::blobs::error::Failure;

impl Service {
    /// Get Blob Service Properties: what a new account has. They cannot be set.
    pub(super) fn properties() -> Result<Reply, Failure> {
        let disabled = |xml: &mut Xml, name: &str| branch(xml, name, |xml| leaf(xml, "Enabled", "false"));
        let metrics = |xml: &mut Xml, name: &str| {
            branch(xml, name, |xml| {
                leaf(xml, "Version", "1.0")?;
                leaf(xml, "Enabled", "false")?;
                disabled(xml, "RetentionPolicy")
            })
        };
        let document = xml::document(|xml| {
            branch(xml, "StorageServiceProperties", |xml| {
                branch(xml, "Logging", |xml| {
                    leaf(xml, "Version", "1.0")?;
                    ["Delete", "Read", "Write"].into_iter().try_for_each(|name| leaf(xml, name, "false"))?;
                    disabled(xml, "RetentionPolicy")
                })?;
                metrics(xml, "HourMetrics")?;
                metrics(xml, "MinuteMetrics")?;
                leaf(xml, "Cors", "")?;
                disabled(xml, "DeleteRetentionPolicy")?;
                disabled(xml, "StaticWebsite")
            })
        })?;
        Ok(Reply::xml(StatusCode::OK, document))
    }

    /// Get Account Information: what a new general-purpose account is.
    pub(super) fn account_information() -> Reply {
        Reply::new(StatusCode::OK)
            .header("x-ms-sku-name", "Standard_LRS")
            .header("x-ms-account-kind", "StorageV2")
            .header("x-ms-is-hns-enabled", "false")
    }

    pub(super) async fn list_containers(&self, call: &Call) -> Result<Reply, Failure> {
        let listing = container::Listing::of(call)?;
        let prefix = listing.prefix.clone();
        let mut all = self.on_store(move |store| store.list_containers(&prefix)).await?;
        all.retain(|(name, _)| *name >= listing.marker);
        let next = all.get(listing.limit).map(|(name, _)| name.clone());
        all.truncate(listing.limit);
        let now = self.store.now_millis();
        let document = listing.document(&self.base, None, next.as_deref(), |xml| {
            branch(xml, "Containers", |xml| {
                all.iter().try_for_each(|(name, record)| {
                    branch(xml, "Container", |xml| {
                        leaf(xml, "Name", name)?;
                        branch(xml, "Properties", |xml| container::properties(xml, record, now))?;
                        if listing.include.metadata {
                            xml::metadata(xml, &record.metadata)?;
                        }
                        Ok(())
                    })
                })
            })
        })?;
        Ok(Reply::xml(StatusCode::OK, document))
    }
}
