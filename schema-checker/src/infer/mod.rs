//! Inference: a schema that JSON events would fit, from the events themselves.
//!
//! Whole numbers become `long` and numbers with a fraction `double`, since no event shows how large the next one's will be; what is missing or null
//! somewhere becomes `["null", …]` with the default null; texts stay texts, since no number of events shows that a list of symbols is
//! complete. What was seen is counted and never kept: a proposal holds names of members and no values. An owner reads it, and decides.

mod propose;
mod shape;

pub use self::{
    propose::{Member, Proposal},
    shape::Seen,
};

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn proposed(events: &[Value]) -> Proposal {
        let mut seen = Seen::default();
        events.iter().for_each(|event| seen.add(event));
        let proposal = seen.proposal("com.contoso.order.OrderPlaced").expect("objects");
        let report = crate::check(&[], "v1", &proposal.schema.to_string()).expect("JSON");
        assert_eq!(report.breaks().count(), 0, "a proposal is a good schema: {:#?}", report.findings);
        assert_eq!(serde_json::from_str::<Value>(&proposal.text()).expect("JSON"), proposal.schema);
        proposal
    }

    fn field(proposal: &Proposal, name: &str) -> Value {
        let fields = proposal.schema["fields"].as_array().expect("fields");
        let mut field = fields.iter().find(|field| field["name"] == name).expect(name).clone();
        field.as_object_mut().expect("an object").remove("doc");
        field
    }

    #[test]
    fn numbers_absence_and_mixtures_become_types() {
        let proposal = proposed(&[json!({ "a": 1 }), json!({ "a": 1.5 }), json!({})]);
        assert_eq!(field(&proposal, "a"), json!({ "name": "a", "type": ["null", "double"], "default": null }));
        assert!(proposal.warnings.is_empty(), "{:?}", proposal.warnings);
        let seen = Member { path: "a".to_owned(), of: json!(["null", "double"]), seen: 2, of_objects: 3, nulls: 0 };
        assert_eq!(proposal.fields, [seen]);
        let text = proposal.text();
        let [record, member] =
            ["{\n  \"type\": \"record\",\n  \"name\": \"OrderPlaced\"", "\"type\": [\"null\", \"double\"],\n"];
        assert!(text.starts_with(record) && text.contains(member), "{text}");
        let proposal = proposed(&[json!({ "id": 1_722_503_272_991_i64 })]);
        assert_eq!(field(&proposal, "id"), json!({ "name": "id", "type": "long" }));
        let proposal = proposed(&[json!({ "a": 1 }), json!({ "a": "1" })]);
        assert_eq!(field(&proposal, "a"), json!({ "name": "a", "type": ["long", "string"] }));
        assert!(proposal.warnings[0].starts_with("a: "), "{:?}", proposal.warnings);
        let proposal = proposed(&[json!({ "a": null, "b": true }), json!({ "a": "x", "b": false })]);
        assert_eq!(field(&proposal, "a")["type"], json!(["null", "string"]));
        assert_eq!(field(&proposal, "b"), json!({ "name": "b", "type": "boolean" }));
        let proposal = proposed(&[json!({ "a": null, "n": 18_446_744_073_709_551_615_u64, "e": [] })]);
        assert_eq!(field(&proposal, "a"), json!({ "name": "a", "type": "null", "default": null }));
        assert_eq!(field(&proposal, "n")["type"], json!("double"));
        assert_eq!(proposal.warnings.len(), 3, "{:?}", proposal.warnings);
        // An item has bytes.
        let proposal = proposed(&[json!({ "a": [null], "r": [{ "b": null, "c": { "d": null } }], "n": null })]);
        let nullable = json!(["null", "string"]);
        assert_eq!(field(&proposal, "a")["type"], json!({ "type": "array", "items": nullable }));
        let fields = &field(&proposal, "r")["type"]["items"]["fields"];
        assert_eq!((&fields[0]["type"], &fields[0]["default"]), (&nullable, &Value::Null));
        assert_eq!(fields[1]["type"]["fields"][0]["type"], nullable);
        assert_eq!(field(&proposal, "n")["type"], json!("null"));
        assert!(
            proposal.warnings.iter().any(|warning| warning.starts_with("r[].b: only null")),
            "{:?}",
            proposal.warnings
        );
    }

    #[test]
    fn names_that_are_none_are_reported() {
        let proposal = proposed(&[json!({ "unit-price": 1, "": 2, "1st": 3, "a": 4, "unit_price": 5 })]);
        assert!(proposal.warnings.iter().any(|warning| warning.contains("unit-price")), "{:?}", proposal.warnings);
        assert_eq!(field(&proposal, "unit_price")["type"], json!("long"));
        assert_eq!(field(&proposal, "unit_price_2")["type"], json!("long"));
        assert_eq!(field(&proposal, "_1st")["type"], json!("long"));
        // All of them, and the same in each event, are no map; those that differ are one.
        let prices = json!({ "p": { "unit-price": 1, "list-price": 2 } });
        let proposal = proposed(&[prices.clone(), prices.clone(), prices]);
        assert_eq!(field(&proposal, "p")["type"]["type"], json!("record"));
        for name in ["p.unit-price", "p.list-price"] {
            assert!(proposal.warnings.iter().any(|warning| warning.starts_with(name)), "{:?}", proposal.warnings);
        }
        let proposal = proposed(&[json!({ "p": { "unit-price": 1, "list-price": 2 } })]);
        assert_eq!(field(&proposal, "p")["type"]["type"], json!("record"));
        let proposal = proposed(&[json!({ "p": { "2026-01-05": 1, "2026-01-06": 2 } })]);
        assert_eq!(field(&proposal, "p")["type"], json!({ "type": "map", "values": "long" }));
        assert!(proposal.warnings[0].contains("none in Avro"), "{:?}", proposal.warnings);
        let proposal = proposed(&[json!({ "p": { "7-1": 1 } }), json!({ "p": { "7-2": 1 } })]);
        assert_eq!(field(&proposal, "p")["type"], json!({ "type": "map", "values": "long" }));
    }

    #[test]
    fn objects_are_records_or_maps_and_hold_no_values() {
        let item = |sku: &str| json!({ "sku": sku, "quantity": 1 });
        let proposal = proposed(&[
            json!({ "order": { "id": "secret-1" }, "items": [item("secret-2"), item("x")], "tags": ["secret-3"] }),
            json!({ "order": { "id": "y", "note": "secret-4" }, "items": [], "tags": [] }),
        ]);
        let order = &field(&proposal, "order")["type"];
        assert_eq!((&order["type"], &order["name"]), (&json!("record"), &json!("Order")));
        assert_eq!(order["fields"][1]["type"], json!(["null", "string"]));
        assert_eq!(field(&proposal, "items")["type"]["items"]["name"], json!("Items"));
        assert_eq!(field(&proposal, "tags")["type"], json!({ "type": "array", "items": "string" }));
        let text = proposal.to_json().to_string();
        assert!(!text.contains("secret"), "{text}");
        let note = proposal.fields.iter().find(|field| field.path == "order.note").expect("counted");
        assert_eq!((note.seen, note.of_objects), (1, 2));

        let stock = |from: usize| {
            (from..from + 10).map(|sku| (format!("sku{sku}"), json!(sku))).collect::<serde_json::Map<_, _>>()
        };
        let proposal =
            proposed(&[json!({ "stock": stock(0) }), json!({ "stock": stock(7) }), json!({ "stock": stock(90) })]);
        assert_eq!(field(&proposal, "stock")["type"], json!({ "type": "map", "values": "long" }));
        assert!(proposal.warnings[0].contains("map"), "{:?}", proposal.warnings);
        assert!(!proposal.to_json().to_string().contains("sku7"), "keys of a map are values too");
    }

    #[test]
    fn depth_and_size_have_bounds() {
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!({ "a": deep });
        }
        let proposal = proposed(&[deep]);
        assert!(proposal.warnings.iter().any(|warning| warning.contains("levels")), "{:?}", proposal.warnings);
        let wide: serde_json::Map<_, _> =
            (0..2_000).map(|index| (format!("f{index}"), json!({ "x": index }))).collect();
        let proposal = proposed(&[json!({ "w": wide.clone() }), json!(wide)]);
        assert!(proposal.fields.len() < 5_000);
        assert!(proposal.warnings.iter().any(|warning| warning.contains("names")), "{:?}", proposal.warnings);
        let mut none = Seen::default();
        none.add(&json!([1]));
        assert!(none.proposal("n.X").is_none());
    }
}
