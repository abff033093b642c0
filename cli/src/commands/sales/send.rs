//! `contoso sales send`: puts sales files where partners put them, and waits for what becomes of them.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use backon::{ConstantBuilder, Retryable};
use contoso_json::Plain;
use reqwest::{Method, Response, StatusCode, Url, header::ETAG};
use serde_json::Value;

use crate::{
    commands::Exit,
    endpoints,
    failure::{self, CallError},
    identity::{self, SignedIn},
    output,
};

/// What a token for blob storage is for.
const RESOURCE: &str = "https://storage.azure.com";
/// The version of the service that is asked.
const VERSION: &str = "2021-12-02";
const FILES: &str = "sales-files";
const REPORTS: &str = "sales-reports";
const DEADLINE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(500);

/// Send sales files to the stack that runs here
///
/// Each file goes into the container `sales-files` under its own name, in place of one that is there. Prints the file's report once
/// all of it is told.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files whose names end in .csv or .csv.gz
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The currency (ISO 4217) of the files, told with them [default: the app's]
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// A folder in the container that the files go into, such as the shop's name
    #[arg(long, value_name = "NAME")]
    folder: Option<String>,
    /// Do not wait for the report
    #[arg(long)]
    no_wait: bool,
    /// Seconds to wait for each report
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE")]
    endpoints: Option<PathBuf>,
}

/// The container of a stack, as the identity that partners' files come by.
struct Storage {
    signed_in: SignedIn,
    address: Url,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let endpoints = endpoints::read(&endpoints::locate(args.endpoints.as_deref())?)?;
    let signed_in = SignedIn::new(&endpoints, identity::SALES_PARTNER)?;
    let address = endpoints::handler_settings(&endpoints)?.storage.endpoint;
    let storage = Storage { signed_in, address };
    let mut is_fine = true;
    for file in &args.files {
        let name = name(file, args.folder.as_deref())?;
        let etag = storage.put(file, &name, args.currency.as_deref()).await?;
        if args.no_wait {
            output::say(&format!("{name} is sent"));
            continue;
        }
        let report = storage.report(&name, &etag, Duration::from_secs(args.timeout)).await?;
        is_fine &= report["state"] == "done" && report["badLines"] == 0;
        writeln!(io::stdout().lock(), "{report:#}")?;
        if report["badLines"].as_u64().is_some_and(|count| count > 0) {
            let lines = format!("{}/api/ops/sales/bad-lines", endpoints.functions);
            output::say(&format!("bad lines: {}", Url::parse_with_params(&lines, [("file", &name)])?));
        }
    }
    Ok(if is_fine { Exit::Done } else { Exit::Failed })
}

fn name(file: &Path, folder: Option<&str>) -> anyhow::Result<String> {
    let name = super::name(file)?;
    Ok(folder.map_or_else(|| name.to_owned(), |folder| format!("{}/{name}", folder.trim_matches('/'))))
}

impl Storage {
    /// Where a blob is.
    fn place(&self, container: &str, name: &str) -> Url {
        let mut url = self.address.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(container).extend(name.split('/'));
        }
        url
    }

    async fn call(&self, method: Method, place: Url, request: Request<'_>) -> Result<Response, CallError> {
        let operation = || format!("{method} {}", place.path());
        let call = self.signed_in.request(method.clone(), place.as_str(), RESOURCE).await?;
        let call = call.header("x-ms-version", VERSION).timeout(DEADLINE);
        let call = match request {
            Request::Get => call,
            Request::Put { body, currency } => {
                let call = call.header("x-ms-blob-type", "BlockBlob").body(body);
                match currency {
                    Some(code) => call.header("x-ms-meta-currency", code),
                    None => call,
                }
            }
        };
        call.send().await.map_err(|source| CallError::Send { operation: operation(), source })
    }

    /// Puts a file there; returns its ETag.
    async fn put(&self, file: &Path, name: &str, currency: Option<&str>) -> anyhow::Result<String> {
        let body = tokio::fs::read(file).await.with_context(|| format!("cannot read {}", file.display()))?;
        let answer = self.call(Method::PUT, self.place(FILES, name), Request::Put { body, currency }).await?;
        if answer.status() != StatusCode::CREATED {
            return Err(failure::refused(format!("send {name}"), answer).await.into());
        }
        let etag = answer.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).unwrap_or_default();
        Ok(etag.trim_matches('"').to_owned())
    }

    /// The report of this version of a file, once all is told.
    async fn report(&self, name: &str, etag: &str, patience: Duration) -> anyhow::Result<Value> {
        let tries = usize::try_from(patience.as_millis() / POLL.as_millis()).unwrap_or(usize::MAX);
        let ask = || async {
            let answer =
                self.call(Method::GET, self.place(REPORTS, &format!("reports/{name}.json")), Request::Get).await?;
            if !answer.status().is_success() {
                bail!("there is no report of {name} yet");
            }
            let Plain(report) = contoso_json::from_slice::<Plain>(&answer.bytes().await?)?;
            let is_ended = report["etag"] == etag && (report["state"] == "done" || report["state"] == "rejected");
            if is_ended { Ok(report) } else { bail!("{name} is being read: {}", report["state"]) }
        };
        ask.retry(ConstantBuilder::new().with_delay(POLL).with_max_times(tries)).await
    }
}

enum Request<'a> {
    Get,
    Put { body: Vec<u8>, currency: Option<&'a str> },
}
