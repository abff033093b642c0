//! Documents in memory, and queries over them.

use std::borrow::Cow;

use serde_json::{Value, json};
use time::macros::datetime;

use crate::{Context, Document, Page, PageLimits, Parameters, Position, Query, QueryError, Resume, Row};

pub(super) fn context() -> Context {
    Context { parameters: Parameters::default(), now: datetime!(2024-05-06 07:08:09.123 UTC), seed: 7 }
}

/// Documents as a store has them: at a position, with a `_rid` that follows it.
pub(super) fn stored(values: &[Value]) -> Vec<(Position, Value)> {
    let store = |(index, value): (usize, &Value)| {
        let mut value = value.clone();
        let rid = [&[0_u8; 8][..], &(index as u64 + 1).to_le_bytes()[..]].concat();
        use base64::{Engine, prelude::BASE64_STANDARD};
        value["_rid"] = json!(BASE64_STANDARD.encode(rid).replace('/', "-"));
        (Position((index as u32).to_be_bytes().to_vec()), value)
    };
    values.iter().enumerate().map(store).collect()
}

pub(super) fn page(
    query: &Query,
    context: &Context,
    stored: &[(Position, Value)],
    limits: PageLimits,
    resume: Option<&Resume>,
) -> Result<Page, QueryError> {
    let document = |(position, value)| Document { position: Clone::clone(position), value: Cow::Borrowed(value) };
    query.page(context, stored.iter().map(|(position, value)| document((position, value))), limits, resume)
}

/// Rows as values; a whole document is what was stored, without the `_rid`.
pub(super) fn values(rows: Vec<Row>, stored: &[(Position, Value)]) -> Vec<Value> {
    let value = |row| match row {
        Row::Value(value) => value,
        Row::Document(position) => {
            let found = stored.iter().find(|(here, _)| *here == position).map(|(_, value)| value.clone());
            let mut value = found.expect("a row is a document that is stored");
            value.as_object_mut().expect("an object").remove("_rid");
            value
        }
    };
    rows.into_iter().map(value).collect()
}

/// All rows of a query over these documents, in one page.
pub(super) fn answer_with(text: &str, documents: &[Value], parameters: Value) -> Result<Vec<Value>, QueryError> {
    let stored = stored(documents);
    let context = Context { parameters: Parameters::from_json(Some(&parameters))?, ..context() };
    let page = page(&Query::parse(text)?, &context, &stored, PageLimits::default(), None)?;
    assert!(page.next.is_none(), "{text}: one page");
    Ok(values(page.rows, &stored))
}

pub(super) fn answer(text: &str, documents: &[Value]) -> Vec<Value> {
    answer_with(text, documents, json!([])).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The value of an expression, or `None` if it is undefined.
pub(super) fn value(expression: &str) -> Option<Value> {
    let mut rows = answer(
        &format!("SELECT VALUE {expression} FROM c"),
        &[json!({"a": [1, 2], "n": 5, "s": "x", "o": {"p": null}})],
    );
    assert!(rows.len() < 2, "{expression}");
    rows.pop()
}

pub(super) fn refusal(text: &str) -> QueryError {
    Query::parse(text).map(|_| ()).expect_err(text)
}
