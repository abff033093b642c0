//! Members of JSON by their path, such as `state.price.amount` or `changes.0.to`.

use contoso_json::UniqueError;
use serde_json::{Map, Value};

use crate::domain::mismatch::mismatch;

/// Characters of a path that an error has.
const SHOWN: usize = 60;
/// Paths that are longer resemble none.
const LONGEST: usize = 100;

/// Sets the member at `path`, which must be there, to `wanted`: text is read as what stands there now, and `null` takes a member away.
///
/// # Errors
/// What is wrong, a sentence without its beginning.
pub(super) fn set(data: &mut Value, path: &str, wanted: &Value) -> Result<(), String> {
    let Some(found) = at(data, path) else { return Err(missing(data, path)) };
    let value = read(found, wanted)?;
    if let Some(place) = at_mut(data, path) {
        *place = value;
    }
    Ok(())
}

/// Two paths of which one is part of the other, so that setting both would leave it to chance which counts.
pub(super) fn overlap(paths: &Map<String, Value>) -> Option<(&str, &str)> {
    let is_below = |path: &str, other: &str| path.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'));
    let mut pairs = paths.keys().flat_map(|one| paths.keys().map(move |other| (one.as_str(), other.as_str())));
    pairs.find(|(one, other)| is_below(other, one))
}

/// A path as errors have it.
pub(super) fn shown(path: &str) -> String {
    path.chars().take(SHOWN).collect()
}

fn at<'a>(data: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(data, |place, name| match place {
        Value::Object(members) => members.get(name),
        Value::Array(items) => items.get(index(name)?),
        _ => None,
    })
}

fn at_mut<'a>(data: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.').try_fold(data, |place, name| match place {
        Value::Object(members) => members.get_mut(name),
        Value::Array(items) => items.get_mut(index(name)?),
        _ => None,
    })
}

/// The place in an array, written in one way only: two paths that differ lead to two places.
fn index(name: &str) -> Option<usize> {
    name.parse::<usize>().ok().filter(|index| index.to_string() == name)
}

/// That a path leads nowhere: which one may have been meant, and what there is where it goes astray.
fn missing(data: &Value, path: &str) -> String {
    let ends = path.match_indices('.').map(|(end, _)| end).rev();
    let parent = ends.map(|end| &path[..end]).find_map(|parent| Some((parent, at(data, parent)?)));
    let (name, place) = parent.unwrap_or(("the data", data));
    let meant = nearest(data, path).map(|path| format!("did you mean {path}? ")).unwrap_or_default();
    format!("is not in the event; {meant}{} has {}", shown(name), known(place))
}

/// What can stand behind a path.
fn known(place: &Value) -> String {
    match place {
        Value::Object(members) => members.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        Value::Array(items) if !items.is_empty() => {
            let item = |(index, item): (usize, &Value)| match item["field"].as_str() {
                Some(field) => format!("{index} ({field})"),
                None => index.to_string(),
            };
            items.iter().enumerate().map(item).collect::<Vec<_>>().join(", ")
        }
        _ => "no members".to_owned(),
    }
}

