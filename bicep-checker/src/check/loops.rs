//! Where loops may stand, and whole lists of resources: the template language has loops only in some places.

use super::{
    infer::Here,
    model::{Local, Symbol},
    rules::walk,
};
use crate::syntax::ast::{ArrayItem, Expression, ExpressionKind, Key, ObjectItem};

/// What an expression stands in.
#[derive(Clone, Copy)]
struct Surroundings {
    declaration: Declaration,
    /// It is the value of the declaration itself.
    top: bool,
    /// It is the value of a property, reached through objects and arrays only.
    property: bool,
    /// Only objects and arrays are around it.
    plain: bool,
    /// Loops in properties around it.
    properties: usize,
    loops: usize,
    /// In `properties` of a resource or `params` of a module.
    inside: bool,
    depends_on: bool,
    /// What is around it picks a part of it.
    picked: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Declaration {
    Deployed,
    Output,
    Variable,
    Assignment,
    Other,
}

impl<'a> Here<'_, 'a> {
    pub(super) fn check_loops(&self) {
        let model = self.model;
        let place = |declaration| Surroundings {
            declaration,
            top: true,
            property: false,
            plain: true,
            properties: 0,
            loops: 0,
            inside: false,
            depends_on: false,
            picked: false,
        };
        model.resources.iter().for_each(|one| self.look(&one.declared.value, place(Declaration::Deployed)));
        model.modules.iter().for_each(|one| self.look(one.value, place(Declaration::Deployed)));
        model.outputs.iter().for_each(|one| self.look(one.value, place(Declaration::Output)));
        model.variables.iter().for_each(|one| self.look(one.value, place(Declaration::Variable)));
        model.assignments.iter().for_each(|one| self.look(one.value, place(Declaration::Assignment)));
        let others = model.parameters.iter().filter_map(|one| one.default);
        others
            .chain(model.functions.iter().map(|one| one.body))
            .for_each(|one| self.look(one, place(Declaration::Other)));
    }

    fn look(&self, value: &'a Expression, place: Surroundings) {
        let inner = Surroundings { top: false, property: false, plain: false, picked: false, ..place };
        match &value.kind {
            ExpressionKind::For(each) => {
                let properties = self.check_loop_place(value, place);
                let loops = place.loops + 1;
                self.look(&each.list, Surroundings { loops, ..inner });
                self.look(&each.body, Surroundings { loops, properties, plain: place.plain, top: false, ..place });
            }
            ExpressionKind::If { condition, body } => {
                self.look(condition, inner);
                self.look(body, Surroundings { top: false, ..place });
            }
            ExpressionKind::Object(object) => {
                let is_body =
                    place.declaration == Declaration::Deployed && place.plain && !place.property && !place.inside;
                for item in &object.items {
                    match item {
                        ObjectItem::Property(property) => {
                            let name = property.key.text();
                            let is_computed = matches!(&property.key, Key::String(text) if text.literal().is_none());
                            if is_computed && matches!(property.value.kind, ExpressionKind::For(_)) {
                                self.error(
                                    "BCP143",
                                    property.key.span(),
                                    "A property with a computed name takes no loop.",
                                );
                            }
                            let place = Surroundings {
                                property: true,
                                plain: place.plain,
                                inside: place.inside || (is_body && matches!(name, Some("properties" | "params"))),
                                depends_on: place.depends_on || (is_body && name == Some("dependsOn")),
                                ..inner
                            };
                            self.look(&property.value, place);
                        }
                        ObjectItem::Spread(value, _) => self.look(value, inner),
                        ObjectItem::Resource(_) | ObjectItem::Error(_) => {}
                    }
                }
            }
            ExpressionKind::Array(items) => {
                for item in items {
                    let (ArrayItem::Value(item) | ArrayItem::Spread(item, _)) = item;
                    self.look(item, Surroundings { plain: place.plain, property: place.property, ..inner });
                }
            }
            ExpressionKind::Parenthesized(all) => self.look(all, Surroundings { picked: place.picked, ..inner }),
            ExpressionKind::Property { base, .. } => self.look(base, Surroundings { picked: true, ..inner }),
            ExpressionKind::Index { base, index, .. } => {
                self.check_lambda_index(base, index);
                self.look(base, Surroundings { picked: true, ..inner });
                self.look(index, inner);
            }
            ExpressionKind::Variable(_) => self.check_whole_list(value, place),
            ExpressionKind::Call { name, .. } if name.text == "nameof" => {}
            _ => walk::children(value).into_iter().for_each(|child| self.look(child, inner)),
        }
    }

    /// Reports a loop where none may stand; gives the number of property loops around its body.
    fn check_loop_place(&self, value: &Expression, place: Surroundings) -> usize {
        let refused = match place.declaration {
            _ if place.top => false,
            Declaration::Deployed => {
                let is_value = place.property && place.plain;
                if is_value && place.properties > 0 {
                    self.error("BCP142", value.span, "A loop in a property holds no other such loop: use `map`.");
                }
                if is_value {
                    return place.properties + 1;
                }
                true
            }
            Declaration::Output | Declaration::Variable | Declaration::Assignment | Declaration::Other => true,
        };
        if refused || (place.top && place.declaration == Declaration::Other) {
            self.error("BCP138", value.span, "No loop can stand here: use `map`, and `flatten(map(…))` for two.");
        }
        place.properties
    }

    /// A list of resources or modules as a whole, which most places cannot take.
    fn check_whole_list(&self, value: &Expression, place: Surroundings) {
        let Some(symbol @ (Symbol::Resource(_) | Symbol::Module(_))) = self.model.symbol(value) else { return };
        let is_value = matches!(place.declaration, Declaration::Output | Declaration::Variable);
        let is_taken = place.loops == 0 && (place.inside || is_value);
        if self.is_many(symbol) && !place.picked && !place.depends_on && !is_taken {
            self.error("BCP144", value.span, "A resource or module in a loop is reached by its index, `x[i]`.");
        }
    }

    /// A resource of a loop cannot be chosen by the parameter of a lambda.
    fn check_lambda_index(&self, base: &Expression, index: &Expression) {
        let deployed = matches!(self.model.symbol(base), Some(Symbol::Resource(_) | Symbol::Module(_)));
        let by_lambda = walk::any(index, &mut |one| match self.model.symbol(one) {
            Some(Symbol::Local(at)) => matches!(self.model.locals.get(at), Some(Local::Lambda(_))),
            _ => false,
        });
        if deployed && by_lambda {
            self.error("BCP247", index.span, "The parameter of a lambda cannot choose a resource or module.");
        }
    }
}
