//! Segments of a template: a literal, a parameter, or several parts such as `{name}.{ext}`.

use super::constraint::Constraint;

/// Values of the parameters in the template's order; `None` for an optional one that is absent.
pub(crate) type Parameters = Vec<(String, Option<String>)>;

/// The parts of a segment from left to right; at least one, and no two parameters side by side.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) parts: Vec<Part>,
}

#[derive(Clone, Debug)]
pub(super) enum Part {
    Literal(String),
    Parameter(Parameter),
}

#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) constraints: Vec<Constraint>,
    pub(super) optional: bool,
    pub(super) default: Option<String>,
    pub(super) catch_all: bool,
}

/// The first segment of a template and what follows its slash. A slash within braces is none.
pub(super) fn split(template: &str) -> (&str, &str) {
    let mut within = false;
    let mut bytes = template.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'{' | b'}' if bytes.next_if(|(_, next)| *next == byte).is_some() => {}
            b'{' => within = true,
            b'}' => within = false,
            b'/' if !within => return (&template[..at], &template[at + 1..]),
            _ => {}
        }
    }
    (template, "")
}

/// Whether two texts are one without regard to case.
pub(super) fn same(one: &str, another: &str) -> bool {
    one.to_lowercase() == another.to_lowercase()
}

impl Segment {
    /// Parses a segment.
    ///
    /// # Errors
    /// One sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let is_literal = !rest.starts_with('{') || rest.starts_with("{{");
            let (part, after) = if is_literal { literal(text, rest)? } else { parameter(text, rest)? };
            if let (Some(Part::Parameter(_)), Part::Parameter(_)) = (parts.last(), &part) {
                return Err(format!("segment '{text}' has two parameters with nothing between them"));
            }
            parts.push(part);
            rest = after;
        }
        let segment = Self { parts };
        if segment.parts.len() > 1 {
            if segment.parameters().any(|parameter| parameter.catch_all) {
                return Err(format!("segment '{text}' has more than the parameter that takes the rest"));
            }
            let last = segment.parts.len() - 1;
            for (index, part) in segment.parts.iter().enumerate() {
                let Part::Parameter(parameter) = part else { continue };
                let behind_dot = |literal: &Part| matches!(literal, Part::Literal(text) if text == ".");
                let is_open = index == last && index.checked_sub(1).is_some_and(|at| behind_dot(&segment.parts[at]));
                if parameter.optional && !is_open {
                    return Err(format!(
                        "segment '{text}': an optional parameter must be the last part, and behind a full stop"
                    ));
                }
            }
        }
        Ok(segment)
    }

    /// The parameter that the segment is; `None` for a literal and for several parts.
    pub(super) fn parameter(&self) -> Option<&Parameter> {
        match &self.parts[..] {
            [Part::Parameter(parameter)] => Some(parameter),
            _ => None,
        }
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.parts.iter().filter_map(|part| match part {
            Part::Parameter(parameter) => Some(parameter),
            Part::Literal(_) => None,
        })
    }

    /// Matches a segment of a path; `None` in it where the path has ended.
    pub(super) fn matches(&self, value: Option<&str>) -> Option<Parameters> {
        match &self.parts[..] {
            [Part::Literal(literal)] => same(literal, value?).then(Parameters::new),
            [Part::Parameter(parameter)] => Some(vec![parameter.take(value)?]),
            parts => complex(parts, value?),
        }
    }
}

impl Parameter {
    /// The parameter with its value, or with its default.
    pub(super) fn take(&self, value: Option<&str>) -> Option<(String, Option<String>)> {
        let value = value.map(str::to_owned).or_else(|| self.default.clone());
        let accepted = match &value {
            Some(value) => self.constraints.iter().all(|constraint| constraint.accepts(value)),
            None => self.optional || self.catch_all && self.constraints.iter().all(Constraint::accepts_nothing),
        };
        accepted.then(|| (self.name.clone(), value))
    }

    pub(super) fn may_be_absent(&self) -> bool {
        self.optional || self.catch_all || self.default.is_some()
    }
}

/// Matches several parts from the right, each literal as far right as it goes and each parameter with at least one character.
fn complex(parts: &[Part], value: &str) -> Option<Parameters> {
    let mut found = from_the_right(parts, value);
    if found.is_none()
        && let [shorter @ .., Part::Literal(dot), Part::Parameter(last)] = parts
        && last.optional
        && !value.ends_with(dot.as_str())
    {
        found = from_the_right(shorter, value).map(|mut texts| {
            texts.push((last, None));
            texts
        });
    }
    found?.into_iter().map(|(parameter, text)| parameter.take(text)).collect()
}

