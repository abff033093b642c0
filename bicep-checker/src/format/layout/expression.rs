use super::{Layout, brackets::Style};
use crate::{
    format::document::{Document, Line},
    syntax::{
        ast::{
            ArrayItem, Decorator, Expression, ExpressionKind, For, Key, Object, ObjectItem, Property, UnaryOperator,
        },
        token::TokenKind,
    },
};

impl<'a> Layout<'a> {
    pub(super) fn expression(&mut self, expression: &Expression) -> Document<'a> {
        match &expression.kind {
            ExpressionKind::Null
            | ExpressionKind::None
            | ExpressionKind::Boolean(_)
            | ExpressionKind::Integer(_)
            | ExpressionKind::Variable(_)
            | ExpressionKind::Error => self.word(),
            ExpressionKind::String(string) => self.verbatim(string.span),
            ExpressionKind::Object(object) => self.object(object),
            ExpressionKind::Array(items) => self.brackets(Style::ARRAY, |this| {
                this.items(TokenKind::RightSquare, items, |this, item| vec![this.array_item(item)])
            }),
            ExpressionKind::For(each) => self.for_expression(each),
            ExpressionKind::If { condition, body } => {
                Document::spread(vec![self.word(), self.expression(condition), self.expression(body)])
            }
            ExpressionKind::Parenthesized(inner) => {
                Document::Row(vec![self.word(), self.expression(inner), self.word()])
            }
            ExpressionKind::Ternary { condition, then, otherwise } => self.ternary(condition, then, otherwise),
            ExpressionKind::Binary { left, right, .. } => {
                Document::spread(vec![self.expression(left), self.word(), self.expression(right)])
            }
            ExpressionKind::Unary { operator, operand } => {
                debug_assert!(*operator != UnaryOperator::Plus, "the parser knows no plus before a value");
                Document::Row(vec![self.word(), self.expression(operand)])
            }
            ExpressionKind::Call { arguments, .. } => Document::Row(vec![self.word(), self.call(arguments)]),
            ExpressionKind::MethodCall { base, arguments, .. } => {
                Document::Row(vec![self.expression(base), self.word(), self.word(), self.call(arguments)])
            }
            ExpressionKind::Property { base, safe, .. } => self.access(base, if *safe { 3 } else { 2 }),
            ExpressionKind::NestedResource { base, .. } => self.access(base, 2),
            ExpressionKind::NonNull(base) => self.access(base, 1),
            ExpressionKind::Index { base, index, safe, from_end } => {
                let mut row = vec![self.expression(base)];
                for _ in 0..1 + usize::from(*safe) + usize::from(*from_end) {
                    row.push(self.word());
                }
                row.push(self.expression(index));
                row.push(self.word());
                Document::Row(row)
            }
            ExpressionKind::Lambda { parameters, parenthesized, body } => {
                let variables = if *parenthesized {
                    self.brackets(Style::VARIABLES, |this| {
                        this.comma_items(TokenKind::RightParen, parameters, |this, _| this.word())
                    })
                } else {
                    self.word()
                };
                let arrow = self.word();
                Document::spread(vec![variables, arrow, self.lambda_body(body)])
            }
        }
    }

    /// What is accessed, and that many tokens after it.
    fn access(&mut self, base: &Expression, tokens: usize) -> Document<'a> {
        let mut row = vec![self.expression(base)];
        for _ in 0..tokens {
            row.push(self.word());
        }
        Document::Row(row)
    }

    /// Behind `=>`: on the same line, or on the next if it does not fit.
    fn lambda_body(&mut self, body: &Expression) -> Document<'a> {
        if self.stays_behind_arrow(body) {
            self.lines();
            return self.expression(body);
        }
        self.indented(Some(Line::OrNothing), |this| {
            let mut pieces = this.lines();
            pieces.push(this.expression(body));
            pieces
        })
    }

    /// Whether a body is an object or array, which break by themselves, with no comment before it.
    pub(super) fn stays_behind_arrow(&self, body: &Expression) -> bool {
        matches!(body.kind, ExpressionKind::Object(_) | ExpressionKind::Array(_)) && !self.lines_have_comments()
    }

    fn ternary(&mut self, condition: &Expression, then: &Expression, otherwise: &Expression) -> Document<'a> {
        self.indented(None, |this| {
            let mut pieces = vec![this.expression(condition)];
            for branch in [then, otherwise] {
                pieces.extend(this.lines());
                let sign = this.word();
                let branch = Document::Indent(vec![this.expression(branch)]);
                pieces.push(Document::spread(vec![sign, branch]));
            }
            pieces
        })
    }

    fn for_expression(&mut self, each: &For) -> Document<'a> {
        self.brackets(Style::LOOP, |this| {
            let mut pieces = this.lines();
            let word = this.word();
            let variables = match &each.index {
                // A line may not end between the two, so they stay on one.
                Some(index) => {
                    let variables = [&each.item, index];
                    let variables = this.brackets(Style::VARIABLES, |this| {
                        this.comma_items(TokenKind::RightParen, &variables, |this, _| this.word())
                    });
                    on_one_line(variables)
                }
                None => this.word(),
            };
            let in_word = this.word();
            let list = this.expression(&each.list);
            let list = Document::Row(vec![list, this.word()]);
            pieces.push(Document::spread(vec![word, variables, in_word, list, this.expression(&each.body)]));
            pieces.extend(this.lines());
            pieces.into()
        })
    }

    fn array_item(&mut self, item: &ArrayItem) -> Document<'a> {
        match item {
            ArrayItem::Value(value) => self.expression(value),
            ArrayItem::Spread(value, _) => Document::Row(vec![self.word(), self.expression(value)]),
        }
    }

    fn object(&mut self, object: &Object) -> Document<'a> {
        self.brackets(Style::OBJECT, |this| {
            this.items(TokenKind::RightBrace, &object.items, |this, item| match item {
                ObjectItem::Property(property) => vec![this.property(property)],
                ObjectItem::Spread(value, _) => vec![Document::Row(vec![this.word(), this.expression(value)])],
                ObjectItem::Resource(resource) => this.statement(resource),
                ObjectItem::Error(_) => vec![this.word()],
            })
        })
    }

    fn property(&mut self, property: &Property) -> Document<'a> {
        let key = self.key(&property.key);
        Document::spread(vec![Document::Row(vec![key, self.word()]), self.expression(&property.value)])
    }

    pub(super) fn key(&mut self, key: &Key) -> Document<'a> {
        match key {
            Key::Name(_) => self.word(),
            Key::String(string) => self.verbatim(string.span),
        }
    }

    /// Decorators and the comments between them, without blank lines.
    pub(super) fn decorators(&mut self, decorators: &[Decorator]) -> Vec<Document<'a>> {
        let mut documents = Vec::new();
        for decorator in decorators {
            let at = self.word();
            documents.push(Document::Row(vec![at, self.expression(&decorator.expression)]));
            documents.extend(self.lines());
        }
        documents.retain(|document| !document.is_line());
        documents
    }
}

/// A group without its choice.
pub(super) fn on_one_line(document: Document<'_>) -> Document<'_> {
    if !matches!(document, Document::Group(_)) {
        return document;
    }
    let mut row = Vec::new();
    document.flatten(&mut row);
    Document::Row(row)
}
