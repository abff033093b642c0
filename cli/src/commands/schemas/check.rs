//! `contoso schemas check`: whether an edited schema breaks anybody who reads or writes by a stored one.

use std::{io::Write as _, path::PathBuf};

use anyhow::Context as _;
use contoso_handlers::domain::bounds;
use contoso_schema_checker::{Direction, Effect, Finding, Old, Reader, Report, Severity, Verdict, check};

use super::{
    super::{Exit, WrongUsage},
    judged::{self, Judged},
};
use crate::{
    output::{self, Paint},
    project::{NoProject, Project},
    schemas::{
        on_stack,
        stored::{self, Schema},
    },
};

const EXAMPLES: &str = "\
Examples:
  contoso schemas check
      Every schema of the checkout against its stored versions
  contoso schemas check click.recorded --json | jq '.schemas[].findings[] | [.code, .path, .mend]'
      One event, for scripts
  contoso schemas check --old v1.avsc --old v2.avsc --new v3.avsc
      Any files, oldest first; no checkout is needed
  contoso schemas check --stack
      Also against every version that the running stack's registry holds
  contoso schemas check order.placed --allow-breaking order.placed --reason 'nobody reads it yet'
      What `land` would say with the same options

A new version must read what every stored version wrote, and every stored version must read what the new one writes, in Python, JavaScript and Rust as their libraries really are. docs/schemas.md lists what is found, each with its mend.
Exit codes: 0 nothing breaks (warnings are printed), 1 something does, 2 a file cannot be read, is not JSON, or there is no such schema.";

/// Say whether a changed schema breaks readers of events
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Which events, such as click.recorded [default: all]
    #[arg(value_name = "EVENT")]
    events: Vec<String>,
    /// An old version; say it again for each, oldest first
    #[arg(long, value_name = "FILE", requires = "new", conflicts_with = "events")]
    old: Vec<PathBuf>,
    /// The new version
    #[arg(long, value_name = "FILE", conflicts_with = "events")]
    new: Option<PathBuf>,
    /// Also look at the versions in the registry of the running stack
    #[arg(long, conflicts_with = "new")]
    stack: bool,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE", requires = "stack")]
    endpoints: Option<PathBuf>,
    #[command(flatten)]
    breaking: Allowed,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Breaks on purpose.
#[derive(Debug, clap::Args)]
pub(super) struct Allowed {
    /// Let this event break readers of its stored versions, as long as nobody reads it yet
    #[arg(long, value_name = "EVENT", requires = "reason")]
    pub(super) allow_breaking: Option<String>,
    /// Why; `land` keeps it beside the version
    #[arg(long, value_name = "TEXT", requires = "allow_breaking", value_parser = reason)]
    pub(super) reason: Option<String>,
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("say why in words".to_owned()) } else { Ok(text.to_owned()) }
}

impl Allowed {
    fn is_for(&self, schema: &Schema) -> bool {
        self.allow_breaking.as_deref().is_some_and(|name| schema.is_called(name))
    }
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read, a text is not JSON, there is no such schema, or the stack does not answer: all of it wrong usage, so that the
/// exit code is never that of a break.
pub(super) async fn run(args: &Args, project: impl FnOnce() -> Result<Project, NoProject>) -> anyhow::Result<Exit> {
    let judged = match &args.new {
        Some(new) => files(&args.old, new).map(|judged| vec![judged]),
        None => stored(args, project).await,
    };
    let judged = judged.map_err(|error| WrongUsage(output::chain(error.as_ref())))?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", judged::to_json(&judged))?;
    } else {
        for judged in &judged {
            judged.write(&mut out, Paint::stdout())?;
        }
        output::say(&judged::summary(&judged));
    }
    Ok(if judged.iter().any(Judged::is_refused) { Exit::Failed } else { Exit::Done })
}

