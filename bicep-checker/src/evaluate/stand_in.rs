//! Stand-ins for the hashes of Azure: as long, of the same letters, the same for the same arguments, different for different ones.
//! They are **not** the values that Azure computes, whose algorithm is not published.

/// Letters of `uniqueString`.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Hash FNV-1a of 64 bits over the arguments, which a byte that no text has keeps apart.
fn hash(arguments: &[String], seed: u64) -> u64 {
    let bytes = arguments.iter().flat_map(|argument| argument.bytes().chain([0xff]));
    let mixed = bytes
        .fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    // The last bytes reach the upper bits too (finalizer of MurmurHash3).
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

/// For `uniqueString(…)`: 13 letters and digits.
pub(super) fn unique_string(arguments: &[String]) -> String {
    let mut rest = hash(arguments, 0);
    let mut text = String::new();
    for _ in 0..13 {
        text.push(LETTERS.get((rest % 32) as usize).copied().map_or('a', char::from));
        rest /= 32;
    }
    text
}

/// For `guid(…)`: 32 hexadecimal digits in five groups.
pub(super) fn guid(arguments: &[String]) -> String {
    let digits = format!("{:016x}{:016x}", hash(arguments, 1), hash(arguments, 2));
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
