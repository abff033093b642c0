//! Blob Batch: several requests in the body of one.
//!
//! Source: "Blob Batch". Each request is authorised by itself and answered by itself; the only ones that are served
//! delete blobs. Clients write their paths with the account in front, or without it as at an address that has the
//! account in its host.

use http::{HeaderName, HeaderValue, Request, StatusCode};
use uuid::Uuid;

use super::{
    RequestBody, Service,
    operation::{BlobOperation, Operation},
    reply::Reply,
    request::{Call, Target, unusable},
};
use crate::{
    blobs::{
        error::{Code, Failure},
        names::ContainerName,
    },
    storage_account::{MetadataHeaders, version, xml},
};

/// Most bytes of a batch.
const MAX_BODY: u64 = 4 * 1024 * 1024;
/// Most requests in it.
const MAX_REQUESTS: usize = 256;

impl Service {
    /// Carries out a batch; `within` is the container that all of it must be in.
    pub(super) async fn batch(
        &self,
        call: &Call,
        within: Option<&ContainerName>,
        body: &mut RequestBody,
    ) -> Result<Reply, Failure> {
        call.check_length(MAX_BODY)?;
        let boundary = call.header("content-type")?.and_then(boundary).ok_or_else(|| unusable("content-type"))?;
        let limit = usize::try_from(MAX_BODY).unwrap_or(usize::MAX);
        let document = body.read(limit).await.map_err(|error| Failure::Body(error.into()))?;
        let document = std::str::from_utf8(&document).map_err(|_| unreadable("It is not UTF-8."))?;
        let parts = parts(document, boundary)?;
        let name = format!("batchresponse_{}", Uuid::new_v4());
        let mut answer = String::new();
        for part in parts {
            let id = Uuid::new_v4().to_string();
            let outcome = match self.part(call, &part, &id) {
                Ok(request) => self.answer_part(&request, within).await,
                Err(failure) => Err(failure),
            };
            answer.push_str(&format!("--{name}\r\nContent-Type: application/http\r\n"));
            if let Some(content_id) = part.content_id {
                answer.push_str(&format!("Content-ID: {content_id}\r\n"));
            }
            answer.push_str("\r\n");
            let version = String::from_utf8_lossy(version(&call.headers)).into_owned();
            write_answer(&mut answer, outcome, &[("x-ms-request-id", &id), ("x-ms-version", &version)]);
        }
        answer.push_str(&format!("--{name}--\r\n"));
        Ok(Reply::new(StatusCode::ACCEPTED)
            .header("content-type", format!("multipart/mixed; boundary={name}"))
            .body(answer.into()))
    }

    /// A request of the batch, which came in by `call`.
    fn part(&self, call: &Call, part: &Part<'_>, id: &str) -> Result<Call, Failure> {
        let mut lines = part.request.lines();
        let mut words = lines.next().unwrap_or_default().split_ascii_whitespace();
        let (Some(method), Some(address), Some("HTTP/1.1"), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(unreadable("Expected a line as `DELETE /container/blob HTTP/1.1`."));
        };
        let request = Request::builder().method(method).uri(address).body(());
        let mut request = request.map_err(|_| unreadable("The line of a request."))?;
        for line in lines.take_while(|line| !line.is_empty()) {
            let header = line.split_once(':').and_then(|(name, value)| {
                let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
                Some((name, HeaderValue::from_str(value.trim()).ok()?))
            });
            let (name, value) = header.ok_or_else(|| unreadable("The header of a request."))?;
            request.headers_mut().append(name, value);
        }
        let path = request.uri().path();
        let account = &self.account.name;
        let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(account.as_str()));
        let has_account = rest.is_some_and(|rest| rest.starts_with('/') && rest[1..].contains('/'));
        let path = if has_account { path.to_owned() } else { format!("/{account}{path}") };
        let target = Target::of(&path, request.uri().query(), account)?;
        let mut sub = Call::new(request.into_parts().0, MetadataHeaders::default(), id.to_owned(), target);
        sub.secure = call.secure;
        Ok(sub)
    }

    async fn answer_part(&self, call: &Call, within: Option<&ContainerName>) -> Result<(), Failure> {
        let grant = self.account.authenticate(call, self.store.now())?;
        let operation = Operation::of(call)?;
        let Operation::Blob(BlobOperation::Delete, path) = operation else {
            return Err(unreadable("A batch may delete blobs, and nothing else."));
        };
        if within.is_some_and(|container| *container != path.container) {
            return Err(unreadable("A batch of a container may not reach another one."));
        }
        operation.authorize(&grant, call)?;
        self.delete_blob(call, path).await.map(drop)
    }
}

/// A request in the body of another.
#[derive(Debug, PartialEq, Eq)]
struct Part<'b> {
    content_id: Option<&'b str>,
    /// Its line, its headers and what follows.
    request: &'b str,
}

