//! Records, field by field.

use serde_json::Value;

use super::{PYTHON, Pair, Said, Walk};
use crate::{
    defaults,
    finding::Reader,
    model::{Field, Primitive, Type, below, branches},
    parse::{short, shown},
};

const NOT_JAVASCRIPT: &[Reader] = &[Reader::Python, Reader::Rust];

impl Walk<'_> {
    pub(super) fn records(&mut self, written: &[Field], expected: &[Field], path: &str) {
        for field in expected {
            let at = below(path, &field.name);
            self.by_aliases(field, written, expected, &at);
            match written.iter().find(|other| other.name == field.name) {
                Some(other) => {
                    self.resolve(Pair { written: &other.of, expected: &field.of }, &at);
                    if self.is_forth() {
                        self.defaults(other, field, &at);
                    }
                }
                None if self.is_forth() => self.added(field, written, expected, &at),
                None => self.removed(field, written, &at),
            }
        }
    }

    /// A field that old data does not have.
    fn added(&mut self, field: &Field, old: &[Field], new: &[Field], path: &str) {
        let has = |fields: &[Field], name: &str| fields.iter().any(|field| field.name == name);
        let renamed = field.aliases.iter().find(|alias| has(old, short(alias)) && !has(new, short(alias)));
        let fragments = (None, Some(self.new.field_fragment(field, false)));
        if let Some(alias) = renamed {
            let what = match &field.default {
                None => format!("{alias} is called {} now, and only JavaScript reads by aliases", field.name),
                Some(_) => format!(
                    "{alias} is called {} now: JavaScript finds the old values by the alias, others take the default",
                    field.name
                ),
            };
            let mend = format!(
                "call it {alias} as before, or add {} beside it with a default and without the alias",
                field.name
            );
            let said = match &field.default {
                Some(_) => Said::misreads("field-renamed", what, mend),
                None => Said::fails("field-renamed", what, mend),
            };
            self.add(path, fragments.clone(), said.to(NOT_JAVASCRIPT));
        } else if field.default.is_none() {
            let said =
                Said::fails("field-without-default", "added without default".to_owned(), self.default_for(&field.of));
            self.add(path, fragments.clone(), said);
        }
        self.decimal_in_rust(&field.of, path, fragments);
    }

    /// A field that readers of the old version expect, and new data does not have.
    fn removed(&mut self, field: &Field, new: &[Field], path: &str) {
        let fragments = (Some(self.old.field_fragment(field, false)), None);
        // JavaScript refuses such an old text as a whole; that is no matter of this field.
        let is_usable = defaults::is_usable(self.old, field);
        if is_usable && defaults::is_usable_to_python(self.old, field) {
            return;
        }
        let what = match &field.default {
            None => "removed, and it had no default",
            Some(_) if is_usable => "removed, and its default is one that Python cannot read",
            Some(_) => "removed, and its default was none that fits its type",
        };
        let renamed = new.iter().find(|other| other.aliases.iter().any(|alias| short(alias) == field.name));
        let mend = match renamed {
            Some(other) => {
                format!("keep it beside {}, without the alias there; readers of old versions know no alias", other.name)
            }
            None => "keep it; a version with a default must have been there before a field can go".to_owned(),
        };
        let said = Said::fails("field-removed", what.to_owned(), mend);
        self.add(path, fragments, if is_usable { said.to(PYTHON) } else { said });
    }

    fn defaults(&mut self, old: &Field, new: &Field, path: &str) {
        let fragments = (Some(self.old.field_fragment(old, false)), Some(self.new.field_fragment(new, false)));
        match (&old.default, &new.default) {
            (Some(before), Some(after)) if !defaults::is_same(before, after) => {
                let what = format!("the default went from {} to {}", shown(before), shown(after));
                let mend = "data that lacks the field means something else from now on, for readers of the new version only; \
                            keep the default unless that is meant";
                self.add(path, fragments, Said::warns("default-changed", what, mend));
            }
            (Some(before), None) => {
                let what = format!("the default {} is gone", shown(before));
                let mend = "keep it: without one, the field can never be taken away, and data without it is not read";
                self.add(path, fragments, Said::warns("default-removed", what, mend));
            }
            _ => {}
        }
    }

    /// What to write for a field that lacks a default.
    fn default_for(&self, of: &Type) -> String {
        let is_null = |of: &Type| matches!(of, Type::Primitive(Primitive::Null, _));
        match of {
            of if is_null(of) => "add \"default\": null".to_owned(),
            Type::Union(branches) if branches.first().is_some_and(is_null) => "add \"default\": null".to_owned(),
            Type::Union(branches) if branches.iter().any(is_null) => {
                "put \"null\" first in the union, and add \"default\": null".to_owned()
            }
            Type::Unknown => "add a \"default\"".to_owned(),
            of => {
                let fragment = self.new.fragment(of, false);
                match of {
                    Type::Union(_) => "add a \"default\" that fits the union's first branch".to_owned(),
                    _ => format!("add a \"default\", or make it [\"null\", {fragment}] with \"default\": null"),
                }
            }
        }
    }

    /// What the library for Rust does with decimals in bytes, said where one is new.
    fn decimal_in_rust(&mut self, of: &Type, path: &str, fragments: (Option<Value>, Option<Value>)) {
        let is_decimal =
            |of: &Type| matches!(of, Type::Primitive(Primitive::Bytes, Some(logical)) if logical.name() == "decimal");
        if branches(of).iter().any(is_decimal) {
            let what =
                "Rust fails on small values of a decimal in bytes once versions differ, and Python ignores the scale";
            let mend = "write a long of minor units, as the other events do";
            self.add(path, fragments, Said::warns("decimal-in-bytes", what.to_owned(), mend).to(&[Reader::Rust]));
        }
    }
}
