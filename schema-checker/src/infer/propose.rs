//! The proposal: shapes as types.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::shape::{MAX_DEPTH, MAX_NAMES, Seen, Shape};
use crate::{
    model::{Primitive, below},
    parse::{is_name, namespace, short},
};

/// Members from which on an object may be a map.
const MAP_FROM: usize = 8;
/// Names in a warning.
const MAX_SHOWN: usize = 40;

/// A proposal.
#[derive(Debug)]
pub struct Proposal {
    /// The schema.
    pub schema: Value,
    /// How sure each part of it is.
    pub fields: Vec<Member>,
    /// What an owner should look at.
    pub warnings: Vec<String>,
    /// How many events it was made of.
    pub events: u64,
}

/// What was seen of one member.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    /// Where it is.
    pub path: String,
    /// What it became.
    pub of: Value,
    /// In how many of its objects it was there.
    pub seen: u64,
    /// How many objects there were.
    pub of_objects: u64,
    /// How often it was null.
    pub nulls: u64,
}

impl Seen {
    /// The proposal, for a record of this full name. `None` if no event was an object.
    #[must_use]
    pub fn proposal(&self, name: &str) -> Option<Proposal> {
        (self.events > 0).then(|| propose(self, name))
    }
}

/// Members in the order in which people write them; others come last.
const ORDER: [&str; 7] = ["type", "name", "namespace", "doc", "items", "values", "fields"];
const ORDER_OF_FIELD: [&str; 4] = ["name", "type", "default", "doc"];

/// JSON for people: members in their usual order, lists of plain values on one line.
fn write(value: &Value, is_field: bool, indent: usize, into: &mut String) {
    let space = |indent: usize| format!("\n{:indent$}", "", indent = indent * 2);
    match value {
        Value::Object(members) => {
            let order = if is_field { ORDER_OF_FIELD.as_slice() } else { &ORDER };
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| order.iter().position(|known| known == name).unwrap_or(order.len()));
            into.push('{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                into.push_str(if index > 0 { "," } else { "" });
                into.push_str(&space(indent + 1));
                into.push_str(&format!("{}: ", Value::from(name.as_str())));
                if let (true, Value::Array(fields)) = (name == "fields", value) {
                    list(fields, true, indent + 1, into);
                } else {
                    write(value, false, indent + 1, into);
                }
            }
            into.push_str(&space(indent));
            into.push('}');
        }
        Value::Array(values) if values.iter().any(|value| value.is_object() || value.is_array()) => {
            list(values, false, indent, into);
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            into.push_str(&format!("[{}]", values.join(", ")));
        }
        plain => into.push_str(&plain.to_string()),
    }
}

fn list(values: &[Value], are_fields: bool, indent: usize, into: &mut String) {
    let space = |indent: usize| format!("\n{:indent$}", "", indent = indent * 2);
    into.push('[');
    for (index, value) in values.iter().enumerate() {
        into.push_str(if index > 0 { "," } else { "" });
        into.push_str(&space(indent + 1));
        write(value, are_fields, indent + 1, into);
    }
    into.push_str(&space(indent));
    into.push(']');
}

impl Proposal {
    /// The schema as a text for a file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        write(&self.schema, false, 0, &mut text);
        text
    }

    /// For scripts.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let fields = self.fields.iter().map(|field| {
            json!({ "path": field.path, "type": field.of, "seen": field.seen, "of": field.of_objects, "nulls": field.nulls })
        });
        json!({
            "events": self.events,
            "schema": self.schema,
            "fields": fields.collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }
}

fn propose(seen: &Seen, name: &str) -> Proposal {
    let names = HashSet::from([short(name).to_owned()]);
    let mut maker = Maker { names, arrays: 0, fields: Vec::new(), warnings: Vec::new() };
    let mut schema = json!({ "type": "record", "name": short(name) });
    if !namespace(name).is_empty() {
        schema["namespace"] = json!(namespace(name));
    }
    schema["doc"] = json!(format!("Proposed from {} of JSON. Say here what the event means.", events(seen.events)));
    schema["fields"] = maker.members(&seen.root, "");
    if seen.others > 0 {
        maker.warnings.push(format!("{} had no object for data, and did not count", events(seen.others)));
    }
    Proposal { schema, fields: maker.fields, warnings: maker.warnings, events: seen.events }
}

struct Maker {
    /// Names of records, each taken once.
    names: HashSet<String>,
    /// Arrays around the present place.
    arrays: usize,
    fields: Vec<Member>,
    warnings: Vec<String>,
}

