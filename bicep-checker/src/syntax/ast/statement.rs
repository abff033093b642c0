use super::{Expression, Name, Object, StringLiteral, TypeExpression};
use crate::Span;

/// A statement of a file, or a `resource` inside the body of another resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The `@…` lines above it.
    pub decorators: Vec<Decorator>,
    /// What it states.
    pub kind: StatementKind,
    /// The keyword (`param`, `resource`, …).
    pub keyword: Span,
    /// From the keyword to the end of its value, without decorators.
    pub span: Span,
}

/// A decorator, `@description('…')` or `@sys.description('…')`.
#[derive(Clone, Debug, PartialEq)]
pub struct Decorator {
    /// The call after `@`: a [`super::ExpressionKind::Call`] or [`super::ExpressionKind::MethodCall`], or an error.
    pub expression: Expression,
    /// From `@` to the closing parenthesis.
    pub span: Span,
}

/// What a statement states.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `targetScope = 'subscription'`
    TargetScope(Expression),
    /// `metadata name = value`
    Metadata {
        /// Its name.
        name: Name,
        /// Its value.
        value: Expression,
    },
    /// `param name type = default`
    Parameter {
        /// Its name.
        name: Name,
        /// Its type; `None` only where it is missing, which the parser reported.
        ty: Option<TypeExpression>,
        /// The value after `=`.
        default: Option<Expression>,
    },
    /// `param name = value` of a `.bicepparam` file.
    ParameterAssignment {
        /// The parameter it gives a value to.
        name: Name,
        /// The value.
        value: Expression,
    },
    /// `var name = value`, `var name type = value`
    Variable {
        /// Its name.
        name: Name,
        /// The type, where one is written.
        ty: Option<TypeExpression>,
        /// Its value.
        value: Expression,
    },
    /// `resource name 'type@version' existing = value`
    Resource(Resource),
    /// `module name 'path' = value`
    Module {
        /// Its name.
        name: Name,
        /// The file or registry reference.
        path: StringLiteral,
        /// An object, `if`, `for`, or an error.
        value: Expression,
    },
    /// `output name type = value`
    Output {
        /// Its name.
        name: Name,
        /// Its type.
        ty: TypeExpression,
        /// Its value.
        value: Expression,
    },
    /// `type name = type`
    Type {
        /// Its name.
        name: Name,
        /// What it stands for.
        value: TypeExpression,
    },
    /// `func name(a string) string => body`
    Function {
        /// Its name.
        name: Name,
        /// Its parameters.
        parameters: Vec<FunctionParameter>,
        /// The type of its result.
        returns: TypeExpression,
        /// What it computes.
        body: Expression,
    },
    /// `import { a as b } from 'x.bicep'`, `import * as x from 'x.bicep'`
    Import {
        /// What is imported.
        items: ImportItems,
        /// From which file.
        path: StringLiteral,
    },
    /// `extension name with { … } as alias`
    Extension {
        /// A name or a reference in quotes.
        specification: ExtensionSpecification,
        /// The object after `with`.
        config: Option<Expression>,
        /// The name after `as`.
        alias: Option<Name>,
    },
    /// `extensionConfig alias with { … }` of a `.bicepparam` file.
    ExtensionConfig {
        /// The extension's name.
        alias: Name,
        /// The object after `with`.
        config: Option<Expression>,
    },
    /// `assert name = condition`
    Assert {
        /// Its name.
        name: Name,
        /// What must hold.
        value: Expression,
    },
    /// `test name 'path' = { … }`, an experiment of the compiler.
    Test {
        /// Its name.
        name: Name,
        /// The file under test.
        path: StringLiteral,
        /// Its parameters.
        value: Expression,
    },
    /// `using 'main.bicep'`, `using none`
    Using {
        /// A string, [`super::ExpressionKind::None`], or an error.
        path: Expression,
        /// The object after `with`.
        config: Option<Expression>,
    },
    /// `extends 'base.bicepparam'`
    Extends {
        /// A string or an error.
        path: Expression,
    },
    /// Text that is no statement; reported by the parser.
    Error,
}

/// `resource name 'type@version' existing = value`
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Its symbolic name.
    pub name: Name,
    /// `'Microsoft.Storage/storageAccounts@2025-01-01'`; below another resource also `'blobServices'`.
    pub ty: StringLiteral,
    /// The word `existing`.
    pub existing: Option<Span>,
    /// An object, `if`, `for`, or an error.
    pub value: Expression,
}

impl Resource {
    /// The object that describes it, below `if` and `for`.
    pub fn body(&self) -> Option<&Object> {
        self.value.body()
    }
}

/// `name type` in the parentheses of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionParameter {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: TypeExpression,
}

/// What an `import` brings.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportItems {
    /// `{ a, b as c }`
    List(Vec<ImportItem>, Span),
    /// `* as name`
    Wildcard(Name),
    /// Neither; reported by the parser.
    Error(Span),
}

/// `a as b` in an import list.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportItem {
    /// The name in the other file; in quotes where it is no identifier.
    pub name: Name,
    /// The name here, where it differs.
    pub alias: Option<Name>,
}

impl ImportItem {
    /// The name by which this file knows it.
    pub fn local(&self) -> &Name {
        self.alias.as_ref().unwrap_or(&self.name)
    }
}

/// What an `extension` names.
#[derive(Clone, Debug, PartialEq)]
pub enum ExtensionSpecification {
    /// `extension kubernetes`
    Name(Name),
    /// `extension 'br:…'`
    Reference(StringLiteral),
}
