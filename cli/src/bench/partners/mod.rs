//! What partners get: how many notifications a second, how soon after a change, beside endpoints that are bad, and what bounds it.
//!
//! Partners join by `contoso partners add`, subscribe at the partner API, and their webhooks are in this process. Rates are taken three
//! times, each time with one part less before Event Grid's deliveries: from changes of products on, from a backlog in the hub, and from
//! the topic. What the parts left out make of a rate is what they cost.

mod changes;
mod cores;
mod figures;
mod load;
mod partner;
mod webhooks;

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Client;

use self::{
    changes::{Changer, Topic},
    cores::Reading,
    figures::{BadFigure, Latency, Throughput},
    load::Load,
    partner::Partner,
    webhooks::{Bad, BadEndpoint, Board},
};
use super::{
    report::{histogram, micros},
    shop::{HUB, Shop},
};
use crate::{products::Products, project::Project};

pub use figures::Figures;

/// Before latency is measured, so that connections are warm.
const WARM_UP: Duration = Duration::from_secs(2);
/// Name of a bad partner's one subscription.
const BAD: &str = "everything";

/// What to measure with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Partners with good webhooks.
    pub partners: usize,
    /// Subscriptions of each of them.
    pub subscriptions: usize,
    /// Products; each is changed once for each rate.
    pub products: usize,
    /// Changes a second while latency is measured.
    pub rate: u32,
    /// How long latency is measured, each time.
    pub duration: Duration,
}

/// Runs the whole plan on a stack of its own, in a temporary directory.
///
/// # Errors
/// When the stack or the app does not start, a partner cannot subscribe, or the flow does not finish in time.
pub async fn run(plan: &Plan, project: &Project) -> Result<Figures> {
    let mut bench = Bench::prepare(plan, project).await?;
    bench.latency(None).await?;
    bench.changes(None).await?;
    let bad = bench.join_bad().await?;
    bench.latency(Some(bad.len())).await?;
    bench.changes(Some(bad.len())).await?;
    bench.count_bad(&bad).await?;
    bench.backlog(bad.len()).await?;
    bench.topic(bad.len()).await?;
    bench.shop.stop().await;
    Ok(bench.figures)
}

struct Bench {
    plan: Plan,
    shop: Shop,
    /// Process id of the handler that runs.
    handler: u32,
    load: Load,
    /// Its connections live on the thread of the load.
    client: Client,
    board: Board,
    /// More than any price yet.
    next_price: u64,
    figures: Figures,
}

impl Bench {
    /// Starts everything, makes the products, and has the good partners join.
    async fn prepare(plan: &Plan, project: &Project) -> Result<Self> {
        let shop = Shop::prepare(project).await?;
        let handler = shop.run(&shop.package("whole", &[])?).await?;
        let (load, board) = (Load::start()?, Board::default());
        let figures = Figures::new(plan);
        let this = Self {
            plan: plan.clone(),
            shop,
            handler,
            load,
            client: Client::new(),
            board,
            next_price: 1_000_000,
            figures,
        };
        this.load.run(this.changer().fill()).await?;
        let made = i64::try_from(plan.products)?;
        this.shop.reach("products on the hub", made, |shop| shop.events(HUB)).await?;
        this.at_rest().await?;
        let (url, endpoints) = (webhooks::serve_good(&this.load, &this.board).await?, this.shop.endpoints_file()?);
        for number in 0..plan.partners {
            let partner = Partner::join(&this.shop, &endpoints, &format!("good-{number}")).await?;
            for subscription in 0..plan.subscriptions {
                let endpoint = format!("{url}{}", number * plan.subscriptions + subscription);
                partner.subscribe(&format!("everything-{subscription}"), &endpoint).await?;
            }
        }
        Ok(this)
    }

    async fn join_bad(&self) -> Result<Vec<(Bad, Partner)>> {
        let endpoints = self.shop.endpoints_file()?;
        let mut joined = Vec::new();
        for bad in Bad::ALL {
            let endpoint = BadEndpoint::serve(&self.load, bad).await?;
            let partner = Partner::join(&self.shop, &endpoints, bad.partner()).await?;
            partner.subscribe(BAD, &endpoint.url).await?;
            endpoint.turn_bad();
            joined.push((bad, partner));
        }
        Ok(joined)
    }

