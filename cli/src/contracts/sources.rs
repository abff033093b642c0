//! What a checkout says of its events: the contract table of this program, and the schemas and examples that lie there now.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use contoso_handlers::{
    domain::product_events_json::to_notification,
    events::{
        Content, Event, EventData,
        contracts::{self, Contract, PARTNERS},
    },
};
use contoso_local::topology::Topology;
use serde_json::Value;

use super::{
    avro::Schema,
    json_form::{Form, Forms, Member, Text},
};
use crate::project::Project;

/// All that is known of the events of a checkout.
pub struct Sources {
    /// Hubs, groups, roles.
    pub topology: Topology,
    /// `schemas/openapi.json`: what partners get, as the program is held against it.
    pub openapi: Value,
    /// Every contract, by its type.
    pub events: Vec<Source>,
}

/// One event type.
pub struct Source {
    /// Its entry in the contract table.
    pub contract: &'static Contract,
    /// The text of the schema in use.
    pub text: String,
    /// The schema in use.
    pub schema: Schema,
    /// Its versions, from the first to the one in use.
    pub versions: Vec<Version>,
    /// Examples that are to be taken, by the name of their file.
    pub valid: Vec<Example>,
    /// Examples that are to be refused.
    pub invalid: Vec<Example>,
}

/// A version of a schema.
pub struct Version {
    /// Counted from 1.
    pub number: u32,
    /// The schema.
    pub schema: Schema,
    /// The day it was landed, UTC, where that is kept.
    pub landed: Option<String>,
    /// Why it breaks readers of the versions before, if it does.
    pub reason: Option<String>,
}

/// An example of an event's data: plain JSON, as a reader of the schema gives it.
pub struct Example {
    /// The name of its file, without its ending.
    pub name: String,
    /// The data.
    pub data: Value,
}

impl Sources {
    /// Reads what lies in a checkout.
    ///
    /// # Errors
    /// When a file is missing or is not what it should be.
    pub fn read(project: &Project) -> Result<Self> {
        let schemas = project.schemas();
        let mut events = Vec::with_capacity(contracts::ALL.len());
        for contract in contracts::ALL {
            events.push(Source::read(&schemas, contract)?);
        }
        events.sort_by_key(|source| source.contract.event_type);
        let openapi = read_json(&schemas.join("openapi.json"))?;
        Ok(Self { topology: Topology::read(&project.topology())?, openapi, events })
    }

    /// What is known of a contract's events.
    #[must_use]
    pub fn of(&self, contract: &Contract) -> Option<&Source> {
        self.events.iter().find(|source| source.contract.event_type == contract.event_type)
    }
}

impl Source {
    fn read(schemas: &Path, contract: &'static Contract) -> Result<Self> {
        let (aggregate, event) = contract.path.split_once('/').unwrap_or(("", contract.path));
        let (text, versions) = versions(
            &schemas.join(format!("{}.avsc", contract.path)),
            &schemas.join(aggregate).join("versions").join(event),
        )?;
        let schema = Schema::parse(&text).with_context(|| format!("the schema of {}", contract.event_type))?;
        let examples = schemas.join(aggregate).join("examples").join(event);
        let (valid, invalid) = (examples_in(&examples.join("valid"))?, examples_in(&examples.join("invalid"))?);
        Ok(Self { contract, text, schema, versions, valid, invalid })
    }

    /// Whether the Event Grid topic tells every partner of it.
    #[must_use]
    pub fn is_for_partners(&self) -> bool {
        self.contract.audience == Some(PARTNERS)
    }

    /// That it ends, when, and what comes after it.
    #[must_use]
    pub fn deprecation(&self) -> Option<String> {
        self.contract.deprecated.map(|deprecation| deprecation.words())
    }

    /// Adds the JSON of its data to `forms`.
    pub fn add_to(&self, forms: &mut Forms) -> Form {
        add_to(forms, self.contract, &self.schema)
    }

