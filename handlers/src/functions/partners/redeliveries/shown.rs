//! A job as partners see it.

use serde::Serialize;
use time::OffsetDateTime;

use crate::domain::partner::{
    SubscriptionName,
    redelivery::{FailureLog, Job, JobState, Progress, Range, Request},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown<'a> {
    id: &'a str,
    subscription: &'a SubscriptionName,
    state: JobState,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(flatten)]
    request: &'a Request,
    ranges: &'a [Range],
    progress: Progress,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_log: Option<FailureLog>,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    complete_until: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    created: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    started: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    ended: Option<OffsetDateTime>,
}

impl<'a> Shown<'a> {
    pub(super) fn of(job: &'a Job) -> Self {
        Self {
            id: &job.id,
            subscription: &job.subscription,
            state: job.state,
            reason: job.reason.as_deref(),
            request: &job.request,
            ranges: &job.ranges,
            progress: job.progress,
            failure_log: job.log,
            complete_until: job.complete_until,
            created: job.created,
            started: job.started,
            ended: job.ended,
        }
    }
}
