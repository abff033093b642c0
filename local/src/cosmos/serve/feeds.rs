//! Read feed: the items of a scope, page by page, in the order in which they were created.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};

use crate::cosmos::{
    data::{charge, container::Container, scan::Scan, scan_position::ScanPosition},
    serve::{
        paging::{self, CONTINUATION, ITEM_COUNT},
        scope::Scope,
        sessions,
    },
    store::account::Account,
    wire::{refusal::Refusal, request::Request, responses},
};

/// Answers a page of items.
pub(in crate::cosmos) fn answer(account: &Account, request: &Request) -> Response<Bytes> {
    let answer = || -> Result<Response<Bytes>, Refusal> {
        let name = request.container().ok_or_else(|| Refusal::bad_request("The path names no container."))?;
        let container = account.container(&name)?;
        let scope = Scope::of(request, &container)?;
        sessions::check(request, &container, scope.ranges(&container))?;
        let limits = paging::limits(request);
        let after = request.header(&CONTINUATION).filter(|token| !token.is_empty());
        let place = |token: &str| URL_SAFE_NO_PAD.decode(token).ok().and_then(|place| ScanPosition::read(&place));
        let after = after.map(|token| place(token).ok_or_else(paging::invalid)).transpose()?;
        let mut items = Scan::new(&container, scope.interval.clone(), after, account.clock().now_millis()).peekable();
        let (mut page, mut bytes) = (Vec::new(), 0);
        let mut last: Option<ScanPosition> = None;
        while page.len() < limits.rows
            && let Some((place, item)) = items.peek()
        {
            let text = item.whole(container.id);
            bytes += text.len();
            if bytes > limits.bytes && !page.is_empty() {
                break;
            }
            page.push(text);
            last = Some(*place);
            items.next();
        }
        let next = last.filter(|_| items.peek().is_some());
        let mut response = documents(request, &container, &scope, &page);
        if let Some(next) = next
            && let Ok(token) = HeaderValue::try_from(URL_SAFE_NO_PAD.encode(next.position().0))
        {
            response.headers_mut().insert(CONTINUATION.clone(), token);
        }
        Ok(response)
    };
    answer().unwrap_or_else(|refusal| refusal.answer(request))
}

/// A page of documents or other rows, each a JSON text.
pub(in crate::cosmos) fn documents(
    request: &Request,
    container: &Container,
    scope: &Scope,
    page: &[String],
) -> Response<Bytes> {
    let body = format!(r#"{{"_rid":"{}","Documents":[{}],"_count":{}}}"#, container.id, page.join(","), page.len());
    let mut response = responses::charged(request, StatusCode::OK, charge::PAGE, body.into());
    match scope.range {
        Some(range) => sessions::tell(&mut response, container, range, container.lsn(range), None),
        None => sessions::tell_first(&mut response, container, scope.first(container)),
    }
    response.headers_mut().insert(ITEM_COUNT.clone(), page.len().into());
    response
}