fn files(old_files: &[PathBuf], new: &PathBuf) -> anyhow::Result<Judged> {
    let read =
        |file: &PathBuf| std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()));
    let texts = old_files.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
    let text = read(new)?;
    let labels: Vec<String> = (1..=texts.len()).map(|number| format!("v{number}")).collect();
    let old: Vec<Old<'_>> = texts.iter().zip(&labels).map(|(text, label)| Old { label, text }).collect();
    let version = format!("v{}", old.len() + 1);
    let mut report = check(&old, &version, &text).with_context(|| {
        // The label that the cause has is a number.
        format!("cannot judge {} ({version}){}", new.display(), files_of(old_files, &labels))
    })?;
    refuse_what_the_app_refuses(&mut report, &text);
    let label = report.name.clone().unwrap_or_else(|| new.display().to_string());
    Ok(Judged { label, version, against: labels, report, allowed: false })
}

fn files_of(files: &[PathBuf], labels: &[String]) -> String {
    files.iter().zip(labels).map(|(file, label)| format!(", {} ({label})", file.display())).collect()
}

async fn stored(args: &Args, project: impl FnOnce() -> Result<Project, NoProject>) -> anyhow::Result<Vec<Judged>> {
    let project = project()?;
    let schemas = stored::chosen(&project, &args.events)?;
    named(&args.breaking, &schemas)?;
    let stack = if args.stack { Some(on_stack::Registry::of(args.endpoints.as_deref())?) } else { None };
    let mut judged = Vec::new();
    for schema in &schemas {
        let more = match &stack {
            Some(stack) => stack.unknown_versions_of(schema).await?,
            None => Vec::new(),
        };
        judged.push(judge(schema, &args.breaking, &more)?);
    }
    Ok(judged)
}

/// Refuses to let an event break that is not among those looked at.
pub(super) fn named(breaking: &Allowed, schemas: &[Schema]) -> anyhow::Result<()> {
    match &breaking.allow_breaking {
        Some(name) if !schemas.iter().any(|schema| schema.is_called(name)) => {
            anyhow::bail!("--allow-breaking {name}: that is none of the schemas looked at")
        }
        _ => Ok(()),
    }
}

/// Judges a schema of the checkout against its stored versions, and `more` of elsewhere: label and text.
pub(super) fn judge(schema: &Schema, breaking: &Allowed, more: &[(String, String)]) -> anyhow::Result<Judged> {
    let (label, version) = (schema.label(), schema.next());
    let old = more.iter().map(|(label, text)| Old { label, text }).chain(schema.old()).collect::<Vec<_>>();
    let against: Vec<String> = old.iter().map(|old| old.label.to_owned()).collect();
    let allowed = breaking.is_for(schema);
    if !schema.file.exists() {
        return Ok(Judged { label, version, report: gone(against.clone()), against, allowed });
    }
    let text = schema.current()?;
    let mut report = check(&old, &version, &text).with_context(|| format!("cannot judge {}", schema.file.display()))?;
    refuse_what_the_app_refuses(&mut report, &text);
    Ok(Judged { label, version, against, report, allowed })
}

/// What the app itself would not read, beyond what every reader refuses.
fn refuse_what_the_app_refuses(report: &mut Report, text: &str) {
    if report.breaks().any(|finding| finding.direction == Direction::Schema) {
        return;
    }
    let refused = match apache_avro::Schema::parse_str(text) {
        Err(error) => Some(error.to_string()),
        Ok(schema) => bounds::check(&schema).err().map(|error| format!("{error}, and the app reads no such schema")),
    };
    if let Some(what) = refused {
        let mend = "give it another shape";
        report.findings.insert(0, finding("refused-by-the-app", what, mend, &[Reader::Rust], Vec::new()));
        report.verdict = Verdict::Refused;
    }
}

/// The file of a schema is gone, and its versions are left.
fn gone(versions: Vec<String>) -> Report {
    let mend = "keep the file: there is data of its versions. A type that ends is deprecated first";
    let readers = &[Reader::Python, Reader::JavaScript, Reader::Rust];
    let finding = finding("schema-removed", "the schema's file is gone".to_owned(), mend, readers, versions);
    Report { name: None, verdict: Verdict::Refused, findings: vec![finding] }
}

fn finding(code: &'static str, what: String, mend: &str, readers: &[Reader], versions: Vec<String>) -> Finding {
    Finding {
        code,
        severity: Severity::Break,
        direction: Direction::Schema,
        effect: Effect::Refused,
        path: String::new(),
        old: None,
        new: None,
        readers: readers.to_vec(),
        versions,
        what,
        mend: mend.to_owned(),
    }
}
