//! Throughput as clients look for it: by the link of the container, where the emulator has its resource id alone.

use serde_json::{Value, json};

use crate::cosmos::wire::request::{Operation, Request};

/// The query of offers to forward instead of `request`, if it is one that names a container by its link.
pub(in crate::cosmos) fn by_resource_id(request: &Request) -> Option<Request> {
    if request.path != "offers" || request.method != http::Method::POST || request.operation() != Operation::Read {
        return None;
    }
    let mut body: Value = contoso_json::from_slice(&request.body).ok()?;
    // The emulator compares with parameters only, not with what stands in the query itself.
    let named = body.get("query").and_then(Value::as_str).and_then(named_container);
    if let Some(resource_id) = named {
        body["query"] = "SELECT * FROM root r WHERE r.resource = @resource".into();
        body["parameters"] = json!([{ "name": "@resource", "value": resource_id }]);
    }
    for parameter in body.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(Value::String(value)) = parameter.get_mut("value") {
            *value = without_links(value);
        }
    }
    Some(request.with_body(body.to_string().into()))
}

/// The resource id of the container whose link stands in the text.
fn named_container(query: &str) -> Option<String> {
    let link = query.get(query.find("dbs/")?..)?.split(['"', '\'']).next()?;
    match link.trim_end_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        ["dbs", _, "colls", rid] => Some((*rid).to_owned()),
        _ => None,
    }
}

/// `dbs/<rid>/colls/<rid>/` becomes the resource id of the container.
fn without_links(text: &str) -> String {
    let Some(start) = text.find("dbs/") else { return text.to_owned() };
    let (before, rest) = text.split_at(start);
    let (link, after) = rest.split_at(rest.find(['"', '\'']).unwrap_or(rest.len()));
    match link.trim_end_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        ["dbs", _, "colls", rid] => format!("{}{rid}{after}", before.trim_end_matches('/')),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_a_query_is_found() {
        let query = "SELECT * from root where root.resource = \"dbs/A==/colls/B=/\"";
        assert_eq!(named_container(query).as_deref(), Some("B="));
        assert_eq!(named_container("SELECT * FROM root r WHERE r.resource='dbs/A=='"), None);
        assert_eq!(named_container("SELECT * FROM root r WHERE r.resource = @link"), None);
    }

    #[test]
    fn a_link_becomes_a_resource_id() {
        for (query, expected) in [
            ("dbs/AAAAAQ==/colls/AAAAAYAAAAE=/", "AAAAAYAAAAE="),
            (
                "SELECT * from root where root.resource = \"dbs/A==/colls/B=/\"",
                "SELECT * from root where root.resource = \"B=\"",
            ),
            ("SELECT * FROM root r WHERE r.resource='dbs/A=='", "SELECT * FROM root r WHERE r.resource='dbs/A=='"),
            ("SELECT * FROM root r", "SELECT * FROM root r"),
        ] {
            assert_eq!(without_links(query), expected);
        }
    }
}
