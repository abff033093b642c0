//! What the sources in `bicep/` deploy, environment by environment, against the rules of `contoso_bicep::policy`; and that each rule
//! notices what it is for, by changed copies of the sources.

#![expect(clippy::expect_used, reason = "helpers outside of test functions are tests too")]

mod changes;
mod environments;
mod mutations;
mod snapshots;
mod support;
