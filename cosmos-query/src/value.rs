//! JSON values as queries see them: numbers are doubles, and what is missing is undefined, which is no value.

use std::{
    borrow::Cow,
    cmp::Ordering,
    fmt::{self, Write},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

/// A value, or undefined.
pub(crate) type Item<'a> = Option<Cow<'a, Value>>;

/// 2 to the 63rd: below it, whole doubles are whole numbers of 64 bits with a sign.
const SIGNED: f64 = 9_223_372_036_854_775_808.0;

/// A number as JSON. Whole ones are written as such, without a point or an exponent, as JavaScript does up to 1e21 and here as far as
/// 64 bits go: ticks of a date are 17 digits or 18, and clients read them into integers.
pub(crate) fn number(number: f64) -> Value {
    if number.fract() == 0.0 && !(number == 0.0 && number.is_sign_negative()) {
        if number.abs() < SIGNED {
            return Value::from(number as i64);
        }
        if (SIGNED..2.0 * SIGNED).contains(&number) {
            return Value::from(number as u64);
        }
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// A number as a result: undefined where JSON has none for it.
pub(crate) fn finite<'a>(result: f64) -> Item<'a> {
    result.is_finite().then(|| Cow::Owned(number(result)))
}

pub(crate) fn boolean<'a>(result: bool) -> Item<'a> {
    Some(Cow::Owned(Value::Bool(result)))
}

pub(crate) fn text<'a>(result: impl Into<String>) -> Item<'a> {
    Some(Cow::Owned(Value::String(result.into())))
}

/// Where a type stands among the others: undefined, null, booleans, numbers, strings, arrays, objects.
pub(crate) fn rank(value: Option<&Value>) -> u8 {
    match value {
        None => 0,
        Some(Value::Null) => 1,
        Some(Value::Bool(_)) => 2,
        Some(Value::Number(_)) => 3,
        Some(Value::String(_)) => 4,
        Some(Value::Array(_)) => 5,
        Some(Value::Object(_)) => 6,
    }
}

/// The order of all values, by type first, as ORDER BY has it. The service sorts arrays and objects by a hash; here they have an order
/// that is as arbitrary and as stable.
pub(crate) fn order(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (left, right) {
        (Some(Value::Bool(left)), Some(Value::Bool(right))) => left.cmp(right),
        (Some(Value::Number(left)), Some(Value::Number(right))) => order_numbers(left, right),
        (Some(Value::String(left)), Some(Value::String(right))) => left.cmp(right),
        (Some(Value::Array(left)), Some(Value::Array(right))) => {
            let items = left.iter().zip(right).map(|(left, right)| order(Some(left), Some(right)));
            items.into_iter().find(|order| order.is_ne()).unwrap_or(left.len().cmp(&right.len()))
        }
        (Some(Value::Object(left)), Some(Value::Object(right))) => order_objects(left, right),
        _ => rank(left).cmp(&rank(right)),
    }
}

/// As doubles, which is what the service keeps; `-0` is `0`.
fn order_numbers(left: &Number, right: &Number) -> Ordering {
    let double = |number: &Number| number.as_f64().unwrap_or(0.0) + 0.0;
    double(left).total_cmp(&double(right))
}

type Object = serde_json::Map<String, Value>;

/// By their names, then by their values. `serde_json` keeps members in the order of their names, so nothing is read that decides nothing.
fn order_objects(left: &Object, right: &Object) -> Ordering {
    left.keys().cmp(right.keys()).then_with(|| {
        let values = left.values().zip(right.values()).map(|(left, right)| order(Some(left), Some(right)));
        values.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    })
}

/// Whether two values are the same: members in any order, `1` and `1.0`.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    rank(Some(left)) == rank(Some(right)) && order(Some(left), Some(right)).is_eq()
}

/// The order of two values of one simple type; others cannot be compared.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    let simple = rank(Some(left)) == rank(Some(right)) && !left.is_array() && !left.is_object();
    simple.then(|| order(Some(left), Some(right)))
}

/// Bytes of a number as text: there may be a million where `serde_json` keeps numbers as they were written (its feature
/// `arbitrary_precision`, which a dependency turns on), and each use of it reads them all.
fn digits(number: &Number) -> usize {
    struct Count(usize);
    impl fmt::Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut count = Count(0);
    // Nothing is written, so nothing fails.
    write!(count, "{number}").map_or(8, |()| count.0.max(8))
}

/// About how many bytes it is as text.
pub(crate) fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(number) => digits(number),
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(|item| 1 + size(item)).sum::<usize>(),
        Value::Object(members) => 2 + members.iter().map(|(name, value)| name.len() + 4 + size(value)).sum::<usize>(),
    }
}

