//! Authorisation: which links the tokens of a connection open, and the end of those that nothing opens any more.

use super::machine::Machine;
use crate::event_hubs::{
    access::Entity,
    amqp::condition::{Condition, Refusal},
};

impl Machine {
    /// Whether the tokens of this connection open `entity`.
    pub(super) fn authorise(&self, entity: &Entity) -> Result<(), Refusal> {
        self.claims.permit(entity).map_err(|reason| {
            let refusal = format!(
                "Unauthorized access. '{:?}' claim(s) are required to perform this operation. Resource: 'sb://{}/{entity}'. \
                 {reason}",
                entity.right(),
                self.hubs.access().host()
            );
            Refusal::new(Condition::UnauthorizedAccess, refusal)
        })
    }

    /// Gives up expired tokens, and the links that nothing opens any more.
    pub(super) fn expire_claims(&mut self) {
        if self.claims.expire(self.now) {
            self.enforce_claims("ExpiredToken: The token of the link has expired.");
        }
    }

    /// Detaches the links that nothing opens any more.
    pub(super) fn enforce_claims(&mut self, reason: &str) {
        let mut lost = Vec::new();
        for (channel, session) in &self.sessions {
            for (handle, link) in &session.links {
                if link.listed().is_some_and(|listed| self.claims.permit(&listed.entity).is_err()) {
                    lost.push((*channel, *handle));
                }
            }
        }
        let refusal = Refusal::new(Condition::UnauthorizedAccess, reason);
        for (channel, handle) in lost {
            self.detach_link(channel, handle, &refusal);
        }
    }
}
