//! What `contoso up` needs of the system, and whom it keeps out of what it stores.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Shop, contoso};

#[test]
fn too_few_files_end_up_with_the_cause_before_anything_starts() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let command = contoso();
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 64 && exec \"$0\" up --ports auto --data-dir \"$1\""]);
    limited.arg(command.get_program()).arg(directory.path().join("data"));
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    let ended = limited.output().expect("sh runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success());
    assert!(said.contains("too many open files") && said.contains("ulimit -n"), "{said}");
    assert!(!directory.path().join("data").exists());
}

#[tokio::test]
async fn what_a_shop_stores_is_its_users_alone() {
    let shop = Shop::empty().await;
    let file = shop.endpoints_file();
    let data_dir = file.parent().expect("the data directory");
    assert!(data_dir.join("store").is_dir() && data_dir.join("identity").is_dir());
    assert_eq!(open_to_others(data_dir), Vec::<PathBuf>::new());
}

/// Files and directories at `path` and below that group or others may do something with. The log is the test's.
fn open_to_others(path: &Path) -> Vec<PathBuf> {
    // The store removes files while we look.
    let Ok(found) = std::fs::symlink_metadata(path) else { return Vec::new() };
    let entries = std::fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
    let mut open: Vec<_> = entries.flat_map(|entry| open_to_others(&entry.path())).collect();
    if found.permissions().mode() & 0o077 != 0 && !path.ends_with("up.log") {
        open.push(path.to_owned());
    }
    open
}
