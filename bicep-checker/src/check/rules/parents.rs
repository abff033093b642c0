//! Children that name their parent in their own name.

use super::Here;
use crate::syntax::ast::{Expression, ExpressionKind, StringLiteral, StringPart};

pub(super) fn check(here: &Here<'_, '_>) {
    for at in 0..here.model.resources.len() {
        parent(here, at);
    }
}

/// A child whose name is its parent's name, a slash and more, where the parent is in the file.
fn parent(here: &Here<'_, '_>, at: usize) {
    let Some(child) = here.model.resources.get(at) else { return };
    let Some(body) = child.declared.body() else { return };
    if child.outer.is_some() || body.property("parent").is_some() || child.kind.matches('/').count() < 2 {
        return;
    }
    let Some(name) = body.property("name") else { return };
    let ExpressionKind::String(written) = &name.value.kind else { return };
    let above = child.kind.rsplit_once('/').map(|(above, _)| above).unwrap_or_default();
    for other in &here.model.resources {
        let is_many = matches!(other.declared.value.kind, ExpressionKind::For(_));
        if !other.kind.eq_ignore_ascii_case(above) || is_many {
            continue;
        }
        let own = other.declared.body().and_then(|body| body.property("name"));
        let by_symbol = begins_with_name_of(here, written, &other.declared.name.text);
        if by_symbol || own.is_some_and(|own| begins_with(here, written, &own.value)) {
            let message = format!("Write `parent: {}` and the rest of the name.", other.declared.name.text);
            return here.lint("use-parent-property", name.value.span, message);
        }
    }
}

/// `'${other.name}/…'`
fn begins_with_name_of(here: &Here<'_, '_>, child: &StringLiteral, other: &str) -> bool {
    let [StringPart::Expression(first), StringPart::Text { value, .. }, ..] = child.parts.as_slice() else {
        return false;
    };
    let ExpressionKind::Property { base, name, .. } = &first.kind else { return false };
    value.starts_with('/') && name.text == "name" && base.span.text(&here.source().text) == other
}

/// Whether a text begins with another one as written, and a slash.
fn begins_with(here: &Here<'_, '_>, child: &StringLiteral, parent: &Expression) -> bool {
    let source = &here.source().text;
    let pieces = |string: &StringLiteral| -> String {
        let piece = |part: &StringPart| match part {
            StringPart::Text { value, .. } => value.clone(),
            // A character that no name has keeps texts and expressions apart.
            StringPart::Expression(one) => format!("\u{1}{}\u{1}", one.span.text(source)),
        };
        string.parts.iter().map(piece).collect()
    };
    let start = match &parent.kind {
        ExpressionKind::String(string) => pieces(string),
        _ => format!("\u{1}{}\u{1}", parent.span.text(source)),
    };
    pieces(child).strip_prefix(&start).is_some_and(|rest| rest.starts_with('/'))
}
