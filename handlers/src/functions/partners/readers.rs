//! Readers of captured files: such a request may take 20 s and read a gigabyte, so each partner has a few under way at a time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

use super::caller::Caller;
use crate::{app::App, domain::partner::PartnerName, http::Problem};

/// Requests of a partner that read captured files at a time, in each instance of the app.
const MOST: usize = 4;

/// How many read now, of each partner that has any.
#[derive(Clone, Default)]
pub(super) struct Readers(Arc<Mutex<BTreeMap<PartnerName, usize>>>);

/// One of a partner's permits, until it is dropped.
struct Permit {
    readers: Readers,
    partner: PartnerName,
}

impl Readers {
    /// Routes whose requests read captured files.
    pub(super) fn bound(&self, routes: Router<App>) -> Router<App> {
        routes.route_layer(middleware::from_fn_with_state(self.clone(), pass))
    }

    fn permit(&self, partner: &PartnerName) -> Option<Permit> {
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let reads = readers.entry(partner.clone()).or_default();
        if *reads >= MOST {
            return None;
        }
        *reads += 1;
        Some(Permit { readers: self.clone(), partner: partner.clone() })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut readers = self.readers.0.lock().unwrap_or_else(PoisonError::into_inner);
        match readers.get_mut(&self.partner) {
            Some(reads) if *reads > 1 => *reads -= 1,
            _ => drop(readers.remove(&self.partner)),
        }
    }
}

async fn pass(State(readers): State<Readers>, caller: Caller, request: Request, next: Next) -> Response {
    // A caller that hangs up gives its permit back, as this is dropped then.
    let Some(_permit) = readers.permit(&caller.partner) else {
        let detail = format!("{MOST} requests of this partner read captured events already; wait for one of them.");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).of_kind("too-many-readers");
        return problem.with_header(RETRY_AFTER, HeaderValue::from_static("1")).into_response();
    };
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partner_has_its_own_permits_and_gets_them_back() {
        let (readers, name) =
            (Readers::default(), |name: &str| PartnerName::try_from(name.to_owned()).expect("a name"));
        let (acme, other) = (name("acme"), name("other"));
        let mut permits: Vec<_> = (0..MOST).map(|_| readers.permit(&acme).expect("a permit")).collect();
        assert!(readers.permit(&acme).is_none() && readers.permit(&other).is_some());
        permits.pop();
        let again = readers.permit(&acme);
        assert!(again.is_some() && readers.permit(&acme).is_none());
        drop((permits, again));
        assert!(readers.0.lock().expect("no panic").is_empty());
    }
}
