//! Ids of resources, by their types and names.

use super::{Circumstances, instance::Scope};

impl Circumstances {
    /// Id of the subscription.
    pub(super) fn subscription(&self) -> String {
        format!("/subscriptions/{}", self.subscription_id)
    }

    pub(super) fn scope_id(&self, scope: &Scope) -> String {
        match scope {
            Scope::Subscription => self.subscription(),
            Scope::Group(name) => format!("{}/resourceGroups/{name}", self.subscription()),
        }
    }
}

/// Id below a scope of what has this type and these names, one for each part of the type after the provider; `None` where their
/// numbers differ.
pub(super) fn below(scope: &str, kind: &str, names: &[&str]) -> Option<String> {
    let mut parts = kind.split('/');
    let provider = parts.next()?;
    let kinds: Vec<&str> = parts.collect();
    if kinds.is_empty() || kinds.len() != names.len() {
        return None;
    }
    if kind.eq_ignore_ascii_case("Microsoft.Resources/resourceGroups") {
        return Some(format!("{scope}/resourceGroups/{}", names.first()?));
    }
    let pairs: Vec<String> = kinds.iter().zip(names).map(|(kind, name)| format!("{kind}/{name}")).collect();
    Some(format!("{scope}/providers/{provider}/{}", pairs.join("/")))
}

/// Id of the parent of a child, by the id of the child.
pub(super) fn parent(id: &str) -> &str {
    let mut end = id.len();
    for _ in 0..2 {
        end = id.get(..end).and_then(|id| id.rfind('/')).unwrap_or(0);
    }
    id.get(..end).unwrap_or_default()
}
