//! In-process API of leases: who may write, or be the one to act, for a time.

use uuid::Uuid;

use super::{
    Blobs,
    conditions::Conditions,
    error::{Code, Error},
    lease::Action,
    names::BlobPath,
};

/// What to do with the lease of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseAction {
    /// Takes it for as many seconds, 15 to 60 as over the wire; it is taken anew where the same id holds it.
    Acquire {
        /// Seconds.
        seconds: u32,
    },
    /// Holds it for as long again, also after it expired unless another took it meanwhile.
    Renew,
    /// Gives it back.
    Release,
}

impl Blobs {
    /// Carries out `action` in the name of lease `id`; `false` where the lease is another's or gone.
    ///
    /// # Errors
    /// A missing blob; a failing store.
    pub fn lease(&self, container: &str, name: &str, id: Uuid, action: LeaseAction) -> Result<bool, Error> {
        let action = match action {
            LeaseAction::Acquire { seconds } => Action::Acquire { proposed: id, duration: Some(seconds) },
            LeaseAction::Renew => Action::Renew { id },
            LeaseAction::Release => Action::Release { id },
        };
        let path = BlobPath::parse(container, name);
        let done = path.and_then(|path| self.inner.service.store.lease_blob(&path, &Conditions::default(), action));
        match done {
            Ok(_) => Ok(true),
            Err(failure)
                if matches!(
                    failure.code(),
                    Code::LeaseAlreadyPresent
                        | Code::LeaseIdMismatchWithLeaseOperation
                        | Code::LeaseNotPresentWithLeaseOperation
                        | Code::LeaseIsBreakingAndCannotBeAcquired
                        | Code::LeaseIsBrokenAndCannotBeRenewed
                ) =>
            {
                Ok(false)
            }
            Err(cause) => Err(Error::new("lease blob", format!("{container}/{name}"), cause)),
        }
    }
}
