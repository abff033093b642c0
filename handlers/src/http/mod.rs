//! What the HTTP functions share.

mod body;
mod conditional;
mod cors;
mod extract;
mod problem;
mod trace;

pub(crate) use self::{
    body::{check_not_empty, check_uncompressed, json_body},
    conditional::{Audience, cacheable_for, cacheable_json, preconditions, quoted},
    cors::{cors, cors_with_changes, preflight},
    extract::{Path, Query},
    problem::Problem,
    trace::{Cause, trace_context},
};
