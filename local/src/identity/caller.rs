//! Authenticated caller: an identity that has proved itself, and what it may do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
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
    role: topology::RoleAssignment,
    allows: &'static [Action],
    /// Segments of its scope, in lower case.
    scope: Vec<String>,
    /// What was allowed by it so far, a bit for each action.
    used: AtomicU32,
}

impl Assignment {
    fn covers(&self, action: Action, asked: &[String]) -> bool {
        self.allows.contains(&action) && asked.starts_with(&self.scope)
    }

    /// Whether the most that its role allows, which is listed last, was asked for.
    fn is_needed(&self) -> bool {
        self.allows.last().is_none_or(|most| self.used.load(Relaxed) & bit(*most) != 0)
    }
}

fn bit(action: Action) -> u32 {
    1 << action as u32
}

impl Principal {
    /// Ids derive from the name, so that they are the same on every machine.
    pub(super) fn new(identity: &topology::Identity, secret: String) -> Result<Self, String> {
        let assign = |assignment: &topology::RoleAssignment| {
            let unknown = || {
                format!("the identity `{}` has a role `{}` that no service asks for", identity.name, assignment.role)
            };
            let role = Role::named(&assignment.role).ok_or_else(unknown)?;
            Ok(Assignment {
                role: assignment.clone(),
                allows: role.allows,
                scope: segments(&assignment.scope),
                used: AtomicU32::new(0),
            })
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

    /// Its assignments that nobody needed so far.
    pub(super) fn unneeded(&self) -> Vec<topology::RoleAssignment> {
        let unneeded = self.assignments.iter().filter(|assignment| !assignment.is_needed());
        unneeded.map(|assignment| assignment.role.clone()).collect()
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
    /// `cosmos/catalog/products`, `storage/blobs/capture`, `storage/queues/work`, `eventGrid/topics/partners` or `logAnalytics`. A role
    /// on a path covers what is below it; case does not matter.
    ///
    /// # Errors
    /// When no role does; the message names the roles that would.
    pub fn may(&self, action: Action, scope: &str) -> Result<(), Forbidden> {
        let asked = segments(scope);
        match self.principal.assignments.iter().find(|given| given.covers(action, &asked)) {
            Some(given) => {
                given.used.fetch_or(bit(action), Relaxed);
                Ok(())
            }
            None => Err(Forbidden { identity: self.principal.name.clone(), action, scope: scope.to_owned() }),
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
