//! What became of clicks: recently viewed, recommended, trending. Each is one document, written ready to be shown.
//!
//! What is not there yet is an empty list and no error, so that a page needs one path only. Answers about one visitor are for that
//! visitor alone (`private`).

use axum::{extract::State, http::HeaderMap, response::Response};
use contoso_json::Plain;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    app::App,
    domain::{
        click::VisitorId,
        product::{Category, ProductId},
        trends::board,
    },
    http::{Audience, Path, Problem, Query, cacheable_for},
    stores::recommendations,
};

/// Members that Cosmos DB adds to a document, those that are only for it, and what operators are told alone.
const STORED: [&str; 8] = ["id", "ttl", "_rid", "_self", "_etag", "_attachments", "_ts", "leftOut"];

pub(super) async fn visitor(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = visitor_id(id)?;
    let stored = app.stores().visitors.read(&id).await?;
    let items = stored.map(|stored| stored.value.items).unwrap_or_default();
    cacheable_for(Audience::One, &json!({ "visitorId": id, "items": items }), &headers)
}

pub(super) async fn visitor_recommended(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = visitor_id(id)?;
    let recommended = ready(app.stores().recommendations.document(&recommendations::of_visitor(&id)).await?);
    cacheable_for(Audience::One, &recommended_to("visitorId", id.as_str(), recommended), &headers)
}

pub(super) async fn product_recommended(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = ProductId::try_from(id).map_err(|error| Problem::field("id", error))?;
    let recommended = ready(app.stores().recommendations.document(&recommendations::of_product(&id)).await?);
    cacheable_for(Audience::All, &recommended_to("productId", id.as_str(), recommended), &headers)
}

#[derive(Deserialize)]
pub(super) struct TrendingQuery {
    category: Option<String>,
}

pub(super) async fn trending(
    State(app): State<App>,
    Query(query): Query<TrendingQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let category =
        query.category.map(Category::try_from).transpose().map_err(|error| Problem::field("category", error))?;
    let id = category.as_ref().map_or_else(|| board::ALL.to_owned(), board::category_id);
    let stored = ready(app.stores().trending.document(&id).await?);
    cacheable_for(Audience::All, &trends(category.as_ref(), stored), &headers)
}

/// A document as it was stored, without what is Cosmos DB's.
fn ready(stored: Option<Plain>) -> Option<Map<String, Value>> {
    match stored?.0 {
        Value::Object(mut document) => {
            document.retain(|name, _| !STORED.contains(&name.as_str()));
            Some(document)
        }
        _ => None,
    }
}

/// Recommendations as they are answered; without a document they are none, made at no time.
fn recommended_to(of: &str, id: &str, stored: Option<Map<String, Value>>) -> Value {
    let mut answer = stored.unwrap_or_default();
    answer.insert(of.to_owned(), json!(id));
    answer.entry("at").or_insert(Value::Null);
    answer.entry("items").or_insert_with(|| json!([]));
    Value::Object(answer)
}

/// Trends as they are answered; `category` is null for the whole shop.
fn trends(category: Option<&Category>, stored: Option<Map<String, Value>>) -> Value {
    let mut answer = stored.unwrap_or_default();
    answer.insert("category".to_owned(), json!(category));
    answer.entry("at").or_insert(Value::Null);
    answer.entry("windowMinutes").or_insert(json!(board::WINDOW_MINUTES));
    for list in ["top", "rising"] {
        answer.entry(list).or_insert_with(|| json!([]));
    }
    Value::Object(answer)
}

fn visitor_id(id: String) -> Result<VisitorId, Problem> {
    VisitorId::try_from(id).map_err(|error| Problem::field("id", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_yet_is_empty() {
        assert_eq!(recommended_to("visitorId", "v", None), json!({ "visitorId": "v", "at": null, "items": [] }));
        let none = json!({ "category": null, "at": null, "windowMinutes": 15, "top": [], "rising": [] });
        assert_eq!(trends(None, None), none);
    }

    #[test]
    fn what_is_there_is_answered_as_it_is() {
        let stored =
            json!({ "at": "2026-06-01T12:00:00Z", "windowMinutes": 60, "top": [{ "productId": "a" }], "rising": [] });
        let answer = trends(None, stored.as_object().cloned());
        assert_eq!(answer["top"], stored["top"]);
        assert_eq!(answer["windowMinutes"], 60);
    }
}