/// The path that is meant by one that leads nowhere: the same in another spelling, one that ends so, or one with few other letters.
fn nearest(data: &Value, path: &str) -> Option<String> {
    if path.len() > LONGEST {
        return None;
    }
    let plain = path.to_lowercase().replace(['[', '/'], ".").replace([']', ' '], "");
    let plain = plain.trim_start_matches(['$', '.']);
    let plain = plain.strip_prefix("data.").unwrap_or(plain);
    let mut paths = Vec::new();
    collect(data, "", &mut paths);
    let far = |known: &String| {
        let lower = known.to_lowercase();
        let ends_so = lower.strip_suffix(plain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        if ends_so { 0 } else { distance(&lower, plain) }
    };
    let is_change = |known: &String| known.starts_with("changes.");
    let ranked = paths.into_iter().map(|known| (far(&known), is_change(&known), known.len(), known)).min()?;
    let (far, _, _, known) = ranked;
    (far * 5 <= plain.chars().count() * 2).then_some(known)
}

fn collect(place: &Value, path: &str, paths: &mut Vec<String>) {
    let mut add = |name: &str, value: &Value| {
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        collect(value, &path, paths);
        paths.push(path);
    };
    match place {
        Value::Object(members) => members.iter().for_each(|(name, value)| add(name, value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| add(&index.to_string(), item)),
        _ => {}
    }
}

/// How many letters have to be put in, left out or replaced to make one text of another (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut corner = index;
        row[0] = index + 1;
        for (column, wanted) in other.iter().enumerate() {
            let replaced = corner + usize::from(letter != *wanted);
            corner = row[column + 1];
            row[column + 1] = replaced.min(corner + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

/// A text where a text stands, whatever it looks like; else what JSON the text is.
fn read(now: &Value, wanted: &Value) -> Result<Value, String> {
    let value = match (now, wanted) {
        (_, Value::String(text)) if text == "null" => Value::Null,
        (Value::String(_) | Value::Null, Value::String(text)) => Value::String(text.clone()),
        (_, Value::String(text)) => contoso_json::unique(text.as_bytes()).map_err(|error| match error {
            UniqueError::Twice(name) => format!("has the name {:?} twice in one object", shown(&name)),
            UniqueError::Json(_) if now.is_number() => "must be a number".to_owned(),
            UniqueError::Json(_) => format!("must be JSON; or set a part of it, it has {}", known(now)),
        })?,
        (_, value) => value.clone(),
    };
    let is_other = (now.is_object() && !value.is_object()) || (now.is_array() && !value.is_array());
    match is_other && !value.is_null() {
        true => Err(format!("must be JSON of the form that it has; or set a part of it, it has {}", known(now))),
        false => Ok(value),
    }
}

/// Whole numbers that are written with a point, `4.0`, as integers, which JSON Schema takes them for.
pub(super) fn make_whole(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(make_whole),
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Number(number) if number.is_f64() => {
            if let Some(whole) = number.as_f64().and_then(whole) {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked before")]
fn whole(number: f64) -> Option<i64> {
    // Up to where a double still tells one whole number from the next.
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

/// The path of a member of `given` that `kept` does not have: null is as good as absent.
pub(super) fn unknown(given: &Value, kept: &Value) -> Option<String> {
    match given {
        Value::Object(members) => members.iter().find_map(|(name, value)| match kept.get(name) {
            None if value.is_null() => None,
            None => Some(shown(name)),
            Some(kept) => unknown(value, kept).map(|below| format!("{name}.{below}")),
        }),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            let kept = kept.get(index)?;
            unknown(item, kept).map(|below| format!("{index}.{below}"))
        }),
        _ => None,
    }
}

/// What is wrong with data that has another form than its type: the path of a member, what was wanted and what came. `cause` is what the
/// parser said, a path and its own words; `None` where those are words of ours.
pub(super) fn mismatched(cause: &str, data: &Value) -> Option<(String, String)> {
    let is_path = |text: &&str| !text.contains(' ');
    let (path, said) = cause.split_once(": ").filter(|(path, _)| is_path(path)).unwrap_or(("", cause));
    if let Some(name) = said.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        return Some((joined(path, name), "is required".to_owned()));
    }
    let kinds = ["invalid type: ", "invalid value: ", "invalid length ", "invalid number", "unknown variant "];
    kinds.iter().find(|kind| said.starts_with(*kind))?;
    let wanted = said.rsplit_once("expected ").map_or("", |(_, wanted)| wanted);
    let wanted = match wanted.split([' ', ',']).next().unwrap_or_default() {
        "a" | "an" if wanted.starts_with("a string") || wanted.contains("formatted") => "must be a string",
        "a" if wanted.starts_with("a sequence") => "must be a list",
        "i64" | "i32" => "must be a whole number",
        // No number of these events is below 0.
        _ if said == "invalid number" => "must be a whole number, not below 0",
        "u64" | "u32" => "must be a whole number, not below 0",
        "struct" | "a" => "must be an object",
        _ => "has another form than this event",
    };
    let pointer =
        path.split(['.', '[', ']']).filter(|part| !part.is_empty()).fold(String::new(), |all, part| all + "/" + part);
    let came = data.pointer(&pointer).unwrap_or(&Value::Null);
    Some((path.to_owned(), mismatch(wanted, came)))
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_there_can_be_set_and_stays_what_it_is() {
        let mut data = json!({ "state": { "price": { "amount": "99.99" }, "stock": 12, "brand": null, "name": "x" },
                               "changes": [{ "field": "stock", "to": 12 }] });
        for (path, text) in [
            ("state.price.amount", "17.50"),
            ("state.stock", "3"),
            ("changes.0.to", "3"),
            ("state.brand", "17"),
            ("state.name", "null"),
        ] {
            set(&mut data, path, &json!(text)).expect(path);
        }
        let expected = json!({ "state": { "price": { "amount": "17.50" }, "stock": 3, "brand": "17", "name": null },
                               "changes": [{ "field": "stock", "to": 3 }] });
        assert_eq!(data, expected);
        for (path, text, said) in [
            ("state.price.amuont", "1", "is not in the event; did you mean state.price.amount? state.price has amount"),
            ("colour", "red", "is not in the event; the data has changes, state"),
            ("changes.1.to", "3", "did you mean changes.0.to? changes has 0 (stock)"),
            ("changes.00.to", "3", "did you mean changes.0.to?"),
            ("changes[0].to", "3", "did you mean changes.0.to?"),
            ("amount", "1", "did you mean state.price.amount?"),
            ("data.State.Stock", "1", "did you mean state.stock?"),
            ("$/state/stock", "1", "did you mean state.stock?"),
            ("state.stock.x", "3", "state.stock has no members"),
            ("", "3", "is not in the event"),
            ("state.stock", "many", "must be a number"),
            ("state.price", r#"{"amount":"1.00","amount":"2.00"}"#, "has the name \"amount\" twice"),
            ("state.price", "{", "must be JSON; or set a part of it, it has amount"),
            ("state.price", "17.50", "must be JSON of the form that it has; or set a part of it, it has amount"),
        ] {
            let error = set(&mut data, path, &json!(text)).expect_err(path);
            assert!(error.contains(said), "{path}: {error}");
        }
        let error = set(&mut data, &"x.".repeat(30_000), &json!("1")).expect_err("unknown");
        assert!(error.len() < 200, "{error}");
        assert_eq!(data, expected, "nothing else was set");
    }

    #[test]
    fn a_path_and_a_part_of_it_are_not_both_set() {
        let both = |paths: &[&str]| {
            let paths = paths.iter().map(|path| ((*path).to_owned(), Value::Null)).collect();
            overlap(&paths).map(|(whole, part)| format!("{whole} {part}"))
        };
        assert_eq!(both(&["state.price.amount", "state.price"]).as_deref(), Some("state.price state.price.amount"));
        assert_eq!(both(&["changes", "changes.0.to"]).as_deref(), Some("changes changes.0.to"));
        assert_eq!(both(&["state.price", "state.priced", "state.stock"]), None);
    }

    #[test]
    fn whole_numbers_may_be_written_with_a_point() {
        let mut data = json!({ "a": [4.0, 4.5, -0.0, 1e300], "b": { "c": 3e2, "d": "4.0" } });
        make_whole(&mut data);
        assert_eq!(data, json!({ "a": [4, 4.5, 0, 1e300], "b": { "c": 300, "d": "4.0" } }));
    }

    #[test]
    fn a_member_that_was_dropped_in_silence_is_found() {
        let kept = json!({ "a": { "b": 1 }, "list": [{ "x": 1 }] });
        assert_eq!(unknown(&json!({ "a": { "b": 1, "gone": null }, "list": [{ "x": 1 }] }), &kept), None);
        assert_eq!(unknown(&json!({ "a": { "c": 1 } }), &kept).as_deref(), Some("a.c"));
        assert_eq!(unknown(&json!({ "list": [{ "x": 1, "y": 2 }] }), &kept).as_deref(), Some("list.0.y"));
    }

    #[test]
    fn data_of_another_form_is_told_by_its_path_and_in_our_words() {
        #[derive(Debug, serde::Deserialize)]
        struct State {
            #[serde(rename = "name")]
            _name: String,
            #[serde(rename = "stock")]
            _stock: Option<u32>,
        }
        #[derive(Debug, serde::Deserialize)]
        struct Data {
            #[serde(rename = "state")]
            _state: State,
            #[serde(rename = "changes")]
            _changes: Vec<State>,
            #[serde(rename = "at", with = "time::serde::rfc3339")]
            _at: time::OffsetDateTime,
        }
        let state = json!({ "name": "Rope", "stock": 1 });
        let whole = json!({ "state": state, "changes": [state], "at": "2027-03-04T10:00:00Z" });
        for (pointer, value, path, said) in [
            ("/state/name", json!(5), "state.name", "must be a string; it is the number 5"),
            (
                "/state/stock",
                json!("many"),
                "state.stock",
                "must be a whole number, not below 0; it is the string \"many\"",
            ),
            ("/state/stock", json!(-1), "state.stock", "must be a whole number, not below 0; it is the number -1"),
            ("/changes", json!({}), "changes", "must be a list; it is an object"),
            ("/changes/0/name", json!([1]), "changes[0].name", "must be a string; it is a list"),
            ("/state", json!("x"), "state", "must be an object; it is the string \"x\""),
            ("/changes/0", json!({ "stock": 1 }), "changes[0].name", "is required"),
            ("/at", json!(5), "at", "must be a string; it is the number 5"),
        ] {
            let mut data = whole.clone();
            *data.pointer_mut(pointer).expect("a member") = value;
            let error = serde_path_to_error::deserialize::<_, Data>(data.clone()).expect_err(pointer);
            let cause = format!("{}: {}", error.path(), error.inner());
            assert_eq!(mismatched(&cause, &data), Some((path.to_owned(), said.to_owned())), "{cause}");
        }
        assert_eq!(mismatched("state.price: must not be negative", &whole), None);
        let missing = mismatched("missing field `state`", &whole);
        assert_eq!(missing, Some(("state".to_owned(), "is required".to_owned())));
    }
}
