//! Offers: throughput, as clients read and replace it.

use bytes::Bytes;
use http::{HeaderName, Response, StatusCode};

use crate::cosmos::{serve::values, store::account::Account, wire::request::Request};

/// The least that the throughput could be set to.
static LEAST: HeaderName = HeaderName::from_static("x-ms-cosmos-min-throughput");

/// Answers a list of offers, or a query of them. Clients look for one by the link or the resource id of what it is for.
pub(in crate::cosmos) fn list(account: &Account, request: &Request) -> Response<Bytes> {
    let all = account.catalogue().offers().map(|offer| offer.answered()).collect();
    values::list(request, "Offers", "", all, account.clock().now())
}

/// Answers an offer.
pub(in crate::cosmos) fn one(account: &Account, request: &Request, id: &str) -> Response<Bytes> {
    let found = account.catalogue().offer(id).map(|offer| (offer.answered(), offer.throughput.least()));
    match found {
        Ok((offer, least)) => {
            let mut response = values::one(request, StatusCode::OK, &offer);
            response.headers_mut().insert(LEAST.clone(), least.into());
            response
        }
        Err(refusal) => refusal.answer(request),
    }
}
