//! Makes the JSON forms of schemas.

use super::{
    super::avro::{Definition, Field, Named, Primitive, Schema, Type, short},
    Form, Forms, Kind, Member, Shape, Text,
    money::is_money,
};

/// Fields that are text on the hub, and in JSON have the form of what they are about.
const OF_ANY_FORM: [(&str, &str); 2] =
    [("com.contoso.product.FieldChange", "from"), ("com.contoso.product.FieldChange", "to")];

impl Forms {
    /// Adds a schema's form; `more` are members that only the JSON of the whole has. What is there already stays one.
    pub fn add(&mut self, schema: &Schema, more: Vec<Member>) -> Form {
        let form = self.form(schema, &schema.root);
        if more.is_empty() {
            return form;
        }
        let Form::Shape(index) = form else { return form };
        if let Some(Shape { kind: Kind::Object(members), .. }) = self.shapes.get_mut(index) {
            for member in more {
                if !members.iter().any(|known| known.name == member.name) {
                    members.push(member);
                }
            }
        }
        form
    }

    /// Adds an object that no schema has.
    pub fn add_object(&mut self, name: &str, doc: &str, members: Vec<Member>) -> Form {
        let name = self.unique(name, name);
        let doc = Some(doc.to_owned());
        self.shapes.push(Shape { full_name: name.clone(), name, doc, kind: Kind::Object(members), origin: Vec::new() });
        Form::Shape(self.shapes.len() - 1)
    }

    pub(super) fn form(&mut self, schema: &Schema, kind: &Type) -> Form {
        match kind {
            Type::Primitive(primitive) => of_primitive(*primitive),
            Type::Array(items) => Form::List(Box::new(self.form(schema, items))),
            Type::Map(values) => Form::Map(Box::new(self.form(schema, values))),
            Type::Union(branches) => self.union(schema, branches),
            Type::Logical { base, logical, .. } => of_logical(logical, base).unwrap_or_else(|| self.form(schema, base)),
            Type::Named(name) => self.named(schema, name),
        }
    }

