//! Sampling: which traces are recorded. Whoever began a trace decided; where one begins here, chance does.

use std::{num::NonZeroU128, str::FromStr};

use rand::Rng as _;

use crate::domain::trace_context::TraceContext;

/// `OTEL_TRACES_SAMPLER` and its argument, by the names of the OpenTelemetry specification.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sampling {
    /// Of the traces that begin here, how many of 2^64.
    roots: u64,
    /// Whether a parent's decision is taken over.
    follows: bool,
}

/// A text that is no sampler.
#[derive(Debug, thiserror::Error)]
#[error("OTEL_TRACES_SAMPLER names no sampler that is known here, or its argument is no number from 0 to 1")]
pub(super) struct SamplingError;

impl Default for Sampling {
    fn default() -> Self {
        Self { roots: u64::MAX, follows: true }
    }
}

impl Sampling {
    /// Reads the two settings.
    pub(super) fn parse(name: &str, argument: Option<&str>) -> Result<Self, SamplingError> {
        let (follows, name) = match name.strip_prefix("parentbased_") {
            Some(name) => (true, name),
            None => (false, name),
        };
        let ratio = match name {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => argument.map_or(Ok(1.0), f64::from_str).map_err(|_| SamplingError)?,
            _ => return Err(SamplingError),
        };
        if !(0.0..=1.0).contains(&ratio) {
            return Err(SamplingError);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 2^64; 1 becomes the largest"
        )]
        let roots = (ratio * 2_f64.powi(64)) as u64;
        Ok(Self { roots, follows })
    }

    /// Whether a span below `parent` is recorded.
    pub(super) fn takes(&self, parent: &TraceContext) -> bool {
        if self.follows { parent.is_sampled } else { self.picks(parent.trace_id) }
    }

    /// The same where a stranger says who the parent is: they may ask for a trace, but have no say in how many there are.
    pub(super) fn takes_from_outside(&self, parent: &TraceContext) -> bool {
        self.takes(parent) && self.root().1
    }

    /// A new trace, and whether it is recorded.
    pub(super) fn root(&self) -> (NonZeroU128, bool) {
        let id = rand::rng().random::<NonZeroU128>();
        (id, self.picks(id))
    }

    /// By the random part of the trace id, so that everyone with the same ratio picks the same traces.
    fn picks(&self, id: NonZeroU128) -> bool {
        self.roots == u64::MAX
            || id.get().to_le_bytes().first_chunk().is_some_and(|low| u64::from_le_bytes(*low) < self.roots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samplers_have_the_names_of_the_specification() {
        let parse = |name, argument| Sampling::parse(name, argument).ok();
        assert_eq!(parse("parentbased_always_on", None), Some(Sampling::default()));
        assert_eq!(parse("always_off", None), Some(Sampling { roots: 0, follows: false }));
        let half = parse("parentbased_traceidratio", Some("0.5")).unwrap();
        assert_eq!(half, Sampling { roots: 1 << 63, follows: true });
        for (name, argument) in
            [("jaeger_remote", None), ("", None), ("traceidratio", Some("2")), ("traceidratio", Some("x"))]
        {
            assert_eq!(parse(name, argument), None, "{name} {argument:?}");
        }
    }

    #[test]
    fn a_ratio_is_kept_and_a_parent_is_followed() {
        let one_in_four = Sampling::parse("parentbased_traceidratio", Some("0.25")).unwrap();
        let taken = (0..10_000).filter(|_| one_in_four.root().1).count();
        assert!((2_200..2_800).contains(&taken), "{taken}");
        for flag in ["00", "01"] {
            let parent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flag}");
            let parent = TraceContext::parse(&parent, None).unwrap();
            assert_eq!(one_in_four.takes(&parent), parent.is_sampled);
            let taken = (0..10_000).filter(|_| one_in_four.takes_from_outside(&parent)).count();
            let expected = if parent.is_sampled { 2_200..2_800 } else { 0..1 };
            assert!(expected.contains(&taken), "{taken} of a stranger's");
        }
    }
}
