//! Settings of the app on the local stack: those of the stack's services, and what is allowed on a laptop.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use contoso_handlers::settings::Origins;
use contoso_local::stack::{Stack, StackError};
use reqwest::Url;

use crate::{environment, private};

const PRIVATE_ENDPOINTS: &str = "Partners__allowPrivateEndpoints";
const ORIGINS: &str = "Site__origins";

/// Where the master keys of partners' secrets are kept: beside the authority of the stack, for the user alone.
const MASTER_KEYS: &str = "partner-master-keys";

/// Where in the data directory the authority lies.
const IDENTITY: &str = "identity";

/// The settings cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AppSettingsError {
    /// The topology has no such identity.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The master keys cannot be read, or written where there were none.
    #[error("cannot keep the master keys of partners' secrets in {file}")]
    MasterKeys {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The settings of an app that runs as `identity`.
///
/// # Errors
/// When the topology has no such identity, or the data directory cannot be written.
pub fn of(stack: &Stack, identity: &str) -> Result<BTreeMap<String, String>, AppSettingsError> {
    let mut settings = stack.app_settings(identity)?;
    settings.insert(ORIGINS.to_owned(), origins(&stack.endpoints().site));
    // Without a front end every caller has the same address.
    settings.insert("Site__clicksPerSecondPerAddress".to_owned(), "0".to_owned());
    // Webhooks of a laptop are on the laptop.
    settings.insert(PRIVATE_ENDPOINTS.to_owned(), "true".to_owned());
    let functions = stack.endpoints().functions.as_str();
    let own = functions.split_once("://").map_or(functions, |(_, host)| host).trim_end_matches('/');
    settings.insert("Partners__ownHosts".to_owned(), own.to_owned());
    let identity = stack.endpoints().ca_certificate.parent().unwrap_or(Path::new("."));
    settings.insert("Partners__masterKeys".to_owned(), drawn_or_draw(&identity.join(MASTER_KEYS))?);
    Ok(settings)
}

/// Refuses webhooks that are not public, as in Azure, where Event Grid would not reach them either.
pub fn public_webhooks(settings: &mut BTreeMap<String, String>) {
    // Said, and not left out: the `local.settings.json` of the staged app allows them, and counts where nothing else is said.
    settings.insert(PRIVATE_ENDPOINTS.to_owned(), "false".to_owned());
}

/// The master keys of a data directory: drawn once, so that secrets stay the same over restarts.
pub(crate) fn master_keys(data_dir: &Path) -> Result<String, AppSettingsError> {
    drawn_or_draw(&data_dir.join(IDENTITY).join(MASTER_KEYS))
}

/// The same, if they were drawn.
pub(crate) fn drawn_master_keys(data_dir: &Path) -> Result<Option<String>, AppSettingsError> {
    drawn(&data_dir.join(IDENTITY).join(MASTER_KEYS))
}

fn drawn_or_draw(file: &Path) -> Result<String, AppSettingsError> {
    if let Some(keys) = drawn(file)? {
        return Ok(keys);
    }
    let keys = format!("local:{}", STANDARD.encode(rand::random::<[u8; 32]>()));
    let failed = |source| AppSettingsError::MasterKeys { file: file.to_owned(), source };
    private::write(file, keys.as_bytes()).map_err(failed)?;
    Ok(keys)
}

fn drawn(file: &Path) -> Result<Option<String>, AppSettingsError> {
    match std::fs::read_to_string(file) {
        Ok(keys) => Ok(Some(keys.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(AppSettingsError::MasterKeys { file: file.to_owned(), source }),
    }
}

/// Lets the app tell of itself at `otlp`, of everything that happens and soon: the pages show it within seconds. Not where the environment
/// names another receiver, which the app then has from there.
pub fn tell(settings: &mut BTreeMap<String, String>, otlp: &str) {
    const SOON: &str = "1000";
    if environment::variable("OTEL_EXPORTER_OTLP_ENDPOINT").is_some() {
        return;
    }
    let told = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", otlp),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_on"),
        ("OTEL_BSP_SCHEDULE_DELAY", SOON),
        ("OTEL_BLRP_SCHEDULE_DELAY", SOON),
        ("OTEL_METRIC_EXPORT_INTERVAL", SOON),
    ];
    settings.extend(told.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

/// Lets pages of further origins, as [`origin`] reads them, call as well.
pub fn allow(settings: &mut BTreeMap<String, String>, further: &[String]) {
    if further.iter().any(|origin| origin == ANY) {
        settings.insert(ORIGINS.to_owned(), ANY.to_owned());
        return;
    }
    let origins = settings.entry(ORIGINS.to_owned()).or_default();
    for origin in further {
        if !origins.is_empty() {
            origins.push(',');
        }
        origins.push_str(origin);
    }
}

/// Every origin.
const ANY: &str = "*";

/// Reads one origin (RFC 6454) as browsers spell it, by the rule of the app's own setting; or `*` for any.
///
/// # Errors
/// When it is none; the message shows what is.
pub fn origin(text: &str) -> Result<String, OriginError> {
    match text.parse::<Origins>() {
        Ok(Origins::Any) => Ok(ANY.to_owned()),
        Ok(Origins::Some(origins)) if origins.len() == 1 && !text.contains(',') => Ok(text.trim().to_owned()),
        _ => Err(OriginError),
    }
}

/// The text is no origin.
#[derive(Debug, thiserror::Error)]
#[error(
    "not an origin; write scheme and host in lower case, and a port that is not the scheme's own, without a path: \
     http://localhost:5173, https://shop.contoso.com, or * for any"
)]
pub struct OriginError;

/// The pages under each name a browser may know them by.
fn origins(site: &str) -> String {
    let mut origins = vec![site.trim_end_matches('/').to_owned()];
    if let Ok(mut url) = Url::parse(site)
        && url.set_host(Some("localhost")).is_ok()
    {
        origins.push(url.origin().ascii_serialization());
    }
    origins.dedup();
    origins.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_may_be_opened_by_address_and_by_name() {
        assert_eq!(origins("http://127.0.0.1:7070"), "http://127.0.0.1:7070,http://localhost:7070");
        assert_eq!(origins("http://localhost:7070"), "http://localhost:7070");
    }

    #[test]
    fn master_keys_are_drawn_once() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(IDENTITY)).expect("a folder");
        let drawn = master_keys(folder.path()).expect("written");
        assert!(drawn.starts_with("local:") && drawn.len() > 40, "a key of 32 bytes");
        assert_eq!(master_keys(folder.path()).expect("read"), drawn);
        assert_eq!(drawn_master_keys(folder.path()).expect("read"), Some(drawn));
    }

    #[test]
    fn further_origins_join_the_pages() {
        let settings = |further: &[&str]| {
            let mut settings = BTreeMap::from([(ORIGINS.to_owned(), origins("http://localhost:7070"))]);
            allow(&mut settings, &further.iter().map(|text| origin(text).expect("an origin")).collect::<Vec<_>>());
            settings[ORIGINS].clone()
        };
        assert_eq!(settings(&[]), "http://localhost:7070");
        let two = settings(&["http://localhost:5173", "https://shop.contoso.com"]);
        assert_eq!(two, "http://localhost:7070,http://localhost:5173,https://shop.contoso.com");
        assert!(two.parse::<Origins>().is_ok(), "the app reads it");
        assert_eq!(settings(&["http://localhost:5173", "*"]), "*");
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "localhost:5173",
            "shop.contoso.com",
            "http://a/",
            "http://a/shop",
            "http://a,http://b",
            "http://A",
            "*,*",
        ] {
            assert!(origin(text).is_err(), "{text:?}");
        }
    }
}