    /// Branches that are alike in JSON are one.
    fn union(&mut self, schema: &Schema, branches: &[Type]) -> Form {
        let mut forms: Vec<Form> = Vec::with_capacity(branches.len());
        for branch in branches {
            let form = self.form(schema, branch);
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        if forms.len() == 1 { forms.remove(0) } else { Form::Union(forms) }
    }

    fn named(&mut self, schema: &Schema, name: &str) -> Form {
        let Some(named) = schema.named(name) else { return Form::Any };
        if matches!(named.definition, Definition::Fixed(_)) {
            return Form::Text(Text::Base64);
        }
        let origin = origin(schema, name);
        if let Some(index) = self.shapes.iter().position(|shape| shape.full_name == name && shape.origin == origin) {
            return Form::Shape(index);
        }
        let index = self.shapes.len();
        let kind = match &named.definition {
            Definition::Enum { symbols, .. } => Kind::Names(symbols.clone()),
            _ => Kind::Object(Vec::new()),
        };
        let unique = self.unique(short(name), name);
        self.shapes.push(Shape { name: unique, full_name: name.to_owned(), doc: named.doc.clone(), kind, origin });
        if let Definition::Record(fields) = &named.definition {
            let members = if is_money(fields) { money(fields) } else { self.members(schema, name, fields) };
            if let Some(shape) = self.shapes.get_mut(index) {
                shape.kind = Kind::Object(members);
            }
        }
        Form::Shape(index)
    }

    fn members(&mut self, schema: &Schema, record: &str, fields: &[Field]) -> Vec<Member> {
        let member = |field: &Field| {
            let is_any = OF_ANY_FORM.contains(&(record, field.name.as_str()));
            let form = if is_any { Form::Any } else { self.form(schema, &field.kind) };
            Member {
                name: field.name.clone(),
                doc: field.doc.clone(),
                form,
                is_required: field.default.is_none() && !field.kind.is_nullable(),
                default: field.default.as_ref().and_then(|value| super::convert::default(schema, &field.kind, value)),
            }
        };
        fields.iter().map(member).collect()
    }

    /// The name, or one with its namespace before it, or one with a number behind it.
    fn unique(&self, short: &str, full: &str) -> String {
        let is_free = |name: &str| !self.shapes.iter().any(|shape| shape.name.eq_ignore_ascii_case(name));
        if is_free(short) {
            return short.to_owned();
        }
        let namespace = full.rsplit('.').nth(1).unwrap_or_default();
        let mut letters = namespace.chars();
        let qualified =
            letters.next().map(|first| format!("{}{}{short}", first.to_ascii_uppercase(), letters.as_str()));
        if let Some(qualified) = qualified.filter(|name| is_free(name)) {
            return qualified;
        }
        (2_usize..).map(|number| format!("{short}{number}")).find(|name| is_free(name)).unwrap_or_default()
    }
}

fn of_primitive(primitive: Primitive) -> Form {
    match primitive {
        Primitive::Null => Form::Null,
        Primitive::Boolean => Form::Boolean,
        Primitive::Int => Form::Int,
        Primitive::Long => Form::Long,
        Primitive::Float | Primitive::Double => Form::Number,
        Primitive::Bytes => Form::Text(Text::Base64),
        Primitive::String => Form::Text(Text::Plain),
    }
}

/// What a logical type is in JSON, where it is another than what it is stored as.
fn of_logical(logical: &str, base: &Type) -> Option<Form> {
    let is = |primitive| *base == Type::Primitive(primitive);
    let text = match logical {
        "timestamp-millis" | "timestamp-micros" | "timestamp-nanos" if is(Primitive::Long) => Text::Moment,
        "local-timestamp-millis" | "local-timestamp-micros" | "local-timestamp-nanos" if is(Primitive::Long) => {
            Text::LocalMoment
        }
        "date" if is(Primitive::Int) => Text::Date,
        "time-millis" if is(Primitive::Int) => Text::TimeOfDay,
        "time-micros" if is(Primitive::Long) => Text::TimeOfDay,
        "uuid" if is(Primitive::String) => Text::Uuid,
        "decimal" if is(Primitive::Bytes) || matches!(base, Type::Named(_)) => Text::Decimal,
        _ => return None,
    };
    Some(Form::Text(text))
}

fn money(fields: &[Field]) -> Vec<Member> {
    let currency = fields.iter().find(|field| field.name == "currency").and_then(|field| field.doc.clone());
    let member = |name: &str, doc: Option<String>, text| Member {
        name: name.to_owned(),
        doc,
        form: Form::Text(text),
        is_required: true,
        default: None,
    };
    let amount =
        "Exact: digits with as many decimal places as the currency has. Read it as a decimal, never as a float.";
    vec![member("amount", Some(amount.to_owned()), Text::Amount), member("currency", currency, Text::Plain)]
}

/// A named type and all that it is made of, without descriptions: two schemas that say the same of it share it.
fn origin(schema: &Schema, name: &str) -> Vec<Named> {
    let mut names = vec![name.to_owned()];
    let mut found: Vec<Named> = Vec::new();
    while let Some(name) = names.pop() {
        if found.iter().any(|known| known.name == name) {
            continue;
        }
        let Some(named) = schema.named(&name) else { continue };
        let mut bare = Named { doc: None, ..named.clone() };
        if let Definition::Record(fields) = &mut bare.definition {
            for field in fields {
                field.doc = None;
                parts(&field.kind, &mut names);
            }
        }
        found.push(bare);
    }
    found
}

fn parts(kind: &Type, names: &mut Vec<String>) {
    match kind {
        Type::Primitive(_) => {}
        Type::Array(inner) | Type::Map(inner) | Type::Logical { base: inner, .. } => parts(inner, names),
        Type::Union(branches) => branches.iter().for_each(|branch| parts(branch, names)),
        Type::Named(name) => names.push(name.clone()),
    }
}
