//! Distances of vectors, without an index.

use serde_json::Value;

use super::{Function, argument, function};
use crate::value::{Item, finite};

pub(super) const FUNCTIONS: &[Function] = &[function("VectorDistance", 2, 4, |_, all| distance(all))];

/// The similarity by cosine unless the options name `dotproduct` or `euclidean`.
fn distance<'a>(all: &[Item<'a>]) -> Item<'a> {
    let (left, right) = (vector(argument(all, 0)?)?, vector(argument(all, 1)?)?);
    if left.len() != right.len() || left.is_empty() {
        return None;
    }
    let dot = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f64>();
    let options = argument(all, 3).and_then(|options| options.get("distanceFunction")).and_then(Value::as_str);
    finite(match options.unwrap_or("cosine").to_ascii_lowercase().as_str() {
        "cosine" => dot(&left, &right) / (dot(&left, &left) * dot(&right, &right)).sqrt(),
        "dotproduct" => dot(&left, &right),
        "euclidean" => left.iter().zip(&right).map(|(left, right)| (left - right).powi(2)).sum::<f64>().sqrt(),
        _ => return None,
    })
}

fn vector(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(Value::as_f64).collect()
}
