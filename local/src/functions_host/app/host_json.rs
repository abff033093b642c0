//! `host.json`, with its overrides from app settings.

use std::{path::Path, time::Duration};

use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    configuration::Configuration,
    error::AppError,
    settings::Settings,
    storage_triggers::{BlobOptions, QueueOptions},
};
use crate::functions_host::invocation::RetryPolicy;

/// Parts of `host.json` that change what a handler sees and that this host does not know.
const UNSUPPORTED: [&str; 4] =
    ["customhandler:enableproxyinghttprequest", "customhandler:http", "configurationprofile", "httpworker"];

/// What the host reads from `host.json`.
#[derive(Debug)]
pub(crate) struct HostJson {
    pub(crate) custom_handler: CustomHandler,
    /// `None` where unlimited.
    pub(crate) function_timeout: Option<Duration>,
    /// First part of every route, without slashes; may be empty.
    pub(crate) route_prefix: String,
    pub(crate) event_hubs: EventHubOptions,
    pub(crate) queues: QueueOptions,
    pub(crate) blobs: BlobOptions,
    /// Applies to every function that has no policy of its own.
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) bundle: Option<Bundle>,
}

/// `extensionBundle`: what the real host would load its extensions from.
#[derive(Debug, Serialize)]
pub(crate) struct Bundle {
    id: String,
    /// The lowest version of the range, which stands for the one that the real host would find.
    version: String,
}

impl Bundle {
    fn from_config(config: &Configuration) -> Option<Self> {
        let range = config.get("extensionBundle:version").unwrap_or_default();
        let lowest = range.trim_start_matches(['[', '(']).split([',', ']', ')']).next().unwrap_or_default();
        Some(Self { id: config.get("extensionBundle:id")?.to_owned(), version: lowest.trim().to_owned() })
    }
}

/// `customHandler`.
#[derive(Debug)]
pub(crate) struct CustomHandler {
    pub(crate) executable: String,
    /// `arguments`, the quoted worker path and `workerArguments`, joined by single spaces without quoting.
    pub(crate) arguments: String,
    pub(crate) working_directory: Option<String>,
    pub(crate) initialization_timeout: Duration,
    /// `enableForwardingHttpRequest`.
    pub(crate) forward_http: bool,
    /// A fixed port, which newer hosts allow.
    pub(crate) port: Option<u16>,
}

/// `extensions.eventHubs`.
#[derive(Clone, Debug)]
pub(crate) struct EventHubOptions {
    pub(crate) max_event_batch_size: usize,
    pub(crate) min_event_batch_size: usize,
    pub(crate) max_wait_time: Duration,
    pub(crate) batch_checkpoint_frequency: u64,
    pub(crate) initial_offset: InitialOffset,
    /// How often a host renews what it owns and looks for more; on the stack's clock.
    pub(crate) load_balancing_interval: Duration,
    /// How long an owner may be silent before others take its partitions; on the stack's clock.
    pub(crate) ownership_expiration: Duration,
}

/// Where a partition without a checkpoint starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InitialOffset {
    Start,
    End,
    EnqueuedTime(OffsetDateTime),
}

impl HostJson {
    pub(crate) fn read(root: &Path, settings: &Settings) -> Result<Self, AppError> {
        Self::from_config(&Configuration::read(root, settings)?)
    }

    fn from_config(config: &Configuration) -> Result<Self, AppError> {
        match config.get("version") {
            Some("2.0") => {}
            Some(other) => return Err(config.error("version", format!("must be \"2.0\", not \"{other}\""))),
            None => return Err(config.error("version", "is missing; it must be \"2.0\"")),
        }
        if let Some(path) = config.first_below(&UNSUPPORTED) {
            return Err(config.error(path, "is not supported by this host"));
        }
        Ok(Self {
            custom_handler: CustomHandler::from_config(config)?,
            function_timeout: match config.get("functionTimeout") {
                Some("-1") => None,
                _ => Some(config.duration("functionTimeout", Duration::from_secs(30 * 60))?),
            },
            route_prefix: config.get("extensions:http:routePrefix").unwrap_or("api").trim_matches('/').to_owned(),
            event_hubs: EventHubOptions::from_config(config)?,
            queues: QueueOptions::from_config(config)?,
            blobs: BlobOptions::from_config(config)?,
            retry: RetryPolicy::read(&|field| config.get(&format!("retry:{field}")).map(str::to_owned))
                .map_err(|(field, problem)| config.error(&format!("retry.{field}"), problem))?,
            bundle: Bundle::from_config(config),
        })
    }
}

impl CustomHandler {
    fn from_config(config: &Configuration) -> Result<Self, AppError> {
        let description = "customHandler:description";
        let executable = config
            .get(&format!("{description}:defaultExecutablePath"))
            .filter(|path| !path.trim().is_empty())
            .ok_or_else(|| {
                config.error(
                    "customHandler.description.defaultExecutablePath",
                    "is missing: only custom handlers are hosted here",
                )
            })?;
        let mut arguments = config.list(&format!("{description}:arguments"));
        if let Some(path) = config.get(&format!("{description}:defaultWorkerPath")) {
            arguments.push(format!("\"{path}\""));
        }
        arguments.extend(config.list(&format!("{description}:workerArguments")));
        Ok(Self {
            executable: executable.to_owned(),
            arguments: arguments.join(" "),
            working_directory: config.get(&format!("{description}:workingDirectory")).map(str::to_owned),
            initialization_timeout: config.duration("customHandler:initializationTimeout", Duration::from_secs(30))?,
            forward_http: config.number("customHandler:enableForwardingHttpRequest", false)?,
            port: config.optional_number("customHandler:port")?,
        })
    }
}