    /// An example as it travels in JSON, with what only partners are told.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn travelling(&self, example: &Example) -> Result<Value> {
        let data = self.schema.to_json(&example.data)?;
        if !self.is_for_partners() {
            return Ok(data);
        }
        let event = Event {
            id: example.name.clone(),
            source: "/example".to_owned(),
            r#type: self.contract.event_type.to_owned(),
            subject: None,
            time: None,
            dataschema: None,
            extensions: std::collections::BTreeMap::new(),
            trace: None,
            data: EventData::Json(data.clone()),
        };
        match event.content()? {
            Content::Product(event) => Ok(to_notification(*event)?),
            _ => Ok(data),
        }
    }
}

/// Adds the JSON of a contract's data, by a version of its schema, to `forms`: with what only partners are told.
pub fn add_to(forms: &mut Forms, contract: &Contract, schema: &Schema) -> Form {
    let more = if contract.audience == Some(PARTNERS) { vec![match_member(forms)] } else { Vec::new() };
    forms.add(schema, more)
}

/// `match`: see [`contoso_handlers::domain::partner::match_fields`].
fn match_member(forms: &mut Forms) -> Member {
    const NAME: &str = "MatchFields";
    let known = forms.shapes.iter().position(|shape| shape.full_name == NAME).map(Form::Shape);
    let form = known.unwrap_or_else(|| {
        let text = Form::Text(Text::Plain);
        let member = |name: &str, form, is_required, doc: &str| Member {
            name: name.to_owned(),
            doc: Some(doc.to_owned()),
            form,
            is_required,
            default: None,
        };
        let members = vec![
            member(
                "categories",
                Form::List(Box::new(text.clone())),
                true,
                "The product's category, and before it the one that it just left.",
            ),
            member("priceDropPercent", Form::Number, false, "By how much the price fell; absent where it did not."),
            member("product", text, true, "The product id with each upper-case letter as ^ and its lower-case form."),
        ];
        forms.add_object(NAME, "What subscriptions select by. It says nothing that the rest does not.", members)
    });
    let doc = Some("What subscriptions select by.".to_owned());
    Member { name: "match".to_owned(), doc, form, is_required: true, default: None }
}

/// The text in use, and all versions: those that were landed, or the file alone where none was.
fn versions(file: &Path, folder: &Path) -> Result<(String, Vec<Version>)> {
    let list = folder.join("versions.json");
    let listed = if list.is_file() { read_json(&list)? } else { Value::Null };
    let mut versions = Vec::new();
    let mut newest = None;
    for entry in listed.as_array().into_iter().flatten() {
        let number = entry["version"].as_u64().and_then(|number| u32::try_from(number).ok());
        let number = number.with_context(|| format!("{} has an entry without a version", list.display()))?;
        let (text, schema) = schema(&folder.join(format!("{number}.avsc")))?;
        let said = |value: &Value| value.as_str().map(str::to_owned);
        versions.push(Version {
            number,
            schema,
            landed: said(&entry["landed"]),
            reason: said(&entry["breaking"]["reason"]),
        });
        newest = Some(text);
    }
    if let Some(text) = newest {
        return Ok((text, versions));
    }
    let (text, schema) = schema(file)?;
    Ok((text, vec![Version { number: 1, schema, landed: None, reason: None }]))
}

fn schema(file: &Path) -> Result<(String, Schema)> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let schema = Schema::parse(&text).with_context(|| format!("{} is no schema", file.display()))?;
    Ok((text, schema))
}

fn read_json(file: &Path) -> Result<Value> {
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    contoso_json::from_slice(&text).with_context(|| format!("{} is no JSON", file.display()))
}

/// The examples of a folder, by name.
fn examples_in(folder: &Path) -> Result<Vec<Example>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    ensure!(!files.is_empty(), "{} has no example", folder.display());
    let example = |file: PathBuf| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Example { name, data: read_json(&file)? })
    };
    files.into_iter().map(example).collect()
}
