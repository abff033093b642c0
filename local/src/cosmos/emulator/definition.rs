//! A container's definition, as the emulator made it: resource id, partition key, time to live, physical partitions.

use azure_data_cosmos_driver::models::PartitionKeyDefinition;

/// What a container is.
pub(in crate::cosmos) struct Definition {
    /// Resource id.
    pub(in crate::cosmos) rid: String,
    /// `defaultTtl`.
    pub(in crate::cosmos) default_ttl: Option<i64>,
    pub(in crate::cosmos) partition_key: PartitionKeyDefinition,
    /// Its ranges, with the version of each range's vector clock.
    pub(in crate::cosmos) ranges: Vec<(FeedRange, u64)>,
}

/// A physical partition of a container: the unit of a change feed lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRange {
    /// Partition key range id, `"0"` and up.
    pub id: String,
    /// Lower bound of the effective partition keys, hexadecimal, inclusive.
    pub min: String,
    /// Upper bound, exclusive.
    pub max: String,
}
