//! A folder of Bicep files, checked as the compiler checks it: names, types, modules, params files and linter rules.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use contoso_bicep::check::{Options, check_folder};
//!
//! let report = check_folder(Path::new("bicep"), &Options::default())?;
//! for line in report.lines() {
//!     eprintln!("{line}");
//! }
//! # Ok::<(), std::io::Error>(())
//! ```

mod constants;
mod declarations;
mod declared;
mod directives;
mod folder;
mod functions;
mod infer;
mod limits;
mod loops;
mod model;
mod narrow;
mod params;
mod references;
mod rules;
mod scopes;
mod sources;
#[cfg(test)]
mod tests;
mod types;
mod written;

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

pub use directives::Disabled;
use infer::Checker;
use model::Model;
use types::Azure;

use crate::Diagnostic;

/// How a folder is checked.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A folder of resource types with an `index.json`, as `Azure/bicep-types-az` generates it. Without it, what stands in resources is
    /// not compared with their types.
    pub types: Option<PathBuf>,
    /// The day by which API versions count as old, as `yyyy-mm-dd`; without one, none does.
    pub today: Option<String>,
}

/// What was found in a folder.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Every file that was read, by its path from the folder, in order.
    pub files: Vec<FileReport>,
    /// `.bicep` files that `main.bicep` does not reach by modules and imports.
    pub unreached: Vec<String>,
    /// Files of data below the folder that nothing loads.
    pub unloaded: Vec<String>,
    /// Resource types that the folder of types lacks, as `Type@version`, so that their resources were not checked.
    pub unchecked: Vec<String>,
    /// Every line that silences a finding.
    pub disabled: Vec<Disabled>,
}

/// What was found in a file.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// Its path from the folder, with `/`.
    pub name: String,
    /// Its text, to which the places of the findings refer.
    pub text: String,
    /// The findings in the order of the text, those that are silenced left out.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// The number of findings.
    pub fn count(&self) -> usize {
        self.files.iter().map(|file| file.diagnostics.len()).sum()
    }

    /// The findings as the compiler prints them.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.files.iter().flat_map(|file| file.diagnostics.iter().map(|one| one.render(&file.name, &file.text)))
    }
}

/// Checks every `.bicep` and `.bicepparam` file below a folder, and the files those refer to.
///
/// # Errors
/// If a file or the folder of types cannot be read. What is wrong in a Bicep file is in the report.
pub fn check_folder(folder: &Path, options: &Options) -> io::Result<Report> {
    let azure = options.types.as_deref().map(Azure::open).transpose()?;
    let sources = sources::load(folder)?;
    let models = sources.all.iter().enumerate().map(|(at, source)| Model::of(source, |path| sources.resolve(at, path)));
    let checker = Checker::new(models.collect(), azure);
    for at in 0..checker.models.len() {
        if let Some(here) = checker.file(at) {
            references::check(&here);
            here.check_declarations();
            here.check_scopes();
            here.check_constants();
            here.check_loops();
            here.check_limits();
            here.check_written();
            params::check(&here);
            rules::check(&here, options.today.as_deref());
        }
    }
    folder::unused(&checker);
    folder::groups(&checker);
    references::cascade(&checker);
    let mut report = report(&checker, &sources);
    report.unloaded = folder::unloaded(folder, &checker);
    report.files.extend(folder::configuration(folder));
    Ok(report)
}

fn report(checker: &Checker<'_>, sources: &sources::Sources) -> Report {
    let mut report = Report { unreached: references::unreached(checker, sources), ..Report::default() };
    let mut unchecked = BTreeSet::new();
    for model in &checker.models {
        let mut diagnostics = model.found.borrow().clone();
        diagnostics.extend(directives::check(model.source));
        diagnostics.sort();
        diagnostics.dedup();
        let (kept, disabled) = directives::apply(model.source, diagnostics);
        report.disabled.extend(disabled);
        let (name, text) = (model.source.name.clone(), model.source.text.clone());
        report.files.push(FileReport { name, text, diagnostics: kept });
        if let Some(azure) = &checker.azure {
            for resource in model.resources.iter().filter(|resource| !resource.kind.is_empty()) {
                if matches!(azure.find(&resource.kind, &resource.version), types::azure::Known::Elsewhere) {
                    unchecked.insert(format!("{}@{}", resource.kind, resource.version));
                }
            }
        }
    }
    report.unchecked = unchecked.into_iter().collect();
    report
}
