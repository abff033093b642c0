//! Lengths of texts and arrays, values of integers, patterns.

use regex_lite::Regex;

use super::{Found, Want};
use crate::{
    Diagnostic, Span,
    check::{
        infer::{Here, length},
        types::{Integers, Text, Type},
    },
};

type Range<T> = (Option<T>, Option<T>);

impl<'a> Here<'_, 'a> {
    pub(super) fn lengths(&self, have: Range<u64>, wanted: Range<u64>, at: Span, want: Want<'_>, found: &mut Found) {
        let codes = ["BCP332", "BCP333", "BCP334", "BCP335"];
        compare(have, wanted, codes, "length", at, want, found);
    }

    pub(super) fn integers(&self, from: &Type, to: &Integers, at: Span, want: Want<'_>, found: &mut Found) {
        let have = match from {
            Type::IntIs(number) => (Some(*number), Some(*number)),
            Type::Int(range) => (range.least, range.most),
            _ => return,
        };
        let codes = ["BCP327", "BCP328", "BCP329", "BCP330"];
        compare(have, (to.least, to.most), codes, "value", at, want, found);
    }

    pub(super) fn text(&self, from: &Type, to: &Text, at: Span, want: Want<'_>, found: &mut Found) {
        match from {
            Type::TextIs(text) => {
                let count = length(text);
                self.lengths((Some(count), Some(count)), (to.least, to.most), at, want, found);
                // Patterns that this dialect of regular expressions does not know are left to the compiler.
                let pattern = to.pattern.as_deref().and_then(|pattern| Some((pattern, Regex::new(pattern).ok()?)));
                if let Some((pattern, regex)) = pattern
                    && !regex.is_match(text)
                {
                    let message = format!("'{text}' does not match the pattern {pattern}.");
                    found.push(want.finding("BCP416", at, message, false));
                }
            }
            Type::Text(text) => self.lengths((text.least, text.most), (to.least, to.most), at, want, found),
            _ => {}
        }
    }
}

/// Compares what may come with what is taken: certainly too much, certainly too little, possibly too little, possibly too much.
fn compare<T: Copy + PartialOrd + std::fmt::Display>(
    have: Range<T>,
    wanted: Range<T>,
    codes: [&'static str; 4],
    what: &str,
    at: Span,
    want: Want<'_>,
    found: &mut Found,
) {
    if let (Some(least), Some(most)) = (have.0, wanted.1)
        && least > most
    {
        let message = format!("The {what} is at least {least}, at most {most} is taken.");
        return found.push(Want { system: false, ..want }.finding(codes[0], at, message, false));
    }
    if let (Some(most), Some(least)) = (have.1, wanted.0)
        && most < least
    {
        let message = format!("The {what} is at most {most}, at least {least} is needed.");
        return found.push(Want { system: false, ..want }.finding(codes[1], at, message, false));
    }
    if let (Some(have), Some(wanted)) = (have.0, wanted.0)
        && have < wanted
    {
        found.push(Diagnostic::warning(
            codes[2],
            at,
            format!("The {what} may be {have}, at least {wanted} is needed."),
        ));
    }
    if let (Some(have), Some(wanted)) = (have.1, wanted.1)
        && have > wanted
    {
        found.push(Diagnostic::warning(codes[3], at, format!("The {what} may be {have}, at most {wanted} is taken.")));
    }
}
