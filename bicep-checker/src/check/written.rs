//! What the language refuses in types and decorators as they are written: unions of anything but literals, arguments that are computed.

use super::{infer::Here, model::decorator_parts, rules::walk, types::Type};
use crate::syntax::ast::{Decorator, Expression, ExpressionKind, TypeExpression, TypeKind};

impl<'a> Here<'_, 'a> {
    pub(super) fn check_written(&self) {
        let model = self.model;
        for one in &model.parameters {
            self.constant(one.decorators);
            one.ty.into_iter().for_each(|ty| self.unions(ty, false));
        }
        for one in &model.variables {
            self.constant(one.decorators);
            one.ty.into_iter().for_each(|ty| self.unions(ty, false));
        }
        for one in &model.outputs {
            self.constant(one.decorators);
            self.unions(one.ty, false);
        }
        for one in &model.aliases {
            self.constant(one.decorators);
            self.unions(one.value, false);
        }
        for one in &model.functions {
            self.constant(one.decorators);
            one.parameters.iter().for_each(|parameter| self.unions(&parameter.ty, false));
            self.unions(one.returns, false);
        }
        model.resources.iter().for_each(|one| self.constant(one.decorators));
        model.modules.iter().for_each(|one| self.constant(one.decorators));
    }

    /// Arguments of decorators are literals.
    fn constant(&self, decorators: &'a [Decorator]) {
        for argument in decorators.iter().filter_map(decorator_parts).flat_map(|(_, arguments)| arguments) {
            let is_computed = walk::any(argument, &mut |one: &Expression| match &one.kind {
                ExpressionKind::Variable(_) | ExpressionKind::Call { .. } | ExpressionKind::MethodCall { .. } => true,
                ExpressionKind::String(text) => text.literal().is_none(),
                ExpressionKind::Binary { .. } | ExpressionKind::Ternary { .. } | ExpressionKind::For(_) => true,
                _ => false,
            });
            if is_computed {
                self.error("BCP032", argument.span, "A decorator takes literals only.");
            }
        }
    }

    /// A union joins literals, of one kind where it is not the type of an array's items.
    fn unions(&self, ty: &'a TypeExpression, is_item: bool) {
        match &ty.kind {
            TypeKind::Union(members) => {
                let mut kinds = Vec::new();
                for member in members {
                    for one in self.written(member).members() {
                        let kind = match one {
                            Type::TextIs(_) => "string",
                            Type::IntIs(_) => "int",
                            Type::BoolIs(_) => "bool",
                            other @ (Type::Text(_) | Type::Int(_) | Type::Bool) => {
                                self.error("BCP293", member.span, format!("A union joins literals, not {other}."));
                                continue;
                            }
                            // Objects are told apart by literals in them, which is not looked into here.
                            _ => continue,
                        };
                        kinds.push(kind);
                    }
                    self.unions(member, true);
                }
                kinds.dedup();
                // The items of an array may be of several kinds.
                if kinds.len() > 1 && !is_item {
                    self.error(
                        "BCP294",
                        ty.span,
                        format!("A union joins literals of one kind, not {}.", kinds.join(", ")),
                    );
                }
            }
            TypeKind::Object(object) => {
                for item in &object.items {
                    self.constant(&item.decorators);
                    self.unions(&item.value, false);
                }
            }
            TypeKind::Tuple(items) => items.iter().for_each(|item| self.unions(&item.value, false)),
            TypeKind::Nullable(inner) | TypeKind::NonNull(inner) | TypeKind::Parenthesized(inner) => {
                self.unions(inner, is_item);
            }
            TypeKind::Array(inner) => self.unions(inner, true),
            _ => {}
        }
    }
}
