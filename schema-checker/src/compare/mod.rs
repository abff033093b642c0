//! Comparison: whether readers of one version read what another one wrote, both ways.
//!
//! Each way is a walk over both schemas at once, as a reader resolves what was written against what it expects. What counts is what the
//! readers do that are there, not what the specification promises: Apache's library for Python is the strictest (no promotion inside of
//! arrays and maps, names by heart, no aliases, no defaults of enumerations), that for JavaScript comes next, and that for Rust
//! takes most. A change is good if all of them read all values.

mod aliases;
mod enums;
mod records;
mod scalars;
mod unions;

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    finding::{Direction, EVERY, Effect, Finding, Reader, Severity},
    model::{NamedId, NamedKind, Schema, Type},
    parse::{namespace, short},
};

/// Named types within each other that are followed: no event is so deep, and a stack has an end.
pub(crate) const MAX_DEPTH: usize = 128;

const PYTHON: &[Reader] = &[Reader::Python];
const JAVASCRIPT: &[Reader] = &[Reader::JavaScript];
const NOT_RUST: &[Reader] = &[Reader::Python, Reader::JavaScript];

/// What changes between an old version, labelled `version`, and the new one.
pub(crate) fn compare(old: &Schema, new: &Schema, version: &str) -> Vec<Finding> {
    let mut found = Walk::new(old, new, Direction::NewReaders).all();
    for finding in Walk::new(old, new, Direction::OldReaders).all() {
        let same = found.iter_mut().find(|other| {
            (other.code, &other.path, &other.readers, &other.what)
                == (finding.code, &finding.path, &finding.readers, &finding.what)
        });
        match same {
            Some(other) => other.direction = Direction::Both,
            None => found.push(finding),
        }
    }
    for finding in &mut found {
        finding.versions = vec![version.to_owned()];
    }
    found
}

/// One way through both schemas.
struct Walk<'a> {
    old: &'a Schema,
    new: &'a Schema,
    /// [`Direction::NewReaders`] or [`Direction::OldReaders`].
    direction: Direction,
    /// Pairs of named types that were or are being compared, so that a type in itself comes to an end.
    seen: HashSet<(NamedId, NamedId)>,
    /// Named types around the present place.
    depth: usize,
    found: Vec<Finding>,
}

/// A pair of types at a place: what was written, and what is expected.
#[derive(Clone, Copy)]
struct Pair<'t> {
    written: &'t Type,
    expected: &'t Type,
}

/// What a finding says, beside where and about whom.
struct Said {
    code: &'static str,
    severity: Severity,
    effect: Effect,
    /// Whether it is the same for readers of either version.
    is_mutual: bool,
    readers: &'static [Reader],
    what: String,
    mend: String,
}

impl Said {
    /// Readers fail.
    fn fails(code: &'static str, what: String, mend: impl Into<String>) -> Self {
        let (severity, effect) = (Severity::Break, Effect::Fails);
        Self { code, severity, effect, is_mutual: false, readers: EVERY, what, mend: mend.into() }
    }

    /// Readers get something else than was written.
    fn misreads(code: &'static str, what: String, mend: impl Into<String>) -> Self {
        Self { effect: Effect::Misreads, is_mutual: true, ..Self::fails(code, what, mend) }
    }

    /// Somebody should look.
    fn warns(code: &'static str, what: String, mend: impl Into<String>) -> Self {
        Self { severity: Severity::Warn, effect: Effect::None, is_mutual: true, ..Self::fails(code, what, mend) }
    }

    fn to(self, readers: &'static [Reader]) -> Self {
        Self { readers, ..self }
    }
}

impl<'a> Walk<'a> {
    fn new(old: &'a Schema, new: &'a Schema, direction: Direction) -> Self {
        Self { old, new, direction, seen: HashSet::new(), depth: 0, found: Vec::new() }
    }

    fn all(mut self) -> Vec<Finding> {
        let pair = match self.direction {
            Direction::OldReaders => Pair { written: &self.new.root, expected: &self.old.root },
            _ => Pair { written: &self.old.root, expected: &self.new.root },
        };
        self.resolve(pair, "");
        self.found
    }

    /// Whether new readers read old data. What is the same both ways is looked at on this way.
    fn is_forth(&self) -> bool {
        self.direction == Direction::NewReaders
    }