impl EventHubOptions {
    fn from_config(config: &Configuration) -> Result<Self, AppError> {
        let section = "extensions:eventHubs";
        let field = |name: &str| format!("{section}:{name}");
        let options = Self {
            max_event_batch_size: config.number(&field("maxEventBatchSize"), 100)?,
            min_event_batch_size: config.number(&field("minEventBatchSize"), 1)?,
            max_wait_time: config.duration(&field("maxWaitTime"), Duration::from_secs(60))?,
            batch_checkpoint_frequency: config.number(&field("batchCheckpointFrequency"), 1)?,
            initial_offset: InitialOffset::from_config(config, &field("initialOffsetOptions"))?,
            load_balancing_interval: config.duration(&field("loadBalancingUpdateInterval"), Duration::from_secs(10))?,
            ownership_expiration: config
                .duration(&field("partitionOwnershipExpirationInterval"), Duration::from_secs(60))?,
        };
        if options.max_event_batch_size == 0 {
            return Err(config.error(&field("maxEventBatchSize"), "must be at least 1"));
        }
        if options.min_event_batch_size > options.max_event_batch_size {
            return Err(config.error(&field("minEventBatchSize"), "must not be larger than maxEventBatchSize"));
        }
        if options.max_wait_time > Duration::from_secs(600) {
            return Err(config.error(&field("maxWaitTime"), "must not be longer than 00:10:00"));
        }
        if options.load_balancing_interval.is_zero() || options.ownership_expiration <= options.load_balancing_interval
        {
            let problem = "must be longer than loadBalancingUpdateInterval, which must not be zero";
            return Err(config.error(&field("partitionOwnershipExpirationInterval"), problem));
        }
        if options.batch_checkpoint_frequency == 0 {
            return Err(config.error(&field("batchCheckpointFrequency"), "must be at least 1"));
        }
        Ok(options)
    }
}

impl InitialOffset {
    fn from_config(config: &Configuration, section: &str) -> Result<Self, AppError> {
        let kind = config.get(&format!("{section}:type")).unwrap_or("fromStart");
        match kind.to_ascii_lowercase().as_str() {
            "fromstart" => Ok(Self::Start),
            "fromend" => Ok(Self::End),
            "fromenqueuedtime" => {
                let field = format!("{section}:enqueuedTimeUtc");
                config
                    .get(&field)
                    .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok())
                    .map(Self::EnqueuedTime)
                    .ok_or_else(|| config.error(&field, "must be a time such as 2026-01-05T10:00:00Z"))
            }
            other => Err(config.error(&format!("{section}:type"), format!("'{other}' is not known"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn read(host: &Value, settings: &[(&str, &str)]) -> Result<HostJson, AppError> {
        let root = tempfile::tempdir().expect("a directory");
        std::fs::write(root.path().join("host.json"), host.to_string()).expect("written");
        let mut all = Settings::default();
        for (name, value) in settings {
            all.set(name, (*value).to_owned());
        }
        HostJson::read(root.path(), &all)
    }

    fn minimal() -> Value {
        serde_json::json!({"version": "2.0", "customHandler": {"description": {
            "defaultExecutablePath": "handler", "arguments": ["a", "b c"], "defaultWorkerPath": "x y"}}})
    }

    #[test]
    fn defaults_are_those_of_the_real_host() {
        let host = read(&minimal(), &[]).expect("valid");
        assert_eq!(host.function_timeout, Some(Duration::from_secs(1800)));
        assert_eq!(host.route_prefix, "api");
        assert_eq!(host.custom_handler.arguments, "a b c \"x y\"");
        assert_eq!(host.custom_handler.initialization_timeout, Duration::from_secs(30));
        assert!(!host.custom_handler.forward_http);
        assert_eq!(host.event_hubs.max_event_batch_size, 100);
        assert_eq!(host.event_hubs.initial_offset, InitialOffset::Start);
        assert!(host.retry.is_none());
    }

    #[test]
    fn app_settings_override_the_file() {
        let overrides = [
            ("AzureFunctionsJobHost__extensions__eventHubs__maxEventBatchSize", "500"),
            ("AzureFunctionsJobHost__functionTimeout", "-1"),
        ];
        let host = read(&minimal(), &overrides).expect("valid");
        assert_eq!(host.event_hubs.max_event_batch_size, 500);
        assert_eq!(host.function_timeout, None);
    }

    #[test]
    fn a_fault_names_file_and_field() {
        let mut host = minimal();
        host["functionTimeout"] = "soon".into();
        let error = read(&host, &[]).expect_err("refused").to_string();
        assert!(error.starts_with("host.json: functionTimeout: 'soon'"), "{error}");
        let mut host = minimal();
        host["customHandler"]["enableProxyingHttpRequest"] = true.into();
        let error = read(&host, &[]).expect_err("refused").to_string();
        assert!(error.contains("enableproxyinghttprequest: is not supported"), "{error}");
    }
}
