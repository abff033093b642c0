//! As a module of TypeScript.

use std::fmt::Write as _;

use super::{
    super::json_form::{Form, Kind, Member, Shape, Text},
    model::{ATTRIBUTES, Attribute, Bindings, lines},
    names::Names,
};

const RUNTIME: &str = include_str!("runtime.ts");

/// Keywords, names of types that may not be declared, and what this module has beside the types or uses as a type itself.
const RESERVED: [&str; 79] = [
    "any",
    "as",
    "asserts",
    "async",
    "await",
    "bigint",
    "boolean",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "declare",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "get",
    "global",
    "if",
    "implements",
    "import",
    "in",
    "infer",
    "instanceof",
    "interface",
    "is",
    "keyof",
    "let",
    "module",
    "namespace",
    "never",
    "new",
    "null",
    "number",
    "object",
    "of",
    "package",
    "private",
    "protected",
    "public",
    "readonly",
    "require",
    "return",
    "set",
    "static",
    "string",
    "super",
    "switch",
    "symbol",
    "this",
    "throw",
    "true",
    "try",
    "type",
    "typeof",
    "undefined",
    "unique",
    "unknown",
    "var",
    "void",
    "while",
    "with",
    "yield",
    "InvalidData",
    "CloudEvent",
    "KnownEvent",
    "OtherEvent",
    "RegExp",
    "ReadonlyMap",
];

pub(super) fn module(bindings: &Bindings) -> String {
    let names = Names::of(bindings, |name| RESERVED.contains(&name));
    let writer = Writer { bindings, names };
    let mut text = "// What partners and operators of Contoso Events receive. Made by `contoso schemas bindings --lang typescript`; do not edit.\n".to_owned();
    text.push_str(RUNTIME);
    for (shape, name) in bindings.forms.shapes.iter().zip(&writer.names.shapes) {
        text.push_str(&writer.shape(shape, name));
    }
    for (root, name) in bindings.roots.iter().zip(&writer.names.roots) {
        text.push_str(&writer.root(&root.form, name));
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
            Kind::Names(symbols) => {
                let symbols: Vec<_> = symbols.iter().map(|symbol| format!("\"{symbol}\"")).collect();
                _ = writeln!(text, "export type {name} = {} | (string & {{}});", symbols.join(" | "));
                _ = writeln!(
                    text,
                    "\nfunction $check_{name}(value: unknown, path: string): void {{\n  $text(value, path);\n}}"
                );
            }
            Kind::Object(members) => {
                _ = writeln!(text, "export interface {name} {{");
                for member in members {
                    text.push_str(&comment(documented(member).as_deref(), "  "));
                    let optional = if member.is_required { "" } else { "?" };
                    _ = writeln!(text, "  {}{optional}: {};", member.name, self.named(&member.form));
                }
                text.push_str("}\n");
                _ = writeln!(
                    text,
                    "\nfunction $check_{name}(value: unknown, path: string): void {{\n  $members(value, path, ["
                );
                for member in members {
                    _ = writeln!(
                        text,
                        "    [\"{}\", {}, {}],",
                        member.name,
                        member.is_required,
                        self.check(&member.form)
                    );
                }
                text.push_str("  ]);\n}\n");
            }
        }
        text
    }

    fn root(&self, form: &Form, name: &str) -> String {
        let mut text = String::new();
        let check = match form {
            Form::Shape(_) => format!("$check_{name}"),
            _ => {
                _ = writeln!(text, "\nexport type {name} = {};", self.named(form));
                format!("({})", self.check(form))
            }
        };
        _ = writeln!(
            text,
            "\n/** The value, if it is one; throws `InvalidData` where it is not. Members that are not known are passed over, and stay. */\n\
             export function parse{name}(value: unknown): {name} {{\n  {check}(value, \"\");\n  return value as {name};\n}}"
        );
        text
    }

    fn events(&self) -> String {
        let mut text = "\n/** A CloudEvent 1.0, as Event Grid delivers it. It may have other attributes. */\n\
             export interface CloudEvent<Type extends string, Data> {\n  /** What happened. */\n  type: Type;\n"
            .to_owned();
        for (name, is_required, attribute, doc) in ATTRIBUTES {
            let kind = match attribute {
                Attribute::Version => "\"1.0\"",
                Attribute::Text => "string",
                Attribute::Flag => "boolean",
            };
            let optional = if is_required { "" } else { "?" };
            text.push_str(&comment(Some(doc), "  "));
            _ = writeln!(text, "  {name}{optional}: {kind};");
        }
        text.push_str("  /** What is said about it. */\n  data: Data;\n}\n");
        let mut known = Vec::new();
        let mut cases = String::new();
        for (index, root) in self.bindings.roots.iter().enumerate() {
            let (Some(event_type), Some(Some(event)), Some(data)) =
                (&root.event_type, self.names.events.get(index), self.names.roots.get(index))
            else {
                continue;
            };
            _ = writeln!(text, "\nexport type {event} = CloudEvent<{}, {data}>;", quoted(event_type));
            _ = writeln!(
                cases,
                "  [{}, (value, path) => {{ {}(value, path); }}],",
                quoted(event_type),
                self.check(&root.form)
            );
            known.push(event.as_str());
        }
        _ = write!(
            text,
            "\n/** An event of a type that this module knows: `switch (event.type)` tells which. */\nexport type KnownEvent = {};\n\
             \n/** An event of a type that came later, or a notice. Take it, and pass it over. */\nexport type OtherEvent = CloudEvent<string, unknown>;\n\
             \nconst $events: ReadonlyMap<string, $Check> = new Map<string, $Check>([\n{cases}]);\n\
             \n/** Whether this module knows the type of an event. */\n\
             export function isKnownEvent(event: KnownEvent | OtherEvent): event is KnownEvent {{\n  return $events.has(event.type);\n}}\n\
             \n/** The event, with its data checked where its type is known; throws `InvalidData` where it is none. */\n\
             export function parseEvent(value: unknown): KnownEvent | OtherEvent {{\n  $members(value, \"\", [\n    [\"specversion\", true, $like(/^1\\.0$/, \"1.0\")],\n    [\"type\", true, $like(/^[^]/, \"a text\")],\n",
            known.join(" | "),
        );
        for (name, is_required, attribute, _) in ATTRIBUTES {
            let check = match attribute {
                Attribute::Version => continue,
                Attribute::Text if is_required => "$like(/^[^]/, \"a text\")",
                Attribute::Text => "$text",
                Attribute::Flag => "$boolean",
            };
            _ = writeln!(text, "    [\"{name}\", {is_required}, {check}],");
        }
        text.push_str(
            "  ]);\n  const event = value as OtherEvent;\n  const check = $events.get(event.type);\n  if (check !== undefined) check(event.data, \"data\");\n  return event;\n}\n",
        );
        text
    }

    /// The type of a form.
    fn named(&self, form: &Form) -> String {
        match form {
            Form::Any => "unknown".to_owned(),
            Form::Null => "null".to_owned(),
            Form::Boolean => "boolean".to_owned(),
            Form::Int | Form::Long | Form::Number => "number".to_owned(),
            Form::Text(_) => "string".to_owned(),
            Form::List(items) => {
                let items_name = self.named(items);
                if matches!(**items, Form::Union(_)) { format!("({items_name})[]") } else { format!("{items_name}[]") }
            }
            Form::Map(values) => format!("{{ [name: string]: {} }}", self.named(values)),
            Form::Union(forms) => {
                // A list in a list in a union is no union of its own.
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
            Form::Any => "$any".to_owned(),
            Form::Null => "$null".to_owned(),
            Form::Boolean => "$boolean".to_owned(),
            Form::Int => "$int".to_owned(),
            Form::Long => "$long".to_owned(),
            Form::Number => "$number".to_owned(),
            Form::Text(text) => of_text(*text),
            Form::List(items) => format!("$list({})", self.check(items)),
            Form::Map(values) => format!("$map({})", self.check(values)),
            Form::Union(forms) => {
                let checks: Vec<_> = forms.iter().map(|form| self.check(form)).collect();
                format!("$union({})", checks.join(", "))
            }
            Form::Shape(index) => format!("$check_{}", self.names.shapes.get(*index).map_or("", String::as_str)),
        }
    }
}

