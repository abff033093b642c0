//! Recommendations: how often the next product of a session is in a list, and how far up.
//!
//! Learns from the first days and predicts in the others. The same product twice in a row is one view: a page loaded again is no
//! next product. Every other click but the first of a session is predicted, from the clicks before it. The product on the page is
//! never recommended.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
};

use contoso_handlers::domain::{
    capture::ReportedFile,
    click::{Click, IdError, SessionId, VisitorId},
    product::ProductId,
    recommendation::{
        Day,
        co_views::{Added, CoViews},
        lists::{Item, LENGTH, for_you, viewed_together},
        sessions::Collector,
        weights::Weights,
    },
};
use serde::Serialize;
use time::Date;

use crate::clickstream::Row;

/// The figures.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// Days learned from.
    pub train_days: usize,
    /// Sessions learned from.
    pub train_sessions: usize,
    /// Days predicted.
    pub test_days: usize,
    /// Sessions predicted.
    pub test_sessions: usize,
    /// Clicks of the predicted days on the product that was on the page already: not predicted.
    pub repeated: usize,
    /// Predictions of the next product.
    pub next: usize,
    /// Those of them whose product was new in the session.
    pub next_new: usize,
    /// By method.
    pub methods: Vec<Figures>,
}

/// How good one method is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// The method.
    pub method: &'static str,
    /// On the next product, where any product but the one on the page may be recommended.
    pub next: Score,
    /// On the next product that is new in the session, where only such products may be recommended.
    pub next_new: Score,
}

/// Means over predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// Part of the predictions whose product is in the list of [`LENGTH`].
    pub hit_rate: f64,
    /// Mean reciprocal rank: 1 over its place in the list, 0 if it is not there.
    pub mrr: f64,
}

/// Nothing can be measured.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// All days, or none, are to learn from.
    #[error("of {days} days, {train} would be to learn from: both parts need at least one")]
    Split {
        /// Days in the log.
        days: usize,
        /// Days to learn from.
        train: usize,
    },
    /// Never: the ids made here are valid.
    #[error("a session's number makes no id")]
    Id(#[from] IdError),
}

/// Products of one session, repeats in a row left out.
struct Session {
    date: Date,
    views: Vec<ProductId>,
    repeated: usize,
}

/// Splits the log's days, learns from the first part `train` (0 to 1) of them, and predicts the others.
///
/// # Errors
/// If one of the parts has no day.
pub fn evaluate(rows: &[Row], train: f64) -> Result<Evaluation, EvaluationError> {
    let days: Vec<Date> = rows.iter().map(|row| row.date).collect::<BTreeSet<_>>().into_iter().collect();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "some days"
    )]
    let split = (days.len() as f64 * train).floor() as usize;
    let Some(first_test) = days.get(split).filter(|_| split > 0).copied() else {
        return Err(EvaluationError::Split { days: days.len(), train: split });
    };
    let sessions = sessions(rows);
    let (train, test): (Vec<&Session>, Vec<&Session>) =
        sessions.values().partition(|session| session.date < first_test);
    let ours = learn(rows, first_test)?;
    let popular = popularity(&train);
    let together = co_occurrence(&train);
    let nothing = HashSet::new();
    let ranked = |scores: &HashMap<ProductId, f64>, hidden: &HashSet<ProductId>| strongest(scores, hidden);
    let methods = vec![
        measure("popularity", &test, |_, hidden| ranked(&popular, hidden)),
        measure("co-occurrence", &test, |seen, hidden| {
            seen.last().and_then(|last| together.get(last)).map_or_else(Vec::new, |scores| ranked(scores, hidden))
        }),
        measure("viewed together", &test, |seen, hidden| {
            seen.last().map_or_else(Vec::new, |last| ids(viewed_together(&ours, last, hidden)))
        }),
        measure("for you", &test, |seen, _| {
            let mut recent: Vec<ProductId> = Vec::new();
            for product in seen.iter().rev() {
                if !recent.contains(product) {
                    recent.push(product.clone());
                }
            }
            ids(for_you(&ours, &recent, &nothing))
        }),
    ];
    let is_new = |session: &Session, place: usize| !session.views[..place].contains(&session.views[place]);
    let predicted = |session: &&Session| session.views.len() - 1;
    Ok(Evaluation {
        train_days: split,
        train_sessions: train.len(),
        test_days: days.len() - split,
        test_sessions: test.len(),
        repeated: test.iter().map(|session| session.repeated).sum(),
        next: test.iter().map(predicted).sum(),
        next_new: test
            .iter()
            .map(|session| (1..session.views.len()).filter(|place| is_new(session, *place)).count())
            .sum(),
        methods,
    })
}

