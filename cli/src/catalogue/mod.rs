//! Catalogues to seed the shop with: read from a file, generated, or what a log of clicks tells.

mod destination;
mod generated;
mod logged;

use std::{collections::HashMap, path::Path};

use contoso_handlers::domain::{product::ProductId, product_body};
use serde::Deserialize;
use serde_json::{Map, Number, Value, json};

pub use destination::Destination;
pub use generated::generated;
pub use logged::logged;

/// One product, ready for `PUT /api/products/{id}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Its id, the last segment of the route.
    pub id: String,
    /// The body of the call.
    pub body: Value,
}

/// The catalogue cannot be used; the message names file and entry. Nothing of it was sent.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The file cannot be read.
    #[error("cannot read the catalogue {file}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no JSON array.
    #[error("{file}: not a JSON array of products")]
    Json {
        /// The file.
        file: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// One entry is no product.
    #[error("{file}: entry {number}{id}: {reason}")]
    Entry {
        /// The file.
        file: String,
        /// Which one, counted from 1.
        number: usize,
        /// Its id in parentheses, where it has one.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads a JSON array of products. Each entry has either the shape of our own `PUT`, with its `id`, or the shape of the
/// dotnet/eShop catalogue: `Id`, `Type`, `Brand`, `Name`, `Description` and `Price` in US dollars.
///
/// # Errors
/// When the file cannot be read, is no JSON array, or has an entry that is no product or repeats an id.
pub fn read(path: &Path) -> Result<Vec<Product>, CatalogueError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| CatalogueError::Read { file: file.clone(), source })?;
    parse(&file, &text)
}

/// Reads the text of such a file; `file` is its name in messages.
///
/// # Errors
/// As [`read`], but for reading.
pub fn parse(file: &str, text: &str) -> Result<Vec<Product>, CatalogueError> {
    let entries: Vec<Value> =
        contoso_json::from_str(text).map_err(|source| CatalogueError::Json { file: file.to_owned(), source })?;
    let mut products = Vec::with_capacity(entries.len());
    let mut first_with = HashMap::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let id = entry.get("Id").or_else(|| entry.get("id")).cloned();
        let refused = |reason: String| CatalogueError::Entry {
            file: file.to_owned(),
            number: index + 1,
            id: id.as_ref().map(|id| format!(" (id {id})")).unwrap_or_default(),
            reason,
        };
        let product = product(entry).map_err(refused)?;
        if let Some(first) = first_with.insert(product.id.clone(), index + 1) {
            return Err(refused(format!("the id is that of entry {first} too")));
        }
        products.push(product);
    }
    Ok(products)
}

fn product(entry: Value) -> Result<Product, String> {
    match entry {
        Value::Object(fields) if fields.contains_key("Id") => eshop(fields),
        Value::Object(fields) => own(fields),
        _ => Err("not a JSON object".to_owned()),
    }
}

/// An entry of dotnet/eShop's `catalog.json`; fields beyond these are not needed here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EshopEntry {
    id: u64,
    r#type: String,
    brand: String,
    name: String,
    description: String,
    price: Number,
}

fn eshop(fields: Map<String, Value>) -> Result<Product, String> {
    let entry: EshopEntry = serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
    // The digits as they stand in the file: no binary fraction in between.
    let amount = entry.price.to_string();
    checked(
        entry.id.to_string(),
        json!({
            "name": entry.name,
            "category": entry.r#type,
            "brand": entry.brand,
            "description": entry.description,
            "price": { "amount": amount, "currency": "USD" },
        }),
    )
}

fn own(mut fields: Map<String, Value>) -> Result<Product, String> {
    match fields.remove("id") {
        Some(Value::String(id)) => checked(id, Value::Object(fields)),
        Some(id) => Err(format!("id is {id}, not a text")),
        None => Err("id is missing".to_owned()),
    }
}

/// What the app would refuse is refused here, with the app's own words, before anything is sent.
fn checked(id: String, body: Value) -> Result<Product, String> {
    let known = ProductId::try_from(id.clone()).map_err(|error| format!("id {error}"))?;
    match product_body::parse(&body, &known) {
        Ok(_) => Ok(Product { id, body }),
        Err(errors) => {
            let errors: Vec<_> = errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect();
            Err(errors.join("; ").trim_start().to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        crate::output::chain(&parse("shop.json", text).expect_err("refused"))
    }

    #[test]
    fn an_entry_of_eshop_becomes_a_product() {
        let text =
            r#"[{"Id":7,"Type":"Bags","Brand":"Daybird","Name":"Pack","Description":"Holds","Price":109.9,"Extra":1}]"#;
        let products = parse("shop.json", text).expect("valid");
        let body = json!({ "name": "Pack", "category": "Bags", "brand": "Daybird", "description": "Holds",
            "price": { "amount": "109.9", "currency": "USD" } });
        assert_eq!(products, [Product { id: "7".to_owned(), body }]);
    }

    #[test]
    fn our_own_shape_passes_through_without_its_id() {
        let body =
            json!({ "name": "Pack", "category": "Bags", "price": { "amount": "5", "currency": "EUR" }, "stock": 3 });
        let mut entry = body.clone();
        entry["id"] = json!("pack-1");
        let products = parse("shop.json", &json!([entry]).to_string()).expect("valid");
        assert_eq!(products, [Product { id: "pack-1".to_owned(), body }]);
    }

    #[test]
    fn a_malformed_file_is_one_line_with_file_and_entry() {
        assert_eq!(
            message(r#"[{"Id":1,"Type":"a","Brand":"b","Name":"c","Description":"d"}]"#),
            "shop.json: entry 1 (id 1): missing field `Price`"
        );
        for (text, start) in [
            (
                r#"[{"Id":1,"Type":"a","Brand":"b","Name":"c","Description":"d","Price":1.005}]"#,
                "shop.json: entry 1 (id 1): price.amount ",
            ),
            (
                r#"[{"id":"x","name":"","category":"c","price":{"amount":"1","currency":"USD"}}]"#,
                "shop.json: entry 1 (id \"x\"): name ",
            ),
            (r#"[{"id":"x/y","name":"n","category":"c","price":{}}]"#, "shop.json: entry 1 (id \"x/y\"): id must "),
            (r#"[{"name":"n"}]"#, "shop.json: entry 1: id is missing"),
        ] {
            let line = message(text);
            assert!(line.starts_with(start), "{line}");
        }
        assert_eq!(message("[3]"), "shop.json: entry 1: not a JSON object");
        assert!(message("[{]").starts_with("shop.json: not a JSON array of products: "));
        assert!(message("{}").starts_with("shop.json: not a JSON array of products: "));
    }

    #[test]
    fn an_id_stands_once() {
        let entry = r#"{"Id":1,"Type":"a","Brand":"b","Name":"c","Description":"d","Price":1}"#;
        assert_eq!(message(&format!("[{entry},{entry}]")), "shop.json: entry 2 (id 1): the id is that of entry 1 too");
    }

    #[test]
    fn the_generated_catalogue_is_one_we_would_read() {
        let products = generated();
        let entries: Vec<Value> = products
            .iter()
            .map(|product| {
                let mut entry = product.body.clone();
                entry["id"] = json!(product.id);
                entry
            })
            .collect();
        let read = parse("generated", &Value::from(entries).to_string()).expect("valid");
        assert_eq!(read, products);
        assert!((40..=60).contains(&products.len()), "{}", products.len());
    }
}
