//! Start position of a reader, and the selector text that says so on the wire.

/// A start position in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the oldest retained event.
    Earliest,
    /// At the end of the partition.
    Latest {
        /// Whether the last event there is is part of it; otherwise it begins with the next to arrive.
        inclusive: bool,
    },
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
    /// knows. The operand may stand in quotes, as most clients write it, or bare, as .NET's does.
    pub(super) fn from_selector(selector: &str) -> Option<Self> {
        let expression = selector.trim().strip_prefix("amqp.annotation.")?;
        let (name, operand) = expression.split_once('>')?;
        let (inclusive, operand) = match operand.strip_prefix('=') {
            Some(operand) => (true, operand),
            None => (false, operand),
        };
        let value = unquoted(operand.trim())?;
        match (name.trim(), value) {
            ("x-opt-offset", "-1") => Some(Self::Earliest),
            ("x-opt-offset", "@latest") => Some(Self::Latest { inclusive }),
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

/// The operand without its quotes, single or double; nothing where there is only one of them.
fn unquoted(operand: &str) -> Option<&str> {
    for quote in ['\'', '"'] {
        if let Some(rest) = operand.strip_prefix(quote) {
            return rest.strip_suffix(quote).map(str::trim);
        }
    }
    Some(operand)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selectors_that_clients_send_are_understood() {
        let offset = |text: &str, inclusive| Some(Start::Offset { text: text.to_owned(), inclusive });
        let cases = [
            ("amqp.annotation.x-opt-offset > '-1'", Some(Start::Earliest)),
            ("amqp.annotation.x-opt-offset > '@latest'", Some(Start::Latest { inclusive: false })),
            ("amqp.annotation.x-opt-offset >= '@latest'", Some(Start::Latest { inclusive: true })),
            ("amqp.annotation.x-opt-offset >= '512'", offset("512", true)),
            ("amqp.annotation.x-opt-offset >'512'", offset("512", false)),
            ("amqp.annotation.x-opt-sequence-number > '2'", Some(Start::Sequence { number: 2, inclusive: false })),
            (
                "amqp.annotation.x-opt-enqueued-time >='1795209643227'",
                Some(Start::EnqueuedTime { millis: 1_795_209_643_227, inclusive: true }),
            ),
            // .NET's client writes no quotes.
            ("amqp.annotation.x-opt-offset > -1", Some(Start::Earliest)),
            ("amqp.annotation.x-opt-offset >= -1", Some(Start::Earliest)),
            ("amqp.annotation.x-opt-offset > @latest", Some(Start::Latest { inclusive: false })),
            ("amqp.annotation.x-opt-offset>=@latest", Some(Start::Latest { inclusive: true })),
            ("amqp.annotation.x-opt-offset >= 512", offset("512", true)),
            (" amqp.annotation.x-opt-offset>512 ", offset("512", false)),
            ("amqp.annotation.x-opt-offset > \"512\"", offset("512", false)),
            ("amqp.annotation.x-opt-sequence-number >= 0", Some(Start::Sequence { number: 0, inclusive: true })),
            ("amqp.annotation.x-opt-sequence-number > -1", Some(Start::Sequence { number: -1, inclusive: false })),
            (
                "amqp.annotation.x-opt-enqueued-time > 1795804861986",
                Some(Start::EnqueuedTime { millis: 1_795_804_861_986, inclusive: false }),
            ),
            ("amqp.annotation.x-opt-offset > '512", None),
            ("amqp.annotation.x-opt-offset > 512'", None),
            ("amqp.annotation.x-opt-offset >", None),
            ("amqp.annotation.x-opt-offset > ''", None),
            ("amqp.annotation.x-opt-sequence-number > @latest", None),
            ("amqp.annotation.x-opt-enqueued-time > noon", None),
            ("amqp.annotation.x-opt-offset > 1 AND amqp.annotation.x-opt-offset > 2", None),
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