/// The boundary that a content type of `multipart/mixed` names.
fn boundary(content_type: &str) -> Option<&str> {
    let mut pieces = content_type.split(';').map(str::trim);
    pieces.next().filter(|kind| kind.eq_ignore_ascii_case("multipart/mixed"))?;
    let value = pieces.find_map(|piece| {
        let (name, value) = piece.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    });
    value.filter(|value| !value.is_empty())
}

/// Takes a multipart body apart.
///
/// # Errors
/// [`Code::InvalidInput`] for a body that is none or is empty, [`Code::ExceedsMaxBatchRequestCount`].
fn parts<'b>(document: &'b str, boundary: &str) -> Result<Vec<Part<'b>>, Failure> {
    let delimiter = format!("--{boundary}");
    let mut pieces = document.split(delimiter.as_str()).skip(1);
    let mut parts = Vec::new();
    loop {
        let piece = pieces.next().ok_or_else(|| unreadable("The last boundary is missing."))?;
        if piece.starts_with("--") {
            break;
        }
        let (headers, request) = head(piece.trim_start()).ok_or_else(|| unreadable("A part has no request."))?;
        let header = |wanted: &str| {
            let mut fields = headers.lines().filter_map(|line| line.split_once(':'));
            fields.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
        };
        if !header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/http")) {
            return Err(unreadable("A part is not application/http."));
        }
        parts.push(Part { content_id: header("content-id"), request: request.trim_start() });
        if parts.len() > MAX_REQUESTS {
            return Err(Code::ExceedsMaxBatchRequestCount.into());
        }
    }
    if parts.is_empty() { Err(unreadable("It has no request.")) } else { Ok(parts) }
}

/// What stands before and behind the first empty line.
fn head(text: &str) -> Option<(&str, &str)> {
    text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n"))
}

fn write_answer(answer: &mut String, outcome: Result<(), Failure>, headers: &[(&str, &str)]) {
    let status = outcome.as_ref().map_or_else(Failure::status, |()| StatusCode::ACCEPTED);
    answer.push_str(&format!("HTTP/1.1 {} {}\r\n", status.as_u16(), status.canonical_reason().unwrap_or_default()));
    for (name, value) in headers {
        answer.push_str(&format!("{name}: {value}\r\n"));
    }
    match outcome {
        Ok(()) => answer.push_str("x-ms-delete-type-permanent: true\r\n\r\n"),
        Err(failure) => {
            let code = failure.code().to_string();
            let document = xml::error(&code, &failure.to_string()).unwrap_or_default();
            answer.push_str(&format!("x-ms-error-code: {code}\r\nContent-Type: application/xml\r\n"));
            answer.push_str(&format!("Content-Length: {}\r\n\r\n", document.len()));
            answer.push_str(&String::from_utf8_lossy(&document));
            answer.push_str("\r\n");
        }
    }
}

fn unreadable(why: &str) -> Failure {
    Failure::refused(Code::InvalidInput, why)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bodies_are_taken_apart() {
        let body = "--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nDELETE /c/a HTTP/1.1\r\nA: 1\r\n\r\n\r\n\
                    --b\ncontent-type:application/http; msgtype=request\n\nDELETE /c/b HTTP/1.1\n\n--b--";
        let read = parts(body, "b").expect("two parts");
        assert_eq!(read.iter().map(|part| part.content_id).collect::<Vec<_>>(), [Some("0"), None]);
        assert!(read[0].request.starts_with("DELETE /c/a HTTP/1.1\r\nA: 1\r\n"));
        assert_eq!(boundary("Multipart/Mixed; charset=x; Boundary=\"b\""), Some("b"));
        for (text, code) in [
            ("", Code::InvalidInput),
            ("--b--", Code::InvalidInput),
            ("--b\r\nContent-Type: application/http\r\n\r\nDELETE / HTTP/1.1\r\n", Code::InvalidInput),
            ("--b\r\nContent-Type: text/plain\r\n\r\nDELETE / HTTP/1.1\r\n\r\n--b--", Code::InvalidInput),
        ] {
            assert_eq!(parts(text, "b").expect_err("no batch").code(), code, "{text:?}");
        }
        let many = "--b\r\nContent-Type: application/http\r\n\r\nx\r\n".repeat(257) + "--b--";
        assert_eq!(parts(&many, "b").expect_err("too many").code(), Code::ExceedsMaxBatchRequestCount);
        assert!(
            ["text/plain; boundary=b", "multipart/mixed", "multipart/mixed; boundary="]
                .iter()
                .all(|t| boundary(t).is_none())
        );
    }

    proptest! {
        #[test]
        fn nonsense_is_refused_and_never_panics(text in "(--b|\r\n|Content-Type: application/http|[a-z: ]|-){0,40}") {
            if let Err(failure) = parts(&text, "b") {
                prop_assert_eq!(failure.code(), Code::InvalidInput);
            }
        }
    }
}
