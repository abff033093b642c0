//! Types as a file writes them.

use std::rc::Rc;

use super::{Flags, Here, Integers, List, Object, Rest, Symbol, Text, Type, key};
use crate::{
    check::{
        model::decorator,
        types::{Later, Tagged, azure::Known},
    },
    syntax::ast::{
        Decorator, Expression, ExpressionKind, Name, ObjectType, ObjectTypeKey, TypeExpression, TypeKind, UnaryOperator,
    },
};

impl<'c, 'a> Here<'c, 'a> {
    /// The type that is written.
    pub(crate) fn written(&self, ty: &'a TypeExpression) -> Type {
        match &ty.kind {
            TypeKind::Name(name) => self.type_name(name),
            TypeKind::String(text) => text.literal().map_or_else(Type::text, Type::literal),
            TypeKind::Integer(value) => i64::try_from(*value).map_or_else(|_| Type::int(), Type::IntIs),
            TypeKind::Boolean(value) => Type::BoolIs(*value),
            TypeKind::Null => Type::Null,
            TypeKind::Unary { operator, operand } => match (operator, self.written(operand).now()) {
                (UnaryOperator::Minus, Type::IntIs(value)) => Type::IntIs(value.wrapping_neg()),
                (UnaryOperator::Not, Type::BoolIs(value)) => Type::BoolIs(!value),
                _ => Type::Any,
            },
            TypeKind::Nullable(inner) => self.written(inner).or_null(),
            TypeKind::NonNull(inner) => {
                let ty = self.written(inner);
                ty.without_null().unwrap_or(ty)
            }
            TypeKind::Array(inner) => Type::list(self.written(inner)),
            TypeKind::Parenthesized(inner) => self.written(inner),
            TypeKind::Object(object) => Type::Object(Rc::new(self.object_type(object))),
            TypeKind::Tuple(items) => Type::Tuple(
                items.iter().map(|item| self.decorated(self.written(&item.value), &item.decorators, false)).collect(),
            ),
            TypeKind::Union(members) => Type::union(members.iter().map(|member| self.written(member))),
            TypeKind::Property { base, name } => self.type_property(base, name),
            TypeKind::AdditionalProperties(base) => match self.written(base).now() {
                Type::Object(object) => object.rest.as_ref().map_or(Type::Any, |rest| rest.of.clone()),
                _ => Type::Any,
            },
            TypeKind::Items(base) => self.written(base).item().unwrap_or(Type::Any),
            TypeKind::Index { base, index } => match (self.written(base).now(), self.type_of(index)) {
                (Type::Tuple(items), Type::IntIs(at)) => {
                    usize::try_from(at).ok().and_then(|at| items.get(at).cloned()).unwrap_or(Type::Any)
                }
                _ => Type::Any,
            },
            TypeKind::Instantiation { name, arguments, .. } => self.derived(name, arguments),
            TypeKind::Resource(_) | TypeKind::Error => Type::Any,
        }
    }

    fn type_name(&self, name: &Name) -> Type {
        match self.model.named.get(&key(name)) {
            Some(Symbol::Alias(at)) => self.alias(*at),
            Some(Symbol::Import(at)) => match self.imported(*at) {
                Some((there, Symbol::Alias(at))) => there.alias(at),
                _ => Type::Any,
            },
            _ => built_in(&name.text),
        }
    }

    /// A declared type. One that contains itself stands for itself inside.
    fn alias(&self, at: usize) -> Type {
        let Some(alias) = self.model.aliases.get(at) else { return Type::Any };
        if let Some(cell) = self.all.aliases.borrow().get(&(self.at, at)) {
            return cell.get().cloned().unwrap_or_else(|| Type::Later(Later::Alias(Rc::downgrade(cell))));
        }
        let cell: Rc<std::cell::OnceCell<Type>> = Rc::default();
        self.all.aliases.borrow_mut().insert((self.at, at), cell.clone());
        let ty = self.decorated(self.written(alias.value), alias.decorators, false);
        cell.get_or_init(|| ty).clone()
    }

    fn type_property(&self, base: &'a TypeExpression, name: &Name) -> Type {
        if let TypeKind::Name(space) = &base.kind
            && let Some(Symbol::Wildcard(at)) = self.model.named.get(&key(space))
        {
            let there = self.model.wildcards.get(*at).and_then(|wildcard| self.all.file(wildcard.file?));
            return match there.and_then(|there| Some((there, *there.model.names.get(name.text.as_str())?))) {
                Some((there, Symbol::Alias(at))) => there.alias(at),
                Some((there, Symbol::Import(at))) => match there.imported(at) {
                    Some((there, Symbol::Alias(at))) => there.alias(at),
                    _ => Type::Any,
                },
                _ => {
                    self.error("BCP052", name.span, format!("The file exports no type `{}`.", name.text));
                    Type::Any
                }
            };
        }
        if let TypeKind::Name(space) = &base.kind
            && space.text == "sys"
            && !self.model.named.contains_key(&key(space))
        {
            return built_in(&name.text);
        }
        let ty = self.written(base);
        let ty = ty.without_null().unwrap_or(ty).now();
        match ty {
            Type::Object(object) => match object.property(&name.text) {
                Some(property) => property.of.clone(),
                None => {
                    self.error("BCP053", name.span, format!("The type has no property `{}`.", name.text));
                    Type::Any
                }
            },
            _ => Type::Any,
        }
    }

