//! What a run leaves for the next one on this machine: which listener it had, and until when all was forwarded.

use std::{
    fs::{DirBuilder, File, TryLockError},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::{environment, private};

/// What is kept of a listener.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Left {
    /// Its id.
    pub(super) listener: String,
    /// When the app was heard last, by its own clock.
    #[serde(default)]
    pub(super) heard: Option<String>,
}

/// The files of one listening: the same partner, app, filter and local server.
pub(super) struct State {
    base: PathBuf,
    _lock: File,
}

impl State {
    /// Opens the files for what `parts` name, so that no other run has them.
    pub(super) fn open(chosen: Option<PathBuf>, parts: &[&str]) -> anyhow::Result<Self> {
        let folder = match chosen.or_else(usual) {
            Some(folder) => folder,
            None => bail!("say --state DIR: neither XDG_STATE_HOME nor HOME is set"),
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("cannot make {}", folder.display()))?;
        let base = folder.join(name(parts));
        let lock_file = base.with_extension("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_file);
        let lock = lock.with_context(|| format!("cannot open {}", lock_file.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { base, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("another `contoso partners listen` forwards the same events to the same server")
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", lock_file.display()))
            }
        }
    }

    /// A file beside the state's own.
    pub(super) fn beside(&self, extension: &str) -> PathBuf {
        self.base.with_extension(extension)
    }

    /// What the run before left, if it did not end as it should.
    pub(super) fn left(&self) -> Option<Left> {
        contoso_json::from_str(&std::fs::read_to_string(self.beside("json")).ok()?).ok()
    }

    pub(super) fn write(&self, left: &Left) -> anyhow::Result<()> {
        let (file, unfinished) = (self.beside("json"), self.beside("part"));
        let text = serde_json::to_string(left)?;
        let written = private::write(&unfinished, text.as_bytes()).and_then(|()| std::fs::rename(&unfinished, &file));
        written.with_context(|| format!("cannot write {}", file.display()))
    }

    /// Nothing is left.
    pub(super) fn forget(&self) {
        // What stays is looked up and not found.
        drop(std::fs::remove_file(self.beside("json")));
    }
}

fn usual() -> Option<PathBuf> {
    let text = |name| environment::text(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    let home = text("XDG_STATE_HOME").or_else(|| Some(text("HOME")?.join(".local/state")))?;
    Some(home.join("contoso").join("listen"))
}

/// A file's name for these parts: FNV-1a, which stays the same in every version of this program.
fn name(parts: &[&str]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_its_files_alone_and_leaves_them_to_the_next() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = |forward: &str| State::open(Some(folder.path().to_owned()), &["acme", forward]);
        let first = open("http://localhost:3000/").expect("opened");
        assert!(first.left().is_none());
        let left = Left { listener: "lsn_0123456789abcdef".to_owned(), heard: None };
        first.write(&left).expect("written");
        let second = open("http://localhost:3000/").err().expect("refused").to_string();
        assert!(second.contains("another `contoso partners listen`"), "{second}");
        assert!(open("http://localhost:3001/").expect("another server's").left().is_none());
        drop(first);
        let next = open("http://localhost:3000/").expect("opened");
        assert_eq!(next.left(), Some(left));
        next.forget();
        assert!(next.left().is_none());
    }
}
