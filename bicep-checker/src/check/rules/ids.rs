//! Ids and names of resources: from symbols and `resourceId`, stable, and below their parents.

use super::{Here, walk};
use crate::{
    check::{
        model::Symbol,
        types::{Type, assign::assignable},
    },
    syntax::ast::{Expression, ExpressionKind},
};

pub(super) fn check(here: &Here<'_, '_>) {
    for at in 0..here.model.resources.len() {
        let Some(resource) = here.model.resources.get(at) else { continue };
        let Some(body) = resource.declared.body() else { continue };
        if let Some(properties) = body.property("properties")
            && !is_exempt(&resource.kind)
            && matches!(properties.value.kind, ExpressionKind::Object(_))
        {
            ids(here, &properties.value);
        }
        for name in ["name", "scope", "parent"] {
            if let Some(property) = body.property(name) {
                stable(here, name, &property.value);
            }
        }
    }
    for one in here.expressions() {
        by_symbol(here, one);
    }
}

/// Properties that end in `id` and are no ids of resources.
const NO_IDS: [&str; 40] = [
    "appid",
    "clientid",
    "contentid",
    "connectorid",
    "datatypeid",
    "defaultmenuitemid",
    "deploymentspecid",
    "detector",
    "groupid",
    "illusiveincidentid",
    "keyid",
    "keyvaultid",
    "keyvaultsecretid",
    "locations",
    "menuid",
    "metadata",
    "metricid",
    "nodeagentskuid",
    "objectid",
    "parentid",
    "policydefinitionreferenceid",
    "principalid",
    "requestedserviceobjectiveid",
    "resource",
    "ruleid",
    "schemaid",
    "serviceprincipalclientid",
    "sid",
    "startingdeviceid",
    "storageaccountsubscriptionid",
    "subscriptionid",
    "syntheticmonitorid",
    "tags",
    "targetprotectioncontainerid",
    "targetworkersizeid",
    "tenantid",
    "timezoneid",
    "uniquefindingid",
    "vlanid",
    "workersizeid",
];

/// Functions whose result is an id by itself.
const ID_FUNCTIONS: [&str; 10] = [
    "extensionResourceId",
    "if",
    "guid",
    "managementGroupResourceId",
    "reference",
    "resourceId",
    "roleDefinitions",
    "subscription",
    "subscriptionResourceId",
    "tenantResourceId",
];

/// Types whose properties the rule leaves alone.
fn is_exempt(kind: &str) -> bool {
    let kind = kind.to_lowercase();
    kind.starts_with("microsoft.web/sites/config")
        || ["microsoft.portal/dashboards", "microsoft.logic/workflows", "microsoft.apimanagement/service/backends"]
            .contains(&kind.as_str())
}

/// Every property below that holds an id.
fn ids<'a>(here: &Here<'_, 'a>, value: &'a Expression) {
    let ExpressionKind::Object(object) = &value.kind else {
        return walk::children(value).into_iter().for_each(|child| ids(here, child));
    };
    for property in object.properties() {
        let name = property.key.text().unwrap_or_default();
        let small = name.to_lowercase();
        if NO_IDS.contains(&small.as_str()) {
            continue;
        }
        if !small.ends_with("id") || name.ends_with("uid") || name.ends_with("UID") {
            ids(here, &property.value);
            continue;
        }
        let ty = here.type_of(&property.value);
        let text = ty.without_null().unwrap_or(ty);
        let is_text = !matches!(text, Type::Any | Type::Never) && assignable(&text, &Type::text());
        if is_text && !is_id(here, &property.value, 0) {
            let message = format!("`{name}` takes the id of a symbol, a parameter or `resourceId(…)`.");
            here.lint("use-resource-id-functions", property.key.span(), message);
        }
    }
    for item in &object.items {
        if let crate::syntax::ast::ObjectItem::Spread(value, _) = item {
            ids(here, value);
        }
    }
}

