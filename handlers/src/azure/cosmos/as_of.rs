//! Read consistency: how recent a document has to be that is read.

use azure_data_cosmos::options::{ItemReadOptions, OperationOptionsBuilder};

/// How recent a document has to be that is read.
#[derive(Clone, Copy)]
pub(super) enum AsOf {
    /// At least as recent as what this process wrote and read: session consistency. The client proves it by the session tokens of all
    /// partitions of the container, in a header of each read; with many partitions that header is longer than all else of the request.
    OwnWrites,
    /// Any version that a replica has.
    Lately,
}

impl AsOf {
    pub(super) fn options(self) -> Option<ItemReadOptions> {
        match self {
            Self::OwnWrites => None,
            Self::Lately => {
                let operation = OperationOptionsBuilder::new().with_session_capturing_disabled(true).build();
                Some(ItemReadOptions::default().with_operation_options(operation))
            }
        }
    }
}
