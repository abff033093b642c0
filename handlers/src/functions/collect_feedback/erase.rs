//! `DELETE /api/partners/{partner}/feedback/items/{id}` withdraws an item; `POST …/feedback/erasures` every item about or from a customer.

use std::num::NonZeroU32;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::sending::{AT_ONCE, Collector, Ready, Unsent, unsent, unstored};
use crate::{
    azure::cosmos::{CosmosError, repeat_lost_races},
    domain::{
        feedback::{CustomerRef, ItemId, event},
        partner::PartnerName,
        trace_context::TraceContext,
    },
    events::contracts::FEEDBACK_WITHDRAWN,
    functions::partners::{body::answer, caller::Caller, members::Members, repeats::NotKept},
    http::{Cause, Path, Problem},
};

/// Items withdrawn together, and how often in one request.
const TOGETHER: NonZeroU32 = NonZeroU32::new(100).unwrap();
const TIMES: usize = 10;

/// An item of the caller's.
#[derive(Deserialize)]
pub(super) struct OfItem {
    item: String,
}

/// 204 once the hub has it; again for one that is withdrawn.
pub(super) async fn item(
    State(collector): State<Collector>,
    caller: Caller,
    Cause(trace): Cause,
    Path(OfItem { item }): Path<OfItem>,
) -> Result<StatusCode, Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "There is no such feedback of yours.");
    let item = ItemId::try_from(item).map_err(|_| missing())?;
    match collector.withdraw(&caller.partner, &item).await.map_err(unstored)? {
        Withdrawn::Unknown => Err(missing()),
        Withdrawn::Before => Ok(StatusCode::NO_CONTENT),
        Withdrawn::Now(unsent) => {
            let ready = collector.withdrawals(vec![*unsent], trace.as_ref()).await?;
            collector.send(ready).await?;
            Ok(StatusCode::NO_CONTENT)
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Erased {
    /// Items that this request withdrew.
    withdrawn: usize,
    /// Whether nothing of the customer is left. If not, the request is to be sent again.
    is_complete: bool,
}

pub(super) async fn customer(
    State(collector): State<Collector>,
    caller: Caller,
    Cause(trace): Cause,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut members = Members::of(&headers, body, &["customerRef"]).await?;
    members.require("customerRef", "must be a string");
    let reference: Option<CustomerRef> = members.parsed("customerRef");
    members.end()?;
    let reference = reference.ok_or_else(|| Problem::field("customerRef", "is required"))?;
    let (partner, customer) = (&caller.partner, reference.customer(&caller.partner));
    let receipts = &collector.app.stores().feedback.receipts;
    let mut withdrawn = 0;
    for _ in 0..TIMES {
        let items = receipts.of_customer(partner, &customer, TOGETHER).await?;
        if items.is_empty() {
            return Ok(answer(StatusCode::OK, &Erased { withdrawn, is_complete: true }));
        }
        let collector = &collector;
        let each = stream::iter(items).map(|item| async move { collector.withdraw(partner, &item).await });
        let each: Vec<Withdrawn> = each.buffer_unordered(AT_ONCE).try_collect().await.map_err(unstored)?;
        let of_this_time = each.into_iter().filter_map(|one| match one {
            Withdrawn::Now(unsent) => Some(*unsent),
            Withdrawn::Before | Withdrawn::Unknown => None,
        });
        let ready = collector.withdrawals(of_this_time.collect(), trace.as_ref()).await?;
        withdrawn += ready.len();
        // Noted as sent, receipts name the customer no more, so the next look finds others.
        collector.send(ready).await?;
    }
    let mut response = answer(StatusCode::OK, &Erased { withdrawn, is_complete: false });
    response.extensions_mut().insert(NotKept);
    Ok(response)
}

/// What became of an item that is to be withdrawn.
enum Withdrawn {
    /// It was never taken.
    Unknown,
    /// The hub heard of it before.
    Before,
    /// Its receipt says so, and the hub is to hear of it.
    Now(Box<Unsent>),
}

impl Collector {
    async fn withdraw(&self, partner: &PartnerName, item: &ItemId) -> Result<Withdrawn, CosmosError> {
        let (receipts, now) = (&self.app.stores().feedback.receipts, self.app.now());
        repeat_lost_races(|| async {
            let Some(stored) = receipts.read(partner, item).await? else { return Ok(Withdrawn::Unknown) };
            let receipt = stored.value.clone().withdrawn(now);
            let etag = match receipt == stored.value {
                true if !receipt.is_unsent() => return Ok(Withdrawn::Before),
                true => stored.etag,
                false => receipts.write(&receipt, Some(&stored.etag)).await?,
            };
            Ok(Withdrawn::Now(Box::new(Unsent { receipt, etag })))
        })
        .await
    }

    /// The events by which readers forget items.
    async fn withdrawals(&self, all: Vec<Unsent>, trace: Option<&TraceContext>) -> Result<Vec<Ready>, Problem> {
        let mut ready = Vec::with_capacity(all.len());
        for one in all {
            let Some(data) = one.receipt.withdrawal() else { continue };
            let key = event::key(data.about, data.product_id.as_ref(), data.customer.as_ref()).map_err(unsent)?;
            let at = data.at;
            let one = self.ready(one, key, at, &FEEDBACK_WITHDRAWN, &data, trace.cloned()).await;
            ready.push(one.map_err(unsent)?);
        }
        Ok(ready)
    }
}
