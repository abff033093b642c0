//! Spelling of header names: clients of HTTP/1 write them in letters of either case, the `http` crate knows small letters
//! only.
//!
//! hyper can note how a request spells its headers, and an answer that carries the note repeats it
//! (`preserve_header_case`); but it shows the note to nobody. So what a request spelled is read from an answer that hyper
//! writes with its note, and the note for an answer comes from a request that hyper reads, both in memory. HTTP/2 has small
//! letters only.

use std::{
    convert::Infallible,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use http::{Extensions, HeaderName, HeaderValue, Request, Response, request::Parts};
use http_body_util::Empty;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

type Answer = Response<Empty<Bytes>>;

/// The headers of a request whose names start with `prefix` (small letters), as the client spelled them.
pub(crate) async fn spelled(parts: &Parts, prefix: &str) -> Vec<(String, HeaderValue)> {
    let ours: Vec<_> = parts.headers.iter().filter(|(name, _)| name.as_str().starts_with(prefix)).collect();
    let mut names: Vec<_> = ours.iter().map(|(name, _)| name.as_str().to_owned()).collect();
    if !ours.is_empty() {
        let mut answer = Answer::default();
        *answer.extensions_mut() = parts.extensions.clone();
        for (at, (name, _)) in ours.iter().enumerate() {
            answer.headers_mut().append(HeaderName::clone(name), HeaderValue::from(at));
        }
        let answer = Mutex::new(answer);
        let take = |_: Request<Incoming>| std::mem::take(&mut *answer.lock().unwrap_or_else(PoisonError::into_inner));
        let written = exchange("GET / HTTP/1.1\r\n\r\n", 0, take).await;
        for line in String::from_utf8_lossy(&written).lines() {
            let Some((name, at)) = line.split_once(": ") else { continue };
            if let Some(known) = at.parse::<usize>().ok().and_then(|at| names.get_mut(at))
                && known.eq_ignore_ascii_case(name)
            {
                name.clone_into(known);
            }
        }
    }
    names.into_iter().zip(ours.into_iter().map(|(_, value)| value.clone())).collect()
}

/// What makes an answer spell the headers `names` in this way. Each must be the name of a header.
pub(crate) async fn spelling(names: &[String]) -> Extensions {
    let lines: String = names.iter().map(|name| format!("{name}: x\r\n")).collect();
    let noted = Mutex::new(Extensions::new());
    let keep = |request: Request<Incoming>| {
        *noted.lock().unwrap_or_else(PoisonError::into_inner) = request.into_parts().0.extensions;
        Answer::default()
    };
    exchange(&format!("GET / HTTP/1.1\r\n{lines}\r\n"), names.len(), keep).await;
    noted.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Has hyper read a head with so many `headers` and write what `answer` makes of it.
async fn exchange(head: &str, headers: usize, answer: impl Fn(Request<Incoming>) -> Answer) -> Vec<u8> {
    let service = service_fn(|request| std::future::ready(Ok::<_, Infallible>(answer(request))));
    let connection = http1::Builder::new()
        .preserve_header_case(true)
        .auto_date_header(false)
        .keep_alive(false)
        // The head is all there is to read.
        .half_close(true)
        .max_headers(headers + 1)
        .serve_connection(TokioIo::new(tokio::io::join(head.as_bytes(), Vec::new())), service);
    match connection.without_shutdown().await {
        Ok(parts) => parts.io.into_inner().into_inner().1,
        Err(error) => {
            tracing::debug!(%error, "header names lose their spelling");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_request_spelled_is_read_and_repeated() {
        let names = ["X-Ms-Meta-customerId", "x-ms-meta-plain", "X-MS-META-B", "x-ms-meta-b"].map(str::to_owned);
        let mut request = Request::new(());
        *request.extensions_mut() = spelling(&names).await;
        for name in &names {
            request.headers_mut().append(name.parse::<HeaderName>().expect("a name"), HeaderValue::from_static("v"));
        }
        request.headers_mut().insert("x-ms-version", HeaderValue::from_static("1"));
        let mut read: Vec<_> = spelled(&request.into_parts().0, "x-ms-meta-").await;
        read.sort_by_key(|(name, _)| names.iter().position(|other| other == name));
        assert_eq!(read.iter().map(|(name, _)| name).collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
        assert!(read.iter().all(|(_, value)| value == "v"));
    }
}
