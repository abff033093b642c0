use super::Lexer;
use crate::{
    Diagnostic, Span,
    syntax::{
        ast::{Directive, DirectiveKind, Name},
        token::{Trivia, TriviaKind},
    },
};

const DIRECTIVES: [(&str, DirectiveKind); 3] = [
    ("#disable-next-line", DirectiveKind::DisableNextLine),
    ("#disable-diagnostics", DirectiveKind::DisableDiagnostics),
    ("#restore-diagnostics", DirectiveKind::RestoreDiagnostics),
];

impl Lexer<'_> {
    /// Passes white space, comments and directives.
    pub(super) fn trivia_before(&mut self) {
        loop {
            self.white_space();
            if !self.comment() && !self.directive() {
                return;
            }
        }
    }

    /// Passes white space, and comments too if the token keeps them.
    pub(super) fn trivia_after(&mut self, comments: bool) {
        self.white_space();
        while comments && self.comment() {
            self.white_space();
        }
    }

    fn white_space(&mut self) {
        self.skip_while(|byte| matches!(byte, b' ' | b'\t'));
    }

    fn comment(&mut self) -> bool {
        let start = self.at;
        let kind = match (self.peek(0), self.peek(1)) {
            (b'/', b'/') => {
                self.skip_while(|byte| !matches!(byte, b'\n' | b'\r'));
                TriviaKind::LineComment
            }
            (b'/', b'*') => {
                let from = self.at + 2;
                match self.text.get(from..).and_then(|rest| rest.find("*/")) {
                    Some(length) => self.at = from + length + 2,
                    None => {
                        self.at = self.text.len();
                        self.error("BCP002", start, "The comment has no end: `*/` is missing.");
                    }
                }
                TriviaKind::BlockComment
            }
            _ => return false,
        };
        self.out.trivia.push(Trivia { kind, span: Span::new(start, self.at) });
        true
    }

    /// A directive stands alone at the start of its line; what follows its codes is a comment or an error.
    fn directive(&mut self) -> bool {
        let start = self.at;
        let rest = &self.text[start..];
        let Some(&(word, kind)) = DIRECTIVES.iter().find(|(word, _)| rest.starts_with(word)) else {
            return false;
        };
        let line = &self.text[..start];
        let line = &line[line.rfind(['\n', '\r']).map_or(0, |end| end + 1)..];
        if !line.trim_start_matches('\u{feff}').trim().is_empty() {
            return false;
        }
        self.at += word.len();
        let mut end = self.at;
        let mut codes = Vec::new();
        loop {
            self.white_space();
            let from = self.at;
            if self.skip_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) == 0 {
                break;
            }
            end = self.at;
            codes.push(Name { text: self.text[from..end].to_owned(), span: Span::new(from, end) });
            if !self.is_at_end() && !matches!(self.peek(0), b' ' | b'\t' | b'\n' | b'\r') {
                break;
            }
        }
        if codes.is_empty() {
            let message = format!("`{word}` names no code: write `{word} CODE1 CODE2`.");
            self.diagnostics.push(Diagnostic::error("BCP226", Span::new(self.at, self.at), message));
        }
        self.at = end;
        let span = Span::new(start, end);
        self.out.trivia.push(Trivia { kind: TriviaKind::Directive(Directive { kind, codes, span }), span });
        true
    }
}
