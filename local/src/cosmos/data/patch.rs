//! Patches, as in "Partial document update in Azure Cosmos DB".

use contoso_json::Object;
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use crate::cosmos::{data::document::SYSTEM_PROPERTIES, wire::refusal::Refusal};

/// Operations of one patch, as in the service.
const MOST: usize = 10;

/// What is to be done to a document, and on which condition.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cosmos) struct Patch {
    operations: Vec<Operation>,
    /// `from c where …`
    pub(in crate::cosmos) condition: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Operation {
    Add {
        path: String,
        value: Value,
    },
    Set {
        path: String,
        value: Value,
    },
    Replace {
        path: String,
        value: Value,
    },
    Remove {
        path: String,
    },
    #[serde(alias = "increment")]
    Incr {
        path: String,
        value: Number,
    },
    Move {
        from: String,
        path: String,
    },
}

impl Patch {
    /// Reads a patch: an object with `operations`, or a list of them, as the JavaScript client sends it.
    ///
    /// # Errors
    /// 400 where it is none.
    pub(in crate::cosmos) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let unreadable = |error: String| Refusal::bad_request(format!("PATCH: {error}."));
        let body = contoso_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
        let (operations, condition) = match body {
            Value::Object(mut members) => {
                let condition = match members.remove("condition") {
                    None | Some(Value::Null) => None,
                    Some(Value::String(condition)) => Some(condition),
                    Some(_) => return Err(Refusal::bad_request("PATCH: the member condition is not a string.")),
                };
                (members.remove("operations").unwrap_or_default(), condition)
            }
            operations => (operations, None),
        };
        // A member of operations that is missing is named by the reader.
        let operations: Vec<Object<Operation>> =
            serde_json::from_value(operations).map_err(|error| unreadable(error.to_string()))?;
        if operations.is_empty() || operations.len() > MOST {
            let message = format!("PATCH: a patch has 1 to {MOST} operations, not {}.", operations.len());
            return Err(Refusal::bad_request(message));
        }
        Ok(Self { operations: operations.into_iter().map(|Object(operation)| operation).collect(), condition })
    }

    pub(in crate::cosmos) fn len(&self) -> usize {
        self.operations.len()
    }

    /// What it makes of a document.
    ///
    /// # Errors
    /// 400 where an operation cannot be made.
    pub(in crate::cosmos) fn apply(&self, mut document: Value) -> Result<Value, Refusal> {
        for operation in &self.operations {
            operation.check_system_properties()?;
            operation.apply(&mut document)?;
        }
        Ok(document)
    }
}

impl Operation {
    /// Refuses paths of what the service itself writes ("Partial document update", frequently asked questions).
    fn check_system_properties(&self) -> Result<(), Refusal> {
        let (from, path) = match self {
            Self::Move { from, path } => (Some(from), path),
            Self::Add { path, .. }
            | Self::Set { path, .. }
            | Self::Replace { path, .. }
            | Self::Remove { path }
            | Self::Incr { path, .. } => (None, path),
        };
        let name = |path: &String| path.split('/').nth(1).map(str::to_owned);
        match [Some(path), from]
            .into_iter()
            .flatten()
            .filter_map(name)
            .find(|name| SYSTEM_PROPERTIES.contains(&name.as_str()))
        {
            Some(name) => {
                Err(Refusal::bad_request(format!("PATCH: {name} is a system property, which no patch changes.")))
            }
            None => Ok(()),
        }
    }

    fn apply(&self, document: &mut Value) -> Result<(), Refusal> {
        match self {
            Self::Add { path, value } => add(document, path, value.clone(), Array::Insert),
            Self::Set { path, value } => add(document, path, value.clone(), Array::Overwrite),
            Self::Replace { path, value } => {
                *present(document, path)? = value.clone();
                Ok(())
            }
            Self::Remove { path } => remove(document, path).map(drop),
            Self::Incr { path, value } => increment(document, path, value),
            Self::Move { from, path } => {
                if path.strip_prefix(from.as_str()).is_some_and(|rest| rest.starts_with('/')) {
                    return Err(Refusal::bad_request(format!("PATCH: {path} is inside of what moves, {from}.")));
                }
                let moved = remove(document, from)?;
                add(document, path, moved, Array::Insert)
            }
        }
    }
}