    /// From a change, sent at a steady rate, to a webhook.
    async fn latency(&mut self, bad: Option<usize>) -> Result<()> {
        let rate = self.plan.rate;
        let count = |time: Duration| u32::try_from(time.as_millis() * u128::from(rate) / 1000).unwrap_or(u32::MAX);
        for (time, is_measured) in [(WARM_UP, false), (self.plan.duration, true)] {
            let changes = count(time).max(1);
            let price = self.prices(u64::from(changes));
            let before = Reading::now(self.handler, &self.load)?;
            self.load.run(self.changer().steady(changes, rate, price)).await?;
            let goal = self.copies(usize::try_from(changes)?);
            let arrived = self.board.wait(goal).await;
            if !is_measured {
                continue;
            }
            let cores = before.until(&Reading::now(self.handler, &self.load)?);
            let mut latencies = histogram()?;
            for latency in self.board.latencies() {
                latencies.record(micros(latency))?;
            }
            self.figures.latencies.push(Latency::new(bad, rate, &latencies, goal - arrived, cores));
        }
        Ok(())
    }

    /// From changes, as fast as the app takes them, to the webhooks.
    async fn changes(&mut self, bad: Option<usize>) -> Result<()> {
        let price = self.prices(1);
        let before = Reading::now(self.handler, &self.load)?;
        self.load.run(self.changer().burst(price)).await?;
        self.rate("changes of products", bad, &before).await?;
        self.at_rest().await
    }

    /// From a backlog in the hub to the webhooks: the app is `PartnerNotifications` alone.
    async fn backlog(&mut self, bad: usize) -> Result<()> {
        let price = self.prices(1);
        let before = self.shop.events(HUB)?;
        self.shop.run(&self.shop.package("writers", &["Products", "ProductChanges"])?).await?;
        self.load.run(self.changer().burst(price)).await?;
        let all = before + i64::try_from(self.plan.products)?;
        self.shop.reach("changes on the hub", all, |shop| shop.events(HUB)).await?;
        self.handler = self.shop.run(&self.shop.package("notifier", &["PartnerNotifications"])?).await?;
        // From the first notification on: that the app starts is not what is measured.
        self.board.first().await.context("no notification of the backlog came")?;
        let begun = Reading::now(self.handler, &self.load)?;
        self.rate("a backlog in the hub", Some(bad), &begun).await?;
        self.at_rest().await
    }

    /// From the topic to the webhooks.
    async fn topic(&mut self, bad: usize) -> Result<()> {
        let events = self.plan.products;
        let price = self.prices(events as u64);
        let sample = self.board.sample().context("no notification to copy")?;
        let endpoints = &self.shop.stack.endpoints().event_grid;
        let topic = Topic { endpoint: endpoints.topic_endpoint.clone(), key: endpoints.topic_key.clone() };
        let before = Reading::now(self.handler, &self.load)?;
        self.load.run(topic.publish(self.board.clone(), sample, events, price)).await?;
        self.rate("the topic", Some(bad), &before).await
    }

    /// Waits for what is sent of all products, and notes the rate since `begun`.
    async fn rate(&mut self, from: &'static str, bad: Option<usize>, begun: &Reading) -> Result<()> {
        let goal = self.copies(self.plan.products);
        let early = self.board.count_before(begun.at);
        let arrived = self.board.wait(goal).await;
        let cores = begun.until(&Reading::now(self.handler, &self.load)?);
        let last = self.board.last().context("no notification came")?;
        let seconds = last.saturating_duration_since(begun.at).as_secs_f64();
        self.figures.rates.push(Throughput::new(from, bad, arrived - early, goal - arrived, seconds, cores));
        Ok(())
    }

    /// What Event Grid counted of the bad partners, so that it is seen that they were tried and did fail.
    async fn count_bad(&mut self, joined: &[(Bad, Partner)]) -> Result<()> {
        for (bad, partner) in joined {
            let (delivered, failed_attempts) = partner.counted(BAD).await?;
            self.figures.bad.push(BadFigure { endpoint: bad.what(), delivered, failed_attempts });
        }
        Ok(())
    }

    /// Waits until partners and site have handled what is on the hub, where the app has both.
    async fn at_rest(&self) -> Result<()> {
        let events = self.shop.events(HUB)?;
        self.shop.reach("published events", events, |shop| shop.handled(HUB, "partners")).await
    }

    fn changer(&self) -> Changer {
        let door = Products::new(self.client.clone(), &self.shop.stack.endpoints().functions, None);
        Changer { door, board: self.board.clone(), products: self.plan.products }
    }

    /// Notifications that so many changes are.
    fn copies(&self, changes: usize) -> usize {
        changes * self.plan.partners * self.plan.subscriptions
    }

    /// The first of so many prices that no product had yet.
    fn prices(&mut self, count: u64) -> u64 {
        let first = self.next_price;
        self.next_price += count;
        first
    }
}
