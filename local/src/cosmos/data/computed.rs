//! Computed properties: what queries see in an item beside, or in place of, what it has, and nothing else sees.
//!
//! Source: "Computed properties in Azure Cosmos DB for NoSQL".

use std::collections::BTreeSet;

use contoso_cosmos_query::{ComputedBudget, ComputedProperty, QueryError};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cosmos::wire::refusal::Refusal;

/// Members of every document, which no computed property may be called.
const SYSTEM: [&str; 6] = ["id", "_rid", "_self", "_etag", "_ts", "_attachments"];
/// Computed properties of a container, as in the service.
const MOST: usize = 20;

/// One property as a client states it.
#[derive(Deserialize)]
pub(in crate::cosmos) struct Stated {
    name: String,
    query: String,
}

/// The computed properties of a container, by name.
#[derive(Clone, Debug, Default)]
pub(in crate::cosmos) struct Computed(Vec<(String, ComputedProperty)>);

impl Computed {
    /// # Errors
    /// 400 where the service does not take them.
    pub(in crate::cosmos) fn read<'s>(stated: impl ExactSizeIterator<Item = &'s Stated>) -> Result<Self, Refusal> {
        if stated.len() > MOST {
            let message = format!("A container has at most {MOST} computed properties, not {}.", stated.len());
            return Err(Refusal::bad_request(message));
        }
        let mut names = BTreeSet::new();
        let read = stated.map(|Stated { name, query }| {
            if name.is_empty() || SYSTEM.contains(&name.as_str()) {
                return Err(Refusal::bad_request(format!("{name:?} cannot be the name of a computed property.")));
            }
            if !names.insert(name) {
                return Err(Refusal::bad_request(format!("Two computed properties are named {name:?}.")));
            }
            let property = ComputedProperty::parse(query);
            property.map(|property| (name.clone(), property)).map_err(|error| Refusal::query(&error))
        });
        Ok(Self(read.collect::<Result<_, Refusal>>()?))
    }

    /// Those that a stored definition has. Earlier versions took some that are none; nobody sees these.
    pub(in crate::cosmos) fn stored(definition: &Map<String, Value>) -> Self {
        let stated = definition.get("computedProperties").and_then(Value::as_array);
        let stated = stated.into_iter().flatten().filter_map(|it| serde_json::from_value::<Stated>(it.clone()).ok());
        let read = stated.filter_map(|it| Some((it.name, ComputedProperty::parse(&it.query).ok()?)));
        Self(read.take(MOST).collect())
    }

    pub(in crate::cosmos) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::cosmos) fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Gives a document its computed values, of which none sees another. One that is undefined hides what the document has.
    ///
    /// # Errors
    /// Where `budget` does not allow it.
    pub(in crate::cosmos) fn add(&self, document: &mut Value, budget: &ComputedBudget) -> Result<(), QueryError> {
        let values = self.0.iter().map(|(_, property)| property.evaluate(document, budget));
        let values: Vec<Option<Value>> = values.collect::<Result<_, _>>()?;
        if let Value::Object(members) = document {
            for ((name, _), value) in self.0.iter().zip(values) {
                set(members, name, value);
            }
        }
        Ok(())
    }

    /// Makes copies of whole documents in a row what these are without computed values, as `SELECT *` has them. `persisted` gives
    /// the document of a resource id.
    pub(in crate::cosmos) fn remove(&self, row: &mut Value, persisted: &dyn Fn(&str) -> Option<Value>) {
        match row {
            Value::Array(elements) => elements.iter_mut().for_each(|element| self.remove(element, persisted)),
            Value::Object(members) => {
                let id = members.get("_rid").filter(|_| members.contains_key("_self")).and_then(Value::as_str);
                match id.and_then(persisted) {
                    Some(Value::Object(document)) if self.is_copy(members, &document) => {
                        for (name, _) in &self.0 {
                            set(members, name, document.get(name).cloned());
                        }
                    }
                    _ => members.values_mut().for_each(|value| self.remove(value, persisted)),
                }
            }
            _ => {}
        }
    }

    /// Whether an object has the members of a document, whichever computed ones it has too.
    fn is_copy(&self, members: &Map<String, Value>, document: &Map<String, Value>) -> bool {
        let own = |name: &&String| !self.0.iter().any(|(computed, _)| computed == *name);
        members.keys().filter(own).eq(document.keys().filter(own))
    }
}

fn set(members: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.remove(name),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_new_and_not_the_services_and_few() {
        let stated = |name: &str| Stated { name: name.to_owned(), query: "SELECT VALUE c.a FROM c".to_owned() };
        let refused = |all: &[Stated]| Computed::read(all.iter()).unwrap_err().message;
        assert!(refused(&[stated("a"), stated("a")]).contains("\"a\""));
        assert!(refused(&[stated("_ts")]).contains("_ts") && refused(&[stated("")]).contains("\"\""));
        let many: Vec<Stated> = (0..21).map(|n| stated(&format!("p{n}"))).collect();
        assert!(refused(&many).contains("at most 20"));
        assert_eq!(Computed::read(many[1..].iter()).unwrap().names().len(), 20);
    }
}
