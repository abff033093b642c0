//! Declarations that refer to themselves.

use std::collections::{HashMap, HashSet};

use super::{Model, Symbol};
use crate::Diagnostic;

impl Model<'_> {
    /// Reports declarations that refer to themselves (BCP079) or to each other in a circle (BCP080). Types may.
    pub(super) fn find_circles(&mut self) {
        let counts = |symbol: &Symbol| {
            !matches!(symbol, Symbol::Alias(_) | Symbol::Local(_) | Symbol::Namespace(_) | Symbol::Import(_))
        };
        let next: HashMap<Symbol, Vec<Symbol>> = self
            .refers
            .iter()
            .filter(|(from, _)| counts(from))
            .map(|(from, to)| (*from, to.iter().copied().filter(counts).collect()))
            .collect();
        for start in next.keys().copied() {
            let mut seen = HashSet::new();
            let mut open: Vec<Symbol> = next.get(&start).into_iter().flatten().copied().collect();
            while let Some(symbol) = open.pop() {
                if symbol == start {
                    self.circular.insert(start);
                    break;
                }
                if seen.insert(symbol) {
                    open.extend(next.get(&symbol).into_iter().flatten());
                }
            }
        }
        for symbol in &self.circular {
            let Some(name) = self.name(*symbol) else { continue };
            let itself = next.get(symbol).is_some_and(|to| to.contains(symbol));
            let (code, message) = match itself {
                true => ("BCP079", format!("`{}` refers to itself.", name.text)),
                false => ("BCP080", format!("`{}` refers to itself by way of others.", name.text)),
            };
            self.report(Diagnostic::error(code, name.span, message));
        }
    }
}
