//! Addresses of sources and targets: which entity a link is for.

/// An address without scheme and authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address<'a> {
    /// Where tokens are put.
    Cbs,
    /// Runtime properties.
    Management,
    /// A hub; the service chooses the partition.
    Hub(&'a str),
    /// One partition of a hub, to send to.
    Partition { hub: &'a str, partition: &'a str },
    /// One partition in the eyes of a consumer group, to receive from.
    Group { hub: &'a str, group: &'a str, partition: &'a str },
}

impl<'a> Address<'a> {
    /// Reads `<hub>`, `<hub>/Partitions/<n>` and so on, with or without `amqps://host:port/` before it; nothing where
    /// it is none of them.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let path = match text.split_once("://") {
            Some((_, rest)) => rest.split_once('/')?.1,
            None => text,
        };
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let is = |segment: &str, word: &str| segment.eq_ignore_ascii_case(word);
        match segments[..] {
            [node] if is(node, "$cbs") => Some(Self::Cbs),
            [node] | [_, node] if is(node, "$management") => Some(Self::Management),
            [hub] if !hub.is_empty() => Some(Self::Hub(hub)),
            [hub, partitions, partition] if is(partitions, "Partitions") => Some(Self::Partition { hub, partition }),
            [hub, groups, group, partitions, partition]
                if is(groups, "ConsumerGroups") && is(partitions, "Partitions") =>
            {
                Some(Self::Group { hub, group, partition })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_authority_and_in_any_case() {
        let cases = [
            ("$cbs", Some(Address::Cbs)),
            ("$management", Some(Address::Management)),
            ("hub/$management", Some(Address::Management)),
            ("hub", Some(Address::Hub("hub"))),
            ("amqps://ns.servicebus.windows.net/hub", Some(Address::Hub("hub"))),
            ("hub/partitions/3", Some(Address::Partition { hub: "hub", partition: "3" })),
            (
                "amqps://127.0.0.1:5672/hub/ConsumerGroups/$Default/Partitions/0",
                Some(Address::Group { hub: "hub", group: "$Default", partition: "0" }),
            ),
            ("amqps://host", None),
            ("", None),
            ("hub/Publishers/p", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Address::parse(text), expected, "{text}");
        }
    }
}