impl Maker {
    /// The fields of a record.
    fn members(&mut self, shape: &Shape, path: &str) -> Value {
        let mut taken: HashSet<String> =
            shape.members.iter().map(|(name, _)| name.clone()).filter(|name| is_name(name)).collect();
        let mut fields = Vec::new();
        for (key, member) in &shape.members {
            let at = below(path, &shown(key));
            let name = if is_name(key) { key.clone() } else { self.legal(key, &at, &mut taken) };
            let place = self.fields.len();
            let is_optional = member.seen < shape.objects || member.nulls > 0;
            let of = self.of(member, is_optional, &name, &at);
            let mut field = json!({ "name": name, "type": of });
            if is_optional {
                field["default"] = Value::Null;
            }
            field["doc"] = json!(format!("Seen in {} of {}.", member.seen, shape.objects));
            let seen = Member {
                path: at,
                of: outline(&of),
                seen: member.seen,
                of_objects: shape.objects,
                nulls: member.nulls,
            };
            self.fields.insert(place, seen);
            fields.push(field);
        }
        if shape.others.is_some() {
            let at = if path.is_empty() { "the whole" } else { path };
            self.warnings.push(format!("{at}: more than {MAX_NAMES} names, or too many in all; the rest was left out"));
        }
        Value::Array(fields)
    }

    /// A name that parsers take, for one that they do not.
    fn legal(&mut self, key: &str, path: &str, taken: &mut HashSet<String>) -> String {
        let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let mut name: String = key.chars().take(MAX_SHOWN).map(letter).collect();
        if !is_name(&name) {
            name.insert(0, '_');
        }
        let name = free(&name, "_", taken);
        self.warnings.push(format!(
            "{path}: {:?} is no name in Avro; proposed as {name}, which producers have to send instead",
            shown(key)
        ));
        name
    }

    /// The type of what was seen, as a union if it is of several kinds.
    fn of(&mut self, shape: &Shape, is_optional: bool, name: &str, path: &str) -> Value {
        let mut kinds = Vec::new();
        if shape.booleans > 0 {
            kinds.push(json!("boolean"));
        }
        if shape.fractions > 0 || shape.large > 0 {
            kinds.push(json!("double"));
        } else if shape.integers > 0 {
            kinds.push(json!("long"));
        }
        if shape.large > 0 {
            self.warnings.push(format!(
                "{path}: whole numbers beyond a long were seen; as a double they lose digits, so send them as text"
            ));
        }
        if shape.texts > 0 {
            kinds.push(json!("string"));
        }
        if shape.arrays > 0 {
            kinds.push(json!({ "type": "array", "items": self.items(shape, name, path) }));
        }
        if shape.objects > 0 {
            kinds.push(self.object(shape, name, path));
        }
        if kinds.len() > 1 {
            let words: Vec<&str> =
                kinds.iter().map(|kind| kind.as_str().or(kind["type"].as_str()).unwrap_or_default()).collect();
            self.warnings.push(format!(
                "{path}: mixed types ({}); a producer that sends one of them is easier to read",
                words.join(", ")
            ));
        }
        if kinds.is_empty() && shape.seen > 0 && self.arrays > 0 {
            // Items without bytes are refused by the app: a few bytes could say that there are billions of them.
            self.warnings.push(format!("{path}: only null was seen, so its type is a guess"));
            return json!(["null", "string"]);
        }
        if kinds.is_empty() && shape.seen > 0 {
            self.warnings.push(format!("{path}: only null was seen, so its type is not known"));
            return json!("null");
        }
        if is_optional {
            kinds.insert(0, json!("null"));
        }
        if kinds.len() == 1 { kinds.remove(0) } else { Value::Array(kinds) }
    }

    fn items(&mut self, shape: &Shape, name: &str, path: &str) -> Value {
        let at = format!("{path}[]");
        let Some(items) = &shape.items else {
            let why = if shape.is_cut { depth() } else { "no item was seen, so their type is a guess".to_owned() };
            self.warnings.push(format!("{at}: {why}"));
            return json!("string");
        };
        self.arrays += 1;
        let of = self.of(items, items.nulls > 0, name, &at);
        self.arrays -= 1;
        of
    }

    fn object(&mut self, shape: &Shape, name: &str, path: &str) -> Value {
        if let Some(values) = self.map(shape, name, path) {
            return json!({ "type": "map", "values": values });
        }
        if shape.members.is_empty() && shape.is_cut {
            self.warnings.push(format!("{path}: {}", depth()));
            return json!({ "type": "map", "values": "string" });
        }
        if shape.members.is_empty() {
            self.warnings.push(format!("{path}: only empty objects were seen, so what they hold is a guess"));
            return json!({ "type": "map", "values": "string" });
        }
        let record = free(&pascal(name), "", &mut self.names);
        json!({ "type": "record", "name": record, "fields": self.members(shape, path) })
    }

