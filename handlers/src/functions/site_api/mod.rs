//! `SiteApi`: what the shop's site reads.
//!
//! Triggered by HTTP, for anyone: `GET /api/site/categories`, `/api/site/products?category=…`, `/api/site/products/{id}`,
//! `/api/site/products/{id}/ratings`, `/api/site/health`; what became of clicks at `/api/site/visitors/{id}`, `/api/site/visitors/{id}/recommendations`,
//! `/api/site/products/{id}/recommendations` and `/api/site/trending?category=…`; the document of the app's HTTP interface at
//! `/api/site/openapi.json`. Pages of other origins may read it where the setting `Site__origins` names them, and the document always.
//!
//! Promises: answers come from projections alone, each from one partition. They carry an ETag, and 304 answers a reader that has them
//! already, so that pages can poll. A category without a product is not listed. A list is paged by product id, which stays right while products come and go: `next` is the
//! address of the next page, or null. A product that is no longer sold is 410, one that never was is 404. A list without a category
//! is 400: it would have to read every partition.
//!
//! A second delivery reads again.

mod categories;
mod clicks;

use std::num::NonZeroU32;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::{
    app::App,
    domain::{
        feedback::rating::Told,
        lag::Health,
        product::{Category, ProductId},
        projection::Entry,
    },
    function::{Function, Trigger},
    http::{Audience, Path, Problem, Query, cacheable_for, cacheable_json, cors, preflight},
    settings::Origins,
    stores::listings::Listed,
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new("SiteApi", Trigger::Http { router });

const PAGE: u32 = 24;
const LARGEST_PAGE: u32 = 100;

fn router(app: App) -> Router {
    Router::new()
        .merge(categories::router(app.clone()))
        .route("/api/site/products", get(list).options(preflight))
        .route("/api/site/products/{id}", get(product).options(preflight))
        .route("/api/site/products/{id}/ratings", get(ratings).options(preflight))
        .route("/api/site/products/{id}/recommendations", get(clicks::product_recommended).options(preflight))
        .route("/api/site/visitors/{id}", get(clicks::visitor).options(preflight))
        .route("/api/site/visitors/{id}/recommendations", get(clicks::visitor_recommended).options(preflight))
        .route("/api/site/trending", get(clicks::trending).options(preflight))
        .route("/api/site/health", get(health).options(preflight))
        .layer(cors(&app.settings().site.origins))
        // Viewers of such documents are pages of anybody's, and it is the same for all.
        .merge(
            Router::new().route("/api/site/openapi.json", get(openapi).options(preflight)).layer(cors(&Origins::Any)),
        )
        .with_state(app)
}

#[derive(Deserialize)]
struct ListQuery {
    category: Option<String>,
    limit: Option<String>,
    continuation: Option<String>,
}

/// What a list is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Listing {
    category: Category,
    limit: u32,
    /// Products up to this id were on earlier pages.
    after: String,
}

#[derive(Serialize)]
struct Item {
    id: ProductId,
    #[serde(flatten)]
    entry: Entry,
}

#[derive(Serialize)]
struct List<'a> {
    category: &'a Category,
    items: Vec<Item>,
    next: Option<String>,
}

async fn list(State(app): State<App>, Query(query): Query<ListQuery>, headers: HeaderMap) -> Result<Response, Problem> {
    let listing = Listing::parse(query)?;
    let wanted = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let mut rows: Vec<Listed> = Vec::new();
    let mut continuation = None;
    // One more than asked tells whether there is a next page. The service may answer with fewer than asked.
    while rows.len() <= wanted {
        let size = NonZeroU32::MIN.saturating_add(listing.limit);
        let listings = &app.stores().listings;
        let page = listings.page(&listing.category, &listing.after, size, continuation.as_deref()).await?;
        rows.extend(page.items);
        continuation = page.continuation;
        if continuation.is_none() {
            break;
        }
    }
    let has_more = rows.len() > wanted;
    rows.truncate(wanted);
    let next = rows.last().filter(|_| has_more).map(|last| listing.next(&last.id));
    let items = rows.into_iter().map(|row| Item { id: row.id, entry: row.entry }).collect();
    cacheable_for(Audience::All, &List { category: &listing.category, items, next }, &headers)
}

