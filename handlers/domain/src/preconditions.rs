//! Conditional requests (RFC 9110 §13): entity tags and what they ask for.

use std::str::FromStr;

/// What a client made its request depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// `If-Match`: the request is for these versions only.
    pub if_match: Option<TagList>,
    /// `If-None-Match`: the request is for anything but these versions.
    pub if_none_match: Option<TagList>,
}

/// The value of `If-Match` or `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagList {
    /// `*`: any version at all.
    Any,
    /// These versions.
    Tags(Vec<EntityTag>),
}

/// An entity tag: `"…"`, or `W/"…"` for a weak one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag {
    weak: bool,
    /// Without its quotes.
    opaque: String,
}

/// The header is not a list of entity tags.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(r#"must be * or a list of quoted entity tags such as "3""#)]
pub struct TagListError;

impl Preconditions {
    /// Whether a change may be made to something whose tag is `current` (`None`: it does not exist). Tags compare strongly for
    /// `If-Match` and weakly for `If-None-Match` (§13.1.1, §13.1.2).
    pub fn allow(&self, current: Option<&str>) -> bool {
        let matches = self.if_match.as_ref().is_none_or(|list| list.contains(current, |tag| !tag.weak));
        let none_match = self.if_none_match.as_ref().is_none_or(|list| !list.contains(current, |_| true));
        matches && none_match
    }

    /// Whether a reader already has the version whose tag is `current`, so that 304 answers it.
    pub fn is_fresh(&self, current: &str) -> bool {
        self.if_none_match.as_ref().is_some_and(|list| list.contains(Some(current), |_| true))
    }
}

impl TagList {
    fn contains(&self, current: Option<&str>, eligible: impl Fn(&EntityTag) -> bool) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::Tags(tags), Some(current)) => tags.iter().any(|tag| tag.opaque == current && eligible(tag)),
        }
    }
}

impl FromStr for TagList {
    type Err = TagListError;

    fn from_str(text: &str) -> Result<Self, TagListError> {
        let mut rest = text.trim();
        if rest == "*" {
            return Ok(Self::Any);
        }
        let mut tags = Vec::new();
        loop {
            // Empty elements are legal (§5.6.1.2).
            rest = rest.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
            if rest.is_empty() {
                return if tags.is_empty() { Err(TagListError) } else { Ok(Self::Tags(tags)) };
            }
            let (weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |quoted| (true, quoted));
            let (opaque, after) =
                quoted.strip_prefix('"').and_then(|inner| inner.split_once('"')).ok_or(TagListError)?;
            tags.push(EntityTag { weak, opaque: opaque.to_owned() });
            rest = after.trim_start();
            if !rest.is_empty() && !rest.starts_with(',') {
                return Err(TagListError);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(if_match: Option<&str>, if_none_match: Option<&str>) -> Preconditions {
        let list = |text: Option<&str>| text.map(|text| text.parse().expect("a tag list"));
        Preconditions { if_match: list(if_match), if_none_match: list(if_none_match) }
    }

    #[test]
    fn changes_obey_both_headers() {
        for (if_match, if_none_match, current, allowed) in [
            (None, None, None, true),
            (Some(r#""3""#), None, Some("3"), true),
            (Some(r#""2", "3""#), None, Some("3"), true),
            (Some(r#""2""#), None, Some("3"), false),
            (Some(r#"W/"3""#), None, Some("3"), false),
            (Some("*"), None, Some("3"), true),
            (Some("*"), None, None, false),
            (Some(r#""3""#), None, None, false),
            (None, Some("*"), None, true),
            (None, Some("*"), Some("3"), false),
            (None, Some(r#"W/"3""#), Some("3"), false),
            (None, Some(r#""2""#), Some("3"), true),
        ] {
            assert_eq!(
                conditions(if_match, if_none_match).allow(current),
                allowed,
                "{if_match:?} {if_none_match:?} {current:?}"
            );
        }
    }

    #[test]
    fn malformed_lists_are_refused() {
        for text in ["", ",", "3", r#""3"#, r#""3" "4""#, "W/3"] {
            assert_eq!(text.parse::<TagList>(), Err(TagListError), "{text}");
        }
        assert_eq!(r#", "3",, W/"4","#.parse::<TagList>(), r#""3", W/"4""#.parse());
    }
}
