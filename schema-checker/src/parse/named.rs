//! Definitions: records, enumerations and fixed types.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use super::{Parser, logical, names};
use crate::model::{Field, NamedId, NamedKind, Primitive, Type, below};

/// Members of which the model knows the meaning, or that have none for a reader.
const UNDERSTOOD: [&str; 13] = [
    "type",
    "name",
    "namespace",
    "doc",
    "aliases",
    "fields",
    "symbols",
    "default",
    "size",
    "logicalType",
    "precision",
    "scale",
    "order",
];

impl Parser {
    pub(super) fn definition(&mut self, kind: &str, members: &Map<String, Value>, space: &str, path: &str) -> Type {
        let id = self.named_here(kind, members, space, path);
        let full = self.named[id.0].name.clone();
        let inner = names::namespace(&full).to_owned();
        let aliases = self.aliases(members, path);
        self.named[id.0].aliases = aliases.into_iter().map(|alias| names::full(&alias, None, &inner)).collect();
        self.named[id.0].more = more(members);
        self.named[id.0].path = path.to_owned();
        let defined = match kind {
            "enum" => self.enumeration(members, path),
            "fixed" => self.fixed(members, path),
            // Within itself a record is known already.
            _ => {
                self.named[id.0].kind = NamedKind::Record(Vec::new());
                NamedKind::Record(self.fields(members, &inner, path))
            }
        };
        self.named[id.0].kind = defined;
        Type::Named(id)
    }

    fn named_here(&mut self, kind: &str, members: &Map<String, Value>, space: &str, path: &str) -> NamedId {
        let whole = || Some(Value::Object(members.clone()));
        let name = members.get("name").and_then(Value::as_str).unwrap_or_default();
        let namespace = members.get("namespace").and_then(Value::as_str);
        if name.is_empty() {
            self.faults.invalid(path, format!("this {kind} has no name"), whole(), "give it one");
            return self.add("", path);
        }
        let full = names::full(name, namespace, space);
        if !names::is_full_name(&full) {
            self.faults.name(path, &full);
        } else if Primitive::of(names::short(&full)).is_some() {
            let what = format!("{full} has the name of a type of Avro's");
            self.faults.broken("invalid-name", path, what, Some(Value::from(full.as_str())), "call it something else");
        }
        match self.by_name.get(&full) {
            Some(id) if matches!(self.named[id.0].kind, NamedKind::Missing) => *id,
            Some(_) => {
                let what = format!("{full} is defined twice");
                let mend = "name it where it is needed again, without a definition";
                self.faults.broken("duplicate-name", path, what, whole(), mend);
                // What refers to the name goes on meaning the first one.
                let (first, second) = (self.by_name[&full], self.add(&full, path));
                self.by_name.insert(full, first);
                second
            }
            None => self.add(&full, path),
        }
    }

    fn aliases(&mut self, members: &Map<String, Value>, path: &str) -> Vec<String> {
        let Some(said) = members.get("aliases") else { return Vec::new() };
        let aliases: Option<Vec<String>> =
            said.as_array().and_then(|aliases| aliases.iter().map(|alias| alias.as_str().map(str::to_owned)).collect());
        let Some(aliases) = aliases else {
            self.faults.invalid(path, "aliases are a list of names".to_owned(), Some(said.clone()), "");
            return Vec::new();
        };
        for alias in aliases.iter().filter(|alias| !names::is_full_name(alias)) {
            self.faults.name(path, alias);
        }
        aliases
    }

