//! Partition key ranges: how a container looks divided.
//!
//! The division is a view: items lie in one ordered map, whatever the number of ranges. What goes by it are feeds, session
//! tokens and LSNs.

use contoso_cosmos_query::effective_partition_key::{
    KeyValue, Kind, MAX, MIN, PartitionKeyDefinition, effective_partition_key,
};

/// Throughput of one physical partition, request units a second: "Partitioning and horizontal scaling in Azure Cosmos DB".
const OF_ONE: u64 = 10_000;

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

/// Most ranges that follow from throughput: those of the most that a request may ask for.
const MOST: u32 = 100;

/// As many ranges as a container of this throughput has.
pub(in crate::cosmos) fn count_for(throughput: u64) -> u32 {
    u32::try_from(throughput.div_ceil(OF_ONE)).unwrap_or(MOST).clamp(1, MOST)
}

/// The division of all effective partition keys into `count` ranges of the same size.
pub(in crate::cosmos) fn divide(definition: &PartitionKeyDefinition, count: u32) -> Vec<FeedRange> {
    let bound = |number: u32| match number {
        0 => MIN.to_owned(),
        number if number >= count => MAX.to_owned(),
        number => boundary(definition, number, count),
    };
    (0..count.max(1))
        .map(|number| FeedRange { id: number.to_string(), min: bound(number), max: bound(number + 1) })
        .collect()
}

fn boundary(definition: &PartitionKeyDefinition, number: u32, count: u32) -> String {
    match (definition.kind, definition.version) {
        // A key of version 1 begins with its hash of 32 bits, written as a number: as a key of kind Range is that has this value.
        (Kind::Hash, ..2) => {
            let hash = ((1u64 << 32) / u64::from(count) * u64::from(number)) as u32;
            let of_numbers = PartitionKeyDefinition { paths: definition.paths.clone(), kind: Kind::Range, version: 1 };
            effective_partition_key(&of_numbers, &[KeyValue::Number(f64::from(hash))])
        }
        // A hash of 126 bits.
        _ => format!("{:032X}", (1u128 << 126) / u128::from(count) * u128::from(number)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_small_container_is_one_range() {
        assert_eq!([400, 10_000, 10_001, 100_000, u64::MAX].map(count_for), [1, 1, 2, 10, 100]);
        let definition = serde_json::from_value(json!({ "paths": ["/pk"], "kind": "Hash", "version": 2 })).unwrap();
        let whole = FeedRange { id: "0".to_owned(), min: String::new(), max: "FF".to_owned() };
        assert_eq!(divide(&definition, 1), [whole]);
    }

    /// The bounds that earlier data directories were written with.
    #[test]
    fn ranges_follow_each_other_without_a_gap() {
        for (version, second) in [(2, "10000000000000000000000000000000"), (1, "05C1D0FFFFFFFE")] {
            let definition = json!({ "paths": ["/pk"], "kind": "Hash", "version": version });
            let ranges = divide(&serde_json::from_value(definition).unwrap(), 4);
            assert!(
                ranges.windows(2).all(|pair| pair[0].max == pair[1].min && pair[0].min < pair[0].max),
                "{ranges:?}"
            );
            assert!(ranges[1].min.get(..4) == second.get(..4), "{ranges:?}");
            assert_eq!((ranges[0].min.as_str(), ranges[3].max.as_str()), ("", "FF"));
        }
    }
}
