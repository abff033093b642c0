//! A child process whose file operations are written down.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::LazyLock,
};

use contoso_local::storage::Sync;
use tempfile::TempDir;

use super::load::{ACKS, REFUSED, WRITERS};
use crate::support::{eventually, machine};

/// The stack's data directory, below the recorded one.
pub(crate) const STACK: &str = "data";
const CHILD: &str = "power_cut::recorded_child";
const DIRECTORY: &str = "CONTOSO_RECORD_DIR";
const LOG: &str = "CONTOSO_RECORD_LOG";
const FULL: &str = "CONTOSO_RECORD_FULL";
const SYNC: &str = "CONTOSO_RECORD_SYNC";

/// What a child did until it was killed.
pub(crate) struct Recording {
    home: TempDir,
}

/// One operation, as the recorder wrote it down.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    pub(crate) inode: u64,
    pub(crate) offset: u64,
    pub(crate) path: PathBuf,
    pub(crate) data: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Open,
    Write,
    Resize,
    Flushing,
    Flushed,
    Rename,
    Remove,
    MakeDirectory,
}

impl Recording {
    /// The recorded directory, as the child left it.
    pub(crate) fn directory(&self) -> PathBuf {
        recorded_in(&self.home)
    }

    /// What the child was told, and what it was refused.
    pub(crate) fn acknowledged(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.directory().join(ACKS)).unwrap_or_default();
        // A line counts once it is whole.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    /// The operations in order; paths are relative to the recorded directory.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let root = recorded_in(&self.home);
        let bytes = std::fs::read(log_of(&self.home)).expect("a log");
        let relative = |path: &[u8]| {
            let path = Path::new(std::str::from_utf8(path).expect("paths are text"));
            path.strip_prefix(&root).unwrap_or(path).to_owned()
        };
        let mut operations = Vec::new();
        let mut rest = &bytes[..];
        while let Some((head, more)) = rest.split_at_checked(32) {
            let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("4 bytes")) as usize;
            let long = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("8 bytes"));
            let (path, data) = (number(4), number(8));
            // The last record may be cut off by the kill.
            let Some((path, more)) = more.split_at_checked(path) else { break };
            let Some((data, more)) = more.split_at_checked(data) else { break };
            rest = more;
            let kind = match head[0] {
                1 => Kind::Open,
                2 => Kind::Write,
                3 => Kind::Resize,
                4 => Kind::Flushing,
                5 => Kind::Flushed,
                6 => Kind::Rename,
                7 => Kind::Remove,
                8 => Kind::MakeDirectory,
                other => panic!("no operation {other}"),
            };
            let data = if kind == Kind::Rename {
                relative(data).into_os_string().into_encoded_bytes()
            } else {
                data.to_owned()
            };
            let path = relative(path);
            operations.push(Operation { kind, flags: head[1], inode: long(16), offset: long(24), path, data });
        }
        operations
    }
}

/// Runs the load in a child until it was told so many acknowledgements, then kills it.
pub(crate) async fn record(sync: Sync, acknowledged: usize) -> Recording {
    let (home, mut child) = start(sync, acknowledged).await;
    kill(&mut child);
    Recording { home }
}

/// The same, but then every write below the directory fails for lack of room, until each writer was refused.
pub(crate) async fn record_until_full(sync: Sync, acknowledged: usize) -> Recording {
    let (home, mut child) = start(sync, acknowledged).await;
    std::fs::write(full(&home), []).expect("a file");
    let recording = Recording { home };
    eventually("every writer refused", || {
        let ended = child.try_wait().expect("waiting works");
        let refused = recording.acknowledged().iter().filter(|line| line.starts_with(REFUSED)).count();
        async move { if refused == WRITERS || ended.is_some() { Ok(()) } else { Err(format!("{refused} so far")) } }
    })
    .await;
    kill(&mut child);
    recording
}

/// Starts the child and waits for so many acknowledgements.
async fn start(sync: Sync, acknowledged: usize) -> (TempDir, Child) {
    let home = TempDir::new().expect("a temporary folder");
    let root = recorded_in(&home);
    std::fs::create_dir_all(&root).expect("a folder");
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", CHILD, "--nocapture"])
        .envs(environment(&root, home.path(), &full(&home)))
        .env(SYNC, if sync == Sync::Always { "always" } else { "process" })
        .stdout(Stdio::null())
        .spawn()
        .expect("the child starts");
    let acks = root.join(ACKS);
    eventually("enough acknowledgements", || {
        let ended = child.try_wait().expect("waiting works");
        let count = std::fs::read_to_string(&acks).map_or(0, |text| text.lines().count());
        async move {
            assert_eq!(ended, None, "the child ended by itself");
            if count >= acknowledged { Ok(()) } else { Err(format!("{count} so far")) }
        }
    })
    .await;
    (home, child)
}

fn kill(child: &mut Child) {
    child.kill().expect("it runs or has ended");
    child.wait().expect("it ends");
}

/// What makes a process write down what it does below `directory`, and find no room there while the file `full` exists.
pub(crate) fn environment(directory: &Path, home: &Path, full: &Path) -> Vec<(String, String)> {
    let text = |path: &Path| path.to_str().expect("paths are text").to_owned();
    [("LD_PRELOAD", library()), (DIRECTORY, directory), (LOG, &home.join("log")), (FULL, full)]
        .map(|(name, path)| (name.to_owned(), text(path)))
        .into()
}

/// In the child: the recorded directory, and how the stack shall flush.
pub(crate) fn in_child() -> Option<(String, Sync)> {
    let directory = machine::setting(DIRECTORY)?;
    let sync = if machine::setting::<String>(SYNC)? == "always" { Sync::Always } else { Sync::Process };
    Some((directory, sync))
}

fn recorded_in(home: &TempDir) -> PathBuf {
    home.path().canonicalize().expect("a path").join("disk")
}

/// While this file exists, the disk is full.
fn full(home: &TempDir) -> PathBuf {
    home.path().join("full")
}

fn log_of(home: &TempDir) -> PathBuf {
    home.path().join("log")
}

/// The recorder, compiled once.
fn library() -> &'static Path {
    static LIBRARY: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
        let home = TempDir::new().expect("a temporary folder");
        let library = home.path().join("recorder.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/it/power_cut/recorder.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-o"]).arg(&library).arg(source).args(["-ldl", "-lpthread"]);
        assert!(compiler.status().expect("cc runs").success(), "{compiler:?}");
        (home, library)
    });
    &LIBRARY.1
}
