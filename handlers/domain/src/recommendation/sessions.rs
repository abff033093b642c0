//! Sessionization: the sessions in one captured file of clicks.
//!
//! The service closes a file each five minutes and most sessions last longer, so a file holds pieces of sessions. They are kept as
//! they are, and become co-views when the pieces are put together again ([`super::co_views`]).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::super::{
    capture::ReportedFile,
    click::{Click, SessionId, VisitorId},
    product::ProductId,
};

/// The most views that one file keeps: a file of 300 MB, the largest that capture writes, has more than that only of clicks that are
/// mostly left out anyhow. Some 20 MB of document.
pub const FILE_VIEWS: usize = 500_000;

/// The most views that one file keeps of a session: whoever looks at more is no customer.
pub const VISIT_VIEWS: usize = 200;

/// What visitors looked at in one captured file: a document of container `co-views`. Made from the file alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileSessions {
    /// The file.
    pub file: ReportedFile,
    /// Every product of the file, once.
    pub products: Vec<ProductId>,
    /// Pieces of sessions, in the order of their first click.
    pub visits: Vec<Visit>,
    /// Clicks of visitors who did not consent: they make no session.
    pub nobody: u64,
    /// Clicks beyond [`FILE_VIEWS`] and [`VISIT_VIEWS`].
    pub left_out: u64,
}

/// The piece of one session that is in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Who.
    pub visitor: VisitorId,
    /// Which session, where the site says so.
    pub session: Option<SessionId>,
    /// In the order in which the hub stored them.
    pub views: Vec<View>,
}

/// One click.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(u32, i64, i64)", from = "(u32, i64, i64)")]
pub struct View {
    /// Place of the product in [`FileSessions::products`].
    pub product: u32,
    /// When it happened, in seconds since 1970.
    pub at: i64,
    /// When the hub stored it, in seconds since 1970.
    pub stored: i64,
}

impl From<View> for (u32, i64, i64) {
    fn from(view: View) -> Self {
        (view.product, view.at, view.stored)
    }
}

impl From<(u32, i64, i64)> for View {
    fn from((product, at, stored): (u32, i64, i64)) -> Self {
        Self { product, at, stored }
    }
}

/// Collects the sessions of a file, click by click.
pub struct Collector {
    document: FileSessions,
    products: HashMap<ProductId, u32>,
    visits: HashMap<(VisitorId, Option<SessionId>), usize>,
    views: usize,
}

impl Collector {
    /// Of a file of which nothing was read yet.
    pub fn new(file: ReportedFile) -> Self {
        Self {
            document: FileSessions { file, products: Vec::new(), visits: Vec::new(), nobody: 0, left_out: 0 },
            products: HashMap::new(),
            visits: HashMap::new(),
            views: 0,
        }
    }

    /// Adds the next click of the file, which happened `at` and was `stored` then (seconds since 1970).
    pub fn add(&mut self, click: Click, at: i64, stored: i64) {
        let Some(visitor) = click.visitor_id else {
            self.document.nobody += 1;
            return;
        };
        if self.views == FILE_VIEWS {
            self.document.left_out += 1;
            return;
        }
        let visits = &mut self.document.visits;
        let key = (visitor, click.session_id);
        let place = match self.visits.get(&key) {
            Some(place) => *place,
            None => {
                visits.push(Visit { visitor: key.0.clone(), session: key.1.clone(), views: Vec::new() });
                self.visits.insert(key, visits.len() - 1);
                visits.len() - 1
            }
        };
        let views = &mut visits[place].views;
        if views.len() == VISIT_VIEWS {
            self.document.left_out += 1;
            return;
        }
        let products = &mut self.document.products;
        let product = *self.products.entry(click.product_id).or_insert_with_key(|id| {
            products.push(id.clone());
            (products.len() - 1) as u32
        });
        views.push(View { product, at, stored });
        self.views += 1;
    }

    /// The document.
    pub fn finish(self) -> FileSessions {
        self.document
    }
}
