//! Verdict of a validation.

/// How the validation of an endpoint ended.
pub(super) enum Validation {
    Consent,
    Refused(String),
    /// Newer properties took its place, or the subscription is gone.
    Superseded,
}
