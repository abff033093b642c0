//! Typed readers: the event of a type that a function wants, or what becomes of the record instead.

use time::OffsetDateTime;

use super::{content::Content, event::Event};
use crate::{
    domain::{
        click::{Click, RECORDED, Timing},
        feedback::event::{Feedback, GIVEN, WITHDRAWN},
        product_events::{CHANGED, DISCONTINUED, ProductEvent},
    },
    outcome::{Cause, Outcome},
};

/// A click that counts, and when it happened.
#[derive(Clone, Debug, PartialEq)]
pub struct CountedClick {
    /// The click.
    pub click: Click,
    /// When it happened; when the hub stored it, if the event does not say.
    pub at: OffsetDateTime,
}

impl Event {
    /// The product event that this is; `None` if it is an event of another type.
    ///
    /// # Errors
    /// If it has the type of a product event but is none that could have been sent.
    pub fn product(&self) -> Result<Option<ProductEvent>, Cause> {
        if ![CHANGED, DISCONTINUED].contains(&self.r#type.as_str()) {
            return Ok(None);
        }
        match self.content() {
            Ok(Content::Product(event)) => Ok(Some(*event)),
            Ok(_) => Ok(None),
            Err(error) => Err(Cause::from_error("read the product event", error)),
        }
    }

    /// The feedback that this is; `None` if it is an event of another type.
    ///
    /// # Errors
    /// If it has the type of feedback but is none that could have been sent.
    pub fn feedback(&self) -> Result<Option<Feedback>, Cause> {
        if ![GIVEN, WITHDRAWN].contains(&self.r#type.as_str()) {
            return Ok(None);
        }
        match self.content() {
            Ok(Content::Feedback(feedback)) => Ok(Some(feedback)),
            Ok(_) => Ok(None),
            Err(error) => Err(Cause::from_error("read the feedback", error)),
        }
    }

    /// The click that this event records, if it counts: judged by the event alone and when the hub stored it (`enqueued`), so that whoever
    /// reads it, and whenever, takes it or does not.
    ///
    /// # Errors
    /// With the outcome of an event that is no click or does not count.
    pub fn counted_click(&self, enqueued: OffsetDateTime) -> Result<CountedClick, Outcome> {
        if self.r#type != RECORDED {
            return Err(Outcome::Skip("not a click"));
        }
        let click = match self.content() {
            Ok(Content::Click(click)) => click,
            Ok(_) => return Err(Outcome::Skip("not a click")),
            Err(error) => return Err(Outcome::Park(Cause::from_error("read the click", error))),
        };
        let at = self.time.unwrap_or(enqueued);
        match Timing::of(at, enqueued) {
            Timing::Counts => Ok(CountedClick { click, at }),
            Timing::TooLate => Err(Outcome::Skip("too late to count")),
            Timing::Ahead => {
                let id = &self.id;
                Err(Outcome::Park(Cause::of(
                    "the click is from after it was stored",
                    format!("the click {id} claims to be from after it was stored: {at}"),
                )))
            }
        }
    }
}
