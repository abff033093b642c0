//! Operations on messages.

use std::time::Duration;

use http::StatusCode;
use uuid::Uuid;

use super::{
    Service,
    target::Call,
    xml::{self, Shown},
};
use crate::{
    queues::{
        error::Failure,
        message::{MAX_TEXT, Receipt},
        names::QueueName,
        store::Life,
    },
    storage_account::{Code, Refusal, Reply, RequestBody, dates},
};

/// Most bytes of a body: a text of the longest escapes (`&quot;`) in its frame.
const MAX_BODY: usize = 6 * MAX_TEXT + 1024;
/// Longest visibility time-out, in seconds.
const SEVEN_DAYS: i64 = 7 * 24 * 3600;
/// Most messages of one call.
const MAX_MESSAGES: i64 = 32;
/// Visibility time-out of messages that are taken, in seconds.
const USUAL_TIMEOUT: i64 = 30;

impl Service {
    pub(super) async fn put_message(
        &self,
        call: &Call,
        name: &QueueName,
        body: &mut RequestBody,
    ) -> Result<Reply, Failure> {
        let delay = seconds(call.number("visibilitytimeout", 0..=SEVEN_DAYS)?.unwrap_or_default());
        let life = match call.number("messagettl", -1..=i64::from(i32::MAX))? {
            None => Life::default(),
            Some(-1) => Life::Forever,
            Some(0) => return Err(Refusal::new(Code::OutOfRangeQueryParameterValue, "Parameter: messagettl.").into()),
            Some(life) => Life::For(seconds(life)),
        };
        let text = self.text(call, body).await?.ok_or(Code::InvalidXmlDocument)?;
        let name = name.clone();
        let message = self.on_store(move |store| store.put(&name, text, delay, life)).await?;
        Ok(Reply::xml(StatusCode::CREATED, xml::messages(&[message], Shown::Put)?))
    }

    pub(super) async fn get_messages(&self, call: &Call, name: &QueueName) -> Result<Reply, Failure> {
        let timeout = seconds(call.number("visibilitytimeout", 1..=SEVEN_DAYS)?.unwrap_or(USUAL_TIMEOUT));
        let (count, name) = (count(call)?, name.clone());
        let messages = self.on_store(move |store| store.take(&name, count, timeout)).await?;
        Ok(Reply::xml(StatusCode::OK, xml::messages(&messages, Shown::Taken)?))
    }

    pub(super) async fn peek_messages(&self, call: &Call, name: &QueueName) -> Result<Reply, Failure> {
        let (count, name) = (count(call)?, name.clone());
        let messages = self.on_store(move |store| store.peek(&name, count)).await?;
        Ok(Reply::xml(StatusCode::OK, xml::messages(&messages, Shown::Peeked)?))
    }

    pub(super) async fn clear_messages(&self, name: &QueueName) -> Result<Reply, Failure> {
        let name = name.clone();
        self.on_store(move |store| store.clear(&name)).await?;
        Ok(Reply::new(StatusCode::NO_CONTENT))
    }

    pub(super) async fn update_message(
        &self,
        call: &Call,
        name: &QueueName,
        id: Uuid,
        body: &mut RequestBody,
    ) -> Result<Reply, Failure> {
        let receipt = receipt(call)?;
        let timeout = call.number("visibilitytimeout", 0..=SEVEN_DAYS)?.ok_or_else(|| missing("visibilitytimeout"))?;
        let text = self.text(call, body).await?;
        let name = name.clone();
        let message = self.on_store(move |store| store.update(&name, id, receipt, seconds(timeout), text)).await?;
        Ok(Reply::new(StatusCode::NO_CONTENT)
            .header("x-ms-popreceipt", message.receipt.to_string())
            .header("x-ms-time-next-visible", dates::format(message.next_visible)))
    }

    pub(super) async fn delete_message(&self, call: &Call, name: &QueueName, id: Uuid) -> Result<Reply, Failure> {
        let (receipt, name) = (receipt(call)?, name.clone());
        self.on_store(move |store| store.delete_message(&name, id, receipt)).await?;
        Ok(Reply::new(StatusCode::NO_CONTENT))
    }

    /// The text in the body; `None` where there is no body.
    async fn text(&self, call: &Call, body: &mut RequestBody) -> Result<Option<String>, Failure> {
        call.check_length(MAX_BODY as u64)?;
        let document = body.read(MAX_BODY).await.map_err(|error| Failure::Body(error.into()))?;
        if document.is_empty() {
            return Ok(None);
        }
        Ok(Some(xml::read_message(&document)?))
    }
}

fn seconds(number: i64) -> Duration {
    Duration::from_secs(number.unsigned_abs())
}

fn count(call: &Call) -> Result<usize, Refusal> {
    let count = call.number("numofmessages", 1..=MAX_MESSAGES)?.unwrap_or(1);
    Ok(usize::try_from(count).unwrap_or(1))
}

fn receipt(call: &Call) -> Result<Receipt, Refusal> {
    Receipt::parse(call.query.get("popreceipt").ok_or_else(|| missing("popreceipt"))?)
}

fn missing(parameter: &str) -> Refusal {
    Refusal::new(Code::MissingRequiredQueryParameter, format!("Parameter: {parameter}."))
}
