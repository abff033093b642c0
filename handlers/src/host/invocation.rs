//! The body of an invocation, with borrowed parts.
//!
//! The host writes values as .NET sees them: an object is nested as it is, everything else is a JSON string that holds JSON text, so
//! that a list of strings arrives quoted twice. Which of the two comes depends on host and extension versions, and old samples show
//! a third, plain form; hence [`json_text`], which takes quotes off until there is JSON inside.

use std::{borrow::Cow, fmt};

use contoso_json::Parts;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// One invocation.
#[derive(Deserialize)]
pub(super) struct Invocation<'a> {
    #[serde(borrow, default, rename = "Data")]
    data: Entries<'a>,
    #[serde(borrow, default, rename = "Metadata")]
    metadata: Entries<'a>,
}

impl<'a> Parts<'a> for Invocation<'a> {}

/// The invocation does not have the shape its trigger promises: a mistake in `function.json`, or a host we do not know.
#[derive(Debug, thiserror::Error)]
pub(super) enum Malformed {
    /// The body is no JSON object of the protocol.
    #[error("the body is no invocation: {0}")]
    Body(#[source] serde_json::Error),
    /// There is no trigger value, or more than one value to take for it.
    #[error("Data must have one entry, not {0}")]
    Entries(usize),
    /// The trigger value has another form.
    #[error("{what} is not as this trigger has it: {source}")]
    Value {
        /// Which value.
        what: &'static str,
        /// What the parser met.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Malformed {
    pub(super) fn value(what: &'static str) -> impl Fn(serde_json::Error) -> Self {
        move |source| Self::Value { what, source: source.into() }
    }
}

impl<'a> Invocation<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        // An array would be taken for the members in their order.
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(Malformed::Body(serde_json::Error::custom("it is no JSON object")));
        }
        contoso_json::parts(body).map_err(Malformed::Body)
    }

    /// The value that fired the trigger. No function here has input bindings, so it is the only entry, whatever its name.
    pub(super) fn trigger(&self) -> Result<&'a RawValue, Malformed> {
        match self.data.0.as_slice() {
            [(_, value)] => Ok(value),
            entries => Err(Malformed::Entries(entries.len())),
        }
    }

    /// A value the trigger adds about itself.
    pub(super) fn metadata(&self, name: &str) -> Option<&'a RawValue> {
        self.metadata.0.iter().find(|(entry, _)| entry == name).map(|(_, value)| *value)
    }

    /// How often this invocation failed before; 0 also if no retry policy applies.
    pub(super) fn retry_count(&self) -> u32 {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct RetryContext {
            retry_count: u32,
        }
        self.metadata("RetryContext")
            .and_then(|value| contoso_json::from_str::<RetryContext>(&json_text(value).ok()?).ok())
            .map_or(0, |context| context.retry_count)
    }
}

/// The JSON text of a value, with the quotes around it taken off; text that is not JSON comes out plain.
pub(super) fn json_text(value: &RawValue) -> Result<Cow<'_, str>, serde_json::Error> {
    let mut text = Cow::Borrowed(value.get());
    while text.starts_with('"') {
        text = match text {
            Cow::Borrowed(quoted) => contoso_json::parts::<Text<'_>>(quoted)?.0,
            Cow::Owned(quoted) => Cow::Owned(contoso_json::parts::<Text<'_>>(&quoted)?.0.into_owned()),
        };
    }
    Ok(text)
}

/// A JSON string, borrowed from its source unless it has escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'a> Parts<'a> for Text<'a> {}

/// The members of an object, unparsed.
#[derive(Default)]
struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    entries.push((name, value));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Members)
    }
}
