//! As whom a command calls the partner API: the partner, its key, and where the app is. On a running stack all three may be left out.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use contoso_handlers::{
    app::App,
    domain::partner::{
        PartnerName,
        api_key::{ApiKey, KeyWish, MOST_KEYS, Scope},
    },
    stores::partners::issue::IssueError,
};
use reqwest::{Method, StatusCode, Url};
use time::Duration;

use super::{
    accounts::partner,
    api::{Api, Base},
};
use crate::{commands::WrongUsage, endpoints, environment, identity, output, private};

/// The variable that names the partner.
const PARTNER: &str = "CONTOSO_PARTNER";
/// Keys that were made for commands on this machine, in the stack's data directory.
const KEYS: &str = "partner-keys.json";
/// What such a key is called in lists, and how long it lasts.
const LABEL: &str = "commands on this machine";
const LASTS: Duration = Duration::days(30);

/// As whom to call.
#[derive(Debug, clap::Args)]
pub(super) struct CallerArgs {
    /// The partner [default: the only one of the running stack]
    #[arg(long = "partner", value_parser = partner, env = PARTNER, value_name = "PARTNER")]
    by_option: Option<PartnerName>,
    /// The partner's key. If none is said, a running stack makes one for commands on this machine, which may write and takes one of the
    /// partner's two places for keys; `contoso partners keys` shows it
    #[arg(long, env = "CONTOSO_PARTNER_KEY", hide_env_values = true, value_name = "KEY")]
    key: Option<String>,
    /// Where the app is, such as <https://contoso.azurewebsites.net> [default: the running stack]
    #[arg(
        long,
        value_name = "URL",
        help = "Where the app is, such as https://contoso.azurewebsites.net [default: the running stack]"
    )]
    api: Option<Url>,
}

impl CallerArgs {
    /// The API as this partner; without a name, the only partner of the running stack.
    pub(super) async fn api(self, by_position: Option<PartnerName>, endpoints: Option<&Path>) -> anyhow::Result<Api> {
        let partner = one_of(by_position, self.by_option)?;
        // Copied with a space or a line's end.
        let key = self.key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        if let Some(key) = &key {
            let wrong = |error| WrongUsage(format!("--key or CONTOSO_PARTNER_KEY holds no key: {error}"));
            ApiKey::parse(key).map_err(wrong)?;
        }
        if let Some(url) = self.api {
            let is_near = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            if url.scheme() != "https" && !(url.scheme() == "http" && is_near) {
                return Err(WrongUsage("--api must be https: a key goes there".to_owned()).into());
            }
            let has_more = url.query().is_some() || url.fragment().is_some();
            if has_more || !url.username().is_empty() || url.password().is_some() {
                let wanted = "--api is the address of the app alone, such as https://contoso.azurewebsites.net";
                return Err(WrongUsage(wanted.to_owned()).into());
            }
            let (Some(partner), Some(key)) = (partner, key) else {
                let wanted = "with --api, say the partner with --partner or in CONTOSO_PARTNER, and its key in CONTOSO_PARTNER_KEY";
                return Err(WrongUsage(wanted.to_owned()).into());
            };
            return Api::new(Base::Fixed(url), partner, key).context("cannot set up TLS");
        }
        let file = endpoints::locate(endpoints).map_err(|error| {
            anyhow!(
                "{error}; an app elsewhere needs --api URL, --partner, and the partner's key in CONTOSO_PARTNER_KEY"
            )
        })?;
        let api = |partner, key| Api::new(Base::Stack(file.clone()), partner, key).context("cannot set up TLS");
        if let (Some(partner), Some(key)) = (&partner, &key) {
            return api(partner.clone(), key.clone());
        }
        let kept = Kept::beside(&file);
        if let (None, Some((partner, key))) = (&key, kept.find(partner.as_ref())) {
            let found = api(partner, key)?;
            let tried = found.call(Method::GET, "", None, "try the key of this machine").await;
            // It ended, or belongs to a stack that began anew.
            if tried.as_ref().err().is_none_or(|error| error.status() != Some(StatusCode::UNAUTHORIZED)) {
                return Ok(found);
            }
        }
        let stack = endpoints::read(&file)?;
        identity::sign_in(&stack, identity::PARTNER_MANAGER)?;
        let app = App::new(endpoints::handler_settings(&stack)?);
        let partner = match partner {
            Some(partner) => partner,
            None => only_partner(&app).await?,
        };
        let key = match key {
            Some(key) => key,
            None => made(&app, &partner, &kept).await?,
        };
        api(partner, key)
    }
}

