//! Container `site/sales`: a partition for each day. Document `totals` is the day's totals by product and country; documents `shard-…` are what
//! each invoice adds to them, from which the totals can be made again at any time.

use std::num::NonZeroU32;

use super::turns::Turns;
use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, repeat_lost_races},
    domain::sales::totals::{DayEntry, DayShard, DayTotals, TOTALS},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "site", container: "sales" };

/// Shards read at a time.
const PAGE: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// Sales by day.
pub struct SalesDays {
    container: Container,
    /// Who adds up which day: of two at once one would do it in vain.
    adding_up: Turns,
}

impl SalesDays {
    pub(in crate::stores) fn new(cosmos: &Cosmos) -> Self {
        Self { container: cosmos.container(NAME), adding_up: Turns::default() }
    }

    /// Enters what invoices add to a day, in the document that has them.
    ///
    /// # Errors
    /// If the service fails; one for which [`CosmosError::is_lost_race`] holds if others wrote it all the time.
    pub async fn enter(&self, day: &str, shard: &str, entries: &[DayEntry]) -> Result<(), CosmosError> {
        repeat_lost_races(|| async move {
            let stored = self.container.read::<DayShard>(day, shard).await?;
            let (mut document, etag) = match stored {
                Some(stored) => (stored.value, Some(stored.etag)),
                None => (DayShard::new(day, shard), None),
            };
            let mut is_new = false;
            for entry in entries {
                is_new |= document.enter(entry);
            }
            if is_new {
                self.container.write_unchanged(day, shard, &document, etag.as_deref()).await?;
            }
            Ok(())
        })
        .await
    }

    /// Makes a day's totals of all that was entered. The totals are read first: whoever enters more meanwhile writes them later, and then
    /// this write fails and is made again.
    ///
    /// # Errors
    /// As of [`Self::enter`].
    pub async fn add_up(&self, day: &str) -> Result<(), CosmosError> {
        self.adding_up.take(day, async || repeat_lost_races(|| self.write_totals(day)).await).await
    }

    async fn write_totals(&self, day: &str) -> Result<(), CosmosError> {
        let stored = self.container.read::<DayTotals>(day, TOTALS).await?;
        let totals = DayTotals::of(day, &self.shards(day).await?);
        let (stored, etag) = stored.map(|stored| (stored.value, stored.etag)).unzip();
        if stored.as_ref() != Some(&totals) {
            self.container.write_unchanged(day, TOTALS, &totals, etag.as_deref()).await?;
        }
        Ok(())
    }

    /// The totals of a day.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn totals(&self, day: &str) -> Result<Option<DayTotals>, CosmosError> {
        Ok(self.container.read(day, TOTALS).await?.map(|stored| stored.value))
    }

    async fn shards(&self, day: &str) -> Result<Vec<DayShard>, CosmosError> {
        let sql = "SELECT * FROM c WHERE c.id != @totals";
        let parameters = [("@totals", TOTALS.into())];
        let (mut shards, mut continuation) = (Vec::new(), None::<String>);
        loop {
            let page = self.container.query_partition(day, sql, &parameters, PAGE, continuation.as_deref()).await?;
            shards.extend(page.items);
            continuation = page.continuation;
            if continuation.is_none() {
                return Ok(shards);
            }
        }
    }
}
