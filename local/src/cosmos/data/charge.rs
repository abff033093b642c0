//! Request units: a plausible charge, by the size of the document and the number of its members. The service's own figures
//! depend on its indexes.

/// Of a page of a feed or query, and of what is no item.
pub(in crate::cosmos) const PAGE: f64 = 1.0;
/// Of one operation of a batch.
pub(in crate::cosmos) const OF_BATCH: f64 = 1.24;

const READ: f64 = 1.0;
const CREATE: f64 = 5.8;
/// What replacing or deleting costs, of what creating does.
const AGAIN: f64 = 1.5;
const MEMBER: f64 = 0.3;

/// Of a point read of so many bytes.
pub(in crate::cosmos) fn read(bytes: usize) -> f64 {
    READ * sizes(bytes)
}

/// Of a new item.
pub(in crate::cosmos) fn create(bytes: usize, members: usize) -> f64 {
    CREATE * sizes(bytes) + MEMBER * members as f64
}

/// Of an item that was there.
pub(in crate::cosmos) fn change(bytes: usize, members: usize) -> f64 {
    CREATE * AGAIN * sizes(bytes) + MEMBER * members as f64
}

/// Doubles from 1 KB on.
fn sizes(bytes: usize) -> f64 {
    bytes.div_ceil(1024).max(1).next_power_of_two() as f64
}
