//! Header names on the wire: in title case, but for a few that the real host writes otherwise.
//!
//! Names of headers are compared without regard to case, and the crates of HTTP keep them in lower case. A recorded request
//! of the real host has `X-Azure-Functions-HostVersion` and `traceparent`, and a handler may look for just that.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body_util::Empty;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;

/// Names that are not in title case, as .NET's headers and the host's own spell them.
const ODD: [&str; 9] = [
    "X-Azure-Functions-HostVersion",
    "X-Azure-Functions-InvocationId",
    "Content-MD5",
    "DNT",
    "TE",
    "baggage",
    "traceparent",
    "tracestate",
    "x-functions-key",
];

/// How the real host spells the name of a header. Names that neither it nor .NET knows it passes on as they were sent;
/// here that spelling is gone, and they are in title case, as most clients write them.
pub(crate) fn spelled(name: &str) -> String {
    if let Some(odd) = ODD.iter().find(|odd| odd.eq_ignore_ascii_case(name)) {
        return (*odd).to_owned();
    }
    let capital = |part: &str| {
        let (first, rest) = part.split_at_checked(1).unwrap_or((part, ""));
        first.to_uppercase() + rest
    };
    name.split('-').map(capital).collect::<Vec<_>>().join("-")
}

/// The odd names for requests that hyper writes. It takes spellings only in the form in which it remembers those of a
/// request that it read, so it is given one to read.
pub(super) async fn of_wire() -> Extensions {
    let lines: String = ODD.iter().map(|name| format!("{name}: -\r\n")).collect();
    let head = format!("GET / HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
    let (mut client, server) = tokio::io::duplex(head.len());
    let remembered = Arc::<Mutex<Extensions>>::default();
    let remember = service_fn(|request: Request<Incoming>| {
        *remembered.lock().unwrap_or_else(PoisonError::into_inner) = request.extensions().clone();
        std::future::ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    });
    let mut builder = http1::Builder::new();
    let reading = builder.preserve_header_case(true).serve_connection(TokioIo::new(server), remember);
    let written = async {
        let sent = client.write_all(head.as_bytes()).await;
        drop(client);
        sent
    };
    let (written, read) = tokio::join!(written, reading);
    if let (Err(error), _) = (written, read) {
        tracing::debug!(%error, "the spelling of header names is not known; they are in title case");
    }
    std::mem::take(&mut *remembered.lock().unwrap_or_else(PoisonError::into_inner))
}
