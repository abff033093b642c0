//! What a body about a subscription may have, and the answers where it has something else.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::{
    domain::{
        partner::{
            selection::Selection,
            settings::{Settings, SettingsError},
        },
        product_body::FieldError,
    },
    http::Problem,
};

/// Refuses members that no subscription has: a wrong name would quietly match everything.
pub(super) fn known(body: &Map<String, Value>, further: &[&str]) -> Result<(), Problem> {
    let is_known =
        |name: &str| Settings::FIELDS.contains(&name) || Selection::FIELDS.contains(&name) || further.contains(&name);
    let unknown = body.keys().filter(|name| !is_known(name.as_str()));
    let errors: Vec<_> = unknown
        .map(|name| FieldError::new(name.chars().take(60).collect::<String>(), "is no member of a subscription"))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors)) }
}

/// The answer where settings are no subscription's.
pub(super) fn refused(error: SettingsError) -> Problem {
    let detail = error.to_string();
    match error {
        SettingsError::Fields(errors) => Problem::unprocessable(errors),
        SettingsError::TooManyValues(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).of_kind("too-many-filter-values")
        }
    }
}
