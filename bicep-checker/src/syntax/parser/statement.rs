use super::{Allow, Parse, Parser, Part, expression::or_error, imports::no_string, no_name, types::type_or_error};
use crate::syntax::{
    FileKind,
    ast::{Decorator, Expression, Name, Resource, Statement, StatementKind, StringLiteral},
    token::TokenKind,
};

const LINE: [TokenKind; 1] = [TokenKind::NewLine];
const TO_VALUE: [TokenKind; 2] = [TokenKind::Assign, TokenKind::NewLine];
const TO_STRING: [TokenKind; 3] = [TokenKind::String, TokenKind::StringStart, TokenKind::NewLine];
const TO_BODY: [TokenKind; 2] = [TokenKind::LeftBrace, TokenKind::NewLine];

/// A name and the value behind its `=`.
struct Assignment {
    name: Name,
    value: Expression,
}

impl Parser<'_> {
    /// All statements of a file; each ends with its line.
    pub(super) fn file(&mut self, kind: FileKind) -> Vec<Statement> {
        let mut statements = Vec::new();
        loop {
            self.skip_lines();
            if self.is(TokenKind::End) {
                return statements;
            }
            self.chain = 0;
            match self.recover(false, &LINE, |parser| parser.statement(kind)) {
                Ok(statement) => {
                    let whole = !matches!(statement.kind, StatementKind::Error);
                    statements.push(statement);
                    if whole && !self.is(TokenKind::End) {
                        self.passes(false, &LINE, Self::new_line);
                    }
                }
                Err(skipped) => statements.push(Statement {
                    decorators: Vec::new(),
                    kind: StatementKind::Error,
                    keyword: skipped.0.before(),
                    span: skipped.0,
                }),
            }
        }
    }

    fn statement(&mut self, file: FileKind) -> Parse<Statement> {
        let before = self.diagnostics.len();
        let decorators = self.decorators();
        let sound = self.diagnostics.len() == before;
        let word = self.peek();
        let text = if word.kind == TokenKind::Identifier { word.span.text(self.text) } else { "" };
        let read: fn(&mut Self) -> StatementKind = match (text, file) {
            ("targetScope", FileKind::Bicep) => Self::target_scope,
            ("metadata", FileKind::Bicep) => Self::metadata,
            ("type", _) => Self::type_statement,
            ("param", FileKind::Bicep) => Self::parameter,
            ("param", FileKind::Parameters) => Self::parameter_assignment,
            ("var", _) => Self::variable,
            ("func", FileKind::Bicep) => Self::function,
            ("resource", FileKind::Bicep) => Self::resource,
            ("output", FileKind::Bicep) => Self::output,
            ("module", FileKind::Bicep) => Self::module,
            ("test", FileKind::Bicep) => Self::test,
            ("import", FileKind::Bicep) => |parser| parser.import(true),
            ("import", FileKind::Parameters) => |parser| parser.import(false),
            ("extension", _) => Self::extension,
            ("assert", FileKind::Bicep) => Self::assert,
            ("using", FileKind::Parameters) => Self::using,
            ("extends", FileKind::Parameters) => Self::extends,
            ("extensionConfig", FileKind::Parameters) => Self::extension_config,
            (_, FileKind::Parameters) => {
                return Err(self.failure("BCP337", "A params file has no statement that begins so."));
            }
            (_, FileKind::Bicep) => return self.no_statement(decorators, sound, "BCP007", "No statement begins so."),
        };
        self.read();
        let kind = read(self);
        Ok(Statement { decorators, kind, keyword: word.span, span: self.since(word.span) })
    }

    /// Decorators alone are a statement whose rest is missing.
    fn no_statement(
        &mut self,
        decorators: Vec<Decorator>,
        sound: bool,
        code: &'static str,
        message: &str,
    ) -> Parse<Statement> {
        let span = self.peek().span.before();
        let Some(last) = decorators.last() else {
            return Err(self.failure(code, message));
        };
        let last = last.span;
        if sound {
            self.report("BCP132", last, "A declaration is expected after the decorator.");
        }
        Ok(Statement { decorators, kind: StatementKind::Error, keyword: span, span })
    }

    /// `resource` in the body of another; with its decorators.
    pub(super) fn nested_resource(&mut self) -> Parse<Statement> {
        self.deeper(|parser| {
            let before = parser.diagnostics.len();
            let decorators = parser.decorators();
            let sound = parser.diagnostics.len() == before;
            let word = parser.peek();
            if parser.take_word("resource").is_none() {
                return parser.no_statement(decorators, sound, "BCP007", "`resource` is expected here.");
            }
            let kind = parser.resource();
            Ok(Statement { decorators, kind, keyword: word.span, span: parser.since(word.span) })
        })
    }

    fn target_scope(&mut self) -> StatementKind {
        self.passes(false, &LINE, Self::assign);
        StatementKind::TargetScope(or_error(self.recover(false, &LINE, Self::value)))
    }

    fn assignment(&mut self, code: &'static str, what: &str, until: &[TokenKind]) -> Assignment {
        let name = self.recover(false, until, |parser| parser.identifier(code, what));
        let value = self.assigned(super::missing(&name));
        Assignment { name: name.unwrap_or_else(no_name), value }
    }

    /// `= value`
    fn assigned(&mut self, quiet: bool) -> Expression {
        let equals = self.recover(quiet, &LINE, Self::assign);
        or_error(self.recover(super::missing(&equals), &LINE, Self::value))
    }

    fn metadata(&mut self) -> StatementKind {
        let Assignment { name, value } = self.assignment("BCP266", "metadata", &TO_VALUE);
        StatementKind::Metadata { name, value }
    }

    fn assert(&mut self) -> StatementKind {
        let Assignment { name, value } = self.assignment("BCP344", "an assertion", &TO_VALUE);
        StatementKind::Assert { name, value }
    }

    fn parameter_assignment(&mut self) -> StatementKind {
        let until = [TokenKind::Identifier, TokenKind::NewLine];
        let Assignment { name, value } = self.assignment("BCP013", "a parameter", &until);
        StatementKind::ParameterAssignment { name, value }
    }

    fn type_statement(&mut self) -> StatementKind {
        let name = self.recover(false, &TO_VALUE, |parser| parser.identifier("BCP325", "a type"));
        let quiet = super::missing(&name);
        self.passes(quiet, &LINE, Self::assign);
        let until = [TokenKind::Assign, TokenKind::LeftBrace, TokenKind::NewLine];
        let value = type_or_error(self.recover(quiet, &until, |parser| parser.declared_type(false)));
        StatementKind::Type { name: name.unwrap_or_else(no_name), value }
    }

    fn parameter(&mut self) -> StatementKind {
        let until = [TokenKind::Identifier, TokenKind::NewLine];
        let name = self.recover(false, &until, |parser| parser.identifier("BCP013", "a parameter"));
        let until = [TokenKind::Assign, TokenKind::LeftBrace, TokenKind::NewLine];
        let ty = self.recover(super::missing(&name), &until, |parser| parser.declared_type(false));
        let default = self.recover(super::missing(&ty), &LINE, |parser| match parser.kind() {
            TokenKind::NewLine | TokenKind::End => Ok(None),
            TokenKind::Assign => {
                parser.read();
                Ok(Some(or_error(parser.recover(false, &LINE, Self::value))))
            }
            _ => Err(parser.failure("BCP008", "`=` or a new line is expected here.")),
        });
        let name = name.unwrap_or_else(no_name);
        StatementKind::Parameter { name, ty: ty.ok(), default: default.ok().flatten() }
    }

    fn variable(&mut self) -> StatementKind {
        let until = [TokenKind::Identifier, TokenKind::NewLine];
        let name = self.recover(false, &until, |parser| parser.identifier("BCP015", "a variable"));
        let untyped = self.is_any(&[TokenKind::End, TokenKind::NewLine, TokenKind::Assign]);
        let mut quiet = super::missing(&name);
        let mut ty = None;
        if !untyped {
            let part = self.recover(quiet, &TO_VALUE, |parser| parser.declared_type(false));
            quiet = super::missing(&part);
            ty = Some(type_or_error(part));
        }
        let value = self.assigned(quiet);
        StatementKind::Variable { name: name.unwrap_or_else(no_name), ty, value }
    }

    fn output(&mut self) -> StatementKind {
        let until = [TokenKind::Identifier, TokenKind::NewLine];
        let name = self.recover(false, &until, |parser| parser.identifier("BCP016", "an output"));
        let ty = self.recover(super::missing(&name), &TO_VALUE, |parser| parser.declared_type(true));
        let value = self.assigned(super::missing(&ty));
        StatementKind::Output { name: name.unwrap_or_else(no_name), ty: type_or_error(ty), value }
    }

    /// The name of a resource, module or test, and the string behind it.
    fn name_and_string(
        &mut self,
        name: (&'static str, &str),
        string: (&'static str, &str),
    ) -> (Name, Part<StringLiteral>) {
        let found = self.recover(false, &TO_STRING, |parser| parser.identifier(name.0, name.1));
        let read = |parser: &mut Self| parser.required_string(string.0, string.1);
        let text = self.recover(super::missing(&found), &TO_VALUE, read);
        (found.unwrap_or_else(no_name), text)
    }

    fn resource(&mut self) -> StatementKind {
        let what = ("BCP068", "A resource type with its version");
        let (name, ty) = self.name_and_string(("BCP017", "a resource"), what);
        let existing = self.take_word("existing").map(|word| word.span);
        let value = self.deployed(super::missing(&ty), Allow { complex: true, resources: true });
        let ty = ty.unwrap_or_else(no_string);
        StatementKind::Resource(Resource { name, ty, existing, value })
    }

    fn module(&mut self) -> StatementKind {
        let (name, path) = self.name_and_string(("BCP096", "a module"), ("BCP097", "The path of a module"));
        let value = self.deployed(super::missing(&path), Allow::ALL);
        StatementKind::Module { name, path: path.unwrap_or_else(no_string), value }
    }

    /// `= { … }`, `= if (…) { … }` or `= [for …]`
    fn deployed(&mut self, quiet: bool, allow: Allow) -> Expression {
        let equals = self.recover(quiet, &TO_BODY, Self::assign);
        if equals.is_ok() && self.is_word(self.beyond_lines(0), "if") {
            self.skip_lines();
        }
        let value = self.recover(super::missing(&equals), &LINE, |parser| match parser.kind() {
            TokenKind::LeftBrace => parser.object_expression(allow),
            TokenKind::LeftSquare => parser.for_expression(allow, true),
            _ if parser.at_word("if") => parser.if_expression(allow, false),
            _ => Err(parser.failure("BCP118", "`{`, `[` or `if` is expected here.")),
        });
        or_error(value)
    }

    fn test(&mut self) -> StatementKind {
        let (name, path) = self.name_and_string(("BCP346", "a test"), ("BCP347", "The path of a file"));
        let equals = self.recover(super::missing(&path), &TO_BODY, Self::assign);
        let value = self.recover(super::missing(&equals), &LINE, |parser| parser.object_expression(Allow::ALL));
        StatementKind::Test { name, path: path.unwrap_or_else(no_string), value: or_error(value) }
    }
}
