//! Egress of webhooks: which addresses Event Grid may send deliveries and handshakes to.

use serde::Deserialize;

/// The addresses that webhooks may lead to. It is about webhooks alone: functions run where the stack says.
///
/// Event Grid in Azure reaches what is public. Here partners run beside the stack, so loopback is allowed unless somebody says otherwise.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum WebhookEgress {
    /// Public addresses alone, as in Azure.
    Public,
    /// Public addresses, and this machine's own (`127.0.0.0/8`, `::1`).
    #[default]
    Loopback,
    /// Every address, those of private networks too.
    Any,
}
