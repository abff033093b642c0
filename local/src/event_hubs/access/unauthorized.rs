//! The refusal of a token.

/// Why a token was refused, in a sentence that begins with the service's error code and holds nothing of the token.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(in crate::event_hubs) struct Unauthorized(pub(in crate::event_hubs) String);

impl Unauthorized {
    pub(in crate::event_hubs) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}
