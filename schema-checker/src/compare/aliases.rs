//! Aliases, which JavaScript alone obeys: a field takes the values of whatever is written under its name or one of its aliases, and of two
//! of them none; a branch of a union takes those of a type that it has as an alias, though a later branch is that type. Seen with avsc
//! 5.7.9.

use super::{JAVASCRIPT, Pair, Said, Walk};
use crate::{
    finding::Effect,
    model::{Field, NamedKind, Type, branches},
};

impl Walk<'_> {
    /// What JavaScript makes of a field of the reader by its aliases, where others go by its name.
    pub(super) fn by_aliases(&mut self, field: &Field, written: &[Field], expected: &[Field], path: &str) {
        let is_own = |other: &&Field| other.name == field.name;
        let has_alias = |other: &&Field| !is_own(other) && field.aliases.contains(&other.name);
        let sources: Vec<&Field> = written.iter().filter(has_alias).collect();
        let names = || sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>().join(" and ");
        let fragments = (
            written
                .iter()
                .find(is_own)
                .or(sources.first().copied())
                .map(|field| self.writer().field_fragment(field, false)),
            Some(self.reader().field_fragment(field, false)),
        );
        let fragments = if self.is_forth() { fragments } else { (fragments.1, fragments.0) };
        let said = match (written.iter().any(|other| is_own(&other)), sources.as_slice()) {
            (_, []) => return,
            (false, [source]) => {
                let reads = self.is_readable(&source.of, &field.of);
                // A field that is called otherwise now is reported as such, and JavaScript reads it rightly.
                if reads && self.is_forth() && !expected.iter().any(|other| other.name == source.name) {
                    return;
                }
                let (source, name) = (&source.name, &field.name);
                let what = if reads {
                    format!("by its alias JavaScript takes the values of {source} for {name}, and others the default")
                } else {
                    format!("by its alias JavaScript takes {source} for {name}, whose type does not fit, and fails")
                };
                let mend = if self.is_forth() {
                    format!("take the alias {source} from {name}")
                } else {
                    format!("choose another name than {source}, which readers of that version take for {name}")
                };
                let effect = if reads { Effect::Misreads } else { Effect::Fails };
                Said { effect, is_mutual: false, ..Said::misreads("alias-misread", what, mend) }
            }
            // The text itself is at fault, which is said elsewhere.
            _ if expected.iter().any(|other| has_alias(&other)) => return,
            (has_own, _) => {
                let all = if has_own { format!("{} and {}", field.name, names()) } else { names() };
                let what = format!("{all} are one field by its aliases, and JavaScript fails where there are both");
                let mend = if self.is_forth() {
                    format!("take the aliases {} from {}", names(), field.name)
                } else {
                    format!(
                        "choose other names than {}, which readers of that version take for {}",
                        names(),
                        field.name
                    )
                };
                Said::fails("ambiguous-alias", what, mend)
            }
        };
        self.add(path, fragments, said.to(JAVASCRIPT));
    }

    /// Whether a branch of a union takes values of another name by an alias. What is within fields is not looked at.
    pub(super) fn takes_by_alias(&self, written: &Type, expected: &Type) -> bool {
        let (Type::Named(written), Type::Named(expected)) = (written, expected) else { return false };
        let (written, expected) = (self.writer().get(*written), self.reader().get(*expected));
        expected.name != written.name
            && expected.aliases.contains(&written.name)
            && match (&written.kind, &expected.kind) {
                (NamedKind::Record(written), NamedKind::Record(expected)) => expected.iter().all(|field| {
                    let is_source = |other: &&Field| other.name == field.name || field.aliases.contains(&other.name);
                    match written.iter().find(is_source) {
                        Some(source) => self.is_readable(&source.of, &field.of),
                        None => field.default.is_some(),
                    }
                }),
                (NamedKind::Enum { symbols, .. }, NamedKind::Enum { symbols: known, default }) => {
                    default.is_some() || symbols.iter().all(|symbol| known.contains(symbol))
                }
                (NamedKind::Fixed { size: one, .. }, NamedKind::Fixed { size: other, .. }) => one == other,
                _ => false,
            }
    }

    /// Whether the writer's union has that branch before the right one, with that alias, too: then the change has nothing to do with it.
    pub(super) fn took_by_alias(&self, first: &Type, branch: &Type, written: &Type) -> bool {
        let (Type::Named(first), Type::Named(branch)) = (first, branch) else { return false };
        let (first, branch) = (&self.reader().get(*first).name, &self.writer().get(*branch).name);
        let names = branches(written).iter().filter_map(|of| match of {
            Type::Named(id) => Some(self.writer().get(*id)),
            _ => None,
        });
        let mut before = names.take_while(|named| named.name != *branch);
        before.any(|named| named.name == *first && named.aliases.contains(branch))
    }

    pub(super) fn taken_by_alias(&mut self, pair: Pair<'_>, written: &Type, first: &Type, path: &str) {
        let (written, first) = (self.writer().shown(written), self.reader().shown(first));
        let what = format!("by its alias JavaScript reads a {written} as {first}, which comes before it in the union");
        let mend = format!("take the alias from {first}, or put {written} before it");
        let said = Said::misreads("union-order", what, mend).to(JAVASCRIPT);
        self.note(pair, path, Said { is_mutual: false, ..said });
    }

    /// Whether each branch that may be written finds one that reads it, by its kind and name.
    fn is_readable(&self, written: &Type, expected: &Type) -> bool {
        branches(written).iter().all(|one| branches(expected).iter().any(|other| self.is_read_by(one, other)))
    }
}
