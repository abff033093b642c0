//! Stored versions: every version of an event's schema that was ever published, as files that never change.
//!
//! `schemas/<aggregate>/<event>.avsc` is what its owner edits. Beside it, `schemas/<aggregate>/versions/<event>/` holds `1.avsc`, `2.avsc` and so on,
//! each with a line in `versions.json` that says its hash, when it was landed and, if it breaks readers on purpose, why. `latest.avsc` there
//! is the newest once more, under a name that code can include: the app writes by it, and it is what is registered.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use contoso_schema_checker::Old;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::project::Project;

/// The list of an event's versions.
const LIST: &str = "versions.json";
/// The newest version.
const LATEST: &str = "latest.avsc";

/// A schema of the checkout, and its stored versions.
#[derive(Clone, Debug)]
pub struct Schema {
    /// `<aggregate>/<event>`, such as `click/recorded.v1`.
    pub path: String,
    /// The file that its owner edits.
    pub file: PathBuf,
    /// What was published, oldest first.
    pub versions: Vec<Version>,
    folder: PathBuf,
}

/// A stored version.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its text.
    pub text: String,
    /// What messages call it, such as `v1`.
    pub label: String,
    /// How it came here.
    pub landed: Landed,
}

/// How a version came to be stored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Landed {
    /// Counted from 1.
    pub version: u32,
    /// Of the file, in hex.
    pub sha256: String,
    /// The day, UTC.
    pub landed: String,
    /// Why it breaks readers of the versions before, which therefore are not asked any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaking: Option<Breaking>,
}

/// A break on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Breaking {
    /// As whoever landed it said.
    pub reason: String,
    /// What the check found.
    pub findings: Vec<String>,
}

/// Stored versions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// A file cannot be read or written.
    #[error("cannot {verb} {file}")]
    File {
        /// What was tried.
        verb: &'static str,
        /// Which file.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The list of versions is none.
    #[error("{file} is no list of versions")]
    List {
        /// Which file.
        file: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The list does not count.
    #[error("{file} does not count its versions from 1; take back what was changed in it")]
    Count {
        /// Which file.
        file: String,
    },
    /// A stored version is not what was landed.
    #[error(
        "{file} was changed after it was landed; take that back (git restore), and land the change as a new version"
    )]
    Altered {
        /// Which file.
        file: String,
    },
    /// A version is stored that nothing lists.
    #[error("{file} is not listed in {LIST}; versions are stored by `contoso schemas land`")]
    Unlisted {
        /// Which file.
        file: String,
    },
    /// There is no such schema.
    #[error("no schema is called {name}; there are {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

fn failed(verb: &'static str, file: &Path) -> impl FnOnce(std::io::Error) -> StoredError {
    let file = file.display().to_string();
    move |source| StoredError::File { verb, file, source }
}

/// Every schema of an event in the checkout, in the order of their paths, also those of which only versions are left.
///
/// # Errors
/// When a file cannot be read, or stored versions are not as they were landed.
pub fn all(project: &Project) -> Result<Vec<Schema>, StoredError> {
    let root = project.schemas();
    let mut paths = Vec::new();
    for aggregate in names(&root)? {
        let folder = root.join(&aggregate);
        if !folder.is_dir() {
            continue;
        }
        let current = names(&folder)?.into_iter().filter_map(|name| name.strip_suffix(".avsc").map(str::to_owned));
        let versions = folder.join("versions");
        let stored = if versions.is_dir() { names(&versions)? } else { Vec::new() };
        paths.extend(current.chain(stored).map(|event| format!("{aggregate}/{event}")));
    }
    paths.sort_unstable();
    paths.dedup();
    paths.iter().map(|path| Schema::read(&root, path)).collect()
}

/// The schemas that `wanted` names, or all of them.
///
/// # Errors
/// As [`all`], and when there is no such schema.
pub fn chosen(project: &Project, wanted: &[String]) -> Result<Vec<Schema>, StoredError> {
    let all = all(project)?;
    if let Some(name) = wanted.iter().find(|name| !all.iter().any(|schema| schema.is_called(name))) {
        let known: Vec<String> = all.iter().map(Schema::label).collect();
        return Err(StoredError::Unknown { name: name.clone(), known: known.join(", ") });
    }
    let is_wanted = |schema: &Schema| wanted.is_empty() || wanted.iter().any(|name| schema.is_called(name));
    Ok(all.into_iter().filter(is_wanted).collect())
}