/// About how many bytes it takes in memory. A node of an object's tree has room for eleven members and holds about six of them.
pub(crate) fn memory(value: &Value) -> u64 {
    const VALUE: u64 = 32;
    const NODE: u64 = 640;
    match value {
        Value::Null | Value::Bool(_) => VALUE,
        Value::Number(number) => VALUE + digits(number) as u64,
        Value::String(text) => VALUE + text.len() as u64,
        Value::Array(items) => VALUE + items.iter().map(memory).sum::<u64>(),
        Value::Object(members) => {
            let nodes = members.len().div_ceil(6) as u64;
            VALUE + nodes * NODE + members.iter().map(|(name, value)| name.len() as u64 + memory(value)).sum::<u64>()
        }
    }
}

/// Bytes that comparing two values may read, at most: of what both have.
pub(crate) fn shared(left: &Value, right: &Value) -> u64 {
    let least = |left: &str, right: &str| left.len().min(right.len()) as u64;
    16 + match (left, right) {
        (Value::String(left), Value::String(right)) => least(left, right),
        (Value::Number(left), Value::Number(right)) => (digits(left) + digits(right)) as u64,
        (Value::Array(left), Value::Array(right)) => {
            left.iter().zip(right).map(|(left, right)| shared(left, right)).sum()
        }
        (Value::Object(left), Value::Object(right)) => {
            let both = left.iter().zip(right);
            both.map(|((name, left), (other, right))| least(name, other) + shared(left, right)).sum()
        }
        _ => 0,
    }
}

/// A value of somebody else with the order of [`order`], for sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compared<'v>(pub(crate) &'v Value);

impl PartialEq for Compared<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Compared<'_> {}

impl PartialOrd for Compared<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Compared<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        order(Some(self.0), Some(other.0))
    }
}

/// A value with the order of [`order`], for maps and heaps.
#[derive(Debug, Clone)]
pub(crate) struct Sorted(pub(crate) Option<Value>);

impl PartialEq for Sorted {
    fn eq(&self, other: &Sorted) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Sorted {}

impl PartialOrd for Sorted {
    fn partial_cmp(&self, other: &Sorted) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sorted {
    fn cmp(&self, other: &Sorted) -> Ordering {
        order(self.0.as_ref(), other.0.as_ref())
    }
}

/// Undefined as an empty list, a value as a list with it.
impl Serialize for Sorted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_slice().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sorted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sorted, D::Error> {
        Vec::deserialize(deserializer).map(|list: Vec<Value>| Sorted(list.into_iter().next()))
    }
}

/// A hash that equal values share.
pub(crate) fn hash<'v>(values: impl IntoIterator<Item = Option<&'v Value>>) -> u128 {
    let mut bytes = Vec::new();
    values.into_iter().for_each(|value| write(value, &mut bytes));
    let (low, high) = crate::murmur::murmur3_128(&bytes, (0, 0));
    u128::from(high) << 64 | u128::from(low)
}

/// Equal values as the same bytes, others as other ones.
fn write(value: Option<&Value>, into: &mut Vec<u8>) {
    into.push(rank(value));
    let length = |length: usize| (length as u64).to_le_bytes();
    match value {
        None | Some(Value::Null) => {}
        Some(Value::Bool(value)) => into.push(u8::from(*value)),
        Some(Value::Number(value)) => into.extend((value.as_f64().unwrap_or(0.0) + 0.0).to_le_bytes()),
        Some(Value::String(text)) => {
            into.extend(length(text.len()));
            into.extend(text.bytes());
        }
        Some(Value::Array(items)) => {
            into.extend(length(items.len()));
            items.iter().for_each(|item| write(Some(item), into));
        }
        Some(Value::Object(members)) => {
            into.extend(length(members.len()));
            for (name, value) in members {
                into.extend(length(name.len()));
                into.extend(name.bytes());
                write(Some(value), into);
            }
        }
    }
}