fn sessions(rows: &[Row]) -> BTreeMap<u32, Session> {
    let mut sessions: BTreeMap<u32, Session> = BTreeMap::new();
    for row in rows {
        let session =
            sessions.entry(row.session).or_insert_with(|| Session { date: row.date, views: Vec::new(), repeated: 0 });
        if session.views.last() == Some(&row.product) {
            session.repeated += 1;
        } else {
            session.views.push(row.product.clone());
        }
    }
    sessions
}

/// What the app would have learned by the morning of `until`: a file a day, clicks a second apart.
fn learn(rows: &[Row], until: Date) -> Result<Weights, EvaluationError> {
    let mut files: BTreeMap<Date, Collector> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.date < until) {
        let file = || ReportedFile { container: String::new(), path: String::new(), etag: String::new(), length: 0 };
        let collector = files.entry(row.date).or_insert_with(|| Collector::new(file()));
        let at = row.date.midnight().assume_utc().unix_timestamp() + i64::from(row.order);
        let click = Click {
            product_id: row.product.clone(),
            category: Some(row.category.clone()),
            visitor_id: Some(VisitorId::try_from(format!("visitor-{}", row.session))?),
            session_id: Some(SessionId::try_from(row.session.to_string())?),
        };
        collector.add(click, at, at);
    }
    let mut weights = Weights::default();
    let today = Day::of(until.midnight().assume_utc());
    for (date, collector) in files {
        let mut co_views = CoViews::default();
        co_views.add(Added { name: date.to_string(), etag: String::new() }, Some(&collector.finish()));
        for (day, pairs) in &co_views.days {
            weights.absorb(pairs, day.decay(today));
        }
    }
    Ok(weights)
}

/// Views of each product.
fn popularity(train: &[&Session]) -> HashMap<ProductId, f64> {
    let mut views = HashMap::new();
    for product in train.iter().flat_map(|session| &session.views) {
        *views.entry(product.clone()).or_default() += 1.0;
    }
    views
}

/// In how many sessions two products are.
fn co_occurrence(train: &[&Session]) -> HashMap<ProductId, HashMap<ProductId, f64>> {
    let mut sessions: HashMap<ProductId, HashMap<ProductId, f64>> = HashMap::new();
    for session in train {
        let products: BTreeSet<&ProductId> = session.views.iter().collect();
        for one in &products {
            let row = sessions.entry((*one).clone()).or_default();
            for other in products.iter().filter(|other| other != &one) {
                *row.entry((*other).clone()).or_default() += 1.0;
            }
        }
    }
    sessions
}

fn strongest(scores: &HashMap<ProductId, f64>, hidden: &HashSet<ProductId>) -> Vec<ProductId> {
    let mut scores: Vec<_> = scores.iter().filter(|(product, _)| !hidden.contains(*product)).collect();
    scores.sort_by(|(a, x), (b, y)| y.total_cmp(x).then_with(|| a.cmp(b)));
    scores.into_iter().take(LENGTH).map(|(product, _)| product.clone()).collect()
}

fn ids(items: Vec<Item>) -> Vec<ProductId> {
    items.into_iter().map(|item| item.product_id).collect()
}