impl Schema {
    fn read(root: &Path, path: &str) -> Result<Self, StoredError> {
        let (aggregate, event) = path.split_once('/').unwrap_or(("", path));
        let folder = root.join(aggregate).join("versions").join(event);
        let file = root.join(format!("{path}.avsc"));
        Ok(Self { path: path.to_owned(), file, versions: versions(&folder)?, folder })
    }

    /// What people call it: `click.recorded`, and `click.recorded.v2` for what is no first major version.
    #[must_use]
    pub fn label(&self) -> String {
        let label = self.path.replace('/', ".");
        label.strip_suffix(".v1").map_or(label.clone(), str::to_owned)
    }

    /// Whether somebody means it by `name`: its label, its path, its event's type or its file.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        let plain = name.strip_suffix(".avsc").unwrap_or(name).replace('/', ".");
        let plain = plain.strip_prefix("com.contoso.").or_else(|| plain.strip_prefix("schemas.")).unwrap_or(&plain);
        plain == self.label() || plain == self.path.replace('/', ".")
    }

    /// The text that its owner edits.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn current(&self) -> Result<String, StoredError> {
        read(&self.file)
    }

    /// The newest version, if one was landed.
    #[must_use]
    pub fn newest(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// Versions that somebody may still read or write by: those since the last break on purpose.
    #[must_use]
    pub fn living(&self) -> &[Version] {
        let last = self.versions.iter().rposition(|version| version.landed.breaking.is_some());
        &self.versions[last.unwrap_or(0)..]
    }

    /// The same for the check.
    #[must_use]
    pub fn old(&self) -> Vec<Old<'_>> {
        self.living().iter().map(|version| Old { label: &version.label, text: &version.text }).collect()
    }

    /// The label of the version after the newest.
    #[must_use]
    pub fn next(&self) -> String {
        format!("v{}", self.versions.len() + 1)
    }

    /// Stores `text` as the next version.
    ///
    /// # Errors
    /// When a file cannot be written. Files of versions come first, so that whatever the list names is there.
    pub fn land(&self, text: &str, day: &str, breaking: Option<Breaking>) -> Result<PathBuf, StoredError> {
        let version = u32::try_from(self.versions.len() + 1).unwrap_or(u32::MAX);
        let mut list: Vec<Landed> = self.versions.iter().map(|version| version.landed.clone()).collect();
        list.push(Landed { version, sha256: hash(text), landed: day.to_owned(), breaking });
        std::fs::create_dir_all(&self.folder).map_err(failed("make", &self.folder))?;
        let file = self.folder.join(format!("{version}.avsc"));
        write(&file, text)?;
        let listed = serde_json::to_string_pretty(&list)
            .map_err(|source| StoredError::List { file: self.folder.join(LIST).display().to_string(), source })?;
        write(&self.folder.join(LIST), &format!("{listed}\n"))?;
        write(&self.folder.join(LATEST), text)?;
        Ok(file)
    }

    /// Whether `latest.avsc` is the newest version.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn has_latest(&self) -> Result<bool, StoredError> {
        let latest = read(&self.folder.join(LATEST))?;
        Ok(self.newest().is_some_and(|newest| newest.text == latest))
    }
}

/// The versions in a folder, each as it was landed.
fn versions(folder: &Path) -> Result<Vec<Version>, StoredError> {
    let file = folder.join(LIST);
    let text = match std::fs::read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return unlisted(folder, 0).map(|()| Vec::new()),
        Err(error) => return Err(failed("read", &file)(error)),
    };
    let shown = file.display().to_string();
    let list: Vec<Landed> =
        contoso_json::from_slice(&text).map_err(|source| StoredError::List { file: shown.clone(), source })?;
    if list.iter().zip(1..).any(|(landed, number)| landed.version != number) {
        return Err(StoredError::Count { file: shown });
    }
    unlisted(folder, list.len())?;
    let read = list.into_iter().map(|landed| {
        let file = folder.join(format!("{}.avsc", landed.version));
        let text = read(&file)?;
        if hash(&text) != landed.sha256 {
            return Err(StoredError::Altered { file: file.display().to_string() });
        }
        Ok(Version { text, label: format!("v{}", landed.version), landed })
    });
    read.collect()
}

