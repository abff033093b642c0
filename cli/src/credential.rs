//! What the commands show the local stack as identity.

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::time::{Duration, OffsetDateTime};

/// The local stack takes any token, in plain text on loopback; a real one is never sent there.
#[derive(Debug)]
pub struct AnyToken;

#[async_trait::async_trait]
impl TokenCredential for AnyToken {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        // Far from expiry: the client renews six minutes before it, and would spin on less.
        Ok(AccessToken::new("local", OffsetDateTime::now_utc() + Duration::hours(24)))
    }
}
