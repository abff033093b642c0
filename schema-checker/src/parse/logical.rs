//! Logical types: the ones that readers know, each on its types.

use serde_json::{Map, Value};

use super::faults::Faults;
use crate::model::Logical;

/// Name, and the types that it may stand on.
const KNOWN: [(&str, &[&str]); 13] = [
    ("decimal", &["bytes", "fixed"]),
    ("big-decimal", &["bytes"]),
    ("uuid", &["string", "fixed"]),
    ("date", &["int"]),
    ("time-millis", &["int"]),
    ("time-micros", &["long"]),
    ("timestamp-millis", &["long"]),
    ("timestamp-micros", &["long"]),
    ("timestamp-nanos", &["long"]),
    ("local-timestamp-millis", &["long"]),
    ("local-timestamp-micros", &["long"]),
    ("local-timestamp-nanos", &["long"]),
    ("duration", &["fixed"]),
];

/// The logical type of a type of this kind, and of this size if it is a fixed.
pub(super) fn read(
    members: &Map<String, Value>,
    kind: &str,
    size: Option<u64>,
    path: &str,
    faults: &mut Faults,
) -> Option<Logical> {
    let said = members.get("logicalType")?;
    let fragment = || Some(Value::Object(members.clone()));
    let Value::String(name) = said else {
        faults.invalid(path, "a logical type is named by a text".to_owned(), Some(said.clone()), "");
        return None;
    };
    let Some((_, kinds)) = KNOWN.iter().find(|(known, _)| known == name) else {
        let what = format!("no reader knows the logical type {name}, so it has no effect");
        faults.doubtful("unknown-logical-type", path, what, fragment(), "check its spelling, or leave it out");
        return None;
    };
    if !kinds.contains(&kind) {
        let what = format!("the logical type {name} does not belong on {kind}, and readers ignore it");
        faults.broken("invalid-logical-type", path, what, fragment(), &format!("put it on {}", kinds.join(" or ")));
        return None;
    }
    let needed = match name.as_str() {
        "duration" => Some(12),
        "uuid" => Some(16),
        _ => None,
    };
    if let (Some(size), Some(needed)) = (size, needed)
        && size != needed
    {
        let what = format!("a {name} of {size} bytes is none, and readers ignore it");
        faults.broken("invalid-logical-type", path, what, fragment(), &format!("make it {needed} bytes"));
        return None;
    }
    if name != "decimal" {
        return Some(Logical::Other(name.clone()));
    }
    let number = |name: &str| members.get(name).map(|value| value.as_u64().ok_or(()));
    let scale = number("scale").unwrap_or(Ok(0));
    match (number("precision"), scale) {
        (Some(Ok(precision)), Ok(scale)) if precision > 0 && scale <= precision => {
            let most = size.map(digits);
            if let Some(most) = most.filter(|most| precision > *most) {
                let what = format!("a fixed of this size holds {most} digits, and the decimal wants {precision}");
                faults.broken("invalid-logical-type", path, what, fragment(), "make it larger, or lower the precision");
            }
            Some(Logical::Decimal { precision, scale })
        }
        _ => {
            let what =
                "a decimal needs a precision above 0 and a scale from 0 to it; readers ignore this one, or refuse it";
            faults.broken("invalid-logical-type", path, what.to_owned(), fragment(), "say both");
            None
        }
    }
}

/// Decimal digits that this many bytes hold, whatever the digits are.
fn digits(bytes: u64) -> u64 {
    // The logarithm of 2 to the base 10, as a fraction: exact enough for every size below a mebibyte.
    (bytes.saturating_mul(8).saturating_sub(1)).saturating_mul(30_103) / 100_000
}