    fn enumeration(&mut self, members: &Map<String, Value>, path: &str) -> NamedKind {
        let whole = || Some(Value::Object(members.clone()));
        let said = members.get("symbols").and_then(Value::as_array);
        let symbols: Option<Vec<String>> =
            said.and_then(|said| said.iter().map(|symbol| symbol.as_str().map(str::to_owned)).collect());
        let symbols = symbols.unwrap_or_default();
        if symbols.is_empty() {
            self.faults.invalid(path, "this enum has no symbols".to_owned(), whole(), "list them in `symbols`");
        }
        let mut met = HashSet::new();
        for symbol in &symbols {
            if !names::is_name(symbol) {
                self.faults.name(path, symbol);
            }
            if !met.insert(symbol) {
                let what = format!("the symbol {symbol} comes twice");
                self.faults.broken("duplicate-name", path, what, Some(Value::from(symbol.as_str())), "keep one");
            }
        }
        let default = members.get("default");
        let known = default.and_then(Value::as_str).filter(|default| symbols.iter().any(|symbol| symbol == default));
        if let (Some(default), None) = (default, known) {
            let what = format!("the enum's default {default} is none of its symbols");
            self.faults.broken("invalid-enum-default", path, what, whole(), "name one of them, or leave it out");
        }
        NamedKind::Enum { default: known.map(str::to_owned), symbols }
    }

    fn fixed(&mut self, members: &Map<String, Value>, path: &str) -> NamedKind {
        let size = members.get("size").and_then(Value::as_u64).filter(|size| *size > 0);
        if size.is_none() {
            let whole = Some(Value::Object(members.clone()));
            self.faults.invalid(path, "a fixed has a size of 1 byte or more".to_owned(), whole, "say it in `size`");
        }
        let size = size.unwrap_or_default();
        NamedKind::Fixed { size, logical: logical::read(members, "fixed", Some(size), path, &mut self.faults) }
    }

    fn fields(&mut self, members: &Map<String, Value>, space: &str, path: &str) -> Vec<Field> {
        let Some(said) = members.get("fields").and_then(Value::as_array) else {
            let whole = Some(Value::Object(members.clone()));
            self.faults.invalid(path, "this record has no list of fields".to_owned(), whole, "list them in `fields`");
            return Vec::new();
        };
        let mut fields: Vec<Field> = Vec::with_capacity(said.len());
        for json in said {
            let Some(field) = self.field(json, space, path) else { continue };
            if fields.iter().any(|earlier| earlier.name == field.name) {
                let what = format!("the record has two fields {}", field.name);
                let at = below(path, &field.name);
                self.faults.broken("duplicate-name", &at, what, Some(json.clone()), "keep one");
                continue;
            }
            fields.push(field);
        }
        fields
    }

    fn field(&mut self, json: &Value, space: &str, path: &str) -> Option<Field> {
        let members = json.as_object();
        let Some((members, name)) = members.and_then(|members| Some((members, members.get("name")?.as_str()?))) else {
            self.faults.invalid(path, "a field is an object with a name".to_owned(), Some(json.clone()), "");
            return None;
        };
        let at = below(path, name);
        if !names::is_name(name) {
            self.faults.name(&at, name);
        }
        let aliases = self.aliases(members, &at);
        let of = match members.get("type") {
            Some(of) => self.of(of, space, &at),
            None => self.unknown(&at, "the field has no type", json),
        };
        let order = members.get("order");
        if let Some(order) = order
            .filter(|order| !order.as_str().is_some_and(|order| ["ascending", "descending", "ignore"].contains(&order)))
        {
            let mend = "it is ascending, descending or ignore";
            self.faults.invalid(&at, format!("the order {order} is none"), Some(json.clone()), mend);
        }
        if members.contains_key("logicalType") && matches!(of, Type::Primitive(_, None)) {
            let what = "the logical type stands beside the type, where readers do not look";
            let mend = "write it into the type: \"type\": {\"type\": …, \"logicalType\": …}";
            self.faults.doubtful("misplaced-logical-type", &at, what.to_owned(), Some(json.clone()), mend);
        }
        let mut more = more(members);
        if let Some(order) = order.filter(|order| *order != "ascending") {
            more.insert("order".to_owned(), order.clone());
        }
        Some(Field { name: name.to_owned(), aliases, of, default: members.get("default").cloned(), more })
    }
}

fn more(members: &Map<String, Value>) -> BTreeMap<String, Value> {
    let others = members.iter().filter(|(name, _)| !UNDERSTOOD.contains(&name.as_str()));
    others.map(|(name, value)| (name.clone(), value.clone())).collect()
}
