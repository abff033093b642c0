//! As a module of Python.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    super::json_form::{Form, Kind, Shape, Text},
    model::{ATTRIBUTES, Attribute, Bindings, lines},
    names::{Names, snake},
};

const RUNTIME: &str = include_str!("runtime.py");

const HEAD: &str = "\"\"\"What partners and operators of Contoso Events receive. Made by `contoso schemas bindings --lang python`; do not edit.

Types are dictionaries as `json.loads` gives them; `parse_` functions check them. Python 3.11 or newer.
\"\"\"

import re
from collections.abc import Callable
from typing import Literal, NotRequired, TypeAlias, TypedDict, TypeGuard, cast
";

/// Keywords, what is built in and used here, and what this module has beside the types.
const RESERVED: [&str; 81] = [
    "False",
    "None",
    "True",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "case",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "match",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "type",
    "while",
    "with",
    "yield",
    "_",
    "__debug__",
    "all",
    "bool",
    "dict",
    "enumerate",
    "float",
    "int",
    "isinstance",
    "list",
    "object",
    "str",
    "super",
    "tuple",
    "ValueError",
    "re",
    "Callable",
    "Literal",
    "NotRequired",
    "TypeAlias",
    "TypedDict",
    "TypeGuard",
    "cast",
    "InvalidData",
    "KnownEvent",
    "OtherEvent",
    "parse_event",
    "is_known_event",
    "_Check",
    "_below",
    "_object",
    "_members",
    "_map",
    "_list",
    "_union",
    "_any",
    "_null",
    "_boolean",
    "_whole",
    "_int",
    "_long",
    "_number",
    "_text",
];

pub(super) fn module(bindings: &Bindings) -> String {
    let is_reserved = |name: &str| {
        RESERVED.contains(&name) || name.starts_with("_check_") || matches!(name, "_like" | "_EVENTS" | "__name__")
    };
    let names = Names::of(bindings, is_reserved);
    let writer = Writer { bindings, names };
    let mut text = HEAD.to_owned();
    text.push_str(RUNTIME);
    for (shape, name) in bindings.forms.shapes.iter().zip(&writer.names.shapes) {
        text.push_str(&writer.shape(shape, name));
    }
    for (shape, name) in bindings.forms.shapes.iter().zip(&writer.names.shapes) {
        text.push_str(&writer.check_of(shape, name));
    }
    let mut functions = BTreeSet::from(["parse_event".to_owned()]);
    for (root, name) in bindings.roots.iter().zip(&writer.names.roots) {
        let mut function = format!("parse_{}", snake(name).trim_end_matches('_'));
        while !functions.insert(function.clone()) {
            function.push('_');
        }
        text.push_str(&writer.root(&root.form, name, &function));
    }
    if bindings.roots.iter().any(|root| root.event_type.is_some()) {
        text.push_str(&writer.events());
    }
    text
}

struct Writer<'a> {
    bindings: &'a Bindings,
    names: Names,
}