/// Refuses files of versions beyond those listed.
fn unlisted(folder: &Path, listed: usize) -> Result<(), StoredError> {
    let files = if folder.is_dir() { names(folder)? } else { Vec::new() };
    let numbers =
        files.iter().filter_map(|name| name.strip_suffix(".avsc").and_then(|number| number.parse::<usize>().ok()));
    match numbers.into_iter().find(|number| *number == 0 || *number > listed) {
        Some(number) => {
            Err(StoredError::Unlisted { file: folder.join(format!("{number}.avsc")).display().to_string() })
        }
        None => Ok(()),
    }
}

fn names(folder: &Path) -> Result<Vec<String>, StoredError> {
    let listed = || -> std::io::Result<Vec<String>> {
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    };
    listed().map_err(failed("list", folder))
}

fn read(file: &Path) -> Result<String, StoredError> {
    std::fs::read_to_string(file).map_err(failed("read", file))
}

fn write(file: &Path, text: &str) -> Result<(), StoredError> {
    std::fs::write(file, text).map_err(failed("write", file))
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use contoso_handlers::events::contracts;

    use super::*;

    fn checkout() -> Project {
        Project::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("a checkout")
    }

    /// A checkout with one schema of one field.
    fn small() -> (tempfile::TempDir, Project, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        for folder in ["function-definitions", "schemas/order"] {
            fs::create_dir_all(root.join(folder)).expect("made");
        }
        fs::write(root.join("host.json"), "{}").expect("written");
        let file = root.join("schemas/order/placed.v1.avsc");
        fs::write(&file, r#"{"type":"record","name":"OrderPlaced","fields":[]}"#).expect("written");
        let project = Project::find(root).expect("a checkout");
        (directory, project, file)
    }

    /// What is in the checkout is published as it is: whoever changes a schema lands it, and nobody changes what was landed.
    #[test]
    fn every_schema_is_landed_and_no_stored_version_was_altered() {
        let all = all(&checkout()).expect("stored versions are as they were landed");
        for schema in &all {
            let label = schema.label();
            let newest = schema.newest().unwrap_or_else(|| panic!("{label}: run `contoso schemas land {label}`"));
            let current = schema.current().expect("its file");
            let is_landed = contoso_schema_checker::is_same(&newest.text, &current).expect("JSON");
            assert!(is_landed, "{label} differs from {}: run `contoso schemas land {label}`", newest.label);
            assert!(schema.has_latest().expect("latest.avsc"), "{label}: latest.avsc is not {}", newest.label);
        }
        for contract in contracts::ALL {
            let schema = all.iter().find(|schema| schema.path == contract.path).expect(contract.path);
            assert_eq!(schema.newest().map(|newest| newest.text.as_str()), Some(contract.schema), "{}", contract.path);
        }
        assert_eq!(all.len(), contracts::ALL.len(), "a schema without a contract");
    }

    #[test]
    fn what_was_landed_stays_as_it_is() {
        let (_directory, project, file) = small();
        let schema = all(&project).expect("read").remove(0);
        assert_eq!((schema.label().as_str(), schema.next().as_str()), ("order.placed", "v1"));
        for name in ["order.placed", "order/placed.v1", "com.contoso.order.placed.v1", "schemas/order/placed.v1.avsc"] {
            assert!(schema.is_called(name), "{name}");
        }
        let first = schema.land(&schema.current().expect("text"), "2026-01-05", None).expect("landed");
        let schema = all(&project).expect("read").remove(0);
        assert!(schema.has_latest().expect("latest"));
        let reason = Breaking { reason: "nobody reads it yet".to_owned(), findings: vec!["f: gone".to_owned()] };
        schema.land("{}", "2026-01-06", Some(reason)).expect("landed");
        let schema = all(&project).expect("read").remove(0);
        assert_eq!((schema.versions.len(), schema.living().len()), (2, 1), "the break ends what came before");

        fs::write(&first, "{ }").expect("written");
        assert!(matches!(all(&project), Err(StoredError::Altered { .. })));
        fs::remove_file(&first).expect("removed");
        assert!(matches!(all(&project), Err(StoredError::File { .. })));
        fs::write(&first, schema.versions[0].text.as_str()).expect("written");
        fs::write(first.with_file_name("3.avsc"), "{}").expect("written");
        assert!(matches!(all(&project), Err(StoredError::Unlisted { .. })));
        fs::remove_file(first.with_file_name("3.avsc")).expect("removed");
        fs::remove_file(file).expect("removed");
        assert_eq!(all(&project).expect("read").len(), 1, "its versions are left");
    }
}
