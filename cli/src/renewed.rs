//! Stale builds: the executable that runs and the sources it was built from: whether it is older than they are, and going on as the one
//! that was just built.

use std::{
    fs::Metadata,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

use crate::environment;

/// Set for the process that goes on as a new build, so that it does so once.
const RENEWED: &str = "CONTOSO_RENEWED";

/// The executable of this process, as it was when it was asked for.
#[derive(Debug)]
pub struct Executable {
    path: PathBuf,
    identity: (u64, u64, i64),
}

impl Executable {
    /// That of this process; none where the system does not tell, or where it has been replaced already.
    #[must_use]
    pub fn running() -> Option<Self> {
        Self::at(std::env::current_exe().ok()?)
    }

    fn at(path: PathBuf) -> Option<Self> {
        let identity = identity(&std::fs::metadata(&path).ok()?);
        Some(Self { path, identity })
    }

    /// Whether another file lies in its place now, as Cargo leaves it after a build.
    fn is_replaced(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|now| identity(&now) != self.identity)
    }

    /// Goes on as the executable that lies in its place, with the same arguments. Returns where that is still this one.
    ///
    /// # Errors
    /// When the new one cannot be started.
    pub fn go_on_if_replaced(&self) -> std::io::Result<()> {
        if environment::variable(RENEWED).is_some() || !self.is_replaced() {
            return Ok(());
        }
        Err(Command::new(&self.path).args(std::env::args_os().skip(1)).env(RENEWED, "1").exec())
    }

    /// A source that was changed after it was built, going by the list that Cargo writes beside an executable.
    #[must_use]
    pub fn newer_source(&self) -> Option<PathBuf> {
        let list = std::fs::read_to_string(self.path.with_extension("d")).ok()?;
        let built = std::fs::metadata(&self.path).ok()?.modified().ok()?;
        let is_newer = |source: &Path| {
            std::fs::metadata(source).and_then(|metadata| metadata.modified()).is_ok_and(|changed| changed > built)
        };
        sources(&list).into_iter().find(|source| is_newer(source))
    }
}

fn identity(metadata: &Metadata) -> (u64, u64, i64) {
    (metadata.dev(), metadata.ino(), metadata.mtime())
}

/// The prerequisites in a list of the form `target: source source`, where a space in a name is `\ `.
fn sources(list: &str) -> Vec<PathBuf> {
    let line = list.lines().next().and_then(|line| line.split_once(": ")).map_or("", |(_, sources)| sources);
    line.replace("\\ ", "\0").split_whitespace().map(|name| PathBuf::from(name.replace('\0', " "))).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;

    #[test]
    fn the_list_of_sources_may_have_spaces_in_names() {
        let list = "/t/local/contoso: /home/an\\ other/cli/main.rs /home/b.rs\n\n/home/b.rs:\n";
        assert_eq!(sources(list), [Path::new("/home/an other/cli/main.rs"), Path::new("/home/b.rs")]);
        assert!(sources("").is_empty());
    }

    #[test]
    fn what_was_built_before_a_change_is_known_and_what_replaces_it_too() {
        let directory = tempfile::tempdir().expect("a directory");
        let (program, source) = (directory.path().join("contoso"), directory.path().join("main.rs"));
        std::fs::write(&program, "built").expect("written");
        std::fs::write(&source, "fn main() {}").expect("written");
        let list = format!("{}: {}\n", program.display(), source.display());
        std::fs::write(directory.path().join("contoso.d"), list).expect("written");
        let changed = |ago| {
            let file = std::fs::File::open(&source).expect("there");
            file.set_modified((clock::now() - Duration::from_secs(ago)).into()).expect("a new time");
        };

        let executable = Executable::at(program.clone()).expect("there");
        changed(60);
        assert_eq!(executable.newer_source(), None);
        std::fs::File::open(&program)
            .and_then(|file| file.set_modified((clock::now() - Duration::from_secs(120)).into()))
            .expect("a new time");
        assert_eq!(executable.newer_source(), Some(source.clone()));

        let executable = Executable::at(program.clone()).expect("there");
        assert!(!executable.is_replaced());
        let next = directory.path().join("next");
        std::fs::write(&next, "built anew").and_then(|()| std::fs::rename(&next, &program)).expect("replaced");
        assert!(executable.is_replaced());
    }
}