/// What happens where a path names an element of an array that is there.
#[derive(Clone, Copy)]
enum Array {
    Insert,
    Overwrite,
}

/// The names of a path (RFC 6901).
fn names(path: &str) -> Result<Vec<String>, Refusal> {
    let names = path.strip_prefix('/').filter(|rest| !rest.is_empty());
    let names = names.ok_or_else(|| Refusal::bad_request(format!("PATCH: {path:?} is no path.")))?;
    let names: Vec<String> = names.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
    match names.iter().find(|name| contoso_json::is_reserved(name)) {
        Some(name) => Err(Refusal::bad_request(format!("PATCH: no member may have the name {name}."))),
        None => Ok(names),
    }
}

/// What holds the value that a path names, and its last name.
fn parent<'d>(document: &'d mut Value, path: &str) -> Result<(&'d mut Value, String), Refusal> {
    let mut names = names(path)?;
    let last = names.pop().unwrap_or_default();
    let mut value = document;
    for name in &names {
        value = child(value, name).ok_or_else(|| missing(path))?;
    }
    Ok((value, last))
}

fn child<'d>(value: &'d mut Value, name: &str) -> Option<&'d mut Value> {
    match value {
        Value::Object(members) => members.get_mut(name),
        Value::Array(elements) => elements.get_mut(index(name)?),
        _ => None,
    }
}

fn present<'d>(document: &'d mut Value, path: &str) -> Result<&'d mut Value, Refusal> {
    let (parent, last) = parent(document, path)?;
    child(parent, &last).ok_or_else(|| missing(path))
}

