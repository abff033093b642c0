use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use contoso_bicep::policy::Finding;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// How many findings there are of each rule.
pub(crate) fn rules(findings: &[Finding]) -> BTreeMap<&'static str, usize> {
    let mut rules = BTreeMap::new();
    for finding in findings {
        *rules.entry(finding.rule).or_default() += 1;
    }
    rules
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let there = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &there);
        } else {
            fs::copy(&path, &there).expect("copied");
        }
    }
}
