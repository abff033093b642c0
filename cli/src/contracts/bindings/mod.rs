//! Types for other languages: what partners and operators receive as JSON, with functions that check it.
//!
//! Whatever text a schema brings is data here: names are letters, digits and `_`, descriptions are comments that end where they should.

mod model;
mod names;
mod python;
mod typescript;

pub use self::model::{Bindings, Root};

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Python 3.11 or newer, checked by mypy.
    Python,
    /// TypeScript 5, for JavaScript of 2020 or newer.
    Typescript,
}

impl Bindings {
    /// As a module of `language`.
    #[must_use]
    pub fn write(&self, language: Language) -> String {
        match language {
            Language::Python => python::module(self),
            Language::Typescript => typescript::module(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contracts::avro::Schema;

    fn bound(schema: &serde_json::Value) -> Bindings {
        let schema = Schema::parse(&schema.to_string()).expect("a schema");
        let mut bindings = Bindings::default();
        let form = bindings.forms.add(&schema, Vec::new());
        bindings.roots.push(Root { name: "Whole".to_owned(), form, event_type: None });
        bindings
    }

    /// What no compiler would complain of: a comment that ends early, and a directive in one.
    #[test]
    fn a_description_stays_a_comment() {
        let doc = "*/ alert(1) /* @ts-ignore\n\"\"\" + x\r# type: ignore\u{2028}export const y = 1\u{202e}";
        let schema = json!({ "type": "record", "name": "R", "doc": doc, "fields": [{ "name": "a", "type": "int", "doc": doc }] });
        let bindings = bound(&schema);
        let typescript = bindings.write(Language::Typescript);
        assert!(
            !typescript.contains("*/ alert") && !typescript.contains(" @ts-ignore") && !typescript.contains('\u{2028}'),
            "{typescript}"
        );
        let python = bindings.write(Language::Python);
        for line in
            python.lines().filter(|line| line.contains("alert") || line.contains("+ x") || line.contains("ignore"))
        {
            assert!(line.trim_start().starts_with("#: "), "{line}");
        }
        assert!(!python.contains('\u{202e}') && !typescript.contains('\u{202e}'));
    }

    #[test]
    fn names_of_the_language_are_no_names_of_types() {
        let inner = |name: &str| json!({ "type": "record", "name": name, "fields": [] });
        let schema = json!({ "type": "record", "name": "string", "fields": [
            { "name": "import", "type": inner("class") }, { "name": "yield", "type": inner("str") }, { "name": "__proto__", "type": "a.class" },
            // The checks use these as types.
            { "name": "pattern", "type": inner("RegExp") }, { "name": "table", "type": inner("ReadonlyMap") },
        ], "namespace": "a" });
        let bindings = bound(&schema);
        let typescript = bindings.write(Language::Typescript);
        for line in [
            "export interface string_ {",
            "  import: class_;",
            "  yield: str;",
            "  __proto__: class_;",
            "  pattern: RegExp_;",
            "  table: ReadonlyMap_;",
        ] {
            assert!(typescript.contains(line), "{line}: {typescript}");
        }
        let python = bindings.write(Language::Python);
        for line in ["class_ = TypedDict(", "str_ = TypedDict(", "    \"import\": \"class_\","] {
            assert!(python.contains(line), "{line}: {python}");
        }
    }
}
