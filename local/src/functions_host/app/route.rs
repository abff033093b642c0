//! Route templates: literals, `{name}`, `{name:int}`, `{name?}`, `{name=default}` and `{*rest}`.

use percent_encoding::percent_decode_str;

use super::constraint::Constraint;

/// A checked template, without the prefix.
#[derive(Clone, Debug)]
pub(crate) struct RouteTemplate {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug)]
enum Segment {
    /// Lower case.
    Literal(String),
    Parameter(Parameter),
}

#[derive(Clone, Debug)]
struct Parameter {
    name: String,
    constraints: Vec<Constraint>,
    optional: bool,
    default: Option<String>,
    catch_all: bool,
}

/// Values of the parameters in the template's order; `None` for an optional one that is absent.
pub(crate) type Parameters = Vec<(String, Option<String>)>;

impl RouteTemplate {
    /// Parses a template.
    ///
    /// # Errors
    /// One sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim_matches('/');
        if text.starts_with('/') || text.starts_with('~') {
            return Err(format!("'{text}' must not start with '/' or '~'"));
        }
        let segments = trimmed
            .split('/')
            .filter(|segment| !trimmed.is_empty() || !segment.is_empty())
            .map(Segment::parse)
            .collect::<Result<Vec<_>, _>>()?;
        let mut names = Vec::new();
        for (index, segment) in segments.iter().enumerate() {
            let Segment::Parameter(parameter) = segment else { continue };
            if names.contains(&parameter.name.to_lowercase()) {
                return Err(format!("'{text}' names parameter '{}' twice", parameter.name));
            }
            names.push(parameter.name.to_lowercase());
            if (parameter.catch_all || parameter.optional) && index + 1 < segments.len() {
                return Err(format!("'{text}': parameter '{}' must be the last segment", parameter.name));
            }
        }
        Ok(Self { text: trimmed.to_owned(), segments })
    }

    /// As written, without slashes at the ends.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Matches the raw path below the prefix; literals without regard to case.
    pub(crate) fn matches(&self, path: &str) -> Option<Parameters> {
        let path = path.trim_matches('/');
        let mut rest = if path.is_empty() { None } else { Some(path) };
        let mut parameters = Parameters::new();
        for segment in &self.segments {
            let (current, after) = match rest.map(|rest| rest.split_once('/').unwrap_or((rest, ""))) {
                Some((current, after)) => (Some(current), after),
                None => (None, ""),
            };
            match segment {
                Segment::Literal(literal) => {
                    if *literal != decode(current?).to_lowercase() {
                        return None;
                    }
                }
                Segment::Parameter(parameter) => {
                    let value = if parameter.catch_all { rest } else { current };
                    let value = value.map(decode).or_else(|| parameter.default.clone());
                    match value {
                        Some(value) if parameter.constraints.iter().all(|constraint| constraint.accepts(&value)) => {
                            parameters.push((parameter.name.clone(), Some(value)));
                        }
                        Some(_) => return None,
                        None if parameter.optional || parameter.catch_all => {
                            parameters.push((parameter.name.clone(), None));
                        }
                        None => return None,
                    }
                    if parameter.catch_all {
                        return Some(parameters);
                    }
                }
            }
            rest = Some(after).filter(|after| !after.is_empty());
        }
        rest.is_none().then_some(parameters)
    }

    /// Sorts templates: literals before constrained parameters, before free ones, before catch-alls, segment by segment.
    pub(crate) fn precedence(&self) -> Vec<u8> {
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Literal(_) => 1,
                Segment::Parameter(parameter) => match (parameter.catch_all, parameter.constraints.is_empty()) {
                    (false, false) => 2,
                    (false, true) => 3,
                    (true, false) => 4,
                    (true, true) => 5,
                },
            })
            .collect()
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, String> {
        let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            if text.is_empty() || text.contains(['{', '}', '?']) {
                return Err(format!("segment '{text}' is not supported: a segment is a literal or one parameter"));
            }
            return Ok(Self::Literal(text.to_lowercase()));
        };
        if inner.contains(['{', '}']) {
            return Err(format!("segment '{text}' is not supported: a segment is a literal or one parameter"));
        }
        let stars = inner.len() - inner.trim_start_matches('*').len();
        let inner = &inner[stars..];
        let (inner, optional) = inner.strip_suffix('?').map_or((inner, false), |rest| (rest, true));
        let (inner, default) = match inner.split_once('=') {
            Some((rest, default)) => (rest, Some(default.to_owned())),
            None => (inner, None),
        };
        let mut parts = inner.split(':');
        let name = parts.next().unwrap_or_default();
        if name.is_empty() || stars > 2 || name.contains(['*', '?', '/']) {
            return Err(format!("segment '{text}' has no usable parameter name"));
        }
        Ok(Self::Parameter(Parameter {
            name: name.to_owned(),
            constraints: parts.map(Constraint::parse).collect::<Result<_, _>>()?,
            optional,
            default,
            catch_all: stars > 0,
        }))
    }
}