impl Writer<'_> {
    fn shape(&self, shape: &Shape, name: &str) -> String {
        let mut text = String::from("\n");
        text.push_str(&comment(shape.doc.as_deref(), ""));
        match &shape.kind {
            // A name that came later is text as well.
            Kind::Names(symbols) => {
                let symbols: Vec<_> = symbols.iter().map(|symbol| format!("\"{symbol}\"")).collect();
                _ = writeln!(text, "{name}: TypeAlias = Literal[{}] | str", symbols.join(", "));
            }
            // By a call and not as a class, since members may be called like keywords.
            Kind::Object(members) => {
                _ = writeln!(text, "{name} = TypedDict(\"{name}\", {{");
                for member in members {
                    text.push_str(&comment(member.doc.as_deref(), "    "));
                    if let Form::Text(kind) = member.form
                        && kind != Text::Plain
                    {
                        _ = writeln!(text, "    #: As {}.", kind.words());
                    }
                    let kind = self.named(&member.form);
                    let kind =
                        if member.is_required { format!("\"{kind}\"") } else { format!("NotRequired[\"{kind}\"]") };
                    _ = writeln!(text, "    \"{}\": {kind},", member.name);
                }
                text.push_str("})\n");
            }
        }
        text
    }

    fn check_of(&self, shape: &Shape, name: &str) -> String {
        let mut text = format!("\n\ndef _check_{name}(value: object, path: str) -> None:\n");
        match &shape.kind {
            Kind::Names(_) => text.push_str("    _text(value, path)\n"),
            Kind::Object(members) if members.is_empty() => text.push_str("    _object(value, path)\n"),
            Kind::Object(members) => {
                text.push_str("    _members(value, path, [\n");
                for member in members {
                    let is_required = if member.is_required { "True" } else { "False" };
                    _ = writeln!(text, "        (\"{}\", {is_required}, {}),", member.name, self.check(&member.form));
                }
                text.push_str("    ])\n");
            }
        }
        text
    }

    fn root(&self, form: &Form, name: &str, function: &str) -> String {
        let mut text = String::new();
        if !matches!(form, Form::Shape(_)) {
            _ = writeln!(text, "\n\n{name}: TypeAlias = \"{}\"", self.named(form));
        }
        _ = write!(
            text,
            "\n\ndef {function}(value: object) -> {name}:\n    \"\"\"The value, if it is one; raises `InvalidData` where it is not. Members that are not known are passed over, and stay.\"\"\"\n    {}(value, \"\")\n    return cast(\"{name}\", value)\n",
            self.check(form),
        );
        text
    }

    fn events(&self) -> String {
        let mut text = String::new();
        let (mut known, mut cases) = (Vec::new(), String::new());
        for (index, root) in self.bindings.roots.iter().enumerate() {
            let (Some(event_type), Some(Some(event))) = (&root.event_type, self.names.events.get(index)) else {
                continue;
            };
            let event_type = serde_json::Value::from(event_type.as_str()).to_string();
            let data = self.named(&root.form);
            text.push_str(&envelope(event, &format!("Literal[{event_type}]"), &format!("\"{data}\"")));
            _ = writeln!(cases, "    {event_type}: {},", self.check(&root.form));
            known.push(event.as_str());
        }
        text.push_str("\n#: An event of a type that came later, or a notice. Take it, and pass it over.");
        text.push_str(&envelope("OtherEvent", "str", "NotRequired[object]"));
        _ = write!(
            text,
            "\n#: An event of a type that this module knows: `event[\"type\"]` tells which.\nKnownEvent: TypeAlias = {}\n\
             \n_EVENTS: dict[str, _Check] = {{\n{cases}}}\n\
             \n\ndef is_known_event(event: KnownEvent | OtherEvent) -> TypeGuard[KnownEvent]:\n    \"\"\"Whether this module knows the type of an event.\"\"\"\n    return event[\"type\"] in _EVENTS\n\
             \n\ndef parse_event(value: object) -> KnownEvent | OtherEvent:\n    \"\"\"The event, with its data checked where its type is known; raises `InvalidData` where it is none.\"\"\"\n    _members(value, \"\", [\n        (\"type\", True, _like(\"(?s:.+)\", \"a text\")),\n",
            known.join(" | "),
        );
        for (name, is_required, attribute, _) in ATTRIBUTES {
            let check = match attribute {
                Attribute::Version => "_like(\"1[.]0\", \"1.0\")",
                Attribute::Text if is_required => "_like(\"(?s:.+)\", \"a text\")",
                Attribute::Text => "_text",
                Attribute::Flag => "_boolean",
            };
            let is_required = if is_required { "True" } else { "False" };
            _ = writeln!(text, "        (\"{name}\", {is_required}, {check}),");
        }
        text.push_str(
            "    ])\n    event = cast(\"OtherEvent\", value)\n    check = _EVENTS.get(event[\"type\"])\n    if check is not None:\n        check(_object(value, \"\").get(\"data\"), \"data\")\n    return event\n",
        );
        text
    }

    /// The type of a form.
    fn named(&self, form: &Form) -> String {
        match form {
            Form::Any => "object".to_owned(),
            Form::Null => "None".to_owned(),
            Form::Boolean => "bool".to_owned(),
            Form::Int | Form::Long => "int".to_owned(),
            Form::Number => "float".to_owned(),
            Form::Text(_) => "str".to_owned(),
            Form::List(items) => format!("list[{}]", self.named(items)),
            Form::Map(values) => format!("dict[str, {}]", self.named(values)),
            Form::Union(forms) => {
                let mut names: Vec<_> = forms.iter().map(|form| self.named(form)).collect();
                names.dedup();
                names.join(" | ")
            }
            Form::Shape(index) => self.names.shapes.get(*index).cloned().unwrap_or_default(),
        }
    }

    /// What checks a form.
    fn check(&self, form: &Form) -> String {
        match form {
            Form::Any => "_any".to_owned(),
            Form::Null => "_null".to_owned(),
            Form::Boolean => "_boolean".to_owned(),
            Form::Int => "_int".to_owned(),
            Form::Long => "_long".to_owned(),
            Form::Number => "_number".to_owned(),
            Form::Text(text) => text
                .pattern()
                .map_or_else(|| "_text".to_owned(), |pattern| format!("_like(r\"{pattern}\", \"{}\")", text.words())),
            Form::List(items) => format!("_list({})", self.check(items)),
            Form::Map(values) => format!("_map({})", self.check(values)),
            Form::Union(forms) => {
                let checks: Vec<_> = forms.iter().map(|form| self.check(form)).collect();
                format!("_union({})", checks.join(", "))
            }
            Form::Shape(index) => format!("_check_{}", self.names.shapes.get(*index).map_or("", String::as_str)),
        }
    }
}

/// The type of a CloudEvent.
fn envelope(name: &str, event_type: &str, data: &str) -> String {
    let mut text = format!("\n{name} = TypedDict(\"{name}\", {{\n    \"type\": {event_type},\n");
    for (attribute, is_required, kind, doc) in ATTRIBUTES {
        let kind = match kind {
            Attribute::Version => "Literal[\"1.0\"]",
            Attribute::Text => "str",
            Attribute::Flag => "bool",
        };
        let kind = if is_required { kind.to_owned() } else { format!("NotRequired[{kind}]") };
        text.push_str(&comment(Some(doc), "    "));
        _ = writeln!(text, "    \"{attribute}\": {kind},");
    }
    _ = write!(text, "    \"data\": {data},\n}})\n");
    text
}

/// `#:` and not `#`, so that no line is a directive to a tool, whatever it says.
fn comment(doc: Option<&str>, indent: &str) -> String {
    lines(doc.unwrap_or_default()).fold(String::new(), |mut text, line| {
        _ = writeln!(text, "{indent}#: {line}");
        text
    })
}
