//! What functions give where it depends on their arguments.

use std::rc::Rc;

use super::{Expression, Here, Level, List, Object, Rest, Text, Type, calls::values, lengths};
use crate::Span;

impl<'a> Here<'_, 'a> {
    pub(super) fn result(&self, name: &str, arguments: &'a [Expression], types: &[Type], span: Span) -> Type {
        let nothing = Type::Any;
        let first = types.first().unwrap_or(&nothing);
        let second = types.get(1).unwrap_or(&nothing);
        match name {
            "loadJsonContent" => return self.load_json(arguments, span),
            "loadTextContent" | "loadFileAsBase64" => return self.load_text(arguments),
            "loadYamlContent" => {
                self.load_text(arguments);
                return Type::Any;
            }
            "fail" => return Type::Never,
            "first" | "last" => return end(first, name == "first"),
            "map" => return lambda(second).map_or(Type::Any, Type::list),
            "mapValues" => return lambda(second).map_or(Type::Any, map_of),
            "filter" | "sort" | "distinct" => return first.item().map_or(Type::Any, Type::list),
            "reduce" => return types.get(2).and_then(lambda).unwrap_or(Type::Any),
            "flatten" => {
                let inner = first.item().and_then(|list| list.item());
                return inner.map_or_else(|| Type::list(Type::Any), Type::list);
            }
            "items" => {
                let pair = Type::record("item", [("key", Type::text()), ("value", values(first))]);
                return Type::list(Type::Object(pair));
            }
            "toObject" => {
                let value = types.get(2).map_or_else(|| first.item(), lambda);
                return map_of(value.unwrap_or(Type::Any));
            }
            "range" => return Type::list(Type::int()),
            "split" => return Type::List(List { item: Rc::new(Type::text()), least: Some(1), most: None }),
            "toLower" | "toUpper" => {
                return match first {
                    Type::TextIs(text) if name == "toLower" => Type::literal(&text.to_lowercase()),
                    Type::TextIs(text) => Type::literal(&text.to_uppercase()),
                    Type::Text(text) => Type::Text(Text { pattern: None, loose: false, ..text.clone() }),
                    other => {
                        let (least, most) = lengths(other);
                        Type::text_of(least, most)
                    }
                };
            }
            "take" => return take(first, second),
            "skip" => {
                return match first.item() {
                    Some(item) => Type::list(item),
                    None => Type::text(),
                };
            }
            "concat" => {
                return match first.item() {
                    Some(_) if matches!(first, Type::Any) => Type::Any,
                    Some(_) => Type::list(Type::union(types.iter().map(|list| list.item().unwrap_or(Type::Any)))),
                    None => Type::text(),
                };
            }
            "union" | "intersection" => {
                return match first {
                    Type::List(_) | Type::Tuple(_) => Type::list(Type::Any),
                    Type::Any | Type::Union(_) => Type::Any,
                    _ => Type::object(),
                };
            }
            "getSecret" => return Type::Text(Text { secure: true, loose: true, ..Text::default() }),
            _ => {}
        }
        self.of_azure(name, types.len())
    }

    /// What functions of Azure give.
    fn of_azure(&self, name: &str, arguments: usize) -> Type {
        let text = Type::text;
        let scope = |level, properties: Rc<Object>| match arguments {
            0 => Type::Scope(level, properties),
            // Another group's or subscription's properties cannot be asked.
            _ => Type::Scope(level, Type::record("scope", [])),
        };
        match name {
            "resourceGroup" => {
                let state = Type::record("properties", [("provisioningState", text())]);
                let tags = map_of(text());
                let properties = Type::record(
                    "resourceGroup",
                    [
                        ("id", text()),
                        ("name", text()),
                        ("type", text()),
                        ("location", text()),
                        ("managedBy", text()),
                        ("tags", tags),
                        ("properties", Type::Object(state)),
                    ],
                );
                scope(Level::ResourceGroup, properties)
            }
            "subscription" => scope(
                Level::Subscription,
                Type::record(
                    "subscription",
                    [("id", text()), ("subscriptionId", text()), ("tenantId", text()), ("displayName", text())],
                ),
            ),
            "tenant" => scope(
                Level::Tenant,
                Type::record(
                    "tenant",
                    [("tenantId", text()), ("country", text()), ("countryCode", text()), ("displayName", text())],
                ),
            ),
            "managementGroup" => scope(
                Level::ManagementGroup,
                Type::record(
                    "managementGroup",
                    [("id", text()), ("name", text()), ("type", text()), ("properties", Type::Any)],
                ),
            ),
            "deployer" => Type::Object(Type::record(
                "deployer",
                [("objectId", text()), ("tenantId", text()), ("userPrincipalName", text())],
            )),
            "deployment" => {
                let mut object = (*Type::record("deployment", [("name", text()), ("properties", Type::Any)])).clone();
                if self.model.level != Level::ResourceGroup {
                    object.set("location", text(), super::Flags::default());
                }
                Type::Object(Rc::new(object))
            }
            "roleDefinitions" => {
                Type::Object(Type::record("roleDefinition", [("id", text()), ("roleDefinitionId", text())]))
            }
            "environment" => environment(),
            _ => Type::Any,
        }
    }
}

