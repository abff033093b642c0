//! What the caller of an HTTP function gets.

const TEXT: &str = "text/plain; charset=utf-8";

/// The response the caller gets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct HttpResult {
    pub(crate) status: u16,
    /// Headers the handler set, but for the content type.
    pub(crate) headers: Vec<(String, String)>,
    /// `None` without a body.
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl HttpResult {
    /// What an HTTP function answers that has a value to return and returns none.
    pub(super) fn nothing() -> Self {
        Self { status: 204, ..Self::default() }
    }

    /// A text.
    pub(super) fn text(status: u16, body: String) -> Self {
        Self { status, content_type: Some(TEXT.to_owned()), body: body.into_bytes(), ..Self::default() }
    }
}
