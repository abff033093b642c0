//! The part of a blob trigger's path behind the container: literal text and `{parameters}`.

/// What a blob's name must look like, and which parts of it have names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlobPattern {
    /// The text before the first parameter.
    start: String,
    /// Each parameter with the text behind it.
    parameters: Vec<(String, String)>,
    /// No pattern at all: every name.
    any: bool,
}

impl BlobPattern {
    /// Parses a pattern such as `{name}.json` or `orders/{year}/{name}`; `{{` and `}}` stand for braces. An empty one
    /// takes every name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pattern = Self { any: text.is_empty(), ..Self::default() };
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            pattern.push(&rest[..at]);
            let brace = &rest[at..];
            if brace.starts_with("{{") || brace.starts_with("}}") {
                pattern.push(&brace[..1]);
                rest = &brace[2..];
                continue;
            }
            let name = brace.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let (name, after) = name.ok_or_else(|| format!("'{text}' has a brace without a partner"))?;
            pattern.add(name)?;
            rest = after;
        }
        pattern.push(rest);
        Ok(pattern)
    }

    fn add(&mut self, name: &str) -> Result<(), String> {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || !name.chars().all(word) {
            return Err(format!("'{{{name}}}' is not a parameter: a letter, then letters and digits"));
        }
        if self.parameters.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return Err(format!("'{{{name}}}' is there twice"));
        }
        if self.parameters.last().is_some_and(|(_, text)| text.is_empty()) {
            return Err(format!("there must be text before '{{{name}}}', which follows another parameter"));
        }
        self.parameters.push((name.to_owned(), String::new()));
        Ok(())
    }

    fn push(&mut self, text: &str) {
        self.parameters.last_mut().map_or(&mut self.start, |(_, after)| after).push_str(text);
    }

    /// The values of the parameters in order, if `name` fits. As in the real host each takes as much as it can, the
    /// first one first, slashes included.
    pub(crate) fn matches<'n>(&self, name: &'n str) -> Option<Vec<(&str, &'n str)>> {
        if self.any {
            return Some(Vec::new());
        }
        let mut rest = name.strip_prefix(self.start.as_str())?;
        let mut values = Vec::with_capacity(self.parameters.len());
        for (index, (parameter, after)) in self.parameters.iter().enumerate().rev() {
            // From the right: the last text must end the name, each one before stands as far right as it can.
            let at = rest.strip_suffix(after.as_str())?.len();
            let start = match index {
                0 => 0,
                _ => {
                    let before = &self.parameters[index - 1].1;
                    rest[..at].rfind(before.as_str())? + before.len()
                }
            };
            values.push((parameter.as_str(), &rest[start..at]));
            rest = &rest[..start];
        }
        if self.parameters.is_empty() && !rest.is_empty() {
            return None;
        }
        values.reverse();
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever fits a pattern is made of its texts and the values between them.
        #[test]
        fn values_and_texts_make_the_name(values in prop::collection::vec("[ab/.]{0,4}", 3)) {
            let pattern = BlobPattern::parse("in/{x}/{y}.{z}").expect("a pattern");
            let name = format!("in/{}/{}.{}", values[0], values[1], values[2]);
            let found = pattern.matches(&name).expect("it fits");
            prop_assert_eq!(format!("in/{}/{}.{}", found[0].1, found[1].1, found[2].1), name.as_str());
            prop_assert!(!found[2].1.contains('.'), "the last point is the pattern's");
        }
    }

    #[test]
    fn parameters_take_as_much_as_they_can() {
        type Case = (&'static str, &'static str, Option<&'static [(&'static str, &'static str)]>);
        let cases: [Case; 11] = [
            ("{name}", "dir/a.txt", Some(&[("name", "dir/a.txt")])),
            ("", "dir/a.txt", Some(&[])),
            ("{name}.{ext}", "a.b.txt", Some(&[("name", "a.b"), ("ext", "txt")])),
            ("{day}/{name}.json", "x/y/z.json", Some(&[("day", "x/y"), ("name", "z")])),
            ("orders/{name}", "orders/7", Some(&[("name", "7")])),
            ("orders/{name}", "carts/7", None),
            ("{name}.json", "a.txt", None),
            ("exact.txt", "exact.txt", Some(&[])),
            ("exact.txt", "exact.txt2", None),
            ("{{{name}}}", "{x}", Some(&[("name", "x")])),
            ("{a}-{b}-{c}", "1-2-3-4", Some(&[("a", "1-2"), ("b", "3"), ("c", "4")])),
        ];
        for (pattern, name, expected) in cases {
            let parsed = BlobPattern::parse(pattern).expect(pattern);
            assert_eq!(parsed.matches(name).as_deref(), expected, "{pattern} on {name}");
        }
        for broken in ["{a}{b}", "{a}/{A}", "{", "a}", "{}", "{1a}"] {
            assert!(BlobPattern::parse(broken).is_err(), "{broken}");
        }
    }
}
