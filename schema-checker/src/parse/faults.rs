//! Faults of a text by itself, whatever it is compared with.

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    defaults::{Fit, Quirk, fit, quirk},
    finding::{Direction, EVERY, Effect, Finding, Reader, Severity},
    model::{Field, NamedId, NamedKind, Primitive, Schema, Type, below},
};

/// How other languages write null; as a text it is seldom meant.
const NULLS: [&str; 4] = ["null", "None", "nil", "undefined"];

#[derive(Default)]
pub(super) struct Faults {
    pub(super) found: Vec<Finding>,
}

impl Faults {
    /// The text is no valid schema.
    pub(super) fn invalid(&mut self, path: &str, what: String, fragment: Option<Value>, mend: &str) {
        self.broken("invalid-schema", path, what, fragment, mend);
    }

    pub(super) fn name(&mut self, path: &str, name: &str) {
        let what = format!("{name:?} is no name for every parser");
        let mend = "letters, digits and _ of ASCII make a name, and no digit is first";
        self.broken("invalid-name", path, what, Some(Value::from(name)), mend);
    }

    pub(super) fn broken(&mut self, code: &'static str, path: &str, what: String, fragment: Option<Value>, mend: &str) {
        self.add(code, Severity::Break, Effect::Refused, path, what, fragment, mend, EVERY);
    }

    pub(super) fn doubtful(
        &mut self,
        code: &'static str,
        path: &str,
        what: String,
        fragment: Option<Value>,
        mend: &str,
    ) {
        self.add(code, Severity::Warn, Effect::None, path, what, fragment, mend, EVERY);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the one place that makes a fault; each of its callers leaves some out"
    )]
    fn add(
        &mut self,
        code: &'static str,
        severity: Severity,
        effect: Effect,
        path: &str,
        what: String,
        fragment: Option<Value>,
        mend: &str,
        readers: &[Reader],
    ) {
        self.found.push(Finding {
            code,
            severity,
            direction: Direction::Schema,
            effect,
            path: path.to_owned(),
            old: None,
            new: fragment,
            readers: readers.to_vec(),
            versions: Vec::new(),
            what,
            mend: mend.to_owned(),
        });
    }

    /// Defaults that do not fit their types.
    pub(super) fn of_defaults(&mut self, schema: &Schema) {
        for named in &schema.named {
            let NamedKind::Record(fields) = &named.kind else { continue };
            for field in fields {
                self.of_default(schema, field, &below(&named.path, &field.name));
            }
        }
    }

    /// Fields with the name of another one as an alias: avsc takes both for the field, and fails on any data that has them.
    pub(super) fn of_aliases(&mut self, schema: &Schema) {
        for named in &schema.named {
            let NamedKind::Record(fields) = &named.kind else { continue };
            for field in fields {
                let is_other =
                    |alias: &&String| **alias != field.name && fields.iter().any(|field| field.name == **alias);
                let Some(other) = field.aliases.iter().find(is_other) else { continue };
                let (path, fragment) = (below(&named.path, &field.name), Some(schema.field_fragment(field, false)));
                let what = format!("its alias {other} is another field, and JavaScript fails where data has both");
                let (code, readers) = ("ambiguous-alias", &[Reader::JavaScript]);
                let mend = format!("take the alias {other} from {}", field.name);
                self.add(code, Severity::Break, Effect::Refused, &path, what, fragment, &mend, readers);
            }
        }
    }

    fn of_default(&mut self, schema: &Schema, field: &Field, path: &str) {
        let Some(default) = &field.default else { return };
        let fragment = Some(schema.field_fragment(field, true));
        let union = match &field.of {
            Type::Union(branches) => branches.as_slice(),
            _ => &[],
        };
        let is_text_null = default.as_str() == Some("null");
        let may_be_null = union.iter().any(|branch| matches!(branch, Type::Primitive(Primitive::Null, _)));
        if may_be_null && default.as_str().is_some_and(|text| NULLS.iter().any(|null| null.eq_ignore_ascii_case(text)))
        {
            let what = format!("the default is the text {default}");
            let mend = "write null without quotes, \"default\": null, and put \"null\" first in the union; or choose another text";
            return self.broken("default-text-null", path, what, fragment, mend);
        }
        match fit(schema, &field.of, default) {
            Fit::Fits if is_text_null => {
                let what = "the default is the text \"null\"".to_owned();
                let mend = "if nothing is meant, make it [\"null\", …] with \"default\": null";
                self.doubtful("default-text-null", path, what, fragment, mend);
            }
            Fit::Fits => {
                if let Some(Quirk { reader, what, mend }) = quirk(schema, &field.of, default) {
                    let code = "default-not-portable";
                    self.add(code, Severity::Break, Effect::Refused, path, what, fragment, &mend, &[reader]);
                }
            }
            Fit::LaterBranch(index) => {
                let branch = schema.shown(&union[index]);
                let what =
                    format!("the default {} fits {branch}, which is not the union's first branch", shown(default));
                let others = union.iter().enumerate().filter(|(place, _)| *place != index).map(|(_, branch)| branch);
                let ordered: Value =
                    std::iter::once(&union[index]).chain(others).map(|branch| schema.fragment(branch, false)).collect();
                let first = if default.is_null() { "null" } else { &branch };
                let mend = format!("put {first} first: {}", shown(&ordered));
                self.add(
                    "default-not-first-branch",
                    Severity::Break,
                    Effect::Refused,
                    path,
                    what,
                    fragment,
                    &mend,
                    &[Reader::Python, Reader::JavaScript],
                );
            }
            Fit::No(why) => {
                let what = format!("the default {} does not fit: {why}", shown(default));
                let mend = if default.is_null() && union.is_empty() {
                    let of = shown(&schema.fragment(&field.of, false));
                    format!("make the type [\"null\", {of}], or give a default that fits")
                } else {
                    format!("give a default that fits {}, or none", schema.shown(&field.of))
                };
                self.broken("invalid-default", path, what, fragment, &mend);
            }
        }
    }

    /// Records of which no value can be written, since each holds another one.
    pub(super) fn of_records_without_end(&mut self, schema: &Schema) {
        let mut ending: HashSet<NamedId> = HashSet::new();
        loop {
            let before = ending.len();
            for (index, named) in schema.named.iter().enumerate() {
                let ends = match &named.kind {
                    NamedKind::Record(fields) => fields.iter().all(|field| ends(&field.of, &ending)),
                    _ => true,
                };
                if ends {
                    ending.insert(NamedId(index));
                }
            }
            if ending.len() == before {
                break;
            }
        }
        for (index, named) in schema.named.iter().enumerate() {
            if !ending.contains(&NamedId(index)) {
                let what = format!("no {} can be written, since each would hold another one", named.name);
                let mend = "make the field that refers to it [\"null\", …] with \"default\": null";
                self.broken("endless-record", &named.path, what, Some(Value::from(named.name.as_str())), mend);
            }
        }
    }
}

fn ends(of: &Type, ending: &HashSet<NamedId>) -> bool {
    match of {
        Type::Named(id) => ending.contains(id),
        Type::Union(branches) => branches.iter().any(|branch| ends(branch, ending)),
        Type::Primitive(..) | Type::Array(_) | Type::Map(_) | Type::Unknown => true,
    }
}

/// A default as a message shows it.
pub(crate) fn shown(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
