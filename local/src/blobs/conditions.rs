//! The conditional headers: which version of a blob a request speaks of.
//!
//! Source: "Specifying conditional headers for Blob service operations". Times have one second.

use time::OffsetDateTime;

use super::{
    error::{Code, Failure},
    etag::Etag,
    record::BlobRecord,
};

/// `If-Match` or `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EtagMatch {
    Any,
    Only(String),
}

impl EtagMatch {
    pub(super) fn parse(text: &str) -> Self {
        match text.trim() {
            "*" => Self::Any,
            tag => Self::Only(tag.to_owned()),
        }
    }

    fn holds(&self, etag: Etag) -> bool {
        match self {
            Self::Any => true,
            Self::Only(tag) => etag.is(tag),
        }
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

impl Conditions {
    /// For operations that return something of the blob.
    ///
    /// # Errors
    /// [`Failure::NotModified`] or [`Code::ConditionNotMet`].
    pub(super) fn check_read(&self, blob: &BlobRecord) -> Result<(), Failure> {
        self.check_expected(blob.etag, blob.last_modified)?;
        if self.has_not_changed(blob.etag, blob.last_modified) {
            return Err(Failure::NotModified);
        }
        Ok(())
    }

    /// For operations that change a blob that must be there.
    ///
    /// # Errors
    /// [`Code::ConditionNotMet`].
    pub(super) fn check_change(&self, blob: &BlobRecord) -> Result<(), Failure> {
        self.check_expected(blob.etag, blob.last_modified)?;
        if self.has_not_changed(blob.etag, blob.last_modified) {
            return Err(Code::ConditionNotMet.into());
        }
        Ok(())
    }

    /// For operations that create a blob or replace it whole.
    ///
    /// # Errors
    /// [`Code::BlobAlreadyExists`] for `If-None-Match: *`, else [`Code::ConditionNotMet`].
    pub(super) fn check_replace(&self, blob: Option<&BlobRecord>) -> Result<(), Failure> {
        match blob {
            None if self.if_match.is_some() => Err(Code::ConditionNotMet.into()),
            None => Ok(()),
            Some(_) if self.if_none_match == Some(EtagMatch::Any) => Err(Code::BlobAlreadyExists.into()),
            Some(blob) => self.check_change(blob),
        }
    }

    /// For operations on a container, which know the dates only, and the tag where the service takes it.
    ///
    /// # Errors
    /// [`Code::ConditionNotMet`].
    pub(super) fn check_container(&self, etag: Etag, last_modified: OffsetDateTime) -> Result<(), Failure> {
        self.check_expected(etag, last_modified)?;
        if self.has_not_changed(etag, last_modified) {
            return Err(Code::ConditionNotMet.into());
        }
        Ok(())
    }

    fn check_expected(&self, etag: Etag, last_modified: OffsetDateTime) -> Result<(), Failure> {
        let other = self.if_match.as_ref().is_some_and(|tag| !tag.holds(etag));
        let touched = self.if_unmodified_since.is_some_and(|time| seconds(last_modified) > seconds(time));
        if other || touched {
            return Err(Code::ConditionNotMet.into());
        }
        Ok(())
    }

    fn has_not_changed(&self, etag: Etag, last_modified: OffsetDateTime) -> bool {
        let same = self.if_none_match.as_ref().is_some_and(|tag| tag.holds(etag));
        let untouched = self.if_modified_since.is_some_and(|time| seconds(last_modified) <= seconds(time));
        same || untouched
    }
}

fn seconds(time: OffsetDateTime) -> i64 {
    time.unix_timestamp()
}
