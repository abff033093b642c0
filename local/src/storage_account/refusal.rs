//! Refusal: why a request is not carried out.

use super::Code;

/// The request was refused as the service would; nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {}{}; nothing was changed", code.message(), detail.as_deref().map(|d| format!(" {d}")).unwrap_or_default())]
pub struct Refusal {
    /// The service's code.
    pub code: Code,
    /// What exactly was wrong.
    pub detail: Option<String>,
}

impl Refusal {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: Some(detail.into()) }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self { code, detail: None }
    }
}
