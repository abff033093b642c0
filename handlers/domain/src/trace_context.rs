//! W3C trace context: which trace something belongs to, and which span caused it.
//!
//! As text it is a pair of `traceparent` and `tracestate` (W3C Trace Context, level 1): headers over HTTP, attributes of an event
//! (CloudEvents distributed tracing extension), and members of a stored document that causes an event later.

use std::{
    fmt,
    num::{NonZeroU64, NonZeroU128},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeStruct};
use xxhash_rust::xxh3::xxh3_64;

/// The member of a stored document that has the context of the span that wrote it.
pub const MEMBER: &str = "trace";

/// `traceparent` of version 00: four fields of fixed width, joined by dashes.
const LENGTH: usize = 55;

/// A longer `tracestate` is left out, as §3.3.1.5 allows: it is data of tools that are not ours.
const LONGEST_STATE: usize = 512;

/// A place in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// Which trace.
    pub trace_id: NonZeroU128,
    /// The span that caused what carries this.
    pub span_id: NonZeroU64,
    /// Whether that span was recorded; children then are too.
    pub is_sampled: bool,
    /// `tracestate`: what tracing tools add for themselves, passed on as it is.
    pub state: Option<Box<str>>,
}

impl TraceContext {
    /// Reads the two texts. What is malformed counts as absent, as §4.3 asks: the trace begins anew.
    pub fn parse(parent: &str, state: Option<&str>) -> Option<Self> {
        let bytes = parent.as_bytes();
        let version = hex(bytes.get(..2)?)?;
        // Later versions may add fields at the end; 255 is none.
        let is_whole =
            if version == 0 { bytes.len() == LENGTH } else { matches!(bytes.get(LENGTH), None | Some(b'-')) };
        if version == 255 || !is_whole || [2, 35, 52].iter().any(|&place| bytes.get(place) != Some(&b'-')) {
            return None;
        }
        let flags = hex(bytes.get(53..LENGTH)?)?;
        Some(Self {
            trace_id: NonZeroU128::new(hex(&bytes[3..35])?)?,
            span_id: NonZeroU64::new(hex(&bytes[36..52])?.try_into().ok()?)?,
            is_sampled: flags & 1 == 1,
            state: state.filter(|state| is_state(state)).map(Into::into),
        })
    }

    /// `traceparent`, in version 00.
    pub fn traceparent(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.is_sampled))
    }
}

/// An object with `traceparent` and, where there is one, `tracestate`.
impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("TraceContext", 2)?;
        object.serialize_field("traceparent", &self.traceparent())?;
        match &self.state {
            Some(state) => object.serialize_field("tracestate", state)?,
            None => object.skip_field("tracestate")?,
        }
        object.end()
    }
}

/// Reads the member of a document that holds a trace context. Nothing depends on it, so anything else counts as absent.
///
/// # Errors
/// If the document itself is malformed there.
pub fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TraceContext>, D::Error> {
    Ok(from_json(&serde_json::Value::deserialize(deserializer)?))
}

/// The trace context that an object holds; none if it is malformed.
pub fn from_json(value: &serde_json::Value) -> Option<TraceContext> {
    let text = |name| value.get(name).and_then(serde_json::Value::as_str);
    TraceContext::parse(text("traceparent")?, text("tracestate"))
}

/// What telemetry shows of an event's id, which may hold the id of a product or of a visitor: enough to find the event by its id, and
/// no more.
pub fn event_hash(id: &str) -> String {
    format!("{:016x}", xxh3_64(id.as_bytes()))
}

/// Lower case only: the specification has no other.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number: u128, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

fn is_state(state: &str) -> bool {
    !state.is_empty() && state.len() <= LONGEST_STATE && state.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    proptest! {
        #[test]
        fn what_is_written_is_read(trace_id: NonZeroU128, span_id: NonZeroU64, is_sampled: bool, state in "([a-z]{1,9}=[ -~]{0,20}[!-~])?") {
            let state = (!state.is_empty()).then(|| state.into());
            let context = TraceContext { trace_id, span_id, is_sampled, state };
            prop_assert_eq!(TraceContext::parse(&context.traceparent(), context.state.as_deref()), Some(context.clone()));
            let json = serde_json::to_value(&context).unwrap();
            prop_assert_eq!(from_json(&json), Some(context));
        }

        /// Whoever may send an event decides what is in it.
        #[test]
        fn any_text_is_judged(text in "\\PC{0,70}", damage in 0_usize..LENGTH, by in any::<char>()) {
            _ = TraceContext::parse(&text, Some(&text));
            let mut damaged: Vec<char> = PARENT.chars().collect();
            damaged[damage] = by;
            _ = TraceContext::parse(&damaged.into_iter().collect::<String>(), None);
        }
    }

    /// The cases of W3C Trace Context §3.2.2 and §4.3.
    #[test]
    fn malformed_ones_count_as_absent() {
        let context = TraceContext::parse(PARENT, Some("vendor=1")).unwrap();
        assert!(context.is_sampled && context.state.as_deref() == Some("vendor=1"));
        for good in
            [&format!("cc{}-later", &PARENT[2..]), &format!("{}03", &PARENT[..53]), &format!("cc{}", &PARENT[2..])]
        {
            assert!(TraceContext::parse(good, None).is_some_and(|read| read.trace_id == context.trace_id), "{good}");
        }
        for bad in [
            "",
            &PARENT[..54],
            &format!("{PARENT}-later"),
            &format!("ff{}", &PARENT[2..]),
            &format!("cc{}x", &PARENT[2..]),
            &PARENT.to_uppercase(),
            &PARENT.replace('-', "_"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        ] {
            assert_eq!(TraceContext::parse(bad, None), None, "{bad}");
        }
        for state in ["", "a=\u{e9}", &"x".repeat(513)] {
            assert_eq!(TraceContext::parse(PARENT, Some(state)).unwrap().state, None);
        }
    }
}
