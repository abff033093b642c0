//! The linter's rules, each under the compiler's name for it.

pub(crate) mod walk;

use super::infer::Here;

/// Checks a file by every rule.
pub(super) fn check(here: &Here<'_, '_>, today: Option<&str>) {
    let _ = (here, today);
}
