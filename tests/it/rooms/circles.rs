//! Files that use each other in a circle: the strongly connected components of the imports.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::imports::Uses;

/// Files of which each leads to every other, with one path for each import among them.
pub(crate) struct Circle {
    pub(crate) files: BTreeSet<String>,
    imports: Vec<(String, String, String)>,
}

/// All circles, in the order of their first file.
pub(crate) fn circles(uses: &Uses) -> Vec<Circle> {
    let reached: BTreeMap<&String, BTreeSet<&String>> = uses.keys().map(|file| (file, reach(uses, file))).collect();
    let mut seen: BTreeSet<&String> = BTreeSet::new();
    let mut circles = Vec::new();
    for (file, from) in &reached {
        if seen.contains(*file) || !from.contains(file) {
            continue;
        }
        let back = |other: &&&String| reached.get(**other).is_some_and(|reached| reached.contains(file));
        let files: BTreeSet<String> = from.iter().filter(back).map(|file| (*file).clone()).collect();
        seen.extend(from.iter().copied().filter(|other| back(&other)));
        let imports = files.iter().flat_map(|file| uses[file].iter().map(move |(to, path)| (file, to, path)));
        let imports = imports.filter(|(_, to, _)| files.contains(*to));
        let imports = imports.map(|(file, to, path)| (file.clone(), to.clone(), path.clone())).collect();
        circles.push(Circle { files, imports });
    }
    circles
}

/// What is reached from a file by one import or more.
fn reach<'a>(uses: &'a Uses, file: &String) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&String> = uses[file].keys().collect();
    while let Some(next) = waiting.pop() {
        if reached.insert(next) {
            waiting.extend(uses.get(next).into_iter().flat_map(BTreeMap::keys));
        }
    }
    reached
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "circle of {} files:", self.files.len())?;
        for file in &self.files {
            writeln!(f, "  {file}")?;
            for (_, to, path) in self.imports.iter().filter(|(from, _, _)| from == file) {
                writeln!(f, "    uses {to} by {path}")?;
            }
        }
        Ok(())
    }
}
