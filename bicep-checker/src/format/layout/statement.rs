use super::{Layout, brackets::Style};
use crate::{
    format::document::{Document, Line},
    syntax::{
        ast::{
            Expression, ExpressionKind, ExtensionSpecification, FunctionParameter, ImportItem, ImportItems, Statement,
            StatementKind, StringLiteral, TypeExpression,
        },
        token::TokenKind,
    },
};

impl<'a> Layout<'a> {
    /// A statement behind its decorators.
    pub(super) fn statement(&mut self, statement: &Statement) -> Vec<Document<'a>> {
        let mut documents = self.decorators(&statement.decorators);
        let mut parts = vec![self.word()];
        match &statement.kind {
            StatementKind::TargetScope(value) => self.assigned(&mut parts, value),
            StatementKind::Metadata { value, .. }
            | StatementKind::Assert { value, .. }
            | StatementKind::ParameterAssignment { value, .. } => {
                parts.push(self.word());
                self.assigned(&mut parts, value);
            }
            StatementKind::Parameter { ty, default, .. } => {
                parts.push(self.word());
                parts.extend(ty.as_ref().map(|ty| self.type_expression(ty)));
                if let Some(value) = default {
                    self.assigned(&mut parts, value);
                }
            }
            StatementKind::Variable { ty, value, .. } => {
                parts.push(self.word());
                parts.extend(ty.as_ref().map(|ty| self.type_expression(ty)));
                self.assigned(&mut parts, value);
            }
            StatementKind::Output { ty, value, .. } => {
                parts.push(self.word());
                parts.push(self.type_expression(ty));
                self.assigned(&mut parts, value);
            }
            StatementKind::Type { value, .. } => {
                parts.push(self.word());
                parts.push(self.word());
                parts.push(self.type_expression(value));
            }
            StatementKind::Resource(resource) => {
                self.named_string(&mut parts, &resource.ty);
                if resource.existing.is_some() {
                    parts.push(self.word());
                }
                self.deployed(&mut parts, &resource.value);
            }
            StatementKind::Module { path, value, .. } | StatementKind::Test { path, value, .. } => {
                self.named_string(&mut parts, path);
                self.deployed(&mut parts, value);
            }
            StatementKind::Function { parameters, returns, body, .. } => {
                parts.push(self.function(parameters, returns, body));
            }
            StatementKind::Import { items, path } => {
                parts.push(self.import_items(items));
                self.named_string(&mut parts, path);
            }
            StatementKind::Extension { specification, config, alias } => {
                parts.push(match specification {
                    ExtensionSpecification::Name(_) => self.word(),
                    ExtensionSpecification::Reference(string) => self.verbatim(string.span),
                });
                self.with(&mut parts, config.as_ref());
                if alias.is_some() {
                    if config.is_none() {
                        // Two spaces before `as`: the compiler sets the missing `with` as an empty word.
                        parts.push(Document::text(""));
                    }
                    parts.push(self.word());
                    parts.push(self.word());
                }
            }
            StatementKind::ExtensionConfig { config, .. } => {
                parts.push(self.word());
                self.with(&mut parts, config.as_ref());
            }
            StatementKind::Using { path, config } => {
                parts.push(self.expression(path));
                self.with(&mut parts, config.as_ref());
            }
            StatementKind::Extends { path } => parts.push(self.expression(path)),
            StatementKind::Error => {}
        }
        documents.push(Document::spread(parts));
        documents
    }

    /// `= value`
    fn assigned(&mut self, parts: &mut Vec<Document<'a>>, value: &Expression) {
        parts.push(self.word());
        parts.push(self.expression(value));
    }

    /// A name, or the word `from`, and a string.
    fn named_string(&mut self, parts: &mut Vec<Document<'a>>, string: &StringLiteral) {
        parts.push(self.word());
        parts.push(self.verbatim(string.span));
    }

    /// `with { … }`
    fn with(&mut self, parts: &mut Vec<Document<'a>>, config: Option<&Expression>) {
        if let Some(config) = config {
            self.assigned(parts, config);
        }
    }

    /// `= value` of a resource or module: lines may end before `if`, which is undone unless comments stand there.
    fn deployed(&mut self, parts: &mut Vec<Document<'a>>, value: &Expression) {
        parts.push(self.word());
        if matches!(value.kind, ExpressionKind::If { .. }) && self.lines_have_comments() {
            parts.push(self.indented(Some(Line::OrNothing), |this| {
                let mut pieces = this.lines();
                pieces.push(this.expression(value));
                pieces
            }));
            return;
        }
        self.lines();
        parts.push(self.expression(value));
    }

    /// `name(a string) string => body`
    fn function(
        &mut self,
        parameters: &[FunctionParameter],
        returns: &TypeExpression,
        body: &Expression,
    ) -> Document<'a> {
        let name = self.word();
        let parameters = self.brackets(Style::VARIABLES, |this| {
            this.comma_items(TokenKind::RightParen, parameters, |this, parameter| {
                Document::spread(vec![this.word(), this.type_expression(&parameter.ty)])
            })
        });
        let mut parts = vec![parameters, self.type_expression(returns)];
        // The arrow's own comments are none, so what is asked about the lines behind it can be asked before it is taken.
        self.at += 1;
        let stays = self.stays_behind_arrow(body);
        self.at -= 1;
        if stays {
            parts.push(self.word());
            self.lines();
            parts.push(self.expression(body));
        } else {
            parts.push(self.indented(None, |this| {
                let mut pieces = vec![this.word()];
                pieces.extend(this.lines());
                pieces.push(this.expression(body));
                pieces
            }));
        }
        Document::Row(vec![name, Document::spread(parts)])
    }

    fn import_items(&mut self, items: &ImportItems) -> Document<'a> {
        match items {
            ImportItems::List(items, _) => self.brackets(Style::OBJECT, |this| {
                this.items(TokenKind::RightBrace, items, |this, item| vec![this.import_item(item)])
            }),
            ImportItems::Wildcard(_) => Document::spread(vec![self.word(), self.word(), self.word()]),
            ImportItems::Error(_) => self.word(),
        }
    }

    fn import_item(&mut self, item: &ImportItem) -> Document<'a> {
        let mut parts = vec![self.word()];
        if item.alias.is_some() {
            parts.push(self.word());
            parts.push(self.word());
        }
        Document::spread(parts)
    }
}
