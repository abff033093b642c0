//! Built-in roles by their names in `topology.json`, a second time: `bicep/topology.json` has the ids from the command's table, and
//! a slip there would otherwise be compared with itself. Source: "Azure built-in roles", "Azure Cosmos DB role-based access control".

pub(super) const BLOB_CONTRIBUTOR: &str = "ba92f5b4-2d11-453d-a403-e96b0029c9fe";
pub(super) const QUEUE_SENDER: &str = "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a";
pub(super) const TABLE_CONTRIBUTOR: &str = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3";
pub(super) const METRICS_PUBLISHER: &str = "3913510d-42f4-4e42-8a64-420c390055eb";
pub(super) const SECRETS_USER: &str = "4633458b-17de-408a-b874-0445c86b69e6";
pub(super) const RECEIVER: &str = "a638d3c7-ab3a-418d-83e6-5f17a39d4fde";

/// What a pipeline has in the subscription; the last one with a condition.
pub(super) const PIPELINE: [&str; 4] = [
    "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "36243c78-bf99-498c-9df9-86d9f8d28608",
    "28bf596f-4eb7-45ce-b5bc-6cf482fec137",
    ACCESS_ADMINISTRATOR,
];
pub(super) const ACCESS_ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";

pub(super) fn id(name: &str) -> Option<&'static str> {
    Some(match name {
        "Cosmos DB Built-in Data Reader" => "00000000-0000-0000-0000-000000000001",
        "Cosmos DB Built-in Data Contributor" => "00000000-0000-0000-0000-000000000002",
        "Azure Event Hubs Data Sender" => "2b629674-e913-4c01-ae53-ef4638d8f975",
        "Azure Event Hubs Data Receiver" => RECEIVER,
        "Schema Registry Reader" => "2c56ea50-c6b3-40a6-83c0-9d98858bc7d2",
        "Schema Registry Contributor" => "5dffeca3-4936-4216-b2bc-10343a5abb25",
        "Storage Blob Data Reader" => "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "Storage Blob Data Contributor" => BLOB_CONTRIBUTOR,
        "Storage Blob Data Owner" => "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "Storage Queue Data Contributor" => "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
        "EventGrid Data Sender" => "d5a91429-5739-47e2-a06b-3470a27159e7",
        "EventGrid EventSubscription Contributor" => "428e0ff0-5e57-4d9c-a221-2c70d0e0a443",
        "EventGrid EventSubscription Reader" => "2414bbcf-6497-4faf-8c65-045460748405",
        "Log Analytics Reader" => "73c42c96-874c-492b-b04d-ab87d138a893",
        "Monitoring Reader" => "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
        _ => return None,
    })
}
