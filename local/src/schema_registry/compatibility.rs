//! Schema compatibility: whether data written with one schema can be read with another.
//!
//! Backward: the new schema reads what every registered version wrote. Forward: every registered version reads what
//! the new schema writes. Only what can be read whatever the values counts: a reader that fails on some values, such as
//! a `long` for what was `["null", "long"]`, is not compatible.

use std::collections::HashMap;

use apache_avro::{
    Schema,
    schema::{Name, UnionSchema},
    schema_compatibility::{Compatibility as Verdict, SchemaCompatibility},
};

use super::error::Refusal;
use crate::topology::Compatibility;

/// Longest reason that is passed on: the checker prints whole schemas.
const MAX_REASON: usize = 400;
/// Most references that are replaced: schemas that refer to one another can unfold without bounds.
const MAX_EXPANSIONS: usize = 10_000;

/// Checks `new` against `versions`, the registered ones with their numbers.
///
/// # Errors
/// [`Refusal::Incompatible`], naming the version and the reason.
pub(super) fn check<'v>(
    mode: Compatibility,
    new: &Schema,
    versions: impl IntoIterator<Item = (u32, &'v Schema)>,
) -> Result<(), Refusal> {
    if mode == Compatibility::None {
        return Ok(());
    }
    let new = expanded(new);
    for (version, old) in versions {
        let old = expanded(old);
        let verdict = match mode {
            Compatibility::None => continue,
            Compatibility::Backward => SchemaCompatibility::can_read(&old, &new),
            Compatibility::Forward => SchemaCompatibility::can_read(&new, &old),
        };
        let reason = match verdict {
            Ok(Verdict::Full) => continue,
            Ok(Verdict::Partial) => "some values that the one writes cannot be read by the other".to_owned(),
            Err(error) => error.to_string().chars().take(MAX_REASON).collect(),
        };
        return Err(Refusal::Incompatible { version, reason });
    }
    Ok(())
}

/// The schema with each reference to a named type replaced by the type, except within itself. The checker takes a
/// reference and a definition for different types, but which of the two a field has depends on the order of fields.
fn expanded(schema: &Schema) -> Schema {
    let mut schema = schema.clone();
    let mut expansion = Expansion { types: HashMap::new(), open: Vec::new(), left: MAX_EXPANSIONS };
    expansion.expand(&mut schema);
    schema
}

struct Expansion {
    types: HashMap<Name, Schema>,
    /// Records around the present place.
    open: Vec<Name>,
    left: usize,
}

impl Expansion {
    fn expand(&mut self, schema: &mut Schema) {
        if let Schema::Ref { name } = schema
            && !self.open.contains(name)
            && let Some(definition) = self.types.get(name)
            && self.left > 0
        {
            self.left -= 1;
            *schema = definition.clone();
        }
        match schema {
            Schema::Record(record) => {
                self.types.entry(record.name.clone()).or_insert_with(|| Schema::Record(record.clone()));
                self.open.push(record.name.clone());
                record.fields.iter_mut().for_each(|field| self.expand(&mut field.schema));
                self.open.pop();
            }
            Schema::Array(array) => self.expand(&mut array.items),
            Schema::Map(map) => self.expand(&mut map.types),
            Schema::Union(union) => {
                let mut variants = union.variants().to_vec();
                variants.iter_mut().for_each(|variant| self.expand(variant));
                // Expanding changes no variant's type, so the union stays one.
                if let Ok(expanded) = UnionSchema::new(variants) {
                    *union = expanded;
                }
            }
            named => {
                if !matches!(named, Schema::Ref { .. })
                    && let Some(name) = named.name()
                {
                    self.types.entry(name.clone()).or_insert_with(|| named.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &str) -> Schema {
        Schema::parse_str(&format!(r#"{{"type":"record","name":"Product","fields":[{fields}]}}"#)).expect("valid")
    }

    fn allows(mode: Compatibility, old: &str, new: &str) -> bool {
        check(mode, &record(new), [(1, &record(old))]).is_ok()
    }

    #[test]
    fn fields_may_come_and_go_as_each_mode_says() {
        use Compatibility::{Backward, Forward, None};
        let id = r#"{"name":"id","type":"string"}"#;
        let required = r#"{"name":"id","type":"string"},{"name":"stock","type":"int"}"#;
        let optional = r#"{"name":"id","type":"string"},{"name":"stock","type":"int","default":0}"#;
        for (old, new, backward, forward) in [
            (id, id, true, true),
            (id, required, false, true),
            (id, optional, true, true),
            (required, id, true, false),
            (optional, id, true, true),
        ] {
            assert_eq!(allows(Backward, old, new), backward, "{old} -> {new}");
            assert_eq!(allows(Forward, old, new), forward, "{old} -> {new}");
            assert!(allows(None, old, new));
        }
    }

    #[test]
    fn types_may_widen_but_not_narrow() {
        let field = |kind: &str| format!(r#"{{"name":"n","type":{kind}}}"#);
        for (old, new, backward) in [
            (r#""int""#, r#""long""#, true),
            (r#""long""#, r#""int""#, false),
            (r#""long""#, r#"["null","long"]"#, true),
            (r#"["null","long"]"#, r#"["null","long"]"#, true),
            (r#"["null","long"]"#, r#""long""#, false),
        ] {
            assert_eq!(allows(Compatibility::Backward, &field(old), &field(new)), backward, "{old} -> {new}");
        }
    }

    #[test]
    fn the_place_where_a_type_is_defined_does_not_matter() {
        let money = r#"{"type":"record","name":"Money","fields":[{"name":"minor","type":"long"}]}"#;
        let old = format!(r#"{{"name":"price","type":{money}}}"#);
        let new =
            format!(r#"{{"name":"before","type":["null",{money}],"default":null}},{{"name":"price","type":"Money"}}"#);
        assert!(allows(Compatibility::Backward, &old, &new));
        assert!(!allows(Compatibility::Backward, &old, &new.replace("minor", "major")));
    }
}
