//! Lists of subscriptions: pages and the filter on names.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::json;
use url::form_urlencoded;

use super::{Call, path::ResourceScope};
use crate::event_grid::error::Refusal;

const DEFAULT_PAGE: usize = 20;
const MAX_PAGE: usize = 100;

impl Call<'_> {
    /// Pages of `$top`, `$filter` on the name only, as the service allows.
    pub(super) fn list(&self, within: &ResourceScope) -> Result<Response, Refusal> {
        let option = |name: &str| self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let top = option("$top").map(str::parse::<usize>).transpose();
        let top = top
            .ok()
            .map(|top| top.unwrap_or(DEFAULT_PAGE))
            .filter(|top| (1..=MAX_PAGE).contains(top))
            .ok_or_else(|| Refusal::invalid("`$top` must be between 1 and 100."))?;
        let filter = option("$filter").map(NameFilter::parse).transpose()?;
        let skip = option("$skiptoken").unwrap_or_default().to_lowercase();
        let now = self.service.clock.now();
        let all = self.service.provisioning.registry.of(&within.source);
        let mut rest = all
            .iter()
            .filter(|subscription| !subscription.expired(now))
            .filter(|subscription| filter.as_ref().is_none_or(|filter| filter.matches(&subscription.name)))
            .filter(|subscription| subscription.name.to_lowercase() > skip);
        let page: Vec<_> = rest.by_ref().take(top).collect();
        let mut body =
            json!({ "value": page.iter().map(|subscription| self.shown(within, subscription)).collect::<Vec<_>>() });
        if let (Some(last), Some(_)) = (page.last(), rest.next()) {
            body["nextLink"] = self.next_page(&last.name).into();
        }
        Ok(Json(body).into_response())
    }

    fn next_page(&self, after: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.query.iter().filter(|(name, _)| name != "$skiptoken"));
        query.append_pair("$skiptoken", after);
        format!("{}{}?{}", self.base, self.path, query.finish())
    }
}

/// `name eq 'x'` or `contains(name, 'x')`.
enum NameFilter {
    Equals(String),
    Contains(String),
}

impl NameFilter {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let quoted = |text: &str| {
            let text = text.trim();
            text.strip_prefix('\'')?.strip_suffix('\'').map(str::to_lowercase)
        };
        let compact = text.trim();
        let parsed = if let Some(rest) = compact.strip_prefix("name eq ") {
            quoted(rest).map(Self::Equals)
        } else if let Some(rest) = compact.strip_prefix("contains(").and_then(|rest| rest.strip_suffix(')')) {
            rest.split_once(',')
                .filter(|(name, _)| name.trim() == "name")
                .and_then(|(_, value)| quoted(value))
                .map(Self::Contains)
        } else {
            None
        };
        parsed.ok_or_else(|| {
            Refusal::invalid("The local stack supports `$filter` as name eq '…' and contains(name, '…').")
        })
    }

    fn matches(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        match self {
            Self::Equals(wanted) => name == *wanted,
            Self::Contains(part) => name.contains(part.as_str()),
        }
    }
}
