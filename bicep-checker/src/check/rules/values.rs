//! Values: literals as outputs, hosts of one cloud, properties that may be missing.

use super::{Here, walk::children};
use crate::{
    Span,
    check::types::Type,
    syntax::ast::{ArrayItem, Expression, ExpressionKind, StringPart},
};

/// Hosts that differ from cloud to cloud; `environment()` knows them.
const HOSTS: [&str; 12] = [
    "azuredatalakeanalytics.net",
    "azuredatalakestore.net",
    "batch.core.windows.net",
    "core.windows.net",
    "database.windows.net",
    "datalake.azure.net",
    "gallery.azure.com",
    "graph.windows.net",
    "login.microsoftonline.com",
    "management.azure.com",
    "management.core.windows.net",
    "vault.azure.net",
];

/// The host of JSON schemas, which is the same everywhere.
const EXCLUDED: &str = "schema.management.azure.com";

pub(super) fn check(here: &Here<'_, '_>) {
    for output in &here.model.outputs {
        if is_hardcoded(output.value) {
            let message = format!("The output `{}` is a literal: export a variable.", output.name.text);
            here.lint("no-hardcoded-outputs", output.value.span, message);
        }
    }
    for root in here.roots() {
        safe_access(here, root, false);
    }
    if !here.source().is_params() {
        for one in here.expressions() {
            hosts(here, one);
        }
    }
}

fn is_hardcoded(value: &Expression) -> bool {
    match &value.kind {
        ExpressionKind::String(text) => text.literal().is_some(),
        ExpressionKind::Integer(_) | ExpressionKind::Boolean(_) | ExpressionKind::Null => true,
        ExpressionKind::Unary { operand, .. } => is_hardcoded(operand),
        ExpressionKind::Parenthesized(inner) => is_hardcoded(inner),
        ExpressionKind::Array(items) => items.iter().all(|item| match item {
            ArrayItem::Value(value) => is_hardcoded(value),
            ArrayItem::Spread(..) => false,
        }),
        ExpressionKind::Object(object) => object.properties().all(|property| is_hardcoded(&property.value)),
        _ => false,
    }
}

/// Whether two expressions are written alike, space aside.
fn alike(here: &Here<'_, '_>, a: &Expression, b: &Expression) -> bool {
    let plain = |one: &Expression| -> String {
        one.span.text(&here.source().text).chars().filter(|letter| !letter.is_whitespace()).collect()
    };
    plain(a) == plain(b)
}

/// `contains(x, 'a') ? x.a : b`, and `x.a` where the type says that a may be missing.
fn safe_access<'a>(here: &Here<'_, 'a>, one: &'a Expression, asserted: bool) {
    match &one.kind {
        ExpressionKind::Ternary { condition, then, .. } => {
            if let Some(("contains", [object, name])) = here.call_of(condition) {
                let matches = match &then.kind {
                    ExpressionKind::Property { base, name: wanted, .. } => {
                        alike(here, base, object)
                            && matches!(&name.kind, ExpressionKind::String(text) if text.literal() == Some(&wanted.text))
                    }
                    ExpressionKind::Index { base, index, .. } => alike(here, base, object) && alike(here, index, name),
                    _ => false,
                };
                if matches {
                    here.lint("use-safe-access", one.span, "Write `x.?a ?? b`.");
                }
            }
        }
        ExpressionKind::Property { base, safe: false, .. } | ExpressionKind::Index { base, safe: false, .. } => {
            let is_object = matches!(here.type_of(base), Type::Object(_));
            if is_object && !asserted && here.type_of(one).is_nullable() {
                here.lint("use-safe-access", one.span, "This may be missing: write `.?`.");
            }
        }
        _ => {}
    }
    let asserts = matches!(one.kind, ExpressionKind::NonNull(_));
    children(one).into_iter().for_each(|child| safe_access(here, child, asserts));
}

fn hosts(here: &Here<'_, '_>, one: &Expression) {
    let ExpressionKind::String(string) = &one.kind else { return };
    for part in &string.parts {
        let StringPart::Text { span, .. } = part else { continue };
        let text = span.text(&here.source().text).to_lowercase();
        let excluded = places(&text, EXCLUDED);
        let mut found: Vec<(usize, &str)> =
            HOSTS.iter().flat_map(|host| places(&text, host).into_iter().map(move |at| (at, *host))).collect();
        found.sort_by_key(|(at, host)| (*at, usize::MAX - host.len()));
        let mut end = 0;
        for (at, host) in found {
            let is_excluded = excluded.iter().any(|start| at >= *start && at < start + EXCLUDED.len());
            if at < end || is_excluded {
                continue;
            }
            end = at + host.len();
            let span = Span::new(span.start + at, span.start + end);
            let message = format!("`{host}` is the host of one cloud: `environment()` knows the host.");
            here.lint("no-hardcoded-env-urls", span, message);
        }
    }
}

/// Where a host stands by itself in a text.
fn places(text: &str, host: &str) -> Vec<usize> {
    let is_word = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let alone =
        |at: &usize| !is_word(text[..*at].chars().next_back()) && !is_word(text[at + host.len()..].chars().next());
    text.match_indices(host).map(|(at, _)| at).filter(alone).collect()
}
