//! Changes of products, and notifications without any change behind them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{Client, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    super::throughput::{CONCURRENCY, amount, id, price, product},
    webhooks::{Board, key},
};
use crate::products::Products;

/// Events of one request to the topic.
const PUBLISHED_AT_ONCE: usize = 200;

/// Who changes products, and tells the board.
#[derive(Clone)]
pub(super) struct Changer {
    pub(super) door: Products,
    pub(super) board: Board,
    pub(super) products: usize,
}

impl Changer {
    /// Creates all products.
    pub(super) async fn fill(self) -> Result<()> {
        let created = stream::iter(0..self.products).map(|number| {
            let door = self.door.clone();
            async move { door.put(&product(number, 1_000)).await }
        });
        Ok(created.buffer_unordered(CONCURRENCY).try_collect().await?)
    }

    /// Changes every price as fast as the app takes it. `minor_units` are more than any price before.
    pub(super) async fn burst(self, minor_units: u64) -> Result<()> {
        self.board.clear();
        let began = Instant::now();
        for number in 0..self.products {
            self.board.sent(key(&id(number), &amount(minor_units)), began);
        }
        let changed = stream::iter(0..self.products).map(|number| {
            let door = self.door.clone();
            async move { door.patch(&id(number), &json!({ "price": price(minor_units) })).await }
        });
        Ok(changed.buffer_unordered(CONCURRENCY).try_collect().await?)
    }

    /// Sends `changes` at a steady rate, whatever the answers take, of one product after the other: so none of them overtakes another.
    /// A change counts from when it was due, also where it was sent late.
    pub(super) async fn steady(self, changes: u32, rate: u32, minor_units: u64) -> Result<()> {
        self.board.clear();
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
        let mut answers = JoinSet::new();
        for number in 0..changes {
            let due = ticks.tick().await.into_std();
            let minor_units = minor_units + u64::from(number);
            let id = id(usize::try_from(number)? % self.products);
            self.board.sent(key(&id, &amount(minor_units)), due);
            let door = self.door.clone();
            answers.spawn(async move { door.patch(&id, &json!({ "price": price(minor_units) })).await });
            while let Some(answer) = answers.try_join_next() {
                answer??;
            }
        }
        while let Some(answer) = answers.join_next().await {
            answer??;
        }
        Ok(())
    }
}

/// A topic of Event Grid, with its key.
#[derive(Clone)]
pub(super) struct Topic {
    pub(super) endpoint: String,
    pub(super) key: String,
}

impl Topic {
    /// Publishes copies of `sample`, each with an id and a price of its own.
    pub(super) async fn publish(self, board: Board, sample: Value, events: usize, minor_units: u64) -> Result<()> {
        board.clear();
        let http = Client::new();
        let subject = sample["subject"].as_str().context("a notification without a subject")?.to_owned();
        let began = Instant::now();
        let copies: Vec<Value> = (0..events)
            .map(|number| {
                let amount = amount(minor_units + number as u64);
                board.sent(key(&subject, &amount), began);
                let mut copy = sample.clone();
                copy["id"] = json!(format!("bench-{minor_units}-{number}"));
                copy["data"]["state"]["price"]["amount"] = json!(amount);
                copy
            })
            .collect();
        for batch in copies.chunks(PUBLISHED_AT_ONCE) {
            let request = http
                .post(&self.endpoint)
                .query(&[("api-version", "2018-01-01")])
                .header("aeg-sas-key", &self.key)
                .header(CONTENT_TYPE, "application/cloudevents-batch+json; charset=utf-8")
                .body(serde_json::to_vec(batch)?);
            let answer = request.send().await.context("publish to the topic")?;
            let status = answer.status();
            if !status.is_success() {
                bail!("the topic answered {status}: {}", answer.text().await?);
            }
        }
        Ok(())
    }
}
