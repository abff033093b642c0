//! What the app stores: one file per container, or per family of documents in one. Each has the container's name, its documents and their
//! ids, what is cached of it, and how it is written beside other writers. No other room names a container.

mod cache;
mod failure;

pub mod anomalies;
pub mod capture;
pub mod catalogue;
pub mod checkpoints;
pub mod co_views;
pub mod feedback;
pub mod health;
pub mod listings;
pub mod minutes;
pub mod operations;
pub mod partners;
pub mod price_alerts;
pub mod products;
pub mod published;
pub mod ratings;
pub mod recommendations;
pub mod replays;
pub mod sales;
pub mod trending;
pub mod visitors;
pub mod windows;

pub(crate) use self::failure::unstored;
use crate::azure::{
    blobs::Blobs,
    cosmos::{ContainerName, Cosmos},
};

/// Every container of Cosmos DB that the app uses.
pub const CONTAINERS: [ContainerName; 27] = [
    anomalies::NAME,
    catalogue::NAME,
    catalogue::LEASES,
    feedback::items::NAME,
    feedback::receipts::NAME,
    health::NAME,
    listings::NAME,
    minutes::NAME,
    operations::NAME,
    partners::accounts::NAME,
    partners::audit::NAME,
    partners::listeners::NAME,
    partners::notices::NAME,
    partners::redeliveries::NAME,
    partners::requests::NAME,
    partners::subscriptions::NAME,
    price_alerts::NAME,
    products::NAME,
    published::NAME,
    ratings::NAME,
    recommendations::NAME,
    replays::NAME,
    sales::days::NAME,
    sales::invoices::NAME,
    trending::NAME,
    visitors::NAME,
    windows::NAME,
];

/// Every container of blob storage that the app uses.
pub const BLOB_CONTAINERS: [&str; 9] = [
    capture::FILES[0],
    capture::FILES[1],
    capture::REPORTS,
    checkpoints::CONTAINER,
    co_views::CONTAINER,
    crate::dead_letters::CONTAINER,
    crate::dead_letters::EVENT_GRID,
    sales::files::FILES,
    sales::files::REPORTS,
];

/// The stores, with what is cached of each.
pub struct Stores {
    /// Anomalies, and what the detector remembers.
    pub anomalies: anomalies::AnomalyDocuments,
    /// Products as staff maintain them.
    pub catalogue: catalogue::Catalogue,
    /// Feedback of partners.
    pub feedback: feedback::Feedback,
    /// What was measured of hubs and feeds.
    pub health: health::HealthDocuments,
    /// Products by category.
    pub listings: listings::Listings,
    /// Clicks by minute.
    pub minutes: minutes::Minutes,
    /// What operators did.
    pub operations: operations::Operations,
    /// Partners and their webhooks.
    pub partners: partners::Partners,
    /// Prices that fell.
    pub price_alerts: price_alerts::PriceAlerts,
    /// Products as the site shows them.
    pub products: products::Products,
    /// What was announced of each product.
    pub published: published::PublishedStates,
    /// What customers make of products.
    pub ratings: ratings::Ratings,
    /// Recommendations of products and visitors.
    pub recommendations: recommendations::Recommendations,
    /// Batches of parked records that are given to their functions once more.
    pub replays: replays::Replays,
    /// Sales by day, product and country.
    pub sales_days: sales::days::SalesDays,
    /// Partners' sales files, and what became of them.
    pub sales_files: sales::files::SalesFiles,
    /// What files say of each invoice.
    pub sales_invoices: sales::invoices::Invoices,
    /// What is viewed most.
    pub trending: trending::TrendingLists,
    /// What each visitor viewed.
    pub visitors: visitors::Visitors,
    /// Clicks by partition and minute.
    pub windows: windows::Windows,
}

impl Stores {
    /// The stores of these accounts; nothing is connected yet. `app` is the name of this app where there are several.
    pub fn new(cosmos: &Cosmos, blobs: &Blobs, app: Option<&str>) -> Self {
        Self {
            anomalies: anomalies::AnomalyDocuments::new(cosmos),
            catalogue: catalogue::Catalogue::new(cosmos),
            feedback: feedback::Feedback::new(cosmos),
            health: health::HealthDocuments::new(cosmos, app),
            listings: listings::Listings::new(cosmos),
            minutes: minutes::Minutes::new(cosmos),
            operations: operations::Operations::new(cosmos),
            partners: partners::Partners::new(cosmos),
            price_alerts: price_alerts::PriceAlerts::new(cosmos),
            products: products::Products::new(cosmos),
            published: published::PublishedStates::new(cosmos),
            ratings: ratings::Ratings::new(cosmos),
            recommendations: recommendations::Recommendations::new(cosmos),
            replays: replays::Replays::new(cosmos),
            sales_days: sales::days::SalesDays::new(cosmos),
            sales_files: sales::files::SalesFiles::new(blobs),
            sales_invoices: sales::invoices::Invoices::new(cosmos),
            trending: trending::TrendingLists::new(cosmos),
            visitors: visitors::Visitors::new(cosmos),
            windows: windows::Windows::new(cosmos),
        }
    }
}