fn of_text(text: Text) -> String {
    // A slash would end the expression.
    text.pattern().map_or_else(
        || "$text".to_owned(),
        |pattern| format!("$like(/{}/, \"{}\")", pattern.replace('/', "\\/"), text.words()),
    )
}

/// A text as a literal; event types have no quotes, and if one had, it stays inside.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What a member says of itself, and what its type does not say.
fn documented(member: &Member) -> Option<String> {
    let more = match &member.form {
        Form::Text(text) if *text != Text::Plain => Some(text.words()),
        _ => None,
    };
    match (&member.doc, more) {
        (Some(doc), Some(more)) => Some(format!("{doc}\nAs {more}.")),
        (Some(doc), None) => Some(doc.clone()),
        (None, more) => more.map(|more| format!("As {more}.")),
    }
}

fn comment(doc: Option<&str>, indent: &str) -> String {
    let escaped = |line: String| line.replace("*/", "*\\/").replace('@', "\\@");
    let lines: Vec<_> = lines(doc.unwrap_or_default()).map(escaped).collect();
    match lines.as_slice() {
        [] => String::new(),
        [line] => format!("{indent}/** {line} */\n"),
        lines => {
            let body: String = lines.iter().fold(String::new(), |mut body, line| {
                _ = writeln!(body, "{indent} * {line}");
                body
            });
            format!("{indent}/**\n{body}{indent} */\n")
        }
    }
}