type Found<'p, 'v> = Vec<(&'p Parameter, Option<&'v str>)>;

fn from_the_right<'p, 'v>(parts: &'p [Part], value: &'v str) -> Option<Found<'p, 'v>> {
    match parts {
        [] => value.is_empty().then(Found::new),
        [Part::Parameter(parameter)] => (!value.is_empty()).then(|| vec![(parameter, Some(value))]),
        [before @ .., Part::Literal(literal)] => {
            let at = value.len().checked_sub(literal.len()).filter(|at| value.is_char_boundary(*at))?;
            same(&value[at..], literal).then(|| from_the_right(before, &value[..at]))?
        }
        [before @ .., Part::Literal(literal), Part::Parameter(parameter)] => {
            // The last place that leaves a character for the parameter.
            let fits = |at: &usize| {
                let end = at + literal.len();
                end < value.len() && value.is_char_boundary(end) && same(&value[*at..end], literal)
            };
            let at = value.char_indices().map(|(at, _)| at).rev().find(fits)?;
            let mut found = from_the_right(before, &value[..at])?;
            found.push((parameter, Some(&value[at + literal.len()..])));
            Some(found)
        }
        // Two parameters side by side are refused.
        [.., Part::Parameter(_)] => None,
    }
}

/// The literal that `rest` begins with, in which a brace is written twice.
fn literal<'t>(segment: &str, rest: &'t str) -> Result<(Part, &'t str), String> {
    let mut text = String::new();
    let mut characters = rest.char_indices().peekable();
    let mut end = rest.len();
    while let Some((at, character)) = characters.next() {
        match character {
            '{' | '}' if characters.next_if(|(_, next)| *next == character).is_some() => text.push(character),
            '{' => {
                end = at;
                break;
            }
            '}' | '?' => return Err(format!("segment '{segment}' has a '{character}' in a literal")),
            _ => text.push(character),
        }
    }
    Ok((Part::Literal(text), &rest[end..]))
}

/// The parameter that `rest` begins with.
fn parameter<'t>(segment: &str, rest: &'t str) -> Result<(Part, &'t str), String> {
    let mut inner = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    let end = loop {
        match characters.next() {
            None => return Err(format!("segment '{segment}' has a brace that is not closed")),
            Some((_, brace @ ('{' | '}'))) if characters.next_if(|(_, next)| *next == brace).is_some() => {
                inner.push(brace);
            }
            Some((at, '}')) => break at + 1,
            Some((_, '{')) => return Err(format!("segment '{segment}' has a brace within a parameter")),
            Some((_, character)) => inner.push(character),
        }
    };
    Ok((Part::Parameter(Parameter::parse(segment, &inner)?), &rest[end..]))
}

impl Parameter {
    /// Parses what is between the braces: `*name:constraint(…):constraint=default?`.
    fn parse(segment: &str, inner: &str) -> Result<Self, String> {
        let stars = inner.len() - inner.trim_start_matches('*').len();
        let (inner, optional) = inner[stars..].strip_suffix('?').map_or((&inner[stars..], false), |rest| (rest, true));
        let name_end = inner.find([':', '=']).unwrap_or(inner.len());
        let (name, mut rest) = inner.split_at(name_end);
        if name.is_empty() || stars > 2 || name.contains(['*', '?', '/', '{', '}']) {
            return Err(format!("segment '{segment}' has no usable parameter name"));
        }
        let mut constraints = Vec::new();
        while let Some(constraint) = rest.strip_prefix(':') {
            let end = constraint_end(constraint);
            if end > 0 {
                constraints.push(Constraint::parse(&constraint[..end])?);
            }
            rest = &constraint[end..];
        }
        let default = rest.strip_prefix('=').map(str::to_owned);
        if optional && (default.is_some() || stars > 0) {
            return Err(format!("segment '{segment}': parameter '{name}' cannot be optional as well"));
        }
        Ok(Self { name: name.to_owned(), constraints, optional, default, catch_all: stars > 0 })
    }
}

/// Where a constraint ends: at a colon or an equals sign, of which those in its parentheses are none.
fn constraint_end(text: &str) -> usize {
    let is_end = |at: usize| matches!(text.as_bytes().get(at), None | Some(b':' | b'='));
    let plain = (0..=text.len()).find(|at| is_end(*at)).unwrap_or(text.len());
    match text[..plain].find('(') {
        None => plain,
        Some(_) => {
            let closed = text.match_indices(')').map(|(at, _)| at + 1).find(|at| is_end(*at));
            closed.unwrap_or(text.len())
        }
    }
}
