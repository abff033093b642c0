//! The declarations of a file.

use std::collections::HashMap;

use super::{
    Alias, Assignment, Function, Import, Model, Module, Output, Parameter, Resource, Source, Symbol, Using, Variable,
    Wildcard,
};
use crate::{
    Diagnostic,
    check::types::Level,
    syntax::ast::{ExpressionKind, ImportItems, Name, ObjectItem, Statement, StatementKind, StringLiteral},
};

impl<'a> Model<'a> {
    /// Collects what a file declares; `resolve` tells the place of the file that a path in it names.
    pub(crate) fn of(source: &'a Source, resolve: impl Fn(&StringLiteral) -> Option<usize>) -> Self {
        let mut model = Self {
            source,
            level: Level::ResourceGroup,
            parameters: Vec::new(),
            variables: Vec::new(),
            resources: Vec::new(),
            modules: Vec::new(),
            aliases: Vec::new(),
            functions: Vec::new(),
            outputs: Vec::new(),
            imports: Vec::new(),
            wildcards: Vec::new(),
            assignments: Vec::new(),
            locals: Vec::new(),
            others: Vec::new(),
            using: None,
            names: HashMap::new(),
            bound: HashMap::new(),
            named: HashMap::new(),
            used: Default::default(),
            refers: HashMap::new(),
            circular: Default::default(),
            lambdas: HashMap::new(),
            types: Default::default(),
            given: Default::default(),
            found: source.syntax.clone().into(),
        };
        for statement in &source.file.statements {
            model.declare(statement, &resolve);
        }
        model.bind();
        model
    }

    fn declare(&mut self, statement: &'a Statement, resolve: &impl Fn(&StringLiteral) -> Option<usize>) {
        let decorators = statement.decorators.as_slice();
        match &statement.kind {
            StatementKind::TargetScope(level) => self.target(level),
            StatementKind::Parameter { name, ty, default } => {
                self.name_it(name, Symbol::Parameter(self.parameters.len()));
                self.parameters.push(Parameter { name, ty: ty.as_ref(), default: default.as_ref(), decorators });
            }
            StatementKind::ParameterAssignment { name, value } => {
                if self.assignments.iter().any(|other| other.name.text == name.text) {
                    self.report(Diagnostic::error(
                        "BCP028",
                        name.span,
                        format!("`{}` is given a value twice.", name.text),
                    ));
                } else {
                    self.names.insert(&name.text, Symbol::Assignment(self.assignments.len()));
                }
                self.assignments.push(Assignment { name, value });
            }
            StatementKind::Variable { name, ty, value } => {
                self.name_it(name, Symbol::Variable(self.variables.len()));
                self.variables.push(Variable { name, ty: ty.as_ref(), value, decorators });
            }
            StatementKind::Resource(_) => {
                if let Some(at) = self.resource(statement, None) {
                    self.name_it(&self.resources[at].declared.name, Symbol::Resource(at));
                }
            }
            StatementKind::Module { name, path, value } => {
                self.name_it(name, Symbol::Module(self.modules.len()));
                self.modules.push(Module { name, path, value, decorators, file: resolve(path) });
            }
            StatementKind::Output { name, ty, value } => {
                if self.outputs.iter().any(|other| other.name.text == name.text) {
                    self.report(Diagnostic::error(
                        "BCP145",
                        name.span,
                        format!("There are two outputs `{}`.", name.text),
                    ));
                }
                self.outputs.push(Output { name, ty, value, decorators, span: statement.span });
            }
            StatementKind::Type { name, value } => {
                self.name_it(name, Symbol::Alias(self.aliases.len()));
                self.aliases.push(Alias { name, value, decorators });
            }
            StatementKind::Function { name, parameters, returns, body } => {
                self.name_it(name, Symbol::Function(self.functions.len()));
                self.functions.push(Function { name, parameters, returns, body, decorators });
            }
            StatementKind::Import { items: ImportItems::List(items, _), path } => {
                let file = resolve(path);
                for item in items {
                    self.name_it(item.local(), Symbol::Import(self.imports.len()));
                    self.imports.push(Import { item, file });
                }
            }
            StatementKind::Import { items: ImportItems::Wildcard(name), path } => {
                self.name_it(name, Symbol::Wildcard(self.wildcards.len()));
                self.wildcards.push(Wildcard { name, file: resolve(path) });
            }
            StatementKind::Using { path, .. } => {
                let file = match &path.kind {
                    ExpressionKind::String(path) => resolve(path),
                    _ => None,
                };
                self.using = Some(Using { path, file });
                self.others.push(statement);
            }
            _ => self.others.push(statement),
        }
    }

