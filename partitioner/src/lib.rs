//! The partition that Event Hubs chooses for a partition key.
//!
//! The official buffered producers pick a partition on the client, and say that they mirror the service's gateway: Bob
//! Jenkins' `lookup3` hash of the key, folded to 16 bits. A producer that picks partitions with this crate therefore
//! agrees with one that leaves the choice to the service.
//!
//! The clients differ in two corners; this crate follows .NET, Java and JavaScript, which agree with each other:
//! * keys are hashed as UTF-8, while Python takes one byte per character, so only ASCII keys agree with it;
//! * a negative hash is divided with truncation and made positive, while Python's `%` floors, so for about half of the
//!   keys Python's buffered producer goes to another partition than the others. The hash itself is the same.
//!
//! # Sources
//! Algorithm: `hashlittle2` of <https://burtleburtle.net/bob/c/lookup3.c> (public domain), both seeds 0.

use std::num::NonZeroU32;

/// Index of the partition, `0..partitions`, that holds the events of `key`.
#[must_use]
pub fn partition(key: &str, partitions: NonZeroU32) -> u32 {
    // The magnitude of a 16-bit number fits 32 bits, and the remainder's magnitude is that of the magnitude.
    u32::from(hash(key).unsigned_abs()) % partitions
}

/// The 16-bit hash of `key` under Event Hubs' rules; 0 for an empty key.
#[must_use]
pub fn hash(key: &str) -> i16 {
    let (primary, secondary) = lookup3(key.as_bytes());
    let [.., high, low] = (primary ^ secondary).to_be_bytes();
    i16::from_be_bytes([high, low])
}

/// Both words of `lookup3` (`hashlittle2`), primary first.
fn lookup3(key: &[u8]) -> (u32, u32) {
    // The length counts modulo 2^32, as in the original.
    let length = u32::try_from(key.len() & 0xffff_ffff).unwrap_or(u32::MAX);
    let mut state = [0xdead_beef_u32.wrapping_add(length); 3];
    let mut rest = key;
    // The last block, even a full one, belongs to the final mixing; only an empty key has none.
    while rest.len() > 12 {
        let (block, tail) = rest.split_at(12);
        add(&mut state, block);
        mix(&mut state);
        rest = tail;
    }
    if !rest.is_empty() {
        add(&mut state, rest);
        finish(&mut state);
    }
    (state[2], state[1])
}

/// Adds up to twelve bytes to the three words, little-endian, missing ones as zero.
fn add(state: &mut [u32; 3], block: &[u8]) {
    for (index, byte) in block.iter().enumerate() {
        let shifted = u32::from(*byte) << (8 * (index % 4));
        state[index / 4] = state[index / 4].wrapping_add(shifted);
    }
}

/// `mix` of the original: (changed word, other word, word grown, rotation) per step.
fn mix(state: &mut [u32; 3]) {
    const STEPS: [(usize, usize, usize, u32); 6] =
        [(0, 2, 1, 4), (1, 0, 2, 6), (2, 1, 0, 8), (0, 2, 1, 16), (1, 0, 2, 19), (2, 1, 0, 4)];
    for (changed, other, grown, rotation) in STEPS {
        let word = state[changed].wrapping_sub(state[other]);
        state[changed] = word ^ state[other].rotate_left(rotation);
        state[other] = state[other].wrapping_add(state[grown]);
    }
}

/// `final` of the original: (changed word, other word, rotation) per step.
fn finish(state: &mut [u32; 3]) {
    const STEPS: [(usize, usize, u32); 7] =
        [(2, 1, 14), (0, 2, 11), (1, 0, 25), (2, 1, 16), (0, 2, 4), (1, 0, 14), (2, 1, 24)];
    for (changed, other, rotation) in STEPS {
        let word = state[changed] ^ state[other];
        state[changed] = word.wrapping_sub(state[other].rotate_left(rotation));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `generate_hash_code` of `azure.eventhub._buffered_producer._partition_resolver` in the Python package
    /// azure-eventhub 5.15.1, one key per length of the last block and some of several blocks.
    const PYTHON: [(&str, i16); 20] = [
        ("", 0),
        ("a", -16220),
        ("ab", 2093),
        ("abc", -14161),
        ("abcd", 23398),
        ("abcde", 27137),
        ("abcdef", 28810),
        ("abcdefg", -14024),
        ("abcdefgh", 22170),
        ("abcdefghi", -2485),
        ("abcdefghij", -5137),
        ("abcdefghijk", -2676),
        ("abcdefghijkl", -2373),
        ("abcdefghijklm", -31855),
        ("visitor-42", 17214),
        ("product/1017", 32272),
        ("1234567890123456789012345", 8007),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", -23469),
        ("alphabet", -23478),
        ("TheBestParitionEver", -29062),
    ];

    /// What JavaScript's package @azure/event-hubs holds against the service's own C# code; `alphabet` hashes negative.
    const SERVICE: [(&str, u32, u32); 4] =
        [("alphabet", 3, 0), ("alphabet", 11, 4), ("TheBestParitionEver", 4, 2), ("TheWorstParitionEver", 15, 1)];

    #[test]
    fn the_hash_is_that_of_the_python_client() {
        for (key, expected) in PYTHON {
            assert_eq!(hash(key), expected, "{key:?}");
        }
    }

    #[test]
    fn the_partition_is_that_of_the_service() {
        for (key, partitions, expected) in SERVICE {
            let partitions = NonZeroU32::new(partitions).unwrap();
            assert_eq!(partition(key, partitions), expected, "{key:?} of {partitions}");
        }
    }

    proptest! {
        #[test]
        fn every_key_has_a_partition(key in ".*", partitions in 1..=1024_u32) {
            let partitions = NonZeroU32::new(partitions).unwrap();
            prop_assert!(partition(&key, partitions) < partitions.get());
        }
    }
}
