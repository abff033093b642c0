//! A believable catalogue for a shop that has none yet: the same one every time.

use serde_json::json;

use super::Product;

/// A shelf: category, and kinds of things with their lowest price in cents.
type CategoryNouns = (&'static str, [(&'static str, i64); 3]);

const CATEGORIES: [CategoryNouns; 6] = [
    ("Laptops", [("Ultrabook", 89_900), ("Gaming Laptop", 119_900), ("Convertible", 74_900)]),
    ("Audio", [("Headphones", 7_900), ("Soundbar", 14_900), ("Turntable", 19_900)]),
    ("Cameras", [("Mirrorless Camera", 64_900), ("Action Camera", 24_900), ("Travel Tripod", 4_900)]),
    ("Home", [("Espresso Machine", 29_900), ("Air Purifier", 12_900), ("Desk Lamp", 3_900)]),
    ("Wearables", [("Sports Watch", 17_900), ("Fitness Band", 4_900), ("Heart Rate Strap", 5_900)]),
    ("Gaming", [("Controller", 4_900), ("Gaming Chair", 18_900), ("Mechanical Keyboard", 8_900)]),
];

/// A maker, a line of theirs, what it is known for, and what it costs on top, in percent.
const LINES: [(&str, &str, &str, i64); 3] = [
    ("Fabrikam", "Aero", "light enough to forget, and repairable with one screwdriver", 0),
    ("Proseware", "Studio", "built for people who use it all day", 35),
    ("Northwind", "Summit", "rugged, weatherproof and guaranteed for five years", 20),
];

/// Fifty-four products in six categories.
#[must_use]
pub fn generated() -> Vec<Product> {
    CATEGORIES
        .iter()
        .flat_map(|(category, kinds)| kinds.iter().map(move |kind| (*category, *kind)))
        .flat_map(|(category, kind)| LINES.iter().map(move |line| (category, kind, *line)))
        .enumerate()
        .map(|(place, (category, kind, line))| product(category, kind, line, stock(place)))
        .collect()
}

/// How many of the product at this place there are: mostly enough, of some only a few, of one none.
fn stock(place: usize) -> usize {
    (place * 29 + 5) % 47
}

fn product(category: &str, (kind, cents): (&str, i64), line: (&str, &str, &str, i64), stock: usize) -> Product {
    let (brand, line, known_for, percent) = line;
    // Shops end prices on 99.
    let cents = cents * (100 + percent) / 100 / 100 * 100 + 99;
    let name = format!("{line} {kind}");
    Product {
        id: format!("{}-{}", line, kind).to_lowercase().replace(' ', "-"),
        body: json!({
            "name": name,
            "category": category,
            "brand": brand,
            "description": format!("The {brand} {name}: {known_for}."),
            "price": { "amount": format!("{}.{:02}", cents / 100, cents % 100), "currency": "USD" },
            "stock": stock,
        }),
    }
}
