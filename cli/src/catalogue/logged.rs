//! The products of a log of clicks.

use std::collections::BTreeMap;

use contoso_handlers::domain::product::{Category, ProductId};
use serde_json::json;

use super::Product;
use crate::clickstream::{ClickstreamError, Row};

/// What a log tells of the products that were looked at, by their ids: category and price as its last click has them. A log knows no
/// names, so a product is called by its category and id.
///
/// # Errors
/// With the first row that is no click.
pub fn logged(rows: impl Iterator<Item = Result<Row, ClickstreamError>>) -> Result<Vec<Product>, ClickstreamError> {
    let mut last: BTreeMap<ProductId, (Category, u32)> = BTreeMap::new();
    for row in rows {
        let Row { product, category, price, .. } = row?;
        last.insert(product, (category, price));
    }
    Ok(last.into_iter().map(|(id, (category, price))| product(&id, &category, price)).collect())
}

fn product(id: &ProductId, category: &Category, price: u32) -> Product {
    let mut letters = category.as_str().chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    Product {
        id: id.to_string(),
        body: json!({
            "name": format!("{first}{} {id}", letters.as_str()),
            "category": category,
            "price": { "amount": price.to_string(), "currency": "USD" },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clickstream::{HEADER, read};

    #[test]
    fn a_log_tells_what_was_on_sale() {
        let rows = [
            "2008;4;1;1;29;1;1;A13;1;5;1;28;2;1",
            "2008;4;1;2;29;1;4;P1;1;5;1;38;2;1",
            "2008;4;2;1;29;2;1;A13;1;5;1;30;2;1",
        ];
        let log = format!("{}\n{}\n", HEADER.join(";"), rows.join("\n"));
        let products = logged(read("log.csv", std::io::Cursor::new(log)).expect("a log")).expect("clicks");
        let expected = |id: &str, name: &str, category: &str, amount: &str| Product {
            id: id.to_owned(),
            body: json!({ "name": name, "category": category, "price": { "amount": amount, "currency": "USD" } }),
        };
        assert_eq!(
            products,
            [expected("A13", "Trousers A13", "trousers", "30"), expected("P1", "Sale P1", "sale", "38")]
        );
        let shape = products.iter().map(|product| super::super::checked(product.id.clone(), product.body.clone()));
        assert_eq!(shape.collect::<Result<Vec<_>, _>>().expect("the app takes them"), products);
    }
}