fn is_id<'a>(here: &Here<'_, 'a>, value: &'a Expression, depth: usize) -> bool {
    let names_resource = walk::any(value, &mut |one| {
        matches!(one.kind, ExpressionKind::Variable(_))
            && matches!(here.model.symbol(one), Some(Symbol::Resource(_) | Symbol::Module(_)))
    });
    if names_resource {
        return true;
    }
    match &value.kind {
        ExpressionKind::Call { name, .. } => ID_FUNCTIONS.contains(&name.text.as_str()),
        ExpressionKind::Property { base, .. } | ExpressionKind::Index { base, .. } => {
            of_parameter(here, base) || is_id(here, base, depth)
        }
        ExpressionKind::Variable(_) => match here.model.symbol(value) {
            Some(Symbol::Variable(at)) if depth < 20 => {
                here.model.variables.get(at).is_none_or(|variable| is_id(here, variable.value, depth + 1))
            }
            Some(Symbol::Parameter(_)) => true,
            _ => false,
        },
        ExpressionKind::Ternary { .. } => true,
        ExpressionKind::String(text) => text.literal().is_some_and(|text| !text.contains('/')),
        ExpressionKind::Parenthesized(inner) | ExpressionKind::NonNull(inner) => is_id(here, inner, depth),
        _ => false,
    }
}

/// Whether something is picked from a parameter.
fn of_parameter(here: &Here<'_, '_>, base: &Expression) -> bool {
    match &base.kind {
        ExpressionKind::Variable(_) => matches!(here.model.symbol(base), Some(Symbol::Parameter(_))),
        ExpressionKind::Property { base, .. } | ExpressionKind::Index { base, .. } => of_parameter(here, base),
        ExpressionKind::Parenthesized(inner) | ExpressionKind::NonNull(inner) => of_parameter(here, inner),
        _ => false,
    }
}

/// `newGuid()` and `utcNow()` in what identifies a resource, directly or by way of variables and defaults.
fn stable<'a>(here: &Here<'_, 'a>, name: &str, value: &'a Expression) {
    let mut open: Vec<Symbol> = Vec::new();
    if changes(here, value, &mut open) {
        let message = format!("`{name}` changes with every deployment.");
        here.lint("use-stable-resource-identifiers", value.span, message);
    }
}

fn changes<'a>(here: &Here<'_, 'a>, value: &'a Expression, open: &mut Vec<Symbol>) -> bool {
    let mut inside = Vec::new();
    walk::each(value, &mut |one| inside.push(one));
    inside.into_iter().any(|one| {
        if let Some(("newGuid" | "utcNow", _)) = here.call_of(one) {
            return true;
        }
        let Some(symbol) = here.model.symbol(one).filter(|symbol| !open.contains(symbol)) else { return false };
        open.push(symbol);
        match symbol {
            Symbol::Parameter(at) => here
                .model
                .parameters
                .get(at)
                .and_then(|one| one.default)
                .is_some_and(|value| changes(here, value, open)),
            Symbol::Variable(at) => here.model.variables.get(at).is_some_and(|one| changes(here, one.value, open)),
            _ => false,
        }
    })
}

/// `reference(x.id)` and `listKeys(x.id, …)` of a resource that is in the file.
fn by_symbol<'a>(here: &Here<'_, 'a>, one: &'a Expression) {
    let Some((name, arguments)) = here.call_of(one) else { return };
    if name != "reference" && !name.starts_with("list") {
        return;
    }
    let Some(first) = arguments.first() else { return };
    let named = match &first.kind {
        ExpressionKind::Property { base, name, .. } => {
            ["id", "name"].contains(&name.text.as_str()) && matches!(here.reached(base), Some(Symbol::Resource(_)))
        }
        ExpressionKind::Call { name, arguments } if name.text == "resourceId" => same_id(here, arguments),
        _ => false,
    };
    if named {
        here.lint("use-resource-symbol-reference", one.span, "Use the symbol of the resource instead.");
    }
}

/// `resourceId('type', name)` of a resource of the file that has this name.
fn same_id(here: &Here<'_, '_>, arguments: &[Expression]) -> bool {
    let [kind, name] = arguments else { return false };
    let ExpressionKind::String(kind) = &kind.kind else { return false };
    let source = &here.source().text;
    here.model.resources.iter().any(|resource| {
        let own = resource.declared.body().and_then(|body| body.property("name"));
        kind.literal().is_some_and(|kind| kind.eq_ignore_ascii_case(&resource.kind))
            && own.is_some_and(|own| own.value.span.text(source) == name.span.text(source))
    })
}
