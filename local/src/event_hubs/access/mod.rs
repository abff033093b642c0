//! Authorization: who may do what in the namespace, by keys of the namespace and tokens of identities.
//!
//! A client puts tokens for audiences to `$cbs`; what a token is good for stays with the connection as a [`Grant`]. Rights
//! are asked for when a link attaches, and again when a token expires. Source: "Authenticate access to Event Hubs
//! resources using shared access signatures", "Azure Event Hubs: AMQP protocol guide".
//!
//! Expiry counts by the machine's clock, as clients make and renew tokens by theirs.

mod audience;
mod entity;
mod sas;
mod unauthorized;

use std::time::Duration;

use crate::identity::{Action, Caller, Identity};
pub(super) use audience::Audience;
pub use entity::Entity;
pub(super) use entity::Right;
pub(super) use unauthorized::Unauthorized;

/// Audiences that tokens of identities are issued for.
const RESOURCE: &str = "https://eventhubs.azure.net";

/// The rule that every namespace has; it carries all rights.
const ROOT_RULE: &str = "RootManageSharedAccessKey";

/// What a token of an identity says it is.
const JWT: &str = "jwt";

/// What a shared access signature says it is.
const SAS: &str = "servicebus.windows.net:sastoken";

/// A token as a client shows it.
#[derive(Clone, Copy)]
pub(super) struct Token<'a> {
    /// `jwt` or `servicebus.windows.net:sastoken`.
    pub(super) kind: &'a str,
    /// The entity it is shown for, a URL or a path.
    pub(super) audience: &'a str,
    pub(super) text: &'a str,
}

/// What a token is good for.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    audience: Audience,
    bearer: Bearer,
    /// As of when it was checked; `None` for ever.
    expires_in: Option<Duration>,
}

#[derive(Clone, Debug)]
enum Bearer {
    /// A rule with all rights.
    Rule,
    Identity(Caller),
}

impl Grant {
    /// The entity, with all below it, that the token was shown for.
    pub(super) fn audience(&self) -> &Audience {
        &self.audience
    }

    pub(super) fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    /// Whether it opens `entity`.
    pub(super) fn permits(&self, entity: &Entity) -> Result<(), Unauthorized> {
        if !self.audience.covers(&Audience::of(entity)) {
            return Err(Unauthorized::new("InvalidAudience: The connection has no token for this entity."));
        }
        let action = match entity.right() {
            Right::Send => Action::EventHubsSend,
            Right::Listen => Action::EventHubsListen,
        };
        self.allows(action, &entity.scope())
    }

    /// Whether it opens the properties of a hub: who may send to it, or receive from it by one of its `groups`, may read
    /// them.
    pub(super) fn permits_reading(&self, hub: &str, groups: &[String]) -> Result<(), Unauthorized> {
        if !self.audience.touches(hub) {
            return Err(Unauthorized::new("InvalidAudience: The connection has no token for this entity."));
        }
        let scope = format!("eventHubs/{hub}");
        let receives =
            |group: &String| self.allows(Action::EventHubsListen, &format!("{scope}/consumerGroups/{group}"));
        if self.allows(Action::EventHubsSend, &scope).is_ok() || groups.iter().any(|group| receives(group).is_ok()) {
            return Ok(());
        }
        self.allows(Action::EventHubsListen, &scope)
    }

    fn allows(&self, action: Action, scope: &str) -> Result<(), Unauthorized> {
        match &self.bearer {
            Bearer::Rule => Ok(()),
            Bearer::Identity(caller) => {
                caller.may(action, scope).map_err(|forbidden| Unauthorized(forbidden.to_string()))
            }
        }
    }
}

/// Access control of the namespace.
pub(super) struct Access {
    /// `<namespace>.servicebus.windows.net`.
    host: String,
    key: String,
    identity: Identity,
}

impl Access {
    /// With the key of the rule that every namespace has.
    pub(super) fn new(namespace: &str, key: &str, identity: &Identity) -> Self {
        Self {
            host: format!("{namespace}.servicebus.windows.net").to_lowercase(),
            key: key.to_owned(),
            identity: identity.clone(),
        }
    }

    /// The namespace's host name.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The entity that an audience names; nothing where it is none of this namespace's.
    pub(super) fn audience(&self, text: &str) -> Option<Audience> {
        Audience::parse(text, &self.host)
    }

    /// Decides about a token.
    pub(super) fn redeem(&self, token: Token<'_>) -> Result<Grant, Unauthorized> {
        let audience = self
            .audience(token.audience)
            .ok_or_else(|| Unauthorized::new("InvalidAudience: The audience is none of this namespace's entities."))?;
        match token.kind {
            JWT => {
                let own = format!("https://{}", self.host);
                let caller = self
                    .identity
                    .authenticate(token.text, &[RESOURCE, &own])
                    .map_err(|invalid| Unauthorized(format!("InvalidToken: {invalid}")))?;
                Ok(Grant { audience, expires_in: caller.expires_in(), bearer: Bearer::Identity(caller) })
            }
            SAS => {
                let signature = sas::check(token.text, ROOT_RULE, &self.key)?;
                let signed = self.audience(&signature.resource).filter(|signed| signed.covers(&audience));
                if signed.is_none() {
                    return Err(Unauthorized::new("InvalidSignature: The token was signed for another entity."));
                }
                Ok(Grant { audience, bearer: Bearer::Rule, expires_in: Some(signature.expires_in) })
            }
            _ => Err(Unauthorized::new(format!("InvalidTokenType: Only {JWT} and {SAS} are known."))),
        }
    }

    /// Decides about a token that comes without its kind.
    pub(super) fn redeem_any(&self, audience: &str, text: &str) -> Result<Grant, Unauthorized> {
        let kind = if text.starts_with(sas::PREFIX) { SAS } else { JWT };
        self.redeem(Token { kind, audience, text })
    }

    /// Decides about the response of SASL PLAIN (RFC 4616): a rule's name and its key, good for the whole namespace.
    pub(super) fn redeem_plain(&self, response: &[u8]) -> Result<Grant, Unauthorized> {
        let mut parts = response.split(|byte| *byte == 0);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(_), Some(rule), Some(key), None)
                if rule == ROOT_RULE.as_bytes()
                    && key.len() == self.key.len()
                    && openssl::memcmp::eq(key, self.key.as_bytes()) =>
            {
                Ok(Grant { audience: Audience::namespace(), bearer: Bearer::Rule, expires_in: None })
            }
            _ => Err(Unauthorized::new("InvalidSignature: The rule or its key is wrong.")),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
