//! The JSON files of an app.

use std::path::Path;

use super::error::AppError;

/// Reads a JSON object, tolerating a byte order mark.
pub(super) fn read_object(root: &Path, file: &str) -> Result<serde_json::Map<String, serde_json::Value>, AppError> {
    let text = std::fs::read_to_string(root.join(file))
        .map_err(|error| AppError::new(file, "file", format!("cannot be read: {error}")))?;
    contoso_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| AppError::new(file, "file", format!("is not a JSON object: {error}")))
}
