//! Real data, which is never part of the project.

use std::path::{Path, PathBuf};

/// A file of the real data set. Tests that use it are ignored where the set is absent.
pub(crate) fn real(name: &str) -> PathBuf {
    let file = Path::new(env!("REAL_DATA")).join(name);
    assert!(file.exists(), "{} is missing", file.display());
    file
}
