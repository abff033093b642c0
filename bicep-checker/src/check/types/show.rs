//! Types in messages.

use std::fmt;

use super::{Level, Type};

/// Members of a union that are written out.
const SHOWN: usize = 12;

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.now() {
            Type::Any | Type::Deferred(_) => f.write_str("any"),
            Type::Null => f.write_str("null"),
            Type::Never => f.write_str("never"),
            Type::Bool => f.write_str("bool"),
            Type::BoolIs(value) => write!(f, "{value}"),
            Type::Int(_) => f.write_str("int"),
            Type::IntIs(value) => write!(f, "{value}"),
            Type::Text(_) => f.write_str("string"),
            Type::TextIs(value) => write!(f, "'{value}'"),
            Type::List(list) => match list.item.now() {
                Type::Any => f.write_str("array"),
                Type::Union(_) => write!(f, "({})[]", list.item),
                item => write!(f, "{item}[]"),
            },
            Type::Tuple(items) => {
                f.write_str("[")?;
                join(f, &items, ", ")?;
                f.write_str("]")
            }
            Type::Object(object) if object.name.is_empty() => f.write_str("object"),
            Type::Object(object) => f.write_str(&object.name),
            Type::Tagged(tagged) => f.write_str(&tagged.name),
            Type::Union(members) => join(f, &members, " | "),
            Type::Resource(resource) => write!(f, "{}@{}", resource.kind, resource.version),
            Type::Module(_) => f.write_str("module"),
            Type::Scope(level, _) => write!(f, "{level}"),
            Type::Lambda(parameters, result) => write!(f, "a lambda of {parameters} that gives {result}"),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, types: &[Type], between: &str) -> fmt::Result {
    for (at, one) in types.iter().take(SHOWN).enumerate() {
        f.write_str(if at > 0 { between } else { "" })?;
        write!(f, "{one}")?;
    }
    f.write_str(if types.len() > SHOWN { ", …" } else { "" })
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Tenant => "tenant",
            Level::ManagementGroup => "managementGroup",
            Level::Subscription => "subscription",
            Level::ResourceGroup => "resourceGroup",
            Level::Resource => "resource",
        })
    }
}
