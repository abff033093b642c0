//! `contoso partners`: who may call the partner API and with which keys, and what a partner does on its own machine: it listens, and sends
//! events to try its receiver.

mod accounts;
mod api;
mod caller;
mod listen;
mod listeners;
mod secret;
mod send;

use std::{num::NonZeroU32, path::PathBuf};

use clap::Subcommand;
use contoso_handlers::domain::partner::{PartnerName, api_key::KeyId};

use self::accounts::{Work, key_id, partner};
use super::Exit;

const EXAMPLES: &str = "\
Examples:
  contoso partners add acme --contact ops@acme.example
      A partner and its first key, which is shown this once
  KEY=$(contoso partners add acme --contact ops@acme.example --key-only)
      The same for scripts
  contoso partners key acme --supersedes A1b2C3d4E5f6 --grace 48h
      Another key; the one with that id counts for two more days
  contoso partners revoke acme A1b2C3d4E5f6
      After a leak: the key counts no more from the next call on
  contoso partners listen --forward-to http://localhost:3000/hook --like prices
      What the subscription `prices` gets, with its secret, at a server on this machine
  contoso partners send product.changed --set state.price.amount=17.50
      An example of an event to the one who listens, marked as a test
  contoso partners secret prices --secret-only
      The secret of the subscription `prices`, for a receiver's settings

A partner is not removed: disable it, and its name stays taken. What a partner does with a key is in docs/partners.md.";

/// Let partners join, give them keys, see what they did; listen as one of them
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE", global = true)]
    endpoints: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a partner, and show its first key this once
    Add(accounts::AddArgs),
    /// List partners
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Give a partner another key, and show it this once
    Key(accounts::KeyArgs),
    /// List the keys of a partner: since when, last used, until when
    Keys {
        /// The partner
        #[arg(value_parser = partner)]
        partner: PartnerName,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// End a key at once
    Revoke {
        /// The partner
        #[arg(value_parser = partner)]
        partner: PartnerName,
        /// The key's id: the letters between `cpk_` and the next `_`
        #[arg(value_parser = key_id)]
        key: KeyId,
    },
    /// Refuse all calls of a partner; its subscriptions still get events
    ///
    /// To stop the events as well, pause or delete the subscriptions with the partner's key before: `POST …/subscriptions/NAME/pause`. Later,
    /// enable the partner meanwhile, or delete the event subscriptions in Event Grid. There is no command that removes a partner.
    Disable {
        /// The partner
        #[arg(value_parser = partner)]
        partner: PartnerName,
    },
    /// Take calls of a disabled partner again
    Enable {
        /// The partner
        #[arg(value_parser = partner)]
        partner: PartnerName,
    },
    /// Show what was done in the name of a partner, newest first
    Audit {
        /// The partner
        #[arg(value_parser = partner)]
        partner: PartnerName,
        /// How many entries
        #[arg(long, default_value_t = NonZeroU32::MIN.saturating_add(49), value_name = "N")]
        last: NonZeroU32,
        /// Print one JSON object for each entry
        #[arg(long)]
        json: bool,
    },
    /// Get a partner's events on this machine, and forward them to a server of yours
    Listen(Box<listen::Args>),
    /// Send an example of an event to a subscription or listener of the partner's
    Send(send::Args),
    /// List a partner's listeners, or remove one that is left over
    Listeners(listeners::Args),
    /// Show the secret that deliveries to a subscription have, and old ones while they are valid
    Secret(secret::Args),
}

pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let endpoints = args.endpoints.as_deref();
    let work = match args.command {
        Command::Add(args) => Work::Add(args),
        Command::List { json } => Work::List { json },
        Command::Key(args) => Work::Key(args),
        Command::Keys { partner, json } => Work::Keys { partner, json },
        Command::Revoke { partner, key } => Work::Revoke { partner, key },
        Command::Disable { partner } => Work::Disable { partner, is_disabled: true },
        Command::Enable { partner } => Work::Disable { partner, is_disabled: false },
        Command::Audit { partner, last, json } => Work::Audit { partner, last, json },
        Command::Listen(args) => return Box::pin(listen::run(*args, endpoints)).await,
        Command::Send(args) => return send::run(args, endpoints).await,
        Command::Listeners(args) => return listeners::run(args, endpoints).await,
        Command::Secret(args) => return secret::run(args, endpoints).await,
    };
    accounts::run(endpoints, work).await?;
    Ok(Exit::Done)
}
