//! Enumerations: closed lists, since Python obeys no default of theirs.

use super::{PYTHON, Pair, Said, Walk};
use crate::{
    finding::listed,
    model::{NamedKind, Schema, Type},
};

impl Walk<'_> {
    /// Symbols that may be written, and those that the reader knows, with its default for others.
    pub(super) fn enums(
        &mut self,
        pair: Pair<'_>,
        written: &[String],
        known: &[String],
        default: Option<&str>,
        path: &str,
    ) {
        let strange: Vec<&str> = written.iter().filter(|symbol| !known.contains(symbol)).map(String::as_str).collect();
        if !strange.is_empty() {
            self.strange(pair, &strange, default, path);
        }
        if self.is_forth() {
            self.enum_defaults(pair, path);
        }
    }

    fn strange(&mut self, pair: Pair<'_>, strange: &[&str], default: Option<&str>, path: &str) {
        let symbols = listed(strange.iter().copied());
        let said = if self.is_forth() {
            let what = format!("the enum lost {symbols}");
            Said::fails("enum-symbol-removed", what, format!("keep {symbols}: there is data with it"))
        } else {
            let hint = match default {
                Some(_) => "; its default was there, but Python obeys none",
                None => "; readers of old versions know no default of the enum, and that of a field is none",
            };
            let mend = "make a new field of type string with a default beside it, or a new type of event";
            Said::fails("enum-symbol-added", format!("the enum gained {symbols}{hint}"), mend)
        };
        self.note(pair, path, if default.is_some() { said.to(PYTHON) } else { said });
    }

    fn enum_defaults(&mut self, pair: Pair<'_>, path: &str) {
        let (old, new) = self.in_time(pair);
        let default = |schema: &Schema, of: &Type| match of {
            Type::Named(id) => match &schema.get(*id).kind {
                NamedKind::Enum { default, .. } => default.clone(),
                _ => None,
            },
            _ => None,
        };
        if let (Some(before), after) = (default(self.old, old), default(self.new, new))
            && after.as_ref() != Some(&before)
        {
            let what = match after {
                Some(after) => format!("the enum's default went from {before} to {after}"),
                None => format!("the enum's default {before} is gone"),
            };
            let mend = "symbols that a reader does not know mean something else from now on; keep the default unless that is meant";
            self.note(pair, path, Said::warns("enum-default-changed", what, mend));
        }
    }
}
