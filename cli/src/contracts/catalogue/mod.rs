//! The catalogue: static pages on every event, with search and a changelog, and `events.json` for programs.
//!
//! One folder without links out of it: it can be opened from a disk, and served from anywhere below any path.

mod changes;
mod event_page;
mod facts;
mod html;
mod list_pages;
mod machine;
mod tree;

use std::collections::BTreeMap;

use anyhow::Result;

use self::facts::Facts;
use super::{asyncapi, sources::Sources};

const SCRIPT: &str = include_str!("assets/catalogue.js");
const OWN_STYLE: &str = include_str!("assets/catalogue.css");
const ICON: &str = include_str!("../../../../web/icon.svg");
const STYLE: &str = include_str!("../../../../web/style.css");

/// The files of the catalogue by their names, none of which has a folder.
///
/// # Errors
/// When an example is not valid, or the OpenAPI document lacks what the program sends.
pub fn files(sources: &Sources) -> Result<BTreeMap<String, String>> {
    let facts = Facts::of(sources)?;
    let mut files = BTreeMap::from([
        ("icon.svg".to_owned(), ICON.to_owned()),
        ("style.css".to_owned(), STYLE.to_owned()),
        ("catalogue.css".to_owned(), OWN_STYLE.to_owned()),
        ("catalogue.js".to_owned(), SCRIPT.to_owned()),
        ("asyncapi.json".to_owned(), asyncapi::document(sources)?),
        ("events.json".to_owned(), serde_json::to_string_pretty(&machine::list(&facts))? + "\n"),
        ("index.html".to_owned(), list_pages::index(&facts)),
        ("changelog.html".to_owned(), list_pages::changelog(&facts)),
    ]);
    for event in &facts.events {
        files.insert(facts::file(event.source.contract.event_type), event_page::page(event));
    }
    Ok(files)
}