    fn writer(&self) -> &'a Schema {
        if self.is_forth() { self.old } else { self.new }
    }

    fn reader(&self) -> &'a Schema {
        if self.is_forth() { self.new } else { self.old }
    }

    /// The pair as old and new.
    fn in_time<'t>(&self, pair: Pair<'t>) -> (&'t Type, &'t Type) {
        if self.is_forth() { (pair.written, pair.expected) } else { (pair.expected, pair.written) }
    }

    /// A finding about a pair of types.
    fn note(&mut self, pair: Pair<'_>, path: &str, said: Said) {
        let (old, new) = self.in_time(pair);
        let fragments = (Some(self.old.fragment(old, true)), Some(self.new.fragment(new, true)));
        self.add(path, fragments, said);
    }

    fn add(&mut self, path: &str, (old, new): (Option<Value>, Option<Value>), said: Said) {
        let direction = if said.is_mutual { Direction::Both } else { self.direction };
        self.found.push(Finding {
            code: said.code,
            severity: said.severity,
            direction,
            effect: said.effect,
            path: path.to_owned(),
            old,
            new,
            readers: said.readers.to_vec(),
            versions: Vec::new(),
            what: said.what,
            mend: said.mend,
        });
    }

    /// Resolves what was written against what is expected.
    fn resolve(&mut self, pair: Pair<'_>, path: &str) {
        match (pair.written, pair.expected) {
            (Type::Union(written), Type::Union(expected)) => self.unions(pair, written, expected, path),
            (Type::Union(written), _) => self.union_to_plain(pair, written, path),
            (_, Type::Union(expected)) => self.plain_to_union(pair, expected, path),
            _ => self.plain(pair, path),
        }
    }

    /// Two types that are no unions.
    fn plain(&mut self, pair: Pair<'_>, path: &str) {
        match (pair.written, pair.expected) {
            (Type::Unknown, _) | (_, Type::Unknown) => self.not_understood(pair, path),
            (Type::Primitive(written, one), Type::Primitive(expected, other)) => {
                self.primitives(pair, *written, *expected, path);
                self.logical_types(pair, one.as_ref(), other.as_ref(), path);
            }
            (Type::Array(written), Type::Array(expected)) => {
                self.items(Pair { written, expected }, &format!("{path}[]"));
            }
            (Type::Map(written), Type::Map(expected)) => {
                self.items(Pair { written, expected }, &format!("{path}{{}}"));
            }
            (Type::Named(written), Type::Named(expected)) => self.named(pair, *written, *expected, path),
            _ => self.another_type(pair, path),
        }
    }

    fn not_understood(&mut self, pair: Pair<'_>, path: &str) {
        // Where the new text is at fault, that is said elsewhere.
        if self.is_forth() && matches!(pair.written, Type::Unknown) {
            let what = "the old text says nothing here that a parser takes, so nothing was compared".to_owned();
            self.note(pair, path, Said::warns("old-not-understood", what, ""));
        }
    }

    fn another_type(&mut self, pair: Pair<'_>, path: &str) {
        let (old, new) = self.in_time(pair);
        let (old, new) = (self.old.shown(old), self.new.shown(new));
        let what = format!("{old} became {new}");
        let mend = "keep the type, and add a field of another name beside it, with a default";
        self.note(pair, path, Said::fails("type-changed", what, mend));
    }

    /// Items of arrays and values of maps. Python compares their kinds by heart, before it reads any.
    fn items(&mut self, pair: Pair<'_>, path: &str) {
        let before = self.found.len();
        self.resolve(pair, path);
        let is_broken = self.found[before..].iter().any(|finding| {
            finding.severity == Severity::Break && finding.path == path && finding.readers.contains(&Reader::Python)
        });
        let (written, expected) = (self.writer().kind(pair.written), self.reader().kind(pair.expected));
        if written != expected && !is_broken && ![written, expected].contains(&"unknown") {
            let (old, new) = self.in_time(pair);
            let what = format!("{} became {} within an array or a map", self.old.shown(old), self.new.shown(new));
            let mend = "keep the type, and add a field of another name beside it, with a default";
            self.note(pair, path, Said::fails("promotion-in-container", what, mend).to(PYTHON));
        }
    }

    fn named(&mut self, pair: Pair<'_>, written: NamedId, expected: NamedId, path: &str) {
        let (writer, reader) = (self.writer(), self.reader());
        let (one, other) = (writer.get(written), reader.get(expected));
        match (&one.kind, &other.kind) {
            (NamedKind::Missing, _) | (_, NamedKind::Missing) => {
                return self.not_understood(Pair { written: &Type::Unknown, ..pair }, path);
            }
            (NamedKind::Record(_), NamedKind::Record(_))
            | (NamedKind::Enum { .. }, NamedKind::Enum { .. })
            | (NamedKind::Fixed { .. }, NamedKind::Fixed { .. }) => {}
            _ => return self.another_type(pair, path),
        }
        if !self.seen.insert((written, expected)) {
            return;
        }
        if self.depth >= MAX_DEPTH {
            let what = format!("more than {MAX_DEPTH} types are within each other here, so the rest was not compared");
            return self.note(pair, path, Said::fails("too-deep", what, "make it flatter"));
        }
        self.depth += 1;
        if one.name != other.name {
            self.another_name(pair, path);
        }
        match (&one.kind, &other.kind) {
            (NamedKind::Record(written), NamedKind::Record(expected)) => self.records(written, expected, path),
            (NamedKind::Enum { symbols, .. }, NamedKind::Enum { symbols: known, default }) => {
                self.enums(pair, symbols, known, default.as_deref(), path);
            }
            (NamedKind::Fixed { size: one, logical: as_one }, NamedKind::Fixed { size: other, logical: as_other }) => {
                if one != other {
                    let (old, new) = if self.is_forth() { (one, other) } else { (other, one) };
                    let what = format!("its size went from {old} to {new} bytes");
                    let mend = "keep the size; another size is another type, in a field of its own with a default";
                    self.note(pair, path, Said::fails("fixed-size-changed", what, mend));
                }
                self.logical_types(pair, as_one.as_ref(), as_other.as_ref(), path);
            }
            _ => {}
        }
        self.depth -= 1;
    }

    fn another_name(&mut self, pair: Pair<'_>, path: &str) {
        let (old, new) = self.in_time(pair);
        let (Type::Named(old), Type::Named(new)) = (old, new) else { return };
        let (old, new) = (self.old.get(*old), self.new.get(*new));
        let code = if short(&old.name) == short(&new.name) && namespace(&old.name) != namespace(&new.name) {
            "namespace-changed"
        } else {
            "type-renamed"
        };
        let has_alias = self.is_forth() && new.aliases.contains(&old.name);
        let aliased = if has_alias { " (Python knows no aliases)" } else { "" };
        let what = format!("the {} {} is called {} now{aliased}", old.kind.word(), old.name, new.name);
        let readers = if has_alias { PYTHON } else { NOT_RUST };
        let mend = format!("call it {} as before", old.name);
        self.note(pair, path, Said::fails(code, what, mend).to(readers));
    }
}
