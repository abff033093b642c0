//! The body of an invocation request.

use std::io::{self, Write as _};

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    encode::{Value, encode},
    instants::{Fraction, date_time},
    json::{JsonText as _, Plain},
    metadata::{Entry, Metadata},
    retry::RetryContext,
};

/// What a trigger hands over; the same for every attempt.
pub(crate) struct Payload<'a> {
    /// The one entry of `Data`: name of the trigger binding, and its value.
    pub(crate) data: (&'a str, Value<'a>),
    pub(crate) metadata: Metadata<'a>,
    /// Roughly how long the body will be.
    pub(crate) size_hint: usize,
}

/// `Metadata.sys`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Sys<'a> {
    pub(crate) method_name: &'a str,
    pub(crate) utc_now: String,
    pub(crate) rand_guid: Uuid,
}

impl<'a> Sys<'a> {
    pub(crate) fn new(function: &'a str, now: OffsetDateTime) -> Self {
        Self { method_name: function, utc_now: date_time(now, Fraction::Kept) + "Z", rand_guid: Uuid::new_v4() }
    }
}

impl<'a> Payload<'a> {
    /// Of a run by hand: with one more entry, what it was given, under the name of the binding.
    pub(crate) fn by_hand(mut self, input: Option<&'a str>) -> Self {
        if let Some(input) = input {
            self.metadata.add_before_sys(self.data.0, Value::json(input));
        }
        self
    }

    /// The body of one attempt: UTF-8, compact, `Data` before `Metadata`, `RetryContext` last.
    ///
    /// # Errors
    /// When a value cannot be serialised.
    pub(crate) fn body(&self, sys: &Sys<'_>, retry: Option<&RetryContext>) -> io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(self.size_hint + 1024);
        out.extend_from_slice(b"{\"Data\":{");
        push_name(self.data.0, &mut out)?;
        encode(&self.data.1, &mut out)?;
        out.extend_from_slice(b"},\"Metadata\":{");
        let mut first = true;
        for (name, entry) in self.metadata.entries() {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            push_name(name, &mut out)?;
            match entry {
                Entry::Value(value) => encode(value, &mut out)?,
                Entry::Sys => Plain(sys).write(&mut out)?,
            }
        }
        if let Some(retry) = retry {
            out.extend_from_slice(if first { b"" } else { b"," });
            push_name("RetryContext", &mut out)?;
            Plain(retry).write(&mut out)?;
        }
        out.write_all(b"}}")?;
        Ok(out)
    }
}

fn push_name(name: &str, out: &mut Vec<u8>) -> io::Result<()> {
    Plain(name).write(out)?;
    out.push(b':');
    Ok(())
}