/// Unescapes a part of a path as ASP.NET does: all but `%2F`, which would become a separator.
fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in text.match_indices("%2") {
        if matches!(text.as_bytes().get(at + 2), Some(b'F' | b'f')) {
            decoded += &percent_decode_str(&text[from..at]).decode_utf8_lossy();
            decoded += &text[at..at + 3];
            from = at + 3;
        }
    }
    decoded + &percent_decode_str(&text[from..]).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(template: &str, path: &str) -> Option<Parameters> {
        RouteTemplate::parse(template).expect("valid").matches(path)
    }

    fn pairs(expected: &[(&str, &str)]) -> Option<Parameters> {
        let value = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        Some(expected.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect())
    }

    #[test]
    fn templates_match_as_the_router_matches_them() {
        assert_eq!(matched("Orders/{id}", "/orders/a%20b"), pairs(&[("id", "a b")]));
        assert_eq!(matched("o/{b}/{a?}", "/o/x%2fy%C3%A4%2"), pairs(&[("b", "x%2fyä%2"), ("a", "")]));
        assert_eq!(matched("orders/{id:int}", "/orders/7"), pairs(&[("id", "7")]));
        assert_eq!(matched("orders/{id:int}", "/orders/x"), None);
        assert_eq!(matched("orders/{id?}", "/orders"), pairs(&[("id", "")]));
        assert_eq!(matched("orders/{id:int?}", "/orders/7/"), pairs(&[("id", "7")]));
        assert_eq!(matched("orders/{id}", "/orders"), None);
        assert_eq!(matched("orders/{id}", "/orders/1/2"), None);
        assert_eq!(matched("site/{*rest}", "/site/a/b%2Fc"), pairs(&[("rest", "a/b%2Fc")]));
        assert_eq!(matched("site/{*rest}", "/site"), pairs(&[("rest", "")]));
        assert_eq!(matched("{page=home}", "/"), pairs(&[("page", "home")]));
        assert_eq!(matched("{name:length(2,3)}/x", "/abcd/x"), None);
    }

    #[test]
    fn what_the_host_cannot_route_is_refused() {
        for template in ["a/{b}/{b}", "{*a}/b", "{a?}/b", "a{b}c", "{a:regex(^x$)}", "/a", "{}"] {
            assert!(RouteTemplate::parse(template).is_err(), "{template}");
        }
    }

    #[test]
    fn a_literal_comes_before_a_parameter_and_a_catch_all_last() {
        let order = |text| RouteTemplate::parse(text).expect("valid").precedence();
        assert!(order("a/b") < order("a/{id:int}"));
        assert!(order("a/{id:int}") < order("a/{id}"));
        assert!(order("a/{id}") < order("a/{*rest}"));
    }
}