fn add(document: &mut Value, path: &str, value: Value, array: Array) -> Result<(), Refusal> {
    let (parent, last) = parent(document, path)?;
    match parent {
        Value::Object(members) => drop(members.insert(last, value)),
        Value::Array(elements) => {
            let end = elements.len();
            let at = if last == "-" { Some(end) } else { index(&last).filter(|at| *at <= end) };
            let at = at.ok_or_else(|| missing(path))?;
            match (array, elements.get_mut(at)) {
                (Array::Overwrite, Some(element)) => *element = value,
                _ => elements.insert(at, value),
            }
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

fn remove(document: &mut Value, path: &str) -> Result<Value, Refusal> {
    let (parent, last) = parent(document, path)?;
    let removed = match parent {
        Value::Object(members) => members.remove(&last),
        Value::Array(elements) => index(&last).filter(|at| *at < elements.len()).map(|at| elements.remove(at)),
        _ => None,
    };
    removed.ok_or_else(|| missing(path))
}

fn increment(document: &mut Value, path: &str, by: &Number) -> Result<(), Refusal> {
    let (parent, last) = parent(document, path)?;
    match child(parent, &last) {
        Some(Value::Number(number)) => {
            *number = sum(number, by).ok_or_else(|| Refusal::bad_request(format!("PATCH: {path} gets too large.")))?;
            Ok(())
        }
        Some(_) => Err(Refusal::bad_request(format!("PATCH: {path} is no number."))),
        // As if it had been zero.
        None => match parent {
            Value::Object(members) => {
                let members: &mut Map<String, Value> = members;
                members.insert(last, Value::Number(by.clone()));
                Ok(())
            }
            _ => Err(missing(path)),
        },
    }
}

fn sum(left: &Number, right: &Number) -> Option<Number> {
    let whole = left.as_i64().zip(right.as_i64()).and_then(|(left, right)| left.checked_add(right));
    whole.map(Number::from).or_else(|| Number::from_f64(left.as_f64()? + right.as_f64()?))
}

/// The place in an array: digits without a sign or leading zeros.
fn index(name: &str) -> Option<usize> {
    let plain = name == "0" || name.bytes().all(|byte| byte.is_ascii_digit()) && !name.starts_with('0');
    if plain { name.parse().ok() } else { None }
}

fn missing(path: &str) -> Refusal {
    Refusal::bad_request(format!("PATCH: there is nothing at {path} that the operation could be made on."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(operations: Value) -> Result<Value, u16> {
        let document = json!({ "id": "a", "n": 1, "f": 0.5, "x": [1, 2, 3], "o": { "a/b": 1 }, "t": "text" });
        Patch::read(operations.to_string().as_bytes())
            .and_then(|patch| patch.apply(document))
            .map_err(|refusal| refusal.status.as_u16())
    }

    #[test]
    fn what_the_service_writes_is_no_patchs_to_change() {
        for operation in [
            json!({ "op": "set", "path": "/_ts", "value": 1 }),
            json!({ "op": "remove", "path": "/_etag" }),
            json!({ "op": "move", "from": "/_self", "path": "/x" }),
        ] {
            assert_eq!(patched(json!([operation])), Err(400), "{operation}");
        }
    }

    #[test]
    fn each_operation_does_what_the_documentation_says() {
        for (operation, path, expected) in [
            (json!({ "op": "add", "path": "/x/1", "value": 9 }), "/x", json!([1, 9, 2, 3])),
            (json!({ "op": "add", "path": "/x/-", "value": 9 }), "/x", json!([1, 2, 3, 9])),
            (json!({ "op": "add", "path": "/x/3", "value": 9 }), "/x", json!([1, 2, 3, 9])),
            (
                json!({ "op": "add", "path": "/new", "value": null }),
                "",
                json!({ "id": "a", "n": 1, "f": 0.5, "x": [1, 2, 3], "o": { "a/b": 1 }, "t": "text", "new": null }),
            ),
            (json!({ "op": "set", "path": "/x/1", "value": 9 }), "/x", json!([1, 9, 3])),
            (json!({ "op": "set", "path": "/o/a~1b", "value": 9 }), "/o", json!({ "a/b": 9 })),
            (json!({ "op": "replace", "path": "/n", "value": "z" }), "/n", json!("z")),
            (json!({ "op": "remove", "path": "/x/0" }), "/x", json!([2, 3])),
            (json!({ "op": "incr", "path": "/n", "value": 5 }), "/n", json!(6)),
            (json!({ "op": "incr", "path": "/f", "value": -1 }), "/f", json!(-0.5)),
            (json!({ "op": "incr", "path": "/views", "value": 1 }), "/views", json!(1)),
            (json!({ "op": "move", "from": "/n", "path": "/o/n" }), "/o", json!({ "a/b": 1, "n": 1 })),
            (json!({ "op": "move", "from": "/x/2", "path": "/x/0" }), "/x", json!([3, 1, 2])),
        ] {
            let found = patched(json!([operation])).unwrap();
            assert_eq!(found.pointer(path), Some(&expected), "{operation}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let set = |path: &str| json!({ "op": "set", "path": path, "value": 1 });
        for operations in [
            json!([{ "op": "add", "path": "/x/4", "value": 9 }]),
            json!([{ "op": "add", "path": "/none/a", "value": 9 }]),
            json!([{ "op": "set", "path": "/t/a", "value": 9 }]),
            json!([{ "op": "set", "path": "/x/01", "value": 9 }]),
            json!([{ "op": "replace", "path": "/none", "value": 9 }]),
            json!([{ "op": "remove", "path": "/none" }]),
            json!([{ "op": "incr", "path": "/t", "value": 1 }]),
            json!([{ "op": "incr", "path": "/n", "value": "1" }]),
            json!([{ "op": "incr", "path": "/none/n", "value": 1 }]),
            json!([{ "op": "move", "from": "/o", "path": "/o/o" }]),
            json!([{ "op": "move", "from": "/none", "path": "/n" }]),
            json!([{ "op": "copy", "from": "/n", "path": "/m" }]),
            json!([set("")]),
            json!([set("/")]),
            json!([set("n")]),
            json!([]),
            json!([
                set("/a"),
                set("/a"),
                set("/a"),
                set("/a"),
                set("/a"),
                set("/a"),
                set("/a"),
                set("/a"),
                set("/a"),
                set("/a"),
                set("/a")
            ]),
            json!({ "operations": [set("/a")], "condition": 1 }),
            json!({ "condition": "from c" }),
        ] {
            assert_eq!(patched(operations.clone()), Err(400), "{operations}");
        }
    }
}
