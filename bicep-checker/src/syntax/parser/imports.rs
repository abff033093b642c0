use super::{Parse, Parser, Skipped, no_name};
use crate::syntax::{
    ast::{
        Expression, ExpressionKind, ExtensionSpecification, ImportItem, ImportItems, Name, StatementKind, StringLiteral,
    },
    token::TokenKind,
};

const LINE: [TokenKind; 1] = [TokenKind::NewLine];

/// The string in a gap.
pub(super) fn no_string(skipped: Skipped) -> StringLiteral {
    StringLiteral { parts: Vec::new(), multiline: false, span: skipped.0 }
}

impl Parser<'_> {
    /// After `import`: from a file, or (with a string) the old way to write `extension`.
    pub(super) fn import(&mut self, may_be_extension: bool) -> StatementKind {
        if may_be_extension && self.is_any(&[TokenKind::String, TokenKind::StringStart]) {
            return self.extension();
        }
        let items = match self.kind() {
            TokenKind::LeftBrace => match self.recover(false, &LINE, Self::import_list) {
                Ok(items) => items,
                Err(skipped) => ImportItems::Error(skipped.0),
            },
            TokenKind::Asterisk => match self.recover(false, &LINE, Self::wildcard) {
                Ok(name) => ImportItems::Wildcard(name),
                Err(skipped) => ImportItems::Error(skipped.0),
            },
            TokenKind::End | TokenKind::NewLine | TokenKind::Identifier => {
                ImportItems::Error(self.report_gap("BCP354", "`{` or `*` is expected here.").0)
            }
            _ => {
                let span = self.read().span;
                self.report("BCP354", span, "`{` or `*` is expected here.");
                ImportItems::Error(span)
            }
        };
        let path = self.recover(false, &LINE, |parser| {
            parser.expect_word("from")?;
            Ok(parser.recover(false, &LINE, |parser| parser.required_string("BCP097", "The path of a file")))
        });
        StatementKind::Import { items, path: path.and_then(|path| path).unwrap_or_else(no_string) }
    }

    fn import_list(&mut self) -> Parse<ImportItems> {
        let start = self.peek().span;
        let brackets = ((TokenKind::LeftBrace, "{"), (TokenKind::RightBrace, "}"));
        let items = self.bracketed(brackets.0, brackets.1, Self::import_item)?;
        Ok(ImportItems::List(items.into_iter().flatten().collect(), self.since(start)))
    }

    /// `a`, `a as b`, `'a' as b`
    fn import_item(&mut self) -> Option<ImportItem> {
        let token = self.peek();
        let mut quoted = false;
        let name = match token.kind {
            TokenKind::Identifier => {
                self.read();
                Some(self.name_of(token))
            }
            TokenKind::String | TokenKind::StringStart => {
                quoted = true;
                let string = self.string().ok();
                let literal = string.as_ref().and_then(StringLiteral::literal);
                if string.is_some() && literal.is_none() {
                    self.report("BCP032", self.since(token.span), "Nothing may be interpolated here.");
                }
                literal.map(|text| Name { text: text.to_owned(), span: self.since(token.span) })
            }
            _ => {
                self.read();
                self.report("BCP355", token.span, "The name of something exported is expected here.");
                None
            }
        };
        let mut alias = None;
        if self.take_word("as").is_some() {
            let until = [TokenKind::Comma, TokenKind::NewLine];
            let part = self.recover(false, &until, |parser| parser.identifier("BCP325", "an import"));
            alias = Some(part.unwrap_or_else(no_name));
        }
        if quoted && alias.is_none() && name.is_some() {
            self.report("BCP375", token.span, "A name in quotes needs `as` and another name.");
        }
        Some(ImportItem { name: name?, alias })
    }

    /// `* as name`
    fn wildcard(&mut self) -> Parse<Name> {
        self.read();
        self.expect_word("as")?;
        self.identifier("BCP356", "a namespace")
    }

    /// After `extension`
    pub(super) fn extension(&mut self) -> StatementKind {
        let token = self.peek();
        let specification = if token.kind == TokenKind::Identifier {
            self.read();
            Ok(ExtensionSpecification::Name(self.name_of(token)))
        } else {
            let string = |parser: &mut Self| parser.required_string("BCP201", "An extension");
            self.recover(false, &LINE, string).map(ExtensionSpecification::Reference)
        };
        let quiet = super::missing(&specification);
        let ends = |parser: &Self| parser.is_any(&[TokenKind::End, TokenKind::NewLine]);
        let mut config = None;
        if !ends(self) && !self.at_word("as") {
            config = self.with_clause(quiet, "BCP305", "`with`, `as` or a new line is expected here.");
        }
        let mut alias = None;
        if !ends(self) {
            let part = self.recover(quiet, &LINE, |parser| {
                if parser.take_word("as").is_none() {
                    return Err(parser.failure("BCP305", "`with`, `as` or a new line is expected here."));
                }
                parser.identifier("BCP202", "the extension")
            });
            alias = Some(part.unwrap_or_else(no_name));
        }
        let missing = |skipped| ExtensionSpecification::Reference(no_string(skipped));
        StatementKind::Extension { specification: specification.unwrap_or_else(missing), config, alias }
    }

    /// `with { … }`
    pub(super) fn with_clause(&mut self, quiet: bool, code: &'static str, message: &str) -> Option<Expression> {
        let object = self.recover(quiet, &LINE, |parser| {
            if parser.take_word("with").is_none() {
                return Err(parser.failure(code, message));
            }
            parser.object_expression(super::Allow::ALL)
        });
        Some(object.unwrap_or_else(|skipped| Expression { kind: ExpressionKind::Error, span: skipped.0 }))
    }
}