    /// The values of a map, where an object is one: many names, or some that are none in Avro, of which few objects have the same, and one
    /// kind of values.
    fn map(&mut self, shape: &Shape, name: &str, path: &str) -> Option<Value> {
        let total = shape.members.len() + usize::from(shape.others.is_some());
        let is_many = total >= MAP_FROM;
        let is_strange = total >= 2 && shape.members.iter().all(|(name, _)| !is_name(name));
        // One object alone does not show that its names stay: dates and numbers are rather keys.
        let is_key = |name: &str| name.starts_with(|first: char| first.is_ascii_digit());
        let is_keyed = is_strange && shape.objects < 2 && shape.members.iter().all(|(name, _)| is_key(name));
        if !(sparse(shape) && (is_many || is_strange) || is_keyed || shape.others.is_some()) {
            return None;
        }
        let mut values = Shape::default();
        for (_, member) in &shape.members {
            values.merge(member);
        }
        if let Some(others) = &shape.others {
            values.merge(others);
        }
        if values.kinds() > 1 {
            return None;
        }
        let why = if is_keyed { "are none in Avro" } else { "differ from event to event" };
        self.warnings.push(format!(
            "{path}: taken for a map, since its {total} names {why}; make it a record if they are fixed"
        ));
        Some(self.of(&values, values.nulls > 0, name, &format!("{path}{{}}")))
    }
}

/// Whether objects have few names in common: each has less than half of all.
fn sparse(shape: &Shape) -> bool {
    let uses: u64 = shape.members.iter().map(|(_, member)| member.seen).sum();
    let all = shape.objects.saturating_mul(shape.members.len() as u64);
    shape.objects > 1 && uses * 2 <= all
}

impl Shape {
    /// How many kinds of values were seen, null aside.
    fn kinds(&self) -> usize {
        let numbers = self.integers + self.large + self.fractions;
        [self.booleans, numbers, self.texts, self.arrays, self.objects].into_iter().filter(|count| *count > 0).count()
    }

    /// Counts what was seen at another place as if it had been seen here.
    fn merge(&mut self, other: &Self) {
        self.seen += other.seen;
        self.nulls += other.nulls;
        self.booleans += other.booleans;
        self.integers += other.integers;
        self.large += other.large;
        self.fractions += other.fractions;
        self.texts += other.texts;
        self.arrays += other.arrays;
        self.objects += other.objects;
        self.is_cut |= other.is_cut;
        if let Some(items) = &other.items {
            self.items.get_or_insert_with(Box::default).merge(items);
        }
        if let Some(others) = &other.others {
            self.others.get_or_insert_with(Box::default).merge(others);
        }
        for (name, member) in &other.members {
            match self.members.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => known.merge(member),
                None => {
                    let mut new = Self::default();
                    new.merge(member);
                    self.members.push((name.clone(), new));
                }
            }
        }
    }
}

/// A name that is not taken yet, and is from now on.
fn free(name: &str, between: &str, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name}{between}{number}"));
    let found = std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken.contains(name));
    let found = found.unwrap_or_else(|| name.to_owned());
    taken.insert(found.clone());
    found
}

fn pascal(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    let name: String = words.map(capital).collect();
    if !is_name(&name) || Primitive::of(&name).is_some() { format!("R{name}") } else { name }
}

/// A type without its insides, for a list of fields.
fn outline(of: &Value) -> Value {
    match of {
        Value::Array(branches) => branches.iter().map(outline).collect(),
        Value::Object(members) if members.contains_key("fields") => members["name"].clone(),
        Value::Object(members) => {
            let outlined = |(name, value): (&String, &Value)| {
                (name.clone(), if name == "type" { value.clone() } else { outline(value) })
            };
            Value::Object(members.iter().map(outlined).collect())
        }
        plain => plain.clone(),
    }
}

fn shown(key: &str) -> String {
    let plain = |letter: char| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
    let cut: String = key.chars().take(MAX_SHOWN).map(plain).collect();
    if key.chars().nth(MAX_SHOWN).is_some() { cut + "…" } else { cut }
}

fn depth() -> String {
    format!("more than {MAX_DEPTH} levels, or too many places; what is below was not looked at")
}

fn events(number: u64) -> String {
    format!("{number} event{}", if number == 1 { "" } else { "s" })
}
