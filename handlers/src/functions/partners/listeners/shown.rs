//! A listener as its partner sees it, and the headers of deliveries that Event Grid does not give to a queue.

use serde::Serialize;
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    app::App,
    domain::partner::{
        ListenerId, PartnerName, SubscriptionName,
        api_key::Scope,
        event_grid_name,
        listener::Listener,
        selection::Selection,
        webhook_secret::{CONTACT_HEADER, SECRET_HEADER, SUBSCRIPTION_HEADER},
    },
    functions::partners::{caller::Caller, provision},
    http::Problem,
};

/// What lists show.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown<'a> {
    id: &'a ListenerId,
    partner: &'a PartnerName,
    /// `live` once Event Grid delivers to its queue.
    state: &'static str,
    #[serde(flatten)]
    selection: &'a Selection,
    #[serde(skip_serializing_if = "Option::is_none")]
    like: Option<&'a SubscriptionName>,
    hours: u32,
    #[serde(with = "time::serde::rfc3339")]
    created: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires: OffsetDateTime,
}

impl<'a> Shown<'a> {
    pub(super) fn of(listener: &'a Listener) -> Self {
        Self {
            id: &listener.id,
            partner: &listener.partner,
            state: if listener.live { "live" } else { "creating" },
            selection: &listener.selection,
            like: listener.like.as_ref(),
            hours: listener.hours,
            created: listener.created,
            expires: listener.expires,
        }
    }
}

/// The same with the headers that a webhook would get and a queue does not. The secret is that of the subscription which the listener is
/// like, where the key may see that; else one of its own.
pub(super) async fn whole(app: &App, listener: &Listener, caller: &Caller) -> Result<Value, Problem> {
    let Listener { partner, id, .. } = listener;
    let liked = match (&listener.like, caller.scope) {
        (Some(like), Scope::Write) => app.stores().partners.subscriptions.read(partner, like).await?,
        _ => None,
    };
    let now = app.now();
    let derived = app.master_keys().derive(|keys| match &liked {
        Some(liked) => keys.header(partner, &liked.value.name, &liked.value.secrets, now),
        None => keys.listener_secret(partner, id, &listener.secret),
    });
    let secret = derived.await.map_err(|error| provision::unset(&error))?;
    let (event_subscription, subscription) = match &listener.like {
        Some(like) => (event_grid_name(partner, like), format!("{partner}/{like}")),
        None => (id.resource_name(), format!("{partner}/{id}")),
    };
    let mut headers = Map::new();
    let mut add = |name: &str, value: &str| headers.insert(name.to_owned(), json!(value));
    add("aeg-subscription-name", &event_subscription.to_uppercase());
    add(SECRET_HEADER, secret.reveal());
    add(SUBSCRIPTION_HEADER, &subscription);
    if let Some(contact) = &app.settings().partners.contact {
        add(CONTACT_HEADER, contact);
    }
    let mut whole = serde_json::to_value(Shown::of(listener)).unwrap_or_default();
    whole["now"] = json!(now.format(&Rfc3339).unwrap_or_default());
    whole["headers"] = Value::Object(headers);
    whole["secretOf"] = json!(if liked.is_some() { "subscription" } else { "listener" });
    Ok(whole)
}
