use super::{Parse, Parser, expression::or_error, no_name};
use crate::syntax::{
    ast::{Expression, ExpressionKind, StatementKind},
    token::TokenKind,
};

const LINE: [TokenKind; 1] = [TokenKind::NewLine];

impl Parser<'_> {
    /// After `using`: a file or `none`.
    pub(super) fn using(&mut self) -> StatementKind {
        let path = match self.kind() {
            TokenKind::Identifier => self.recover(false, &LINE, |parser| {
                let span = parser.expect_word("none")?.span;
                Ok(Expression { kind: ExpressionKind::None, span })
            }),
            _ => self.recover(false, &LINE, |parser| parser.file_path("BCP257")),
        };
        let quiet = super::missing(&path);
        let mut config = None;
        if !self.is_any(&[TokenKind::End, TokenKind::NewLine]) {
            config = self.with_clause(quiet, "BCP436", "`with` or a new line is expected here.");
        }
        StatementKind::Using { path: or_error(path), config }
    }

    fn file_path(&mut self, code: &'static str) -> Parse<Expression> {
        let string = self.required_string(code, "The path of a file")?;
        let span = string.span;
        Ok(Expression { kind: ExpressionKind::String(string), span })
    }

    /// After `extends`
    pub(super) fn extends(&mut self) -> StatementKind {
        StatementKind::Extends { path: or_error(self.recover(false, &LINE, |parser| parser.file_path("BCP404"))) }
    }

    /// After `extensionConfig`
    pub(super) fn extension_config(&mut self) -> StatementKind {
        let until = [TokenKind::Identifier, TokenKind::NewLine];
        let alias = self.recover(false, &until, |parser| parser.identifier("BCP202", "an extension"));
        let quiet = super::missing(&alias);
        let config = self.with_clause(quiet, "BCP012", "The word `with` is expected here.");
        StatementKind::ExtensionConfig { alias: alias.unwrap_or_else(no_name), config }
    }
}
