//! Offsets, which follow from sequence numbers.

/// Distance between the offsets of neighbours. Offsets are opaque and have gaps in the service too; a consumer that
/// counts them, or takes them for sequence numbers, shall fail here as well.
pub(super) const OFFSET_STEP: i64 = 64;

/// The offset of the event with this sequence number.
pub(in crate::event_hubs) fn offset_of(sequence: i64) -> i64 {
    sequence.saturating_mul(OFFSET_STEP)
}
