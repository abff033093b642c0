//! What became of one record, and why.

use std::{error::Error, fmt, sync::Arc};

/// The end of one record within one delivery. Every record of every trigger ends as exactly one of these.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Its effects are stored.
    Done,
    /// Nothing had to be done, for an expected reason: a repeat, an older version, a type that is not ours. Counted, not kept.
    Skip(&'static str),
    /// The record itself is bad, however often it is delivered: it goes to the dead letters with this cause, and counts as handled.
    Park(Cause),
    /// The world around the record is broken: the record must come again.
    Retry(Cause),
}

impl Outcome {
    /// The word for it in telemetry.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Skip(_) => "skipped",
            Self::Park(_) => "parked",
            Self::Retry(_) => "retried",
        }
    }

    /// Whether the record must be delivered again.
    pub fn is_retry(&self) -> bool {
        matches!(self, Self::Retry(_))
    }
}

/// Why a record was parked or must come again: one sentence, with the chain of errors below it.
///
/// `Display` shows the sentence alone; [`Cause::chain`] shows everything, for the one place that logs or stores it.
///
/// Clones share the errors below it, so that what happened to several records at once is the cause of each.
///
/// What telemetry tells of it is [`Cause::label`] alone: the rest may quote ids and data.
#[derive(Clone)]
pub struct Cause {
    label: &'static str,
    message: Arc<str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Cause {
    /// A cause that was found here, with no error below it.
    pub fn new(message: &'static str) -> Self {
        Self { label: message, message: message.into(), source: None }
    }

    /// The same, whose sentence names an id or a value; `label` says it without.
    pub fn of(label: &'static str, message: impl Into<String>) -> Self {
        Self { label, message: message.into().into(), source: None }
    }

    /// A cause found by another layer; `operation` says what was being done, for example `write the product`.
    pub fn from_error(operation: &'static str, error: impl Error + Send + Sync + 'static) -> Self {
        Self { label: operation, message: format!("could not {operation}").into(), source: Some(Arc::new(error)) }
    }

    /// The same, with an error below it.
    #[must_use]
    pub fn because(self, error: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(error)), ..self }
    }

    /// What happened, in words of the source: the same for every record that it happens to.
    pub fn label(&self) -> &'static str {
        self.label
    }

    /// The sentence and every error below it, joined by `: `.
    pub fn chain(&self) -> String {
        let mut text = self.message.to_string();
        let mut next = self.source();
        while let Some(error) = next {
            let line = error.to_string();
            // Some clients repeat their source in their own text.
            if !text.ends_with(&line) {
                text.push_str(": ");
                text.push_str(&line);
            }
            next = error.source();
        }
        text
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cause").field(&self.chain()).finish()
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|error| error as &(dyn Error + 'static))
    }
}