impl Listing {
    fn parse(query: ListQuery) -> Result<Self, Problem> {
        let category =
            query.category.ok_or_else(|| Problem::field("category", "is required: lists are by category"))?;
        let category = Category::try_from(category).map_err(|error| Problem::field("category", error))?;
        let limit = match query.limit {
            None => PAGE,
            Some(text) if text.contains(',') => return Err(Problem::repeated("limit")),
            Some(text) => {
                text.parse().ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit)).ok_or_else(|| {
                    Problem::field("limit", format!("must be a whole number from 1 to {LARGEST_PAGE}"))
                })?
            }
        };
        let after = match query.continuation {
            None => String::new(),
            Some(text) if text.contains(',') => return Err(Problem::repeated("continuation")),
            Some(text) => URL_SAFE_NO_PAD
                .decode(text)
                .ok()
                .and_then(|id| ProductId::try_from(String::from_utf8(id).ok()?).ok())
                .ok_or_else(|| Problem::field("continuation", "must be taken from the next address of a list"))?
                .into(),
        };
        Ok(Self { category, limit, after })
    }

    /// Address of the page after the product `last`.
    fn next(&self, last: &ProductId) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("category", self.category.as_str())
            .append_pair("limit", &self.limit.to_string())
            .append_pair("continuation", &URL_SAFE_NO_PAD.encode(last.as_str()))
            .finish();
        format!("/api/site/products?{query}")
    }
}

async fn product(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let missing = |id: &str| Problem::new(StatusCode::NOT_FOUND, format!("there is no product {id:?}"));
    let id = ProductId::try_from(id.clone()).map_err(|_| missing(&id))?;
    let stored = app.stores().products.read(id.as_str()).await?;
    let view = stored.ok_or_else(|| missing(id.as_str()))?.value;
    if view.product.is_discontinued() {
        return Err(Problem::new(StatusCode::GONE, format!("product {id} is discontinued: it is no longer sold")));
    }
    cacheable_for(Audience::All, &view.product, &headers)
}

/// What customers make of a product. One without a rating has none, whether there is such a product or not.
async fn ratings(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let id = ProductId::try_from(id).map_err(|error| Problem::field("id", error))?;
    let rating = app.stores().ratings.read(&id).await?;
    cacheable_for(Audience::All, &Told::of(&id, rating.as_ref()), &headers)
}

/// The commit that the handler was built from, where `contoso package --azure` did: what a deployment looks for afterwards.
const COMMIT: Option<&str> = option_env!("CONTOSO_COMMIT");

/// What `/api/site/health` answers.
#[derive(Serialize)]
struct Answered {
    #[serde(flatten)]
    health: Health,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'static str>,
}

async fn health(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let stored = app.stores().health.current().await?;
    let health =
        stored.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "nothing was measured yet; Heartbeat does it"))?;
    cacheable_for(Audience::All, &Answered { health, commit: COMMIT }, &headers)
}

/// Every function of the program, whichever of them this app serves.
const OPENAPI: &str = include_str!("../../../../schemas/openapi.json");

async fn openapi(headers: HeaderMap) -> Response {
    cacheable_json(Audience::All, OPENAPI, &headers)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn query(text: &str) -> ListQuery {
        let uri = format!("/?{text}").parse().expect("a URI");
        axum::extract::Query::try_from_uri(&uri).expect("a query").0
    }

    #[test]
    fn the_next_page_begins_where_this_one_ends() {
        let first = Listing::parse(query("category=Ski%2Fboarding&limit=2")).expect("valid");
        let next = first.next(&"p-7".to_owned().try_into().expect("valid"));
        let second = Listing::parse(query(next.split_once('?').expect("a query").1)).expect("its own address");
        assert_eq!(second, Listing { after: "p-7".to_owned(), ..first });
    }

    #[test]
    fn mistakes_are_named() {
        for (text, field) in [
            ("", "category"),
            ("category=", "category"),
            ("category=Bags&limit=0", "limit"),
            ("category=Bags&limit=101", "limit"),
            ("category=Bags&limit=x", "limit"),
            ("category=Bags&limit=5,5", "limit came more than once"),
            ("category=Bags&continuation=!", "continuation"),
            ("category=Bags&continuation=YS9i", "continuation"),
        ] {
            let problem = Listing::parse(query(text)).expect_err(text);
            assert!(format!("{problem:?}").contains(field), "{text}");
            assert_eq!(problem.into_response().status(), StatusCode::BAD_REQUEST);
        }
    }
}
