//! JSON forms as JSON Schema (2020-12, and draft 7 as far as it is used here).

use serde_json::{Map, Value, json};

use super::{Form, Forms, Kind, Member, Text};

/// The schemas of shapes, by their names; forms refer to them below `prefix`.
pub struct Definitions<'a> {
    /// The shapes.
    pub forms: &'a Forms,
    /// Where the schemas of the shapes will stand, as `#/components/schemas/`.
    pub prefix: &'a str,
}

impl Definitions<'_> {
    /// The schema of each shape.
    #[must_use]
    pub fn all(&self) -> Map<String, Value> {
        let forms = self.forms;
        forms.shapes.iter().map(|shape| (shape.name.clone(), self.shape(&shape.kind, shape.doc.as_deref()))).collect()
    }

    fn shape(&self, kind: &Kind, doc: Option<&str>) -> Value {
        let mut schema = match kind {
            Kind::Names(names) => json!({ "type": "string", "examples": names }),
            Kind::Object(members) => {
                let required: Vec<_> =
                    members.iter().filter(|member| member.is_required).map(|member| &member.name).collect();
                let properties: Map<_, _> =
                    members.iter().map(|member| (member.name.clone(), self.member(member))).collect();
                let mut schema = json!({ "type": "object", "properties": properties });
                if !required.is_empty() {
                    schema["required"] = json!(required);
                }
                schema
            }
        };
        if let Some(doc) = doc {
            schema["description"] = doc.into();
        }
        schema
    }

    fn member(&self, member: &Member) -> Value {
        let mut schema = self.form(&member.form);
        // Beside a reference draft 7 passes over everything.
        if schema.get("$ref").is_some() && (member.doc.is_some() || member.default.is_some()) {
            schema = json!({ "allOf": [schema] });
        }
        if let Some(doc) = &member.doc {
            schema["description"] = doc.as_str().into();
        }
        if let Some(default) = &member.default {
            schema["default"] = default.clone();
        }
        schema
    }

    /// The schema of a value.
    #[must_use]
    pub fn form(&self, form: &Form) -> Value {
        match form {
            Form::Any => json!({}),
            Form::Null => json!({ "type": "null" }),
            Form::Boolean => json!({ "type": "boolean" }),
            Form::Int => json!({ "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX }),
            Form::Long => json!({ "type": "integer", "format": "int64" }),
            Form::Number => json!({ "type": "number" }),
            Form::Text(text) => of_text(*text),
            Form::List(items) => json!({ "type": "array", "items": self.form(items) }),
            Form::Map(values) => json!({ "type": "object", "additionalProperties": self.form(values) }),
            Form::Union(forms) => json!({ "anyOf": forms.iter().map(|form| self.form(form)).collect::<Vec<_>>() }),
            Form::Shape(index) => {
                let name = self.forms.shapes.get(*index).map_or("", |shape| shape.name.as_str());
                json!({ "$ref": format!("{}{name}", self.prefix) })
            }
        }
    }
}

fn of_text(text: Text) -> Value {
    match text {
        Text::Plain => json!({ "type": "string" }),
        Text::Moment => json!({ "type": "string", "format": "date-time" }),
        Text::Date => json!({ "type": "string", "format": "date" }),
        Text::Uuid => json!({ "type": "string", "format": "uuid" }),
        Text::Base64 => json!({ "type": "string", "contentEncoding": "base64" }),
        Text::LocalMoment | Text::TimeOfDay | Text::Decimal | Text::Amount => {
            json!({ "type": "string", "pattern": text.pattern(), "description": text.words() })
        }
    }
}
