//! Unions: each branch that may be written must find one that reads it, the same for every reader.

use super::{
    NOT_RUST, Pair, Said, Walk,
    scalars::{is_text_and_bytes, promotes},
};
use crate::{
    finding::{EVERY, Reader},
    model::{NamedKind, Type, branches},
    parse::short,
};

impl Walk<'_> {
    pub(super) fn unions(&mut self, pair: Pair<'_>, written: &[Type], expected: &[Type], path: &str) {
        let several = complex(written) > 1 || complex(expected) > 1;
        for branch in written {
            self.branch(pair, branch, expected, &self.place_of(branch, several, path));
        }
    }

    /// A union was written, and another type is expected: official readers look at the types, not at the value.
    pub(super) fn union_to_plain(&mut self, pair: Pair<'_>, written: &[Type], path: &str) {
        let (old, new) = self.in_time(pair);
        let what = format!("{} became {}", self.old.shown(old), self.new.shown(new));
        let reads_all = written.iter().all(|branch| self.is_read_by(branch, pair.expected));
        let readers = if reads_all { NOT_RUST } else { EVERY };
        let said = if self.is_forth() {
            Said::fails("union-removed", what, "keep the union: some of what is stored may be of its other branches")
        } else {
            let mend = "keep the type, and add a field of another name beside it: [\"null\", …] with \"default\": null";
            Said::fails("union-introduced", what, mend)
        };
        self.note(pair, path, said.to(readers));
    }

    pub(super) fn plain_to_union(&mut self, pair: Pair<'_>, expected: &[Type], path: &str) {
        self.branch(pair, pair.written, expected, path);
    }

    /// Finds the branch that reads what was written as `written`.
    fn branch(&mut self, pair: Pair<'_>, written: &Type, expected: &[Type], path: &str) {
        let is_strange = |branch: &Type| matches!(branch, Type::Unknown | Type::Union(_));
        if is_strange(written) || expected.iter().any(is_strange) {
            return self.not_understood_in_union(pair, path);
        }
        let exact = expected.iter().position(|branch| self.is_same_branch(written, branch));
        let promoted = expected.iter().position(|branch| is_promoted(written, branch));
        match (exact, promoted) {
            (Some(exact), promoted) => {
                let first = promoted.filter(|promoted| *promoted < exact).map(|promoted| &expected[promoted]);
                if let Some(first) = first.filter(|first| !self.was_first(first, written, pair.written)) {
                    self.shadowed(pair, written, first, path);
                }
                let by_alias = expected[..exact].iter().find(|branch| self.takes_by_alias(written, branch));
                if let Some(first) = by_alias.filter(|first| !self.took_by_alias(first, written, pair.written)) {
                    self.taken_by_alias(pair, written, first, path);
                }
                self.resolve(Pair { written, expected: &expected[exact] }, path);
            }
            (None, Some(promoted)) => self.resolve(Pair { written, expected: &expected[promoted] }, path),
            (None, None) => self.unread(pair, written, expected, path),
        }
    }

    fn not_understood_in_union(&mut self, pair: Pair<'_>, path: &str) {
        if self.is_forth() {
            let what = "the old text says nothing here that a parser takes, so nothing was compared".to_owned();
            self.note(pair, path, Said::warns("old-not-understood", what, ""));
        }
    }

    fn unread(&mut self, pair: Pair<'_>, written: &Type, expected: &[Type], path: &str) {
        // The same kind under another name: the name is what is wrong.
        if let Type::Named(id) = written {
            let kind = self.writer().get(*id).kind.word();
            let renamed = expected.iter().find(|branch| {
                matches!(branch, Type::Named(other) if self.reader().get(*other).kind.word() == kind
                    && !self.is_written(branch, pair.written))
            });
            if let Some(renamed) = renamed {
                return self.resolve(Pair { written, expected: renamed }, path);
            }
        }
        let shown = self.writer().shown(written);
        let both = matches!(pair.written, Type::Union(_));
        let said = match (self.is_forth(), both) {
            (true, true) => {
                let what = format!("the union lost its branch {shown}");
                Said::fails("union-branch-removed", what, format!("keep {shown} in the union: there is data of it"))
            }
            (false, true) => {
                let what = format!("the union gained the branch {shown}");
                let mend = "keep the union, and add a field of another name for the new type, with a default";
                Said::fails("union-branch-added", what, mend)
            }
            (_, false) => return self.another_type(pair, path),
        };
        self.note(pair, path, said);
    }

    /// A branch before the right one takes the value too. JavaScript's and Python's readers use the first that can.
    fn shadowed(&mut self, pair: Pair<'_>, written: &Type, first: &Type, path: &str) {
        let (written, first) = (self.writer().shown(written), self.reader().shown(first));
        let is_text = |shown: &str| shown.starts_with("string") || shown.starts_with("bytes");
        let what = format!("a {written} is read as {first}, which comes before it in the union");
        let mend = format!("put {written} before {first}");
        let said = if is_text(&written) {
            Said::misreads("union-order", what, mend).to(&[Reader::JavaScript])
        } else {
            Said::warns("union-order", what, mend).to(NOT_RUST)
        };
        self.note(pair, path, Said { is_mutual: false, ..said });
    }

    /// Whether the writer's union has `first` before `branch` too: then the change has nothing to do with it.
    fn was_first(&self, first: &Type, branch: &Type, written: &Type) -> bool {
        let place = |wanted: &dyn Fn(&Type) -> bool| branches(written).iter().position(wanted);
        let first = place(&|of| self.is_same_branch(of, first));
        let branch = place(&|of| std::ptr::eq(of, branch));
        first.zip(branch).is_some_and(|(first, branch)| first < branch)
    }

    /// Whether two branches are of one kind and, if they have names, of one name.
    fn is_same_branch(&self, written: &Type, expected: &Type) -> bool {
        match (written, expected) {
            (Type::Primitive(written, _), Type::Primitive(expected, _)) => written == expected,
            (Type::Array(_), Type::Array(_)) | (Type::Map(_), Type::Map(_)) => true,
            (Type::Named(written), Type::Named(expected)) => {
                let (written, expected) = (self.writer().get(*written), self.reader().get(*expected));
                written.name == expected.name && written.kind.word() == expected.kind.word()
            }
            _ => false,
        }
    }

    /// Whether a branch of the reader is one of the writer's too.
    fn is_written(&self, expected: &Type, written: &Type) -> bool {
        branches(written).iter().any(|branch| self.is_same_branch(branch, expected))
    }

    pub(super) fn is_read_by(&self, written: &Type, expected: &Type) -> bool {
        self.is_same_branch(written, expected) || is_promoted(written, expected)
    }

    /// The path of a branch: named by its type where several branches have insides.
    fn place_of(&self, branch: &Type, several: bool, path: &str) -> String {
        match branch {
            Type::Named(id) if several && matches!(self.writer().get(*id).kind, NamedKind::Record(_)) => {
                let name = short(&self.writer().get(*id).name);
                format!("{path}<{name}>")
            }
            _ => path.to_owned(),
        }
    }
}

fn is_promoted(written: &Type, expected: &Type) -> bool {
    match (written, expected) {
        (Type::Primitive(written, _), Type::Primitive(expected, _)) => {
            promotes(*written, *expected) || is_text_and_bytes(*written, *expected)
        }
        _ => false,
    }
}

/// How many branches have insides.
fn complex(branches: &[Type]) -> usize {
    branches.iter().filter(|branch| !matches!(branch, Type::Primitive(..))).count()
}
