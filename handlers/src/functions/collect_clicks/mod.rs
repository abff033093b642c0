//! `CollectClicks`: takes clicks from the shop's sites and apps.
//!
//! Triggered by HTTP, for anyone: `POST /api/clicks`. A click is `{"productId", "category"?, "visitorId"?, "sessionId"?, "id"?, "time"?,
//! "consent"?}`; a body is a click, an array of clicks, a CloudEvent (structured or binary) or a batch of CloudEvents. Pages of other
//! origins may post where the setting `Site__origins` names them.
//!
//! Promises: 202 says that the hub has every click it counts as accepted. Each click is judged alone, and the answer names those that
//! were refused, and why. Who clicked leaves this function only with `consent: true`, and not where the browser objects (`DNT`,
//! `Sec-GPC`). A visitor who consents and has no id yet is given one in the answer, for the site to keep where it likes: no cookie is
//! set. One visitor's or one address's flood is refused with 429 and does not touch others.
//!
//! A second delivery of a click with the same id and time is a second event of the same source and id, which readers drop as they
//! promise; without an id it is another click. A request that got 503 may be repeated as it is, with the `visitorId` of that answer.

mod answer;
mod forms;
mod limits;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::post,
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use uuid::Uuid;

use self::{
    answer::{Refused, Verdict},
    forms::Judged,
    limits::Limits,
};
use crate::{
    app::App,
    azure::joined_sends::JoinedSends,
    domain::{
        click::{Click, VisitorId},
        click_body::Submission,
        trace_context::TraceContext,
    },
    events::{CodecError, HubMessage, Outgoing, contracts::CLICK_RECORDED, hubs},
    function::{Function, Trigger},
    http::{Cause, Problem, check_uncompressed, cors, preflight},
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new("CollectClicks", Trigger::Http { router });

/// The largest body (bytes).
const MAX_BODY: usize = 256 * 1024;

/// What requests share.
#[derive(Clone)]
struct Collector {
    app: App,
    limits: Arc<Limits>,
    sends: JoinedSends,
}

fn router(app: App) -> Router {
    let site = &app.settings().site;
    let (limits, cors) = (Arc::new(Limits::new(site)), cors(&site.origins));
    let sends = JoinedSends::new(app.hubs().clone(), hubs::CLICKS);
    let methods = post(collect).options(preflight);
    Router::new().route("/api/clicks", methods).layer(cors).with_state(Collector { app, limits, sends })
}

async fn collect(
    State(collector): State<Collector>,
    Cause(trace): Cause,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body = bounded(body).await?;
    collector.limits.address(&headers, 1).map_err(answer::slow_down)?;
    check_uncompressed(&headers)?;
    let judged = forms::read(&headers, &body, collector.app.now())?;
    let (clicks, verdict) = collector.admit(judged);
    // Only what is taken counts against the address, so that a visitor who floods does not use up a whole office's allowance.
    let taken = u32::try_from(clicks.len()).unwrap_or(u32::MAX);
    collector.limits.address(&headers, taken.saturating_sub(1)).map_err(answer::slow_down)?;
    let mut messages = Vec::with_capacity(clicks.len());
    for click in clicks {
        messages.push(collector.encode(click, trace.clone()).await.map_err(|error| verdict.unsent(error))?);
    }
    if !messages.is_empty() {
        collector.sends.send(messages).await.map_err(|error| verdict.unsent(error))?;
    }
    verdict.answer()
}

/// Reads a body up to the limit. The rest of a larger one is read too but not kept: the host is still sending it, and would take an
/// answer in between for a broken connection. How much that can be is bounded by the host.
async fn bounded(body: Body) -> Result<Bytes, Problem> {
    let mut stream = body.into_data_stream();
    let (mut kept, mut length) = (BytesMut::new(), 0_usize);
    while let Some(part) = stream.next().await {
        // A caller that hangs up does not see the answer.
        let part = part.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "The body ended early."))?;
        length = length.saturating_add(part.len());
        if length <= MAX_BODY {
            kept.extend_from_slice(&part);
        } else {
            kept = BytesMut::new();
        }
    }
    if length > MAX_BODY {
        let detail = format!("The body must not be larger than {MAX_BODY} bytes; send fewer clicks at a time.");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    Ok(kept.freeze())
}

impl Collector {
    /// Decides which clicks are taken. Those who consent and have no id yet get one; one request is one visitor's, so it is the same
    /// for all of its clicks.
    fn admit(&self, judged: Vec<Judged>) -> (Vec<Submission>, Verdict) {
        let (mut taken, mut verdict) = (Vec::with_capacity(judged.len()), Verdict::default());
        for (index, Judged { id, click }) in judged.into_iter().enumerate() {
            let admitted = click.map_err(Refused::Invalid).and_then(|mut click| {
                if click.has_consent && click.click.visitor_id.is_none() {
                    click.click.visitor_id = Some(verdict.new_visitor()?);
                }
                if let Some(visitor) = &click.click.visitor_id {
                    self.limits.visitor(visitor).map_err(Refused::TooMany)?;
                }
                Ok(click)
            });
            match admitted {
                Ok(click) => {
                    verdict.accepted += 1;
                    taken.push(click);
                }
                Err(refused) => verdict.refuse(index, id, refused),
            }
        }
        (taken, verdict)
    }

    async fn encode(
        &self,
        submission: Submission,
        trace: Option<TraceContext>,
    ) -> Result<(String, HubMessage), CodecError> {
        let Submission { id, source, time, click, .. } = submission;
        let id = id.unwrap_or_else(|| Uuid::new_v4().to_string());
        let visitor = click.visitor_id.as_ref().map(VisitorId::to_string);
        let key = visitor.clone().unwrap_or_else(|| id.clone());
        let extensions = BTreeMap::from([("partitionkey".to_owned(), key.clone())]);
        let (subject, time, schema) = (visitor, Some(time), &CLICK_RECORDED);
        let outgoing =
            Outgoing::<Click> { id, source: &source, subject, time, extensions, trace, schema, data: &click };
        Ok((key, self.app.events().encode(outgoing).await?))
    }
}
