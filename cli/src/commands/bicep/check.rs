//! `contoso bicep check`.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use contoso_bicep::{
    Diagnostic,
    check::{FileReport, Options, Report, check_folder},
    format::format,
    plain::{Context, plain},
    policy::{Checked, check_changes, check_project},
    syntax::FileKind,
};
use time::macros::format_description;

use super::{super::Exit, made_topology, shown};
use crate::{clock, output, project::Project};

const EXAMPLES: &str = "\
Examples:
  contoso bicep check --types ~/bicep-types-az/generated
      Everything that is wrong with bicep/, a line each
  contoso bicep check --plain target/plain && checkov --directory target/plain --framework bicep --skip-download
      A scanner that does not know the Bicep of today looks at production
  git archive origin/main bicep | tar --extract --directory DIR && contoso bicep check --before DIR/bicep
      Also what of main Azure would not change, such as the partitions of a hub

Without --types all is checked but what stands in resources. The types are data of Azure's: the folder `generated` of a checkout of https://github.com/Azure/bicep-types-az, which is a large one.

A finding is printed as the compiler prints it, with the compiler's code; its wording may differ. Without FOLDER, what each environment would deploy is also kept to rules that no compiler has, against topology.json and settings.json. docs/bicep.md says what is found and what is not.
Exit codes: 0 nothing found, 1 anything found, warnings included.";

/// Say what is wrong with the Bicep templates, without the compiler
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Compare resources with their types, in a folder with an index.json as Azure/bicep-types-az has it
    #[arg(long, value_name = "DIR")]
    types: Option<PathBuf>,
    /// Also write each template there in a plain form that other scanners read
    #[arg(long, value_name = "DIR")]
    plain: Option<PathBuf>,
    /// The environment whose parameters the plain form has
    #[arg(long, value_name = "NAME", default_value = "prod", requires = "plain")]
    environment: String,
    /// Also say what Azure would not change, or only with a loss, of what the templates in this folder deploy: the bicep/ of
    /// another commit
    #[arg(long, value_name = "DIR", conflicts_with = "folder")]
    before: Option<PathBuf>,
    /// Folder with a main.bicep [default: bicep/ of the checkout]
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn run(args: &Args, project: &Project) -> anyhow::Result<Exit> {
    let folder = args.folder.clone().unwrap_or_else(|| project.bicep());
    let today = clock::now().format(format_description!("[year]-[month]-[day]"))?;
    let options = Options { types: args.types.clone(), today: Some(today) };
    let report = check_folder(&folder, &options).with_context(|| match &args.types {
        Some(types) => format!("cannot check {} with the types of {}", folder.display(), types.display()),
        None => format!("cannot check {}", folder.display()),
    })?;
    let mut found = findings(&report, &folder, project);
    if args.types.is_some() {
        found.extend(idle_directives(&report, &folder, project));
    }
    if args.folder.is_none() {
        found.extend(deployed(args.before.as_deref(), report.count() == 0, project)?);
    }
    let mut out = std::io::stdout().lock();
    for line in &found {
        writeln!(out, "{line}")?;
    }
    if let Some(target) = &args.plain {
        write_plain(&folder, &args.environment, target)?;
    }
    conclude(args, &report, found.len());
    Ok(if found.is_empty() { Exit::Done } else { Exit::Failed })
}

/// All that is wrong, a line each.
fn findings(report: &Report, folder: &Path, project: &Project) -> Vec<String> {
    let mut found = Vec::new();
    for file in &report.files {
        let name = shown(&folder.join(&file.name), project);
        found.extend(file.diagnostics.iter().map(|diagnostic| linked(diagnostic, &name, &file.text)));
        if !is_formatted(file) {
            found.push(format!("{name} : is not as the formatter writes it; run `contoso bicep format`"));
        }
    }
    for file in &report.unreached {
        let name = shown(&folder.join(file), project);
        found.push(format!("{name} : is not reached from main.bicep, so nothing deploys it"));
    }
    for file in &report.unloaded {
        let name = shown(&folder.join(file), project);
        found.push(format!("{name} : is loaded by no template"));
    }
    found
}