/// The partner that is said by its place in the line, or else by an option or variable.
fn one_of(by_position: Option<PartnerName>, by_option: Option<PartnerName>) -> Result<Option<PartnerName>, WrongUsage> {
    match (by_position, by_option) {
        (Some(one), Some(other)) if one != other && environment::text(PARTNER).as_deref() != Some(other.as_str()) => {
            Err(WrongUsage(format!("two partners are said: {one} and, with --partner, {other}")))
        }
        (one, other) => Ok(one.or(other)),
    }
}

async fn only_partner(app: &App) -> anyhow::Result<PartnerName> {
    let accounts = app.stores().partners.accounts.all().await.context("cannot list partners")?;
    match accounts.as_slice() {
        [account] => Ok(account.partner.clone()),
        [] => bail!("this stack has no partner; `contoso partners add acme --contact ops@acme.example` adds one"),
        several => {
            let names: Vec<_> = several.iter().map(|account| account.partner.as_str()).collect();
            Err(WrongUsage(format!("say which partner with --partner or in {PARTNER}: {}", names.join(", "))).into())
        }
    }
}

/// A key for commands on this machine, kept for its user alone. Of several commands that begin at once one makes it, and the others find
/// it: `known` is what was kept before.
async fn made(app: &App, partner: &PartnerName, known: &Kept) -> anyhow::Result<String> {
    let turn = known.turn()?;
    let mut kept = Kept::read(known.file.clone());
    let key_of = |kept: &Kept| kept.keys.get(partner.as_str()).cloned();
    if let Some(key) = key_of(&kept).filter(|key| key_of(known).as_ref() != Some(key)) {
        return Ok(key);
    }
    let now = app.now();
    let wish = KeyWish { scope: Scope::Write, label: Some(LABEL.to_owned()), expires: now.checked_add(LASTS) };
    let made = app.stores().partners.accounts.issue(partner, wish, None, now).await;
    let (key, record) = match made {
        Ok(made) => made,
        Err(IssueError::TooMany) => bail!(
            "cannot make a key for commands on this machine: `{partner}` has {MOST_KEYS} keys, and no more may be valid at once; put one of \
             them into CONTOSO_PARTNER_KEY, or end one with `contoso partners revoke {partner} KEY` (`contoso partners keys {partner}` lists \
             them)"
        ),
        Err(error) => return Err(error).context("cannot make a key for commands on this machine"),
    };
    output::say(&format!(
        "Key {id} of {partner} is made for commands on this machine: it may write, ends in {} days, and is one of the {MOST_KEYS} that may be \
         valid at once. `contoso partners revoke {partner} {id}` ends it.",
        LASTS.whole_days(),
        id = record.key.as_str(),
    ));
    let key = key.reveal().to_owned();
    kept.keys.insert(partner.to_string(), key.clone());
    kept.write()?;
    drop(turn);
    Ok(key)
}

/// The file of keys.
struct Kept {
    file: PathBuf,
    keys: BTreeMap<String, String>,
}

impl Kept {
    /// Beside the file of endpoints. One that cannot be read has none.
    fn beside(endpoints: &Path) -> Self {
        Self::read(endpoints.with_file_name(KEYS))
    }

    fn read(file: PathBuf) -> Self {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        Self { file, keys: contoso_json::from_str(&text).unwrap_or_default() }
    }

    /// Waits for the turn to change the file, until what is returned is dropped.
    fn turn(&self) -> anyhow::Result<File> {
        let lock = self.file.with_extension("lock");
        let turn = File::create(&lock).and_then(|file| file.lock().map(|()| file));
        turn.with_context(|| format!("cannot lock {}", lock.display()))
    }

    /// The key of this partner; without a name, of the only one there is.
    fn find(&self, partner: Option<&PartnerName>) -> Option<(PartnerName, String)> {
        let mut fitting = self.keys.iter().filter(|(name, _)| partner.is_none_or(|partner| partner.as_str() == **name));
        match (fitting.next(), fitting.next()) {
            (Some((name, key)), None) => Some((PartnerName::try_from(name.clone()).ok()?, key.clone())),
            _ => None,
        }
    }

    fn write(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string(&self.keys)?;
        private::write(&self.file, text.as_bytes()).with_context(|| format!("cannot write {}", self.file.display()))
    }
}
