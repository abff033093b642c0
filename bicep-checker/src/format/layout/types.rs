use super::{Layout, brackets::Style, expression::on_one_line};
use crate::{
    format::document::{Document, Line},
    syntax::{
        ast::{ObjectTypeItem, ObjectTypeKey, TypeExpression, TypeKind},
        token::TokenKind,
    },
};

impl<'a> Layout<'a> {
    pub(super) fn type_expression(&mut self, ty: &TypeExpression) -> Document<'a> {
        match &ty.kind {
            TypeKind::Name(_) | TypeKind::Integer(_) | TypeKind::Boolean(_) | TypeKind::Null | TypeKind::Error => {
                self.word()
            }
            TypeKind::String(string) => self.verbatim(string.span),
            TypeKind::Unary { operand, .. } => Document::Row(vec![self.word(), self.type_expression(operand)]),
            TypeKind::Nullable(base) | TypeKind::NonNull(base) => self.type_access(base, 1),
            TypeKind::Array(base) | TypeKind::Property { base, .. } | TypeKind::AdditionalProperties(base) => {
                self.type_access(base, 2)
            }
            TypeKind::Items(base) => self.type_access(base, 3),
            TypeKind::Object(object) => self.brackets(Style::OBJECT, |this| {
                this.items(TokenKind::RightBrace, &object.items, Self::object_type_item)
            }),
            TypeKind::Tuple(items) => self.brackets(Style::TUPLE, |this| {
                this.items(TokenKind::RightSquare, items, |this, item| {
                    let mut documents = this.decorators(&item.decorators);
                    documents.push(this.type_expression(&item.value));
                    documents
                })
            }),
            TypeKind::Union(members) => self.union(members),
            TypeKind::Parenthesized(inner) => {
                Document::Row(vec![self.word(), self.type_expression(inner), self.word()])
            }
            TypeKind::Index { base, index } => {
                let base = self.type_expression(base);
                Document::Row(vec![base, self.word(), self.expression(index), self.word()])
            }
            TypeKind::Instantiation { base, arguments, .. } => {
                let mut row = Vec::new();
                if let Some(base) = base {
                    row.push(self.type_expression(base));
                    row.push(self.word());
                }
                row.push(self.word());
                let style = Style { keep_lines: true, ..Style::VARIABLES };
                let arguments =
                    self.brackets(style, |this| this.comma_items(TokenKind::Greater, arguments, Self::type_expression));
                // Easier to read on one line, however long.
                row.push(on_one_line(arguments));
                Document::Row(row)
            }
            TypeKind::Resource(string) => {
                let mut row = vec![self.word()];
                row.extend(string.as_ref().map(|string| self.verbatim(string.span)));
                Document::Row(row)
            }
        }
    }

    fn type_access(&mut self, base: &TypeExpression, tokens: usize) -> Document<'a> {
        let mut row = vec![self.type_expression(base)];
        for _ in 0..tokens {
            row.push(self.word());
        }
        Document::Row(row)
    }

    fn object_type_item(&mut self, item: &ObjectTypeItem) -> Vec<Document<'a>> {
        let mut documents = self.decorators(&item.decorators);
        let key = match &item.key {
            ObjectTypeKey::Named(key) => self.key(key),
            ObjectTypeKey::Any(_) => self.word(),
        };
        let key = Document::Row(vec![key, self.word()]);
        documents.push(Document::spread(vec![key, self.type_expression(&item.value)]));
        documents
    }

    /// `a | b`, or each member behind a `|` on a line of its own.
    fn union(&mut self, members: &[TypeExpression]) -> Document<'a> {
        self.indented(Some(Line::OrNothing), |this| {
            let mut pieces = Vec::new();
            for (at, member) in members.iter().enumerate() {
                pieces.extend(this.lines());
                if this.is(TokenKind::Pipe) {
                    pieces.extend(this.token());
                }
                let bar = if at == 0 { Document::WhenBroken("| ") } else { Document::text("| ") };
                pieces.push(Document::Row(vec![bar, this.type_expression(member)]));
            }
            pieces
        })
    }
}
