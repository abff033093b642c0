//! Conditional headers: which version of a blob a request speaks of.
//!
//! Source: "Specifying conditional headers for Blob service operations". Reads take any combination, and evaluate
//! `If-Match && If-Unmodified-Since && (If-None-Match || If-Modified-Since)`, the tags being lists. Writes take one tag, which wins over
//! the date that says the same less precisely, and refuse every other combination. Times have one second.

use time::OffsetDateTime;

use super::{
    error::{Code, Failure},
    etag::Etag,
};

/// `If-Match` or `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EtagMatch {
    Any,
    /// One of these, each as the client wrote it.
    Of(Vec<String>),
}

impl EtagMatch {
    /// Reads tags between commas; one in quotes may hold commas. `None` where there is no tag.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut tags = Vec::new();
        let mut rest = text.trim_start_matches([' ', '\t', ',']);
        while !rest.is_empty() {
            let quotes = rest.find('"').filter(|at| matches!(&rest[..*at], "" | "W/"));
            let closed = quotes.and_then(|at| Some(at + 2 + rest[at + 1..].find('"')?));
            let end = closed.or_else(|| rest.find(',')).unwrap_or(rest.len());
            tags.push(rest[..end].trim().to_owned());
            rest = rest[end..].trim_start_matches([' ', '\t', ',']);
        }
        match &tags[..] {
            [] => None,
            tags if tags.iter().any(|tag| tag == "*") => Some(Self::Any),
            _ => Some(Self::Of(tags)),
        }
    }

    fn holds(&self, etag: Etag) -> bool {
        match self {
            Self::Any => true,
            Self::Of(tags) => tags.iter().any(|tag| etag.is(tag)),
        }
    }

    fn is_list(&self) -> bool {
        matches!(self, Self::Of(tags) if tags.len() > 1)
    }
}

/// Everything a request says about the version it expects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conditions {
    pub(super) if_match: Option<EtagMatch>,
    pub(super) if_none_match: Option<EtagMatch>,
    pub(super) if_modified_since: Option<OffsetDateTime>,
    pub(super) if_unmodified_since: Option<OffsetDateTime>,
}

/// What conditions are held against: tag and time of a blob or a container.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    pub(super) etag: Etag,
    pub(super) last_modified: OffsetDateTime,
}

impl Conditions {
    /// Refuses what a write may not combine, whatever it writes to: two conditions, unless both ask for the same version by
    /// tag and by date, and lists of tags.
    ///
    /// # Errors
    /// [`Code::MultipleConditionHeadersNotSupported`].
    pub(super) fn check_combination(&self) -> Result<(), Failure> {
        let Self { if_match, if_none_match, if_modified_since, if_unmodified_since } = self;
        let same = if_match.is_some() || if_unmodified_since.is_some();
        let other = if_none_match.is_some() || if_modified_since.is_some();
        let list = [if_match, if_none_match].into_iter().flatten().any(EtagMatch::is_list);
        if same && other || list { Err(Code::MultipleConditionHeadersNotSupported.into()) } else { Ok(()) }
    }

    /// For operations that return something of the blob.
    ///
    /// # Errors
    /// [`Failure::NotModified`], [`Code::ConditionNotMet`], or [`Code::UnsatisfiableCondition`] for `If-None-Match: *`.
    pub(super) fn check_read(&self, version: Version) -> Result<(), Failure> {
        if self.if_none_match == Some(EtagMatch::Any) {
            return Err(Code::UnsatisfiableCondition.into());
        }
        let other = self.if_match.as_ref().is_some_and(|tag| !tag.holds(version.etag));
        if other || self.was_modified_after(version) {
            return Err(Code::ConditionNotMet.into());
        }
        let same_tag = self.if_none_match.as_ref().map(|tag| tag.holds(version.etag));
        let changed = match (same_tag, self.if_modified_since) {
            (None, None) => true,
            (Some(same), None) => !same,
            (Some(same), Some(_)) => !same || self.is_modified(version),
            (None, Some(_)) => self.is_modified(version),
        };
        if changed { Ok(()) } else { Err(Failure::NotModified) }
    }

    /// For operations that change a blob that must be there, or a container.
    ///
    /// # Errors
    /// [`Code::ConditionNotMet`].
    pub(super) fn check_change(&self, version: Version) -> Result<(), Failure> {
        let holds = match (&self.if_match, &self.if_none_match) {
            (Some(tag), _) => tag.holds(version.etag),
            (None, Some(tag)) => !tag.holds(version.etag),
            (None, None) => self.is_modified(version) && !self.was_modified_after(version),
        };
        if holds { Ok(()) } else { Err(Code::ConditionNotMet.into()) }
    }

    /// For operations that create a blob or replace it whole, all but [`Conditions::check_absent`].
    ///
    /// # Errors
    /// [`Code::ConditionNotMet`].
    pub(super) fn check_replace(&self, version: Option<Version>) -> Result<(), Failure> {
        match version {
            None if self.if_match.is_some() => Err(Code::ConditionNotMet.into()),
            Some(version) if self.if_none_match != Some(EtagMatch::Any) => self.check_change(version),
            _ => Ok(()),
        }
    }

    /// `If-None-Match: *` of an operation that would replace a blob. The service asks for the lease first, and who names the
    /// lease that is held may write all the same: clients send this with every upload that does not say "overwrite".
    ///
    /// # Errors
    /// [`Code::BlobAlreadyExists`].
    pub(super) fn check_absent(&self, holds_the_lease: bool) -> Result<(), Failure> {
        match &self.if_none_match {
            Some(EtagMatch::Any) if !holds_the_lease => Err(Code::BlobAlreadyExists.into()),
            _ => Ok(()),
        }
    }

    fn is_modified(&self, version: Version) -> bool {
        self.if_modified_since.is_none_or(|time| seconds(version.last_modified) > seconds(time))
    }

    fn was_modified_after(&self, version: Version) -> bool {
        self.if_unmodified_since.is_some_and(|time| seconds(version.last_modified) > seconds(time))
    }
}

fn seconds(time: OffsetDateTime) -> i64 {
    time.unix_timestamp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_tags_are_read() {
        let of = |tags: &[&str]| Some(EtagMatch::Of(tags.iter().map(|&tag| tag.to_owned()).collect()));
        for (text, tags) in [
            ("\"0x1\"", of(&["\"0x1\""])),
            ("0x1", of(&["0x1"])),
            ("\"x\", 0x1 ,W/\"y,z\",\"\"", of(&["\"x\"", "0x1", "W/\"y,z\"", "\"\""])),
            ("\"open", of(&["\"open"])),
            (" * ", Some(EtagMatch::Any)),
            (" ", None),
            (", ,", None),
        ] {
            assert_eq!(EtagMatch::parse(text), tags, "{text}");
        }
    }
}