/// Directives (`#disable-next-line`) that silence nothing any more. Only with the types is all known that they may be for.
fn idle_directives(report: &Report, folder: &Path, project: &Project) -> Vec<String> {
    let idle = report.disabled.iter().filter(|directive| !directive.used);
    idle.map(|directive| {
        let name = shown(&folder.join(&directive.file), project);
        format!("{name}({},1) : the directive silences nothing; take it out", directive.line)
    })
    .collect()
}

/// What is wrong with what environments deploy, a line each. Templates that are wrong may have no value, which goes without saying where
/// what is wrong with them was said.
fn deployed(before: Option<&Path>, is_right: bool, project: &Project) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let kept = std::fs::read_to_string(project.bicep_topology()).ok();
    if kept != Some(made_topology(project)?) {
        found.push("bicep/topology.json : is not that of topology.json; run `contoso bicep topology`".to_owned());
    }
    let mut note = |checked: Checked, with: &str| {
        let not_evaluated = checked.not_evaluated.into_iter().filter(|_| is_right);
        for mut fault in checked.faults.into_iter().chain(not_evaluated) {
            if let Some(location) = &mut fault.location {
                location.file = shown(&location.file, project).into();
            }
            let line = fault.to_string();
            if !found.contains(&line) {
                found.push(line);
            }
        }
        let environments = checked.environments.join(", ");
        output::say(&format!("What {environments} deploy was worked out and compared with {with}"));
    };
    note(check_project(project.root())?, "the rules");
    if let Some(before) = before {
        let changes = check_changes(before, &project.bicep());
        let changes = changes.with_context(|| format!("cannot compare with {}", before.display()))?;
        note(changes, &format!("what {} deploys", before.display()));
    }
    Ok(found)
}

/// Whether the formatter leaves a file alone, as it leaves one with syntax errors.
fn is_formatted(file: &FileReport) -> bool {
    !format(&file.text, FileKind::of(Path::new(&file.name))).is_ok_and(|text| text != file.text)
}

/// A finding as the compiler prints it, with the page on its code.
pub(super) fn linked(diagnostic: &Diagnostic, name: &str, text: &str) -> String {
    let line = diagnostic.render(name, text);
    let code = diagnostic.code;
    if code.starts_with("BCP") {
        format!("{line} [https://aka.ms/bicep/core-diagnostics#{code}]")
    } else if code.starts_with("disable-") || matches!(code, "no-disable-diagnostics" | "format") {
        // Rules of ours.
        line
    } else {
        format!("{line} [https://aka.ms/bicep/linter-diagnostics#{code}]")
    }
}

fn write_plain(folder: &Path, environment: &str, target: &Path) -> anyhow::Result<()> {
    let parameters = format!("environments/{environment}.bicepparam");
    let context = Context::read(folder, Some(&parameters))
        .with_context(|| format!("cannot read {} with {parameters}", folder.display()))?;
    for path in context.paths() {
        let file = target.join(path);
        let written = file.parent().map_or(Ok(()), std::fs::create_dir_all);
        written
            .and_then(|()| std::fs::write(&file, plain(path, &context)))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// How much was looked at, and what was not.
fn conclude(args: &Args, report: &Report, found: usize) {
    let files = report.files.len();
    let silenced = report.disabled.len();
    let findings = if found == 1 { "finding" } else { "findings" };
    output::say(&format!(
        "{found} {findings} in {files} files; {silenced} more are silenced by a line with its reason"
    ));
    match &args.types {
        None => output::say(
            "Resource types were not checked: say --types DIR, the folder `generated` of a checkout of \
             https://github.com/Azure/bicep-types-az",
        ),
        Some(types) if !report.unchecked.is_empty() => output::say(&format!(
            "{} resource types are not in {}, and were not checked: {}",
            report.unchecked.len(),
            types.display(),
            report.unchecked.join(", ")
        )),
        Some(_) => {}
    }
    output::say(
        "Only the compiler can tell that it finds nothing else (deploy/bicep-check.sh runs it), and only what-if that Azure \
         accepts the templates",
    );
}
