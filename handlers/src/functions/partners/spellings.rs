//! Spellings of a path that mean the same, of which the router knows each by itself.

/// How paths of previews end: clients may encode the colon or not (RFC 3986 §3.3), and the router compares as it was sent.
pub(super) const PREVIEW: [&str; 3] = [":preview", "%3Apreview", "%3apreview"];
