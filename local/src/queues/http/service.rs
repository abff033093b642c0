//! Operations on the account.

use base64::{Engine, prelude::BASE64_URL_SAFE};
use http::StatusCode;

use super::{Service, target::Call, xml::document};
use crate::{
    queues::error::Failure,
    storage_account::{
        Code, Refusal, Reply,
        xml::{Xml, branch, leaf, metadata},
    },
};

/// Most queues of a page.
const MAX_RESULTS: i64 = 5000;

impl Service {
    /// Get Queue Service Properties: what a new account has. They cannot be set.
    pub(super) fn properties() -> Result<Reply, Failure> {
        let disabled = |xml: &mut Xml| branch(xml, "RetentionPolicy", |xml| leaf(xml, "Enabled", "false"));
        let metrics = |xml: &mut Xml, name: &str| {
            branch(xml, name, |xml| {
                leaf(xml, "Version", "1.0")?;
                leaf(xml, "Enabled", "false")?;
                disabled(xml)
            })
        };
        let document = document(|xml| {
            branch(xml, "StorageServiceProperties", |xml| {
                branch(xml, "Logging", |xml| {
                    leaf(xml, "Version", "1.0")?;
                    ["Delete", "Read", "Write"].into_iter().try_for_each(|name| leaf(xml, name, "false"))?;
                    disabled(xml)
                })?;
                metrics(xml, "HourMetrics")?;
                metrics(xml, "MinuteMetrics")?;
                leaf(xml, "Cors", "")
            })
        })?;
        Ok(Reply::xml(StatusCode::OK, document))
    }

    pub(super) async fn list_queues(&self, call: &Call) -> Result<Reply, Failure> {
        let prefix = call.query.get("prefix").unwrap_or_default();
        let limit = call.number("maxresults", 1..=i64::MAX)?.unwrap_or(MAX_RESULTS).min(MAX_RESULTS);
        let marker = call.query.get("marker").unwrap_or_default();
        let from = BASE64_URL_SAFE
            .decode(marker)
            .ok()
            .and_then(|name| String::from_utf8(name).ok())
            .ok_or_else(|| Refusal::new(Code::InvalidQueryParameterValue, "Parameter: marker."))?;
        let mut with_metadata = false;
        for word in call.query.words("include") {
            match word.as_str() {
                "metadata" => with_metadata = true,
                word => {
                    let detail = format!("Parameter: include={word}.");
                    return Err(Refusal::new(Code::InvalidQueryParameterValue, detail).into());
                }
            }
        }
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let start = prefix.to_owned();
        let (page, next) = self.on_store(move |store| Ok(store.list(&start, &from, most))).await?;
        let document = document(|xml| {
            let endpoint = format!("{}/", self.base);
            xml.create_element("EnumerationResults")
                .with_attribute(("ServiceEndpoint", endpoint.as_str()))
                .write_inner_content(|xml| {
                    leaf(xml, "Prefix", prefix)?;
                    leaf(xml, "Marker", marker)?;
                    leaf(xml, "MaxResults", limit.to_string())?;
                    branch(xml, "Queues", |xml| {
                        page.iter().try_for_each(|(name, known)| {
                            branch(xml, "Queue", |xml| {
                                leaf(xml, "Name", name)?;
                                if with_metadata { metadata(xml, known) } else { Ok(()) }
                            })
                        })
                    })?;
                    leaf(xml, "NextMarker", next.map(|name| BASE64_URL_SAFE.encode(name)).unwrap_or_default())
                })?;
            Ok(())
        })?;
        Ok(Reply::xml(StatusCode::OK, document))
    }
}
