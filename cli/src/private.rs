//! File permissions: what `contoso up` keeps, for its user alone: it holds keys.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use contoso_local::storage::tighten;

/// All that a data directory of ours holds.
const OURS: [&str; 12] = [
    "contoso.lock",
    "endpoints.json",
    "endpoints.part",
    "identity",
    "local.settings.identity.json",
    "local.settings.json",
    "partner-keys.json",
    "ports.json",
    "seeded.json",
    "store",
    "store.new",
    "up.log",
];

/// Makes the directory where there is none, and keeps others out of one that holds nothing but what is ours.
///
/// # Errors
/// When the file system refuses.
pub(crate) fn directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        if !OURS.iter().any(|ours| *ours == name) {
            return Ok(());
        }
    }
    tighten(path)
}

/// Makes a file anew, with this content.
///
/// # Errors
/// When the file system refuses.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    // An earlier one may be open to others.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn a_directory_of_ours_is_its_users_alone_and_one_that_holds_more_is_left_as_it_is() {
        let parent = tempfile::tempdir().expect("a directory");
        let new = parent.path().join("new");
        directory(&new).expect("made");
        assert_eq!(mode(&new), 0o700);

        let older = parent.path().join("older");
        let segment = older.join("store/keyspaces/1");
        fs::create_dir_all(&segment).expect("made");
        fs::write(older.join("endpoints.json"), "{}").expect("written");
        fs::write(segment.join("0"), "keys").expect("written");
        for path in [&older, &older.join("endpoints.json"), &segment, &segment.join("0")] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).expect("loosened");
        }
        directory(&older).expect("there");
        assert_eq!((mode(&older), mode(&segment)), (0o700, 0o700));
        assert_eq!((mode(&older.join("endpoints.json")), mode(&segment.join("0"))), (0o700, 0o700));

        let home = parent.path().join("home");
        fs::create_dir(&home).expect("made");
        fs::write(home.join("thesis.txt"), "years of work").expect("written");
        fs::write(home.join("contoso.lock"), "1").expect("written");
        fs::set_permissions(&home, Permissions::from_mode(0o755)).expect("loosened");
        directory(&home).expect("there");
        assert_eq!(mode(&home), 0o755);
    }

    #[test]
    fn a_file_is_closed_to_others_even_where_an_earlier_one_was_not() {
        let parent = tempfile::tempdir().expect("a directory");
        let file = parent.path().join("endpoints.part");
        fs::write(&file, "an older one").expect("written");
        fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("loosened");
        write(&file, b"{}").expect("written");
        assert_eq!((mode(&file), fs::read(&file).expect("read")), (0o600, b"{}".to_vec()));
    }
}
