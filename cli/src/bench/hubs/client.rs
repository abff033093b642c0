//! The official Rust clients, against a stack on loopback.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use azure_core::{
    credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions},
    error::{Error, ErrorKind},
    hmac::hmac_sha256,
    http::Url,
};
use azure_messaging_eventhubs::{
    ConsumerClient, EventDataBatchOptions, EventReceiver, OpenReceiverOptions, ProducerClient, StartLocation,
    StartPosition, models::EventData,
};
use azure_storage_blob::{BlobClient, BlobContainerClient};
use contoso_local::stack::Endpoints;
use time::format_description::well_known::Rfc3339;

use super::child::IDENTITY;
use crate::{clock, endpoints, identity::SignedIn};

/// The AMQP client may wait for ever for an answer that came early or never; we do not.
const DEADLINE: Duration = Duration::from_secs(60);

/// Events that a receiver may have on their way.
const PREFETCH: u32 = 2000;

/// The result of `call`, which must come in time.
pub(super) async fn timely<T, E>(what: &str, call: impl Future<Output = Result<T, E>>) -> Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(answer) => answer.with_context(|| what.to_owned()),
        Err(_) => bail!("{what}: no answer within {DEADLINE:?}"),
    }
}

/// Tokens of the stack. The clients speak plain AMQP on loopback, so the handler's own credential, which wants TLS, is of
/// no use.
struct StackTokens(SignedIn);

impl std::fmt::Debug for StackTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StackTokens")
    }
}

#[async_trait::async_trait]
impl TokenCredential for StackTokens {
    async fn get_token(&self, scopes: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let resource = scopes.first().copied().unwrap_or_default().trim_end_matches("/.default");
        let token = self.0.token(resource).await.map_err(|error| Error::new(ErrorKind::Credential, error))?;
        // Tokens live longer than any benchmark. The client renews six minutes before the end, and would spin on less.
        Ok(AccessToken::new(token, clock::now() + time::Duration::hours(24)))
    }
}

fn tokens(endpoints: &Endpoints) -> Result<Arc<StackTokens>> {
    Ok(Arc::new(StackTokens(SignedIn::new(endpoints, IDENTITY)?)))
}

/// A connection that sends to `hub`.
pub(super) async fn producer(endpoints: &Endpoints, hub: &str) -> Result<ProducerClient> {
    let address = endpoints::event_hubs_address(endpoints)?;
    let opening = ProducerClient::builder().with_custom_endpoint(format!("amqp://{address}")).open(
        address,
        hub,
        tokens(endpoints)?,
    );
    timely("cannot open a producer", opening).await
}

/// Sends one batch of at most `count` events with this body, as many as the service takes in one; says how many.
pub(super) async fn send(producer: &ProducerClient, partition: u32, body: &[u8], count: u32) -> Result<u64> {
    let options = EventDataBatchOptions { partition_id: Some(partition.to_string()), ..Default::default() };
    let batch = timely("cannot begin a batch", producer.create_batch(Some(options))).await?;
    let mut added = 0;
    while added < u64::from(count) {
        if !batch.try_add_event_data(EventData::builder().with_body(body.to_vec()).build(), None)? {
            break;
        }
        added += 1;
    }
    timely("cannot send a batch", producer.send_batch(batch, None)).await?;
    Ok(added)
}

/// A connection that reads one partition of `hub`.
pub(super) async fn receiver(
    endpoints: &Endpoints,
    hub: &str,
    partition: u32,
    from: StartLocation,
) -> Result<(ConsumerClient, EventReceiver)> {
    let address = endpoints::event_hubs_address(endpoints)?;
    let opening = ConsumerClient::builder().with_custom_endpoint(format!("amqp://{address}")).open(
        address,
        hub.to_owned(),
        tokens(endpoints)?,
    );
    let client = timely("cannot open a consumer", opening).await?;
    let options = OpenReceiverOptions {
        start_position: Some(StartPosition { location: from, ..Default::default() }),
        prefetch: Some(PREFETCH),
        ..Default::default()
    };
    let opening = client.open_receiver_on_partition(partition.to_string(), Some(options));
    let receiver = timely("cannot open a receiver", opening).await?;
    Ok((client, receiver))
}

/// Client of a blob in `container`.
pub(super) fn blob(endpoints: &Endpoints, container: &str, name: &str) -> Result<BlobClient> {
    Ok(BlobClient::new(signed(endpoints, &format!("{container}/{name}"))?, None, None)?)
}

/// Client of a container.
pub(super) fn container(endpoints: &Endpoints, name: &str) -> Result<BlobContainerClient> {
    Ok(BlobContainerClient::new(signed(endpoints, name)?, None, None)?)
}

/// An address with a signature that allows to read, list and write for a day: the clients themselves know only tokens.
fn signed(endpoints: &Endpoints, path: &str) -> Result<Url> {
    let value = |name: &str| {
        endpoints
            .blob
            .connection_string
            .split(';')
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
            .with_context(|| format!("the connection string of the storage account has no {name}"))
    };
    let (account, key) = (value("AccountName")?, value("AccountKey")?);
    let expiry = clock::now().replace_nanosecond(0)? + time::Duration::days(1);
    let expiry = expiry.format(&Rfc3339)?;
    let text = format!("{account}\nrwlc\nb\nco\n\n{expiry}\n\nhttps,http\n2021-12-02\n\n");
    let signature = hmac_sha256(&text, &Secret::new(key.to_owned()))?;
    let mut url = Url::parse(&format!("{}/{path}", value("BlobEndpoint")?))?;
    url.query_pairs_mut()
        .append_pair("sv", "2021-12-02")
        .append_pair("ss", "b")
        .append_pair("srt", "co")
        .append_pair("sp", "rwlc")
        .append_pair("se", &expiry)
        .append_pair("spr", "https,http")
        .append_pair("sig", &signature);
    Ok(url)
}