    /// Takes in a resource and those inside it.
    fn resource(&mut self, statement: &'a Statement, outer: Option<usize>) -> Option<usize> {
        let StatementKind::Resource(declared) = &statement.kind else { return None };
        let (kind, version) = self.kind(&declared.ty, outer);
        let at = self.resources.len();
        self.resources.push(Resource { declared, decorators: &statement.decorators, outer, kind, version });
        for item in declared.value.body().map(|body| body.items.as_slice()).unwrap_or_default() {
            if let ObjectItem::Resource(inner) = item {
                self.resource(inner, Some(at));
            }
        }
        Some(at)
    }

    /// `type@version` of a resource; inside another one, the type is appended to the outer one's and the version is its too.
    fn kind(&self, written: &StringLiteral, outer: Option<usize>) -> (String, String) {
        let Some(text) = written.literal() else {
            self.report(Diagnostic::error("BCP047", written.span, "The type of a resource cannot be interpolated."));
            return Default::default();
        };
        let outer = outer.and_then(|at| self.resources.get(at));
        let (kind, version) = match (text.split_once('@'), outer) {
            (Some((kind, version)), _) => (kind, version.to_owned()),
            (None, Some(outer)) => (text, outer.version.clone()),
            (None, None) => (text, String::new()),
        };
        let is_version = {
            let date: Vec<&str> = version.splitn(4, '-').collect();
            let digits =
                |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
            date.len() >= 3 && digits(date[0], 4) && digits(date[1], 2) && digits(date[2], 2)
        };
        if is_version && !is_day(&version) {
            let message = format!("{version} is no day of the calendar: the compiler breaks down on it.");
            self.report(Diagnostic::error("no-such-day", written.span, message));
        }
        let segments = kind.split('/').collect::<Vec<_>>();
        let is_kind = segments.iter().all(|part| !part.is_empty() && !part.contains(char::is_whitespace))
            && (outer.is_some() || (segments.len() > 1 && segments[0].contains('.')));
        if !is_kind || !is_version {
            let code = if outer.is_some() { "BCP156" } else { "BCP029" };
            let message = format!("`{text}` is no type of a resource: expected `Provider/type@yyyy-mm-dd`.");
            self.report(Diagnostic::error(code, written.span, message));
            return Default::default();
        }
        match outer {
            Some(outer) if outer.kind.is_empty() => Default::default(),
            Some(outer) => (format!("{}/{kind}", outer.kind), version),
            None => (kind.to_owned(), version),
        }
    }

    fn target(&mut self, level: &crate::syntax::ast::Expression) {
        let written = match &level.kind {
            ExpressionKind::String(text) => text.literal().unwrap_or_default(),
            _ => "",
        };
        self.level = match written {
            "resourceGroup" => Level::ResourceGroup,
            "subscription" => Level::Subscription,
            "managementGroup" => Level::ManagementGroup,
            "tenant" => Level::Tenant,
            _ => {
                let message = "`targetScope` is 'resourceGroup', 'subscription', 'managementGroup' or 'tenant'.";
                return self.report(Diagnostic::error("BCP033", level.span, message));
            }
        };
    }

    fn name_it(&mut self, name: &'a Name, symbol: Symbol) {
        if name.text.is_empty() {
            return;
        }
        if let Some(other) = self.names.get(name.text.as_str()).copied() {
            let message = format!("`{}` is declared more than once.", name.text);
            let first = self.name(other).map(|name| name.span);
            for at in first.into_iter().chain([name.span]) {
                self.report(Diagnostic::error("BCP028", at, message.clone()));
            }
        } else {
            self.names.insert(&name.text, symbol);
        }
    }
}

/// Whether the first ten characters, `yyyy-mm-dd`, are a day.
fn is_day(version: &str) -> bool {
    let number = |from: usize, to: usize| version.get(from..to).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}
