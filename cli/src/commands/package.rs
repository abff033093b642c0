//! `contoso package`.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::Exit;
use crate::{
    endpoints,
    local_settings::{self, Access, Target},
    output::{self, Paint},
    package::{self, Change, Profile, Request, Staged},
    project::Project,
};

const EXAMPLES: &str = "\
Examples:
  contoso package
      Stages the whole app in target/app and zips it as target/app.zip, for this machine
  contoso package --azure
      The same for the image of Azure's Functions host (Linux on x86-64, glibc 2.31): what is deployed
  contoso package --functions ProductProjection,SiteApi --out target/site
      Stages a part of it: one binary serves many apps
  contoso package --set ProductChanges.feedPollDelay=50
      Changes a trigger in the staged copy
  contoso package --data-dir /tmp/second
      Settings for Core Tools that lead to the stack on another data directory
  func start --script-root target/app
      Runs the staged app with Azure Functions Core Tools, beside `contoso up --services-only`";

/// Build the handler, stage the app for the Functions host and zip it for deployment
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) app: AppArgs,
    /// Where to stage the app; the zip goes beside it [default: target/app]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Build for the image of Azure's Functions host instead of this machine, with cargo-zigbuild and Zig; the first time installs them
    /// below target, from crates.io and PyPI. Always optimised, hence not with --debug
    #[arg(long, conflicts_with = "debug")]
    azure: bool,
    /// Take the build that runs on this machine, as `contoso up` does: quicker to build than the optimised one, and not for deployment
    #[arg(long, conflicts_with_all = ["debug", "azure"])]
    local: bool,
    /// The data directory of the stack that the staged local.settings.json leads to: by its present addresses where it runs, else by the
    /// default ports [default: .contoso in the checkout]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// What `package` and `up` have in common.
#[derive(Debug, clap::Args)]
pub(super) struct AppArgs {
    /// Only these functions
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(super) functions: Vec<String>,
    /// Change a property of a function's trigger in the staged copy; may be repeated
    #[arg(long = "set", value_name = "FUNCTION.PROPERTY=VALUE")]
    pub(super) changes: Vec<Change>,
    /// Take a debug build of the handler: quicker to build, slower to run
    #[arg(long)]
    pub(super) debug: bool,
    /// Take the handler that was built last
    #[arg(long)]
    pub(super) no_build: bool,
}

impl AppArgs {
    /// Whether a function is packaged.
    pub(super) fn includes(&self, function: &str) -> bool {
        self.functions.is_empty() || self.functions.iter().any(|name| name == function)
    }
}

/// Packages the app.
pub(super) fn run(args: &Args, project: &Project) -> anyhow::Result<Exit> {
    let profile = match (args.azure, args.local) {
        (true, _) => Profile::Azure,
        (_, true) => Profile::Local,
        _ => Profile::Release,
    };
    let staged = stage(&args.app, args.out.clone(), project, profile)?;
    let data_dir = args.data_dir.clone().unwrap_or_else(|| project.root().join(endpoints::DATA_DIR));
    lead_to_stack(&staged, &data_dir, project)?;
    let zip = staged.zip()?;
    let size = std::fs::metadata(&zip).with_context(|| format!("cannot read {}", zip.display()))?.len();
    let paint = Paint::stderr();
    output::say(&format!(
        "Staged {} in {}",
        staged.functions().join(", "),
        paint.name(&staged.directory().display().to_string())
    ));
    output::say(&paint.faint(&format!("{:.1} MiB zipped", size as f64 / f64::from(1 << 20))));
    writeln!(std::io::stdout().lock(), "{}", zip.display())?;
    Ok(Exit::Done)
}

/// Leads another host that runs the staged app to the stack on this data directory.
pub(super) fn lead_to_stack(staged: &Staged, data_dir: &Path, project: &Project) -> anyhow::Result<()> {
    let endpoints = endpoints::read(&data_dir.join(endpoints::FILE)).ok();
    let target = Target { data_dir, endpoints: endpoints.as_ref() };
    let file = staged.directory().join(local_settings::FILE);
    Ok(local_settings::write(&project.local_settings(), target, Access::Key, &file)?)
}

/// Looks at all that can be wrong with what is asked for, before the long build.
pub(super) fn check(args: &AppArgs, out: Option<&Path>, project: &Project) -> anyhow::Result<()> {
    package::check(project, &args.functions, &args.changes)?;
    Ok(package::check_out(project, &out.map_or_else(|| project.app(), Path::to_owned))?)
}

/// Builds the handler in this profile, unless an earlier build will do or a debug build is wanted, and stages the app.
pub(super) fn stage(
    args: &AppArgs,
    out: Option<PathBuf>,
    project: &Project,
    profile: Profile,
) -> anyhow::Result<Staged> {
    check(args, out.as_deref(), project)?;
    let profile = if args.debug { Profile::Debug } else { profile };
    let handler = if args.no_build { package::built(project, profile)? } else { package::build(project, profile)? };
    let request = Request {
        functions: args.functions.clone(),
        changes: args.changes.clone(),
        handler,
        out: out.unwrap_or_else(|| project.app()),
    };
    Ok(package::stage(project, &request)?)
}
