use std::borrow::Cow;

use super::Layout;
use crate::{
    Span,
    format::document::{Document, Line},
    syntax::{
        ast::DirectiveKind,
        token::{Comments, Token, TokenKind, Trivia, TriviaKind},
    },
};

impl<'a> Layout<'a> {
    /// The next token with its comments. Usually one document; none for a comma; several for the end of a line with comments
    /// on it and for a closing bracket behind comments.
    pub(super) fn token(&mut self) -> Vec<Document<'a>> {
        let Some(token) = self.peek() else {
            return Vec::new();
        };
        self.at += 1;
        let text = self.source(token.span);
        match token.kind.comments() {
            Comments::Neither if token.kind == TokenKind::Comma => Vec::new(),
            Comments::Neither => vec![text],
            Comments::Before => self.with_comments_before(token, text),
            Comments::After => {
                let mut documents = self.before(token);
                documents.push(self.with_comments_after(token, Vec::new(), text));
                documents
            }
            Comments::Both => {
                let before = self.before(token);
                vec![self.with_comments_after(token, before, text)]
            }
        }
    }

    /// The next token as one document.
    pub(super) fn word(&mut self) -> Document<'a> {
        let mut documents = self.token();
        match documents.pop() {
            Some(only) if documents.is_empty() => only,
            Some(last) => {
                documents.push(last);
                Document::spread(documents)
            }
            None => Document::text(""),
        }
    }

    /// All tokens of a string as they are, with the comments around it.
    pub(super) fn verbatim(&mut self, span: Span) -> Document<'a> {
        let Some(first) = self.peek() else {
            return Document::text("");
        };
        let before = self.before(first);
        let mut last = first;
        while let Some(token) = self.peek().filter(|token| token.span.start < span.end) {
            last = token;
            self.at += 1;
        }
        let text = self.source(span);
        self.with_comments_after(last, before, text)
    }

    fn with_comments_before(&mut self, token: &Token, text: Document<'a>) -> Vec<Document<'a>> {
        let mut before = self.before(token);
        match token.kind {
            TokenKind::Pipe | TokenKind::End if before.is_empty() => Vec::new(),
            TokenKind::Pipe | TokenKind::End => vec![Document::spread(before)],
            TokenKind::NewLine => {
                let source = token.span.text(self.text);
                let count = source.split("\r\n").map(|piece| piece.matches(['\n', '\r']).count()).sum::<usize>()
                    + source.matches("\r\n").count();
                let line = Document::Line(if count > 1 { Line::Hard } else { Line::Soft });
                if before.is_empty() {
                    return vec![line];
                }
                self.breaks += 1;
                vec![Document::spread(before), line]
            }
            _ if before.is_empty() => vec![text],
            _ => {
                before.push(text);
                vec![Document::spread(before)]
            }
        }
    }

    /// A token between its comments. One that ends the line comes last.
    fn with_comments_after(&mut self, token: &Token, before: Vec<Document<'a>>, text: Document<'a>) -> Document<'a> {
        let mut documents = before;
        documents.push(text);
        let mut suffix = None;
        for trivia in self.tokens.after(token) {
            if matches!(trivia.kind, TriviaKind::LineComment) {
                self.breaks += 1;
                suffix = Some(Document::Suffix(format!(" {}", trivia.span.text(self.text))));
                break;
            }
            documents.push(self.trivia(trivia));
        }
        let whole = match documents.pop() {
            Some(only) if documents.is_empty() => only,
            last => {
                documents.extend(last);
                Document::spread(documents)
            }
        };
        match suffix {
            Some(suffix) => Document::Row(vec![whole, suffix]),
            None => whole,
        }
    }

    /// The comments before a token.
    fn before(&mut self, token: &Token) -> Vec<Document<'a>> {
        let trivia = self.tokens.before(token);
        self.breaks += trivia.iter().filter(|trivia| matches!(trivia.kind, TriviaKind::LineComment)).count();
        trivia.iter().map(|trivia| self.trivia(trivia)).collect()
    }

    fn trivia(&self, trivia: &Trivia) -> Document<'a> {
        let TriviaKind::Directive(directive) = &trivia.kind else {
            return self.source(trivia.span);
        };
        let mut text = match directive.kind {
            DirectiveKind::DisableNextLine => "#disable-next-line",
            DirectiveKind::DisableDiagnostics => "#disable-diagnostics",
            DirectiveKind::RestoreDiagnostics => "#restore-diagnostics",
        }
        .to_owned();
        for code in &directive.codes {
            text.push(' ');
            text.push_str(&code.text);
        }
        Document::Text(Cow::Owned(text))
    }

    /// The source, its lines ending as the formatter's do.
    fn source(&self, span: Span) -> Document<'a> {
        let text = span.text(self.text);
        if text.contains('\r') {
            return Document::Text(Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")));
        }
        Document::text(text)
    }
}
