//! `contoso schemas land`: an edited schema becomes a stored version.

use std::io::Write as _;

use contoso_schema_checker::Verdict;
use time::macros::format_description;

use super::{
    super::{Exit, WrongUsage},
    check::{Allowed, judge, named},
};
use crate::{
    clock,
    output::{self, Paint},
    project::Project,
    schemas::stored::{self, Breaking},
};

const EXAMPLES: &str = "\
Examples:
  contoso schemas land
      Every schema that changed, or none if one of them breaks readers
  contoso schemas land click.recorded
      One of them
  contoso schemas land order.placed --allow-breaking order.placed --reason 'nobody reads it yet'
      A break on purpose: older versions are not asked any more, and the reason is kept

The new version is stored in schemas/<aggregate>/versions/<event>/, and commits with the change; stored versions never change. From then on the app writes by it, and `contoso up` and deployments register it. Changes of documentation, and of the order of members in JSON, make no version.
Exit codes: 0 landed, or nothing to land, 1 a change breaks readers, 2 a file cannot be read or there is no such schema.";

/// Store changed schemas as new versions, after checking them
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Which events, such as click.recorded [default: all that changed]
    #[arg(value_name = "EVENT")]
    events: Vec<String>,
    #[command(flatten)]
    breaking: Allowed,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written, is not JSON, or there is no such schema.
pub(super) fn run(args: &Args, project: &Project) -> anyhow::Result<Exit> {
    land(args, project).map_err(|error| {
        if output::is_broken_pipe(&error) { error } else { WrongUsage(output::chain(error.as_ref())).into() }
    })
}

fn land(args: &Args, project: &Project) -> anyhow::Result<Exit> {
    let schemas = stored::chosen(project, &args.events)?;
    named(&args.breaking, &schemas)?;
    let judged = schemas.iter().map(|schema| judge(schema, &args.breaking, &[])).collect::<anyhow::Result<Vec<_>>>()?;
    let mut out = std::io::stdout().lock();
    let changed = || schemas.iter().zip(&judged).filter(|(_, judged)| judged.report.verdict != Verdict::Unchanged);
    for (_, judged) in changed() {
        judged.write(&mut out, Paint::stdout())?;
    }
    if judged.iter().any(super::judged::Judged::is_refused) {
        output::say("nothing was landed");
        return Ok(Exit::Failed);
    }
    let day = clock::now().format(format_description!("[year]-[month]-[day]"))?;
    let mut landed = 0;
    for (schema, judged) in changed() {
        let findings: Vec<String> =
            judged.report.breaks().map(|finding| finding.line(&judged.label, &judged.version)).collect();
        let breaking = args.breaking.reason.clone().filter(|_| judged.allowed && !findings.is_empty());
        let breaking = breaking.map(|reason| Breaking { reason, findings });
        let file = schema.land(&schema.current()?, &day, breaking)?;
        let shown = file.strip_prefix(project.root()).unwrap_or(&file);
        writeln!(out, "landed {} {} as {}", judged.label, judged.version, shown.display())?;
        landed += 1;
    }
    if landed == 0 {
        output::say("nothing to land: no schema differs from its newest version in more than documentation and order");
    } else {
        output::say("next: its Rust type, an example, and `contoso schemas asyncapi`; docs/schemas.md has all of it");
    }
    Ok(Exit::Done)
}
