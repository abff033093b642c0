//! One call of a function: the body, the request, the judgement of the answer, and the retry loop around them.

mod byte_order;
mod call;
mod encode;
mod exception;
mod forward;
mod instants;
mod invoker;
mod json;
mod judge;
mod metadata;
mod numbers;
mod outputs;
mod payload;
mod retry;
mod spelling;

#[cfg(test)]
mod examples;

pub(crate) use byte_order::text_of;
pub(crate) use call::{Client, HOST_VERSION, add_host_headers};
pub(crate) use encode::Value;
pub(crate) use instants::{Fraction, date_time, date_time_offset, local_date_time};
pub(crate) use invoker::{Invoker, Outcome};
pub(crate) use json::{Compact, Dates, JsonText, QuotedJson};
pub(crate) use judge::Failure;
pub(crate) use metadata::Metadata;
pub(crate) use outputs::{HttpResult, http_result};
pub(crate) use payload::Payload;
pub(crate) use retry::RetryPolicy;
pub(crate) use spelling::spelled;

#[cfg(test)]
pub(crate) use {exception::Exception, payload::Sys, retry::RetryContext};
