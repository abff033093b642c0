//! Start position of a reader, and the selector text that says so on the wire.

/// A start position in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the oldest retained event.
    Earliest,
    /// With the next event to arrive.
    Latest,
    /// By sequence number.
    Sequence {
        /// The number.
        number: i64,
        /// Whether the event with this number is part of it.
        inclusive: bool,
    },
    /// By an offset that an event carried.
    Offset {
        /// The offset.
        text: String,
        /// Whether the event with this offset is part of it.
        inclusive: bool,
    },
    /// By the time at which an event was enqueued.
    EnqueuedTime {
        /// Milliseconds since the Unix epoch.
        millis: i64,
        /// Whether events of exactly this time are part of it.
        inclusive: bool,
    },
}

/// The key, a symbol, under which a source's filter set holds the selector.
pub(super) const SELECTOR: &str = "apache.org:selector-filter:string";

impl Start {
    /// Reads a selector such as `amqp.annotation.x-opt-offset > '512'`; nothing where it is none that the service
    /// knows.
    pub(super) fn from_selector(selector: &str) -> Option<Self> {
        let expression = selector.trim().strip_prefix("amqp.annotation.")?;
        let (name, operand) = expression.split_once('>')?;
        let (inclusive, operand) = match operand.strip_prefix('=') {
            Some(operand) => (true, operand),
            None => (false, operand),
        };
        let value = operand.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        match (name.trim(), value) {
            ("x-opt-offset", "-1") => Some(Self::Earliest),
            ("x-opt-offset", "@latest") => Some(Self::Latest),
            ("x-opt-offset", _) => {
                let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                digits.then(|| Self::Offset { text: value.to_owned(), inclusive })
            }
            ("x-opt-sequence-number", _) => Some(Self::Sequence { number: value.parse().ok()?, inclusive }),
            ("x-opt-enqueued-time", _) => Some(Self::EnqueuedTime { millis: value.parse().ok()?, inclusive }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selectors_that_clients_send_are_understood() {
        let offset = |text: &str, inclusive| Some(Start::Offset { text: text.to_owned(), inclusive });
        let cases = [
            ("amqp.annotation.x-opt-offset > '-1'", Some(Start::Earliest)),
            ("amqp.annotation.x-opt-offset > '@latest'", Some(Start::Latest)),
            ("amqp.annotation.x-opt-offset >= '512'", offset("512", true)),
            ("amqp.annotation.x-opt-offset >'512'", offset("512", false)),
            ("amqp.annotation.x-opt-sequence-number > '2'", Some(Start::Sequence { number: 2, inclusive: false })),
            (
                "amqp.annotation.x-opt-enqueued-time >='1795209643227'",
                Some(Start::EnqueuedTime { millis: 1_795_209_643_227, inclusive: true }),
            ),
            ("amqp.annotation.x-opt-offset > 'abc'", None),
            ("amqp.annotation.x-opt-offset < '1'", None),
            ("amqp.annotation.x-opt-colour > '1'", None),
            ("x-opt-offset", None),
        ];
        for (selector, expected) in cases {
            assert_eq!(Start::from_selector(selector), expected, "{selector}");
        }
    }
}
