use super::Layout;
use crate::{
    format::document::{Document, Line, collapse, separate},
    syntax::{
        ast::{Expression, ExpressionKind},
        token::{TokenKind, TriviaKind},
    },
};

/// How a kind of bracket is set.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// Between two items.
    pub(super) separator: Line,
    /// After the opening and before the closing bracket.
    pub(super) padding: Line,
    /// Whether a line that ends after the opening bracket keeps the items on lines of their own.
    pub(super) keep_lines: bool,
    /// Whether a single item may go on a line of its own.
    pub(super) indent_single: bool,
}

impl Style {
    /// `{ a: 1, b: 2 }`
    pub(super) const OBJECT: Self =
        Self { separator: Line::OrComma, padding: Line::OrSpace, keep_lines: true, indent_single: true };
    /// `[1, 2]`
    pub(super) const ARRAY: Self =
        Self { separator: Line::OrComma, padding: Line::OrNothing, keep_lines: true, indent_single: true };
    /// `[string, int]`
    pub(super) const TUPLE: Self = Self { keep_lines: false, ..Self::ARRAY };
    /// `[for …]`
    pub(super) const LOOP: Self = Self { separator: Line::OrNothing, ..Self::TUPLE };
    /// `(a, b)`: the commas are parts of the items.
    pub(super) const VARIABLES: Self = Self { separator: Line::OrSpace, ..Self::TUPLE };
    /// `f(a, b)`
    pub(super) const CALL: Self = Self { indent_single: false, ..Self::VARIABLES };
}

/// What stands in brackets.
pub(super) struct Items<'a> {
    documents: Vec<Document<'a>>,
    /// How many of the ends of lines in it lie in the last argument of a call, which may have several lines while the call
    /// stands on one.
    in_tail: usize,
}

impl<'a> From<Vec<Document<'a>>> for Items<'a> {
    fn from(documents: Vec<Document<'a>>) -> Self {
        Self { documents, in_tail: 0 }
    }
}

impl<'a> Layout<'a> {
    /// From the opening to the closing bracket, both of which are tokens.
    pub(super) fn brackets(&mut self, style: Style, items: impl FnOnce(&mut Self) -> Items<'a>) -> Document<'a> {
        let open = self.word();
        let begins_with_line = self.is(TokenKind::NewLine);
        let before = self.breaks;
        let items = items(self);
        let (mut documents, blanks) = collapse(items.documents);
        let filled = documents.iter().any(|document| !document.is_line());
        self.breaks += blanks;
        let mut broken = self.breaks > before + items.in_tail;

        // Comments before the closing bracket are items without a line of their own.
        let mut close = self.token();
        let closing = close.pop().unwrap_or(Document::text(""));
        let dangling = !close.is_empty();
        documents.append(&mut close);
        let mut documents = separate(documents, style.separator);
        if documents.is_empty() {
            return Document::Row(vec![open, closing]);
        }
        if let ([only], false) = (documents.as_slice(), style.indent_single)
            && !only.has_suffix()
        {
            let padding = Document::text(style.padding.flat());
            let only = documents.remove(0);
            return Document::Row(vec![open, padding.clone(), only, padding, closing]);
        }
        if (style.keep_lines && begins_with_line && filled) || dangling {
            self.breaks += 1;
            broken = true;
        }
        let padding = Document::Line(style.padding);
        documents.insert(0, padding.clone());
        let pieces = vec![open, Document::Indent(documents), padding, closing];
        if broken { Document::Row(pieces) } else { Document::Group(pieces) }
    }

    /// Items up to the closing bracket, with the ends of lines between them.
    pub(super) fn items<T>(
        &mut self,
        close: TokenKind,
        items: &[T],
        mut layout: impl FnMut(&mut Self, &T) -> Vec<Document<'a>>,
    ) -> Items<'a> {
        let mut documents = Vec::new();
        let mut items = items.iter();
        while let Some(kind) = self.kind().filter(|kind| *kind != close) {
            if matches!(kind, TokenKind::NewLine | TokenKind::Comma) {
                documents.extend(self.token());
                continue;
            }
            match items.next() {
                Some(item) => documents.extend(layout(self, item)),
                None => break,
            }
        }
        documents.into()
    }

    /// Items whose commas stay with them.
    pub(super) fn comma_items<T>(
        &mut self,
        close: TokenKind,
        items: &[T],
        mut layout: impl FnMut(&mut Self, &T) -> Document<'a>,
    ) -> Items<'a> {
        let mut left = items.len();
        self.items(close, items, |this, item| {
            left -= 1;
            let document = layout(this, item);
            vec![if left > 0 { Document::Row(vec![document, Document::text(",")]) } else { document }]
        })
    }

    /// `(a, b)` of a call.
    pub(super) fn call(&mut self, arguments: &[Expression]) -> Document<'a> {
        self.brackets(Style::CALL, |this| {
            let mut in_tail = 0;
            let mut left = arguments.len();
            let items = this.comma_items(TokenKind::RightParen, arguments, |this, argument| {
                left -= 1;
                let before = this.breaks;
                let document = this.expression(argument);
                if left > 0 || arguments.len() < 2 || !this.ends_call(argument) {
                    return document;
                }
                in_tail = this.breaks.saturating_sub(before);
                tail(document, argument)
            });
            Items { in_tail, ..items }
        })
    }

    /// Whether an argument, whose tokens are taken, may have several lines at the end of a call on one line: an object or
    /// array, or a lambda with one, without a comment that ends the line of its closing bracket.
    fn ends_call(&self, argument: &Expression) -> bool {
        let body = match &argument.kind {
            ExpressionKind::Lambda { body, .. } => body,
            _ => argument,
        };
        let last = self.at.checked_sub(1).and_then(|last| self.tokens.tokens.get(last));
        let comments = last.map(|token| self.tokens.after(token)).unwrap_or_default();
        matches!(body.kind, ExpressionKind::Object(_) | ExpressionKind::Array(_))
            && !comments.iter().any(|trivia| matches!(trivia.kind, TriviaKind::LineComment))
    }
}

fn tail<'a>(document: Document<'a>, argument: &Expression) -> Document<'a> {
    match document {
        Document::Row(pieces) if !matches!(argument.kind, ExpressionKind::Lambda { .. }) => Document::Tail(pieces),
        Document::Row(mut pieces) => {
            match pieces.pop() {
                Some(Document::Row(body)) => pieces.push(Document::Tail(body)),
                other => pieces.extend(other),
            }
            Document::Row(pieces)
        }
        document => document,
    }
}
