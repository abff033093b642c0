//! The service through its public interfaces: the official client, plain HTTP and the in-process handle.

mod batch;
mod clients;
mod conditions;
mod copies;
mod durability;
mod names;
mod signatures;
mod wire;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use azure_core::{
    credentials::Secret,
    hmac::hmac_sha256,
    http::{
        ClientOptions, Context, Request, RetryOptions, Url,
        headers::HeaderName,
        policies::{Policy, PolicyResult},
    },
    time::{OffsetDateTime, to_rfc7231},
};
use azure_storage_blob::{BlobContainerClient, BlobServiceClient, BlobServiceClientOptions};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    blobs::Blobs,
    clock::Clock,
    identity::Identity,
    storage::{Storage, Sync},
    topology::StorageAccount,
};

const ACCOUNT: &str = "devstoreaccount1";

/// A service on a directory of its own.
struct Fixture {
    directory: TempDir,
    storage: Storage,
    clock: Clock,
    identity: Identity,
    blobs: Blobs,
}

impl Fixture {
    async fn start() -> Self {
        Self::on(TempDir::new().expect("a directory"), Clock::default()).await
    }

    async fn on(directory: TempDir, clock: Clock) -> Self {
        let storage = Storage::open(directory.path(), Sync::Process).expect("a store");
        let topology = StorageAccount { containers: vec!["files".to_owned()], ..StorageAccount::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let identity = Identity::sample().await;
        let blobs = Blobs::start(&topology, ACCOUNT, &identity, listener, &storage, &clock).await.expect("started");
        Self { directory, storage, clock, identity, blobs }
    }

    /// Stops the service and starts it again on what it left, once nothing holds the directory any more.
    async fn restart(self) -> Self {
        let Self { directory, storage, clock, blobs, .. } = self;
        blobs.stop().await;
        drop((blobs, storage));
        tokio::time::timeout(Duration::from_secs(10), async {
            while Storage::open(directory.path(), Sync::Process).is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the directory becomes free");
        Self::on(directory, clock).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.blobs.endpoint())
    }

    /// The address of `path` with an account signature that allows everything for a day.
    fn signed(&self, path: &str) -> String {
        let expiry = crate::clock::machine_now() + Duration::from_secs(86_400);
        self.signed_until(path, expiry, "rwdlac")
    }

    fn signed_until(&self, path: &str, expiry: OffsetDateTime, permissions: &str) -> String {
        let [year, month, day] = [expiry.year(), i32::from(u8::from(expiry.month())), i32::from(expiry.day())];
        let se = format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            expiry.hour(),
            expiry.minute(),
            expiry.second()
        );
        let text = format!("{ACCOUNT}\n{permissions}\nb\nsco\n\n{se}\n\nhttps,http\n2021-12-02\n\n");
        let mut url = Url::parse(&self.url(path)).expect("a valid address");
        url.query_pairs_mut()
            .append_pair("sv", "2021-12-02")
            .append_pair("ss", "b")
            .append_pair("srt", "sco")
            .append_pair("sp", permissions)
            .append_pair("se", &se)
            .append_pair("spr", "https,http")
            .append_pair("sig", &sign(&text, self.blobs.key()));
        url.into()
    }

    /// The official client with the account's key.
    fn client(&self) -> BlobServiceClient {
        self.client_with_key(self.blobs.key())
    }

    fn client_with_key(&self, key: &str) -> BlobServiceClient {
        let options = BlobServiceClientOptions {
            client_options: ClientOptions {
                per_try_policies: vec![Arc::new(SharedKey(key.to_owned()))],
                retry: RetryOptions::none(),
                ..ClientOptions::default()
            },
            ..BlobServiceClientOptions::default()
        };
        let url = Url::parse(&self.blobs.endpoint()).expect("a valid address");
        BlobServiceClient::new(url, None, Some(options)).expect("a client")
    }

    fn files(&self) -> BlobContainerClient {
        self.client().blob_container_client("files")
    }
}

fn sign(text: &str, key: &str) -> String {
    hmac_sha256(text, &Secret::new(key.to_owned())).expect("a signature")
}

/// Signs each request as "Authorize with Shared Key" says; the client itself knows only tokens.
#[derive(Debug)]
struct SharedKey(String);

#[async_trait::async_trait]
impl Policy for SharedKey {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        request.insert_header("x-ms-date", to_rfc7231(&crate::clock::machine_now()));
        let header = |name: &'static str| {
            let value = request.headers().get_optional_str(&HeaderName::from_static(name));
            value.unwrap_or_default().to_owned()
        };
        let mut length = header("content-length");
        if let (true, Some(bytes @ 1..)) = (length.is_empty(), request.body().len()) {
            length = bytes.to_string();
        }
        let mut text = format!("{}\n", request.method().as_str());
        for name in ["content-encoding", "content-language"] {
            text.push_str(&format!("{}\n", header(name)));
        }
        text.push_str(&format!("{}\n", if length == "0" { "" } else { &length }));
        for name in ["content-md5", "content-type"] {
            text.push_str(&format!("{}\n", header(name)));
        }
        text.push('\n');
        for name in ["if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"] {
            text.push_str(&format!("{}\n", header(name)));
        }
        let ours: BTreeMap<_, _> = request
            .headers()
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-ms-"))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        ours.iter().for_each(|(name, value)| text.push_str(&format!("{name}:{value}\n")));
        text.push_str(&format!("/{ACCOUNT}{}", request.url().path()));
        let mut parameters: Vec<_> = request.url().query_pairs().collect();
        parameters.sort();
        parameters.iter().for_each(|(name, value)| text.push_str(&format!("\n{name}:{value}")));
        request.insert_header("authorization", format!("SharedKey {ACCOUNT}:{}", sign(&text, &self.0)));
        next[0].send(context, request, &next[1..]).await
    }
}
