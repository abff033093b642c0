//! Calls of functions.

use super::{
    Expression, ExpressionKind, Here, Symbol, Text, Type, assignable, assignable_without_null,
    functions::{self, Function, Gives},
    key,
};
use crate::{Span, syntax::ast::Name};

impl<'a> Here<'_, 'a> {
    pub(super) fn call(&self, name: &'a Name, arguments: &'a [Expression], call: &'a Expression) -> Type {
        match self.model.named.get(&key(name)) {
            Some(Symbol::Function(at)) => self.own_function(*self, *at, arguments, call.span),
            Some(Symbol::Import(at)) => match self.imported(*at) {
                Some((there, Symbol::Function(at))) => self.own_function(there, at, arguments, call.span),
                Some(_) => {
                    self.error("BCP059", name.span, format!("`{}` is no function.", name.text));
                    self.look_at(arguments)
                }
                None => self.look_at(arguments),
            },
            _ => match functions::find(&name.text) {
                // Unknown functions, and names of other things, were reported where names are resolved.
                Some(function) if !self.model.names.contains_key(name.text.as_str()) => {
                    self.built_in(function, arguments, call.span)
                }
                _ => self.look_at(arguments),
            },
        }
    }

    /// `x.f()`: of a namespace, of a file that was imported whole, or of a resource.
    pub(super) fn method(
        &self,
        base: &'a Expression,
        name: &'a Name,
        arguments: &'a [Expression],
        call: &'a Expression,
    ) -> Type {
        match self.model.symbol(base) {
            Some(Symbol::Namespace(space)) => match functions::find(&name.text).filter(|found| found.space == space) {
                Some(function) => self.built_in(function, arguments, call.span),
                None => {
                    let message = format!("`{space}` has no function `{}`.", name.text);
                    self.error("BCP107", name.span, message);
                    self.look_at(arguments)
                }
            },
            Some(Symbol::Wildcard(at)) => {
                let there = self.model.wildcards.get(at).and_then(|wildcard| self.all.file(wildcard.file?));
                match there.and_then(|there| Some((there, *there.model.names.get(name.text.as_str())?))) {
                    Some((there, Symbol::Function(at))) => self.own_function(there, at, arguments, call.span),
                    _ => {
                        self.error("BCP107", name.span, format!("The file exports no function `{}`.", name.text));
                        self.look_at(arguments)
                    }
                }
            }
            _ => {
                let ty = self.type_of(base);
                self.look_at(arguments);
                match ty {
                    Type::Resource(resource) if name.text == "getSecret" => {
                        if !resource.kind.eq_ignore_ascii_case("Microsoft.KeyVault/vaults") {
                            self.error("BCP109", name.span, "Only a key vault has `getSecret`.");
                        }
                        Type::Text(Text { secure: true, loose: true, ..Text::default() })
                    }
                    Type::Resource(_) if name.text.starts_with("list") => Type::Any,
                    Type::Any => Type::Any,
                    other => {
                        self.error("BCP109", name.span, format!("{other} has no function `{}`.", name.text));
                        Type::Any
                    }
                }
            }
        }
    }

    /// Looks at arguments of a call that is not understood.
    fn look_at(&self, arguments: &'a [Expression]) -> Type {
        for argument in arguments {
            self.type_of(argument);
        }
        Type::Any
    }

    fn own_function(&self, there: Here<'_, 'a>, at: usize, arguments: &'a [Expression], span: Span) -> Type {
        let Some(function) = there.model.functions.get(at) else { return Type::Any };
        let (want, have) = (function.parameters.len(), arguments.len());
        if want != have {
            self.error("BCP071", span, format!("`{}` takes {want} arguments, not {have}.", function.name.text));
            return self.look_at(arguments);
        }
        for (parameter, argument) in function.parameters.iter().zip(arguments) {
            self.expect(argument, &there.written(&parameter.ty));
        }
        there.decorated(there.written(function.returns), function.decorators, false)
    }

    /// Reports an argument that is not of the type.
    fn expect(&self, argument: &'a Expression, wanted: &Type) {
        let ty = self.type_of(argument);
        if assignable(&ty, wanted) {
            return;
        }
        match assignable_without_null(&ty, wanted) {
            Some(_) => self.warn("BCP321", argument.span, format!("{wanted} is needed, {ty} may be null.")),
            None => self.error("BCP070", argument.span, format!("{wanted} is needed, not {ty}.")),
        }
    }

    fn built_in(&self, function: &'static Function, arguments: &'a [Expression], span: Span) -> Type {
        let count = arguments.len();
        if count < function.least || function.most.is_some_and(|most| count > most) {
            let wanted = match function.most {
                Some(most) if most == function.least => most.to_string(),
                Some(most) => format!("{} to {most}", function.least),
                None => format!("at least {}", function.least),
            };
            self.error("BCP071", span, format!("`{}` takes {wanted} arguments, not {count}.", function.name));
            return self.look_at(arguments);
        }
        // A lambda's parameters get their types from the arguments before it.
        let mut types: Vec<Type> = Vec::with_capacity(count);
        for (at, argument) in arguments.iter().enumerate() {
            let letter = function.argument(at);
            if letter == 'l' {
                self.give(function, argument, &types);
            }
            let wanted = match letter {
                's' => Some(Type::text()),
                'i' => Some(Type::int()),
                'a' => Some(Type::list(Type::Any)),
                'o' => Some(Type::object()),
                _ => None,
            };
            match wanted {
                Some(wanted) => self.expect(argument, &wanted),
                None if letter == 'l' && !matches!(argument.inner().kind, ExpressionKind::Lambda { .. }) => {
                    self.error("BCP070", argument.span, format!("`{}` needs a lambda here.", function.name));
                }
                None => {}
            }
            let ty = self.type_of(argument);
            let wanted = match (function.name, at) {
                ("filter" | "sort", _) => Type::Bool,
                ("toObject" | "groupBy", 1) => Type::text(),
                _ => Type::Any,
            };
            if let Type::Lambda(_, result) = &ty
                && !assignable(result, &wanted)
            {
                let message = format!("The lambda of `{}` gives {wanted}, not {result}.", function.name);
                self.error("BCP070", argument.span, message);
            }
            types.push(ty);
        }
        self.check_mixed(function.name, arguments, &types);
        match function.gives {
            Gives::Any => Type::Any,
            Gives::Text => Type::text(),
            Gives::Exactly(length) => Type::text_of(length, Some(length)),
            Gives::Int => Type::int(),
            Gives::Bool => Type::Bool,
            Gives::Object => Type::object(),
            Gives::List => Type::list(Type::Any),
            Gives::Texts => Type::list(Type::text()),
            Gives::Own => self.result(function.name, arguments, &types, span),
        }
    }

    /// Arguments whose type follows from that of the first one.
    fn check_mixed(&self, name: &str, arguments: &'a [Expression], types: &[Type]) {
        let (Some(first), Some(rest)) = (types.first(), arguments.get(1..)) else { return };
        let wanted = match (name, first) {
            ("concat", Type::List(_) | Type::Tuple(_)) => Type::list(Type::Any),
            ("contains", Type::Text(_) | Type::TextIs(_) | Type::Object(_)) => Type::text(),
            _ => return,
        };
        rest.iter().for_each(|argument| self.expect(argument, &wanted));
    }

    /// Tells a lambda the types of its parameters.
    fn give(&self, function: &Function, lambda: &'a Expression, before: &[Type]) {
        let ExpressionKind::Lambda { parameters, .. } = &lambda.inner().kind else { return };
        let item = before.first().map_or(Type::Any, |list| match function.name {
            "mapValues" => values(list),
            _ => list.item().unwrap_or(Type::Any),
        });
        let index = Type::int();
        let (types, least) = match function.name {
            "sort" => (vec![item.clone(), item], 2),
            "reduce" => (vec![Type::Any, item, index], 2),
            "map" | "filter" => (vec![item, index], 1),
            _ => (vec![item], 1),
        };
        if parameters.len() < least || parameters.len() > types.len() {
            let message = format!("The lambda of `{}` has {} parameters.", function.name, least);
            self.error("BCP070", lambda.span, message);
        }
        if let Some(place) = parameters.first().and_then(|first| self.model.lambdas.get(&key(first))) {
            let mut given = self.model.given.borrow_mut();
            for (at, ty) in types.into_iter().take(parameters.len()).enumerate() {
                given.insert(place + at, ty);
            }
        }
    }
}

/// The type of the values of an object.
pub(super) fn values(object: &Type) -> Type {
    match object.now() {
        Type::Object(object) => {
            let named = object.properties.iter().map(|property| property.of.clone());
            let rest = object.rest.iter().map(|rest| rest.of.clone());
            match object.properties.is_empty() && object.rest.is_none() {
                true => Type::Any,
                false => Type::union(named.chain(rest)),
            }
        }
        _ => Type::Any,
    }
}
