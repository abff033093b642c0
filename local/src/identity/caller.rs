//! Authenticated caller: an identity that has proved itself, and what it may do.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use uuid::Uuid;

use super::roles::{Action, Role};
use crate::topology;

/// The tenant that every identity of the stack belongs to.
pub const TENANT: Uuid = Uuid::from_u128(0xc0a7_050e_0000_4000_8000_0000_0000_0001);

/// An identity of the topology.
#[derive(Debug)]
pub(super) struct Principal {
    pub(super) name: String,
    pub(super) client_id: Uuid,
    pub(super) object_id: Uuid,
    /// What its app shows to the identity endpoint.
    pub(super) secret: String,
    assignments: Vec<Assignment>,
}

#[derive(Debug)]
struct Assignment {
    allows: &'static [Action],
    /// Segments of the path, lower case; none is the whole stack.
    scope: Vec<String>,
}

impl Principal {
    /// Ids derive from the name, so that they are the same on every machine.
    pub(super) fn new(identity: &topology::Identity, secret: String) -> Result<Self, String> {
        let assign = |assignment: &topology::RoleAssignment| {
            let unknown = || {
                format!("the identity `{}` has a role `{}` that no service asks for", identity.name, assignment.role)
            };
            let role = Role::named(&assignment.role).ok_or_else(unknown)?;
            Ok(Assignment { allows: role.allows, scope: segments(&assignment.scope) })
        };
        let id = |kind: &str| Uuid::new_v5(&TENANT, format!("{kind}/{}", identity.name).as_bytes());
        Ok(Self {
            name: identity.name.clone(),
            client_id: id("client"),
            object_id: id("object"),
            secret,
            assignments: identity.roles.iter().map(assign).collect::<Result<_, String>>()?,
        })
    }
}

fn segments(scope: &str) -> Vec<String> {
    scope.split('/').filter(|segment| !segment.is_empty()).map(str::to_lowercase).collect()
}

/// Who calls: an identity, for as long as its token is valid.
#[derive(Clone, Debug)]
pub struct Caller {
    principal: Arc<Principal>,
    expires_at: Option<SystemTime>,
}

impl Caller {
    pub(super) fn until(principal: Arc<Principal>, expires_at: SystemTime) -> Self {
        Self { principal, expires_at: Some(expires_at) }
    }

    pub(super) fn unlimited(principal: Arc<Principal>) -> Self {
        Self { principal, expires_at: None }
    }

    /// Name of the identity in the topology.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.principal.name
    }

    /// How long the token is still valid, by the machine's clock; `None` for ever.
    #[must_use]
    pub fn expires_in(&self) -> Option<Duration> {
        self.expires_at
            .map(|at| at.duration_since(SystemTime::from(crate::clock::machine_now())).unwrap_or(Duration::ZERO))
    }

    /// Whether a role allows `action` on `scope`, a path such as `eventHubs/products/consumerGroups/site`,
    /// `cosmos/catalog/products`, `storage/blobs/capture`, `storage/queues/work` or `eventGrid/topics/partners`. A role
    /// on a path covers what is below it; case does not matter.
    ///
    /// # Errors
    /// When no role does; the message names the roles that would.
    pub fn may(&self, action: Action, scope: &str) -> Result<(), Forbidden> {
        let asked = segments(scope);
        let covers = |given: &Assignment| given.allows.contains(&action) && asked.starts_with(&given.scope);
        match self.principal.assignments.iter().any(covers) {
            true => Ok(()),
            false => Err(Forbidden { identity: self.principal.name.clone(), action, scope: scope.to_owned() }),
        }
    }
}

/// No role of the identity allows this.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "The identity `{identity}` may not {action} `{scope}`. A role on that scope or above would allow it: {roles}.",
    roles = .action.roles().collect::<Vec<_>>().join(", ")
)]
pub struct Forbidden {
    /// Who asked.
    pub identity: String,
    /// For what.
    pub action: Action,
    /// On what.
    pub scope: String,
}
