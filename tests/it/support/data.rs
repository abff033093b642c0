//! Real data, which is never part of the project.

use std::path::PathBuf;

/// A file of the real data set, or `None` after saying that the test is skipped. Where `CONTOSO_REAL_DATA=required`,
/// absence is a failure.
pub(crate) fn real(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CONTOSO_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")), PathBuf::from);
    let file = root.join(name);
    if file.exists() {
        return Some(file);
    }
    let required = std::env::var("CONTOSO_REAL_DATA").is_ok_and(|value| value == "required");
    assert!(!required, "{} is missing, and CONTOSO_REAL_DATA=required", file.display());
    println!("skipped: {} is not here", file.display());
    None
}
