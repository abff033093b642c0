//! A packaged app: `host.json`, settings, and one function per direct child folder that holds a `function.json`.
//!
//! Everything is checked before anything starts, and the first fault is told in one line that names file and field.

mod arguments;
mod binding;
mod blob_path;
mod configuration;
mod connection;
mod definition;
mod error;
mod host_json;
mod json_file;
mod route;
mod settings;
mod storage_triggers;
pub(crate) mod time_span;
mod trigger;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

pub(crate) use arguments::split as split_arguments;
pub(crate) use binding::{Cardinality, DataType};
pub(crate) use definition::Function;
pub use error::AppError;
pub(crate) use host_json::{Bundle, EventHubOptions, HostJson, InitialOffset};
pub(crate) use route::{Parameters, RouteTemplate};
pub(crate) use settings::Settings;
pub(crate) use storage_triggers::{BlobOptions, BlobSource, BlobTrigger, QueueOptions, QueueTrigger};
pub(crate) use trigger::{CosmosDbTrigger, EventHubTrigger, FeedStart, HttpTrigger, Level, TimerTrigger, Trigger};

/// A loaded and checked app.
pub(crate) struct App {
    pub(crate) root: PathBuf,
    pub(crate) host: HostJson,
    pub(crate) settings: Settings,
    /// Sorted by name without regard to case, as the real host has them; disabled ones included.
    pub(crate) functions: Vec<Arc<Function>>,
}

impl App {
    pub(crate) fn load(root: &Path, settings: Settings) -> Result<Self, AppError> {
        let root = std::path::absolute(root)
            .map_err(|error| AppError::new(root.display().to_string(), "path", error.to_string()))?;
        let host = HostJson::read(&root, &settings)?;
        let mut functions = Vec::new();
        for folder in function_folders(&root)? {
            functions.push(Arc::new(Function::read(&root, &folder, &host, &settings)?));
        }
        let app = Self { root, host, settings, functions };
        app.check_leases()?;
        app.check_routes()?;
        app.check_storage()?;
        Ok(app)
    }

    pub(crate) fn enabled(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.functions.iter().filter(|function| !function.disabled)
    }

    /// Two functions on one container would steal each other's leases unless their prefixes differ.
    fn check_leases(&self) -> Result<(), AppError> {
        let feeds: Vec<_> = self
            .enabled()
            .filter_map(|function| match &function.trigger {
                Trigger::CosmosDb(feed) => Some((function, feed)),
                _ => None,
            })
            .collect();
        for (index, (function, feed)) in feeds.iter().enumerate() {
            if let Some((other, _)) = feeds[..index].iter().find(|(_, other)| other.shares_leases_with(feed)) {
                return Err(function.error(
                    "leaseContainerPrefix",
                    format!("must differ from that of {}, which watches the same container", other.name),
                ));
            }
        }
        Ok(())
    }

    /// Of two functions with one route and a method in common, the real host runs the first by name.
    fn check_routes(&self) -> Result<(), AppError> {
        let http: Vec<(&Function, &HttpTrigger)> = self
            .functions
            .iter()
            .filter_map(|function| match &function.trigger {
                Trigger::Http(trigger) => Some((function.as_ref(), trigger)),
                _ => None,
            })
            .collect();
        for (index, (function, trigger)) in http.iter().enumerate().filter(|(_, (function, _))| !function.disabled) {
            trigger.route.below(&self.host.route_prefix).map_err(|problem| function.error("route", problem))?;
            if let Some((other, _)) = http[..index].iter().find(|(_, other)| other.conflicts_with(trigger)) {
                return Err(function.error("route", format!("conflicts with the route of function '{}'", other.name)));
            }
        }
        Ok(())
    }

    /// Only HTTP functions run without a storage account.
    fn check_storage(&self) -> Result<(), AppError> {
        let needs = self.enabled().find(|function| !matches!(function.trigger, Trigger::Http(_)));
        match needs {
            Some(function) if self.settings.connection("AzureWebJobsStorage").is_none() => Err(AppError::new(
                "local.settings.json",
                "Values.AzureWebJobsStorage",
                format!("is missing, and the trigger of {} needs it", function.name),
            )),
            _ => Ok(()),
        }
    }
}

/// Names of the direct children that hold a `function.json`; deeper ones are not functions.
fn function_folders(root: &Path) -> Result<Vec<String>, AppError> {
    let unreadable = |error: std::io::Error| {
        AppError::new(root.display().to_string(), "directory", format!("cannot be read: {error}"))
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.path().join("function.json").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort_by_cached_key(|name| name.to_uppercase());
    Ok(names)
}