fn lambda(ty: &Type) -> Option<Type> {
    match ty {
        Type::Lambda(_, result) => Some(result.now()),
        _ => None,
    }
}

/// `{ *: of }`
fn map_of(of: Type) -> Type {
    let rest = Some(Rest { of, discouraged: false });
    Type::Object(Rc::new(Object { name: "object".to_owned(), rest, ..Object::default() }))
}

/// The first or last item of an array, which may be empty; the first or last character of a text.
fn end(of: &Type, first: bool) -> Type {
    match of.now() {
        Type::Tuple(items) => {
            let item = if first { items.first() } else { items.last() };
            item.cloned().unwrap_or(Type::Null)
        }
        Type::List(list) if list.least.is_some_and(|least| least > 0) => list.item.now(),
        Type::List(list) => list.item.now().or_null(),
        Type::Text(_) | Type::TextIs(_) => Type::text_of(0, Some(1)),
        _ => Type::Any,
    }
}

fn take(of: &Type, count: &Type) -> Type {
    if let Some(item) = of.item() {
        return Type::list(item);
    }
    let (least, most) = lengths(of);
    let secure = of.is_secret(false);
    let (low, high) = match count {
        Type::IntIs(count) => (u64::try_from(*count).unwrap_or(0), u64::try_from(*count).ok()),
        _ => (0, None),
    };
    let most = match (most, high) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let least = least.min(low);
    Type::Text(Text { least: (low > 0).then_some(least), most, secure, ..Text::default() })
}

fn environment() -> Type {
    let text = Type::text;
    let authentication = Type::record(
        "authentication",
        [
            ("audiences", Type::list(text())),
            ("identityProvider", text()),
            ("loginEndpoint", text()),
            ("tenant", text()),
        ],
    );
    let suffixes = Type::record(
        "suffixes",
        [
            ("acrLoginServer", text()),
            ("azureDatalakeAnalyticsCatalogAndJob", text()),
            ("azureDatalakeStoreFileSystem", text()),
            ("azureFrontDoorEndpointSuffix", text()),
            ("keyvaultDns", text()),
            ("sqlServerHostname", text()),
            ("storage", text()),
        ],
    );
    Type::Object(Type::record(
        "environment",
        [
            ("activeDirectoryDataLake", text()),
            ("authentication", Type::Object(authentication)),
            ("batch", text()),
            ("gallery", text()),
            ("graph", text()),
            ("graphAudience", text()),
            ("media", text()),
            ("name", text()),
            ("portal", text()),
            ("resourceManager", text()),
            ("sqlManagement", text()),
            ("suffixes", Type::Object(suffixes)),
            ("vmImageAliasDoc", text()),
        ],
    ))
}
