//! Audiences: paths of entities, of which a shorter one covers what is below it.

use percent_encoding::percent_decode_str;

use super::Entity;

/// The suffix of every namespace's host name.
const SERVICE: &str = ".servicebus.windows.net";

/// The node of a hub that answers for its properties; a token for it is one for what it hangs on.
const MANAGEMENT: &str = "$management";

/// Path of an entity: lower-case segments, none for the whole namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::event_hubs) struct Audience(Vec<String>);

impl Audience {
    /// The whole namespace.
    pub(super) fn namespace() -> Self {
        Self(Vec::new())
    }

    /// Reads a URL of any scheme, or a bare path. Locally a namespace goes by many names, such as `127.0.0.1:5672`; a host
    /// name of the service must be `host`. Nothing where it is another namespace's.
    pub(super) fn parse(text: &str, host: &str) -> Option<Self> {
        let text = percent_decode_str(text).decode_utf8().ok()?.to_lowercase();
        let path = match text.split_once("://") {
            Some((_, rest)) => {
                let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
                let name = authority.split(':').next().unwrap_or_default();
                if name.ends_with(SERVICE) && name != host {
                    return None;
                }
                path
            }
            None if text.is_empty() => return None,
            None => &text,
        };
        let mut segments: Vec<String> =
            path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
        if segments.last().is_some_and(|last| last == MANAGEMENT) {
            segments.pop();
        }
        Some(Self(segments))
    }

    /// The path of what a link is for.
    pub(super) fn of(entity: &Entity) -> Self {
        Self(entity.to_string().to_lowercase().split('/').map(str::to_owned).collect())
    }

    /// Whether `other` is this entity or below it.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// Whether it is the hub, above it or below it.
    pub(super) fn touches(&self, hub: &str) -> bool {
        self.0.first().is_none_or(|first| first.eq_ignore_ascii_case(hub))
    }
}
