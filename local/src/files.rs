//! File limits and permissions: files that the process may have open, connections among them, and who may read those
//! that it makes.

use rustix::{
    fs::Mode,
    process::{Resource, Rlimit, getrlimit, setrlimit, umask},
};

/// Open files that a stack with a shop, its clients and a little traffic needs.
pub const ENOUGH: u64 = 512;

/// Too few files may be open for a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "too many open files: this process may have {limit} open at once and needs {ENOUGH}; raise it, such as by `ulimit -n 4096`, and start again"
)]
pub struct TooFewFiles {
    /// How many may be open.
    pub limit: u64,
}

/// Files that may be open at once; what has no limit counts as many.
pub(crate) fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Lets the process have as many files open as the system bears, rather than what a shell grants at first.
///
/// # Errors
/// When that is too few for a stack.
pub fn allow_many() -> Result<(), TooFewFiles> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::debug!(%error, "the limit of open files stays");
    }
    enough(limit())
}

fn enough(limit: u64) -> Result<(), TooFewFiles> {
    if limit < ENOUGH { Err(TooFewFiles { limit }) } else { Ok(()) }
}

/// Files and directories that the process makes from now on are its user's alone: what a stack stores holds keys.
pub fn keep_private() {
    umask(Mode::RWXG | Mode::RWXO);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_files_are_refused_with_the_way_out() {
        let refused = enough(64).expect_err("too few").to_string();
        assert!(refused.contains("too many open files") && refused.contains(" 64 "), "{refused}");
        assert!(refused.contains("ulimit -n"), "{refused}");
        assert_eq!(enough(ENOUGH), Ok(()));
    }
}
