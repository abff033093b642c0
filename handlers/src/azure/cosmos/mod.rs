//! Documents in Cosmos DB.
//!
//! The client retries throttling and lost connections itself, within the deadline set here. Writes that must not be lost to a
//! concurrent writer carry the ETag that was read; [`write_if_newer`] is the loop around that for documents which know their version.
//!
//! Documents are generic here only as JSON text: every call of the client is in a function without type parameters that returns a
//! boxed future. The client's own code is one large state machine for each operation, and would else be compiled anew for
//! each type of document and each caller.

mod as_of;
mod changes;
mod container;
mod error;
mod newer;
mod races;
mod text;
mod together;
mod write;

pub use self::{
    changes::Changes,
    container::{Container, ContainerName, Cosmos, Page, Stored},
    error::{CosmosError, CosmosErrorKind},
    newer::{Versioned, Written, write_if_newer},
    races::repeat_lost_races,
    together::Unchanged,
};