/// `list` gets the views so far and what must not be recommended.
fn measure(
    method: &'static str,
    test: &[&Session],
    list: impl Fn(&[ProductId], &HashSet<ProductId>) -> Vec<ProductId>,
) -> Figures {
    let (mut next, mut next_new) = (Sum::default(), Sum::default());
    for session in test {
        for (place, target) in session.views.iter().enumerate().skip(1) {
            let seen = &session.views[..place];
            let on_the_page = HashSet::from([seen[place - 1].clone()]);
            next.add(&list(seen, &on_the_page), target);
            if !seen.contains(target) {
                next_new.add(&list(seen, &seen.iter().cloned().collect()), target);
            }
        }
    }
    Figures { method, next: next.mean(), next_new: next_new.mean() }
}

#[derive(Default)]
struct Sum {
    predictions: u32,
    hits: u32,
    reciprocal_ranks: f64,
}

impl Sum {
    fn add(&mut self, list: &[ProductId], target: &ProductId) {
        self.predictions += 1;
        if let Some((_, rank)) = list.iter().zip(1..).find(|(product, _)| *product == target) {
            self.hits += 1;
            self.reciprocal_ranks += 1.0 / f64::from(rank);
        }
    }

    fn mean(&self) -> Score {
        let predictions = f64::from(self.predictions.max(1));
        Score { hit_rate: f64::from(self.hits) / predictions, mrr: self.reciprocal_ranks / predictions }
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "learned from  {} days, {} sessions", self.train_days, self.train_sessions)?;
        writeln!(out, "predicted in  {} days, {} sessions", self.test_days, self.test_sessions)?;
        writeln!(out, "              {} next products, {} of them new in their session", self.next, self.next_new)?;
        writeln!(out, "left out      {} clicks on the product that was on the page already", self.repeated)?;
        writeln!(out)?;
        writeln!(out, "                      next product            next new product")?;
        writeln!(out, "method            hit rate@20    MRR@20    hit rate@20    MRR@20")?;
        for Figures { method, next, next_new } in &self.methods {
            writeln!(
                out,
                "{method:<16} {:>12.4} {:>9.4} {:>14.4} {:>9.4}",
                next.hit_rate, next.mrr, next_new.hit_rate, next_new.mrr
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    fn row(date: Date, session: u32, order: u32, product: &str) -> Row {
        Row {
            date,
            order,
            session,
            country: 1,
            category: "sale".to_owned().try_into().expect("valid"),
            product: product.to_owned().try_into().expect("valid"),
            price: 1,
            page: 1,
        }
    }

    fn session(date: Date, session: u32, products: &str) -> impl Iterator<Item = Row> {
        products.chars().zip(1..).map(move |(product, order)| row(date, session, order, &product.to_string()))
    }

    #[test]
    fn what_is_predicted_follows_from_the_days_before_alone() {
        let (monday, tuesday) = (date!(2008 - 04 - 07), date!(2008 - 04 - 08));
        let rows: Vec<Row> =
            session(monday, 1, "ab").chain(session(monday, 2, "cabb")).chain(session(tuesday, 3, "aabac")).collect();
        let evaluation = evaluate(&rows, 0.5).expect("two days");
        assert_eq!((evaluation.train_sessions, evaluation.test_sessions), (2, 1));
        // a a b a c: the second a is the same page; b, a and c follow, a is not new.
        assert_eq!((evaluation.repeated, evaluation.next, evaluation.next_new), (1, 3, 2));
        let figures = |method: &str| {
            let found = evaluation.methods.iter().find(|figures| figures.method == method);
            found.map(|figures| (figures.next, figures.next_new)).expect("measured")
        };
        // After a: b, first. After b: a, first. After a: c, of which only the way back is known, second after b.
        let hit = |mrr| Score { hit_rate: 1.0, mrr };
        let (next, next_new) = figures("viewed together");
        assert!((next.mrr - 2.5 / 3.0).abs() < 1e-9 && (next.hit_rate - 1.0).abs() < 1e-9, "{next:?}");
        assert_eq!(next_new, hit(1.0), "b is seen already when c comes");
        assert_eq!(figures("for you").1, hit(1.0));
        assert!(evaluate(&rows, 0.4).is_err(), "nothing to learn from");
        assert!(evaluate(&rows, 1.0).is_err(), "nothing to predict");
    }
}
