use super::{Parser, Part, expression::or_error, no_name, types::type_or_error};
use crate::syntax::{
    ast::{FunctionParameter, StatementKind},
    token::{Token, TokenKind},
};

const TO_BODY: [TokenKind; 2] = [TokenKind::NewLine, TokenKind::RightParen];
const TO_NEXT: [TokenKind; 3] = [TokenKind::NewLine, TokenKind::Comma, TokenKind::RightParen];

impl Parser<'_> {
    /// After `func`: `name(a string) string => body`
    pub(super) fn function(&mut self) -> StatementKind {
        let until = [TokenKind::Assign, TokenKind::NewLine];
        let name = self.recover(false, &until, |parser| parser.identifier("BCP015", "a function"));
        let list = self.recover(super::missing(&name), &[TokenKind::NewLine], |parser| {
            parser.parenthesized_list(true, |parser| {
                let name = parser.name_or_gap();
                let ty = type_or_error(parser.recover(false, &TO_NEXT, |parser| parser.declared_type(false)));
                Ok(FunctionParameter { name, ty })
            })
        });
        let quiet = list.is_err();
        let parameters = list.map(|list| list.items.into_iter().flatten().collect()).unwrap_or_default();
        let returns = type_or_error(self.recover(quiet, &TO_BODY, |parser| parser.declared_type(false)));
        let arrow: Part<Token> = if self.is(TokenKind::Arrow) {
            Ok(self.peek())
        } else {
            self.recover(quiet, &TO_BODY, |parser| parser.expect(TokenKind::Arrow, "=>"))
        };
        let body = match arrow {
            Ok(_) => *self.lambda_body(),
            Err(_) => or_error(self.recover(quiet, &TO_BODY, Self::value)),
        };
        StatementKind::Function { name: name.unwrap_or_else(no_name), parameters, returns, body }
    }

    /// The name of a parameter of a function: where it is missing, nothing is passed over.
    fn name_or_gap(&mut self) -> crate::syntax::ast::Name {
        match self.identifier("BCP015", "a parameter") {
            Ok(name) => name,
            Err(fault) => no_name(self.report_gap(fault.code, fault.message)),
        }
    }
}
