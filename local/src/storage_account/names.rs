//! Names of containers and queues.

use super::{Code, Refusal};

/// Whether `name` can be that of a container or a queue: 3 to 63 of `a-z`, `0-9` and single inner hyphens.
///
/// Source: "Naming and referencing containers, blobs, and metadata", "Naming queues and metadata".
///
/// # Errors
/// [`Code::OutOfRangeInput`] for its length, else [`Code::InvalidResourceName`]; `kind` tells in the detail what was to be named.
pub(crate) fn check_name(kind: &str, name: &str) -> Result<(), Refusal> {
    if !(3..=63).contains(&name.len()) {
        return Err(Refusal::new(Code::OutOfRangeInput, format!("{kind}: {name:?}.")));
    }
    let plain = name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let hyphens = name.starts_with('-') || name.ends_with('-') || name.contains("--");
    if !plain || hyphens {
        return Err(Refusal::new(Code::InvalidResourceName, format!("{kind}: {name:?}.")));
    }
    Ok(())
}
