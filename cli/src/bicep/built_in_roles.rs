//! Built-in roles of Azure: the ids of those that the topology names.
//!
//! Source: "Azure built-in roles", and "Azure Cosmos DB: role-based access control" for the two of Cosmos DB's data plane, which are
//! definitions of the account (`sqlRoleDefinitions`) and not of Azure's own role system.

/// Names and ids (GUIDs), the same in every tenant.
const ROLES: [(&str, &str); 15] = [
    ("Cosmos DB Built-in Data Reader", "00000000-0000-0000-0000-000000000001"),
    ("Cosmos DB Built-in Data Contributor", "00000000-0000-0000-0000-000000000002"),
    ("Azure Event Hubs Data Sender", "2b629674-e913-4c01-ae53-ef4638d8f975"),
    ("Azure Event Hubs Data Receiver", "a638d3c7-ab3a-418d-83e6-5f17a39d4fde"),
    ("Schema Registry Reader", "2c56ea50-c6b3-40a6-83c0-9d98858bc7d2"),
    ("Schema Registry Contributor", "5dffeca3-4936-4216-b2bc-10343a5abb25"),
    ("Storage Blob Data Reader", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"),
    ("Storage Blob Data Contributor", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"),
    ("Storage Blob Data Owner", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"),
    ("Storage Queue Data Contributor", "974c5e8b-45b9-4653-ba55-5f855dd0fb88"),
    ("EventGrid Data Sender", "d5a91429-5739-47e2-a06b-3470a27159e7"),
    ("EventGrid EventSubscription Contributor", "428e0ff0-5e57-4d9c-a221-2c70d0e0a443"),
    ("EventGrid EventSubscription Reader", "2414bbcf-6497-4faf-8c65-045460748405"),
    ("Log Analytics Reader", "73c42c96-874c-492b-b04d-ab87d138a893"),
    ("Monitoring Reader", "43d0d8ad-25c7-4714-9337-8ba259a9fe05"),
];

/// The id of the built-in role of this name.
#[must_use]
pub fn id(name: &str) -> Option<&'static str> {
    ROLES.iter().find(|(role, _)| *role == name).map(|(_, id)| *id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_role_has_a_guid_of_its_own() {
        let ids: BTreeSet<&str> = ROLES.iter().map(|(_, id)| *id).collect();
        assert_eq!(ids.len(), ROLES.len());
        for id in ids {
            let parts: Vec<usize> = id.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
            assert!(id.bytes().all(|byte| matches!(byte, b'-' | b'0'..=b'9' | b'a'..=b'f')), "{id}");
        }
    }
}