    /// `resourceInput<'T@v'>`: what a resource takes.
    fn derived(&self, name: &Name, arguments: &'a [TypeExpression]) -> Type {
        let [TypeExpression { kind: TypeKind::String(text), span }] = arguments else { return Type::Any };
        let Some((kind, version)) = text.literal().and_then(|text| text.split_once('@')) else { return Type::Any };
        let known = self.all.azure.as_ref().map(|azure| azure.find(kind, version));
        match known {
            Some(Known::Type { body, .. }) if name.text.starts_with("resource") => body,
            Some(Known::Nowhere) => {
                self.warn("BCP081", *span, format!("There is no type {kind} at version {version}."));
                Type::Any
            }
            _ => Type::Any,
        }
    }

    fn object_type(&self, written: &'a ObjectType) -> Object {
        let rest = Some(Rest { of: Type::Any, discouraged: true });
        let mut object = Object { name: "object".to_owned(), rest, ..Object::default() };
        for item in &written.items {
            let ty = self.decorated(self.written(&item.value), &item.decorators, false);
            match &item.key {
                ObjectTypeKey::Named(key) => {
                    if let Some(name) = key.text() {
                        let required = !matches!(item.value.kind, TypeKind::Nullable(_)) && !ty_is_null(&ty);
                        object.set(name, ty, Flags { required, ..Flags::default() });
                    }
                }
                ObjectTypeKey::Any(_) => object.rest = Some(Rest { of: ty, discouraged: false }),
            }
        }
        object
    }

    /// A type with what its decorators add. `loose`: for a parameter.
    pub(crate) fn decorated(&self, ty: Type, decorators: &'a [Decorator], loose: bool) -> Type {
        if decorators.is_empty() && !loose {
            return ty;
        }
        if let Type::Later(_) = ty {
            return ty;
        }
        if let Some(rest) = ty.without_null() {
            return self.decorated(rest, decorators, loose).or_null();
        }
        let number = |name| match decorator(decorators, name)? {
            [value] => literal_number(value),
            _ => None,
        };
        let size = |name| number(name).and_then(|value| u64::try_from(value).ok());
        let secure = decorator(decorators, "secure").is_some();
        let ty = match ty {
            Type::Text(text) => Type::Text(Text {
                least: size("minLength").or(text.least),
                most: size("maxLength").or(text.most),
                secure: secure || text.secure,
                loose: loose || text.loose,
                ..text
            }),
            Type::Int(range) => Type::Int(Integers {
                least: number("minValue").or(range.least),
                most: number("maxValue").or(range.most),
                loose: loose || range.loose,
            }),
            Type::List(list) => Type::List(List {
                least: size("minLength").or(list.least),
                most: size("maxLength").or(list.most),
                ..list
            }),
            Type::Object(object) => {
                let sealed = decorator(decorators, "sealed").is_some();
                let rest = object.rest.clone().filter(|rest| !(sealed && rest.discouraged));
                Type::Object(Rc::new(Object { secure: secure || object.secure, rest, ..(*object).clone() }))
            }
            other => other,
        };
        let ty = match decorator(decorators, "discriminator") {
            Some([tag]) => tagged(&ty, tag).unwrap_or(ty),
            _ => ty,
        };
        match decorator(decorators, "allowed") {
            Some([Expression { kind: ExpressionKind::Array(items), .. }]) if !matches!(ty, Type::List(_)) => {
                let value = |item: &'a crate::syntax::ast::ArrayItem| match item {
                    crate::syntax::ast::ArrayItem::Value(value) => self.type_of(value),
                    crate::syntax::ast::ArrayItem::Spread(..) => Type::Any,
                };
                Type::union(items.iter().map(value))
            }
            _ => ty,
        }
    }
}

fn built_in(name: &str) -> Type {
    match name {
        "string" => Type::text(),
        "int" => Type::int(),
        "bool" => Type::Bool,
        "object" => Type::object(),
        "array" => Type::list(Type::Any),
        _ => Type::Any,
    }
}

fn ty_is_null(ty: &Type) -> bool {
    // A type that is still being worked out cannot be asked; one that contains itself there is not null.
    !matches!(ty, Type::Later(_)) && ty.is_nullable()
}

fn literal_number(value: &Expression) -> Option<i64> {
    match &value.inner().kind {
        ExpressionKind::Integer(value) => i64::try_from(*value).ok(),
        ExpressionKind::Unary { operator: UnaryOperator::Minus, operand } => {
            literal_number(operand).map(i64::wrapping_neg)
        }
        _ => None,
    }
}

/// A union of objects that one property tells apart.
fn tagged(ty: &Type, tag: &Expression) -> Option<Type> {
    let ExpressionKind::String(text) = &tag.kind else { return None };
    let tag = text.literal()?.to_owned();
    let mut shapes = Vec::new();
    for member in ty.members() {
        match member {
            Type::Object(object) => match object.property(&tag)?.of.now() {
                Type::TextIs(value) => shapes.push((value.to_string(), Type::Object(object))),
                _ => return None,
            },
            Type::Tagged(inner) if inner.tag == tag => shapes.extend(inner.shapes.iter().cloned()),
            _ => return None,
        }
    }
    Some(Type::Tagged(Rc::new(Tagged { name: "object".to_owned(), tag, shapes, lenient: false })))
}
