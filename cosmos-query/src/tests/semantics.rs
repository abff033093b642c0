//! What expressions and clauses mean.

use serde_json::json;

use super::support::value;

#[test]
fn a_constant_is_itself() {
    assert_eq!(value("1"), Some(json!(1)));
}
