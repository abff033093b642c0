//! Route templates of ASP.NET: literals, parameters with constraints and defaults, several in a segment, and `{*rest}`.
//!
//! Source: `RoutePatternParser` and `RoutePatternMatcher` of ASP.NET's routing.

mod constraint;
mod number;
mod segment;

pub(crate) use self::segment::Parameters;
use self::segment::{Parameter, Part, Segment};

/// A checked template.
#[derive(Clone, Debug)]
pub(crate) struct RouteTemplate {
    text: String,
    segments: Vec<Segment>,
}

impl RouteTemplate {
    /// Parses a template.
    ///
    /// # Errors
    /// One sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let rooted = text.strip_prefix('~').filter(|rest| rest.starts_with('/')).unwrap_or(text);
        let inner = rooted.strip_prefix('/').unwrap_or(rooted);
        if inner.starts_with('~') {
            return Err(format!("'{text}' must not start with '~'"));
        }
        let mut segments = Vec::new();
        let mut rest = inner;
        while !rest.is_empty() {
            let (segment, after) = segment::split(rest);
            if segment.is_empty() {
                return Err(format!("'{text}' has a segment with nothing in it"));
            }
            segments.push(Segment::parse(segment)?);
            rest = after;
        }
        let template = Self { text: text.to_owned(), segments };
        let mut names = Vec::new();
        for (index, segment) in template.segments.iter().enumerate() {
            for parameter in segment.parameters() {
                if names.contains(&parameter.name.to_lowercase()) {
                    return Err(format!("'{text}' names parameter '{}' twice", parameter.name));
                }
                names.push(parameter.name.to_lowercase());
                if parameter.catch_all && index + 1 < template.segments.len() {
                    return Err(format!("'{text}': parameter '{}' must be the last segment", parameter.name));
                }
            }
        }
        Ok(template)
    }

    /// The template behind the prefix of the app.
    ///
    /// # Errors
    /// As [`Self::parse`]: a slash at the start is one too many.
    pub(crate) fn below(&self, prefix: &str) -> Result<Self, String> {
        if prefix.is_empty() { Ok(self.clone()) } else { Self::parse(&format!("{prefix}/{}", self.text)) }
    }

    /// As written, without slashes at the ends.
    pub(crate) fn text(&self) -> &str {
        self.text.trim_matches('/')
    }

    /// Matches an unescaped path; literals without regard to case. Of a slash at its end nothing is seen but by a parameter
    /// that takes the rest, and a segment with nothing in it matches nothing else.
    pub(crate) fn matches(&self, path: &str) -> Option<Parameters> {
        let path = path.strip_prefix('/')?;
        let mut rest = (!path.is_empty()).then_some(path);
        let mut parameters = Parameters::new();
        for segment in &self.segments {
            let (current, after) = match rest.map(|rest| rest.split_once('/').unwrap_or((rest, ""))) {
                Some(("", _)) => return None,
                Some((current, after)) => (Some(current), after),
                None => (None, ""),
            };
            if let Some(parameter) = segment.parameter().filter(|parameter| parameter.catch_all) {
                parameters.push(parameter.take(rest)?);
                return Some(parameters);
            }
            parameters.extend(segment.matches(current)?);
            rest = Some(after).filter(|after| !after.is_empty());
        }
        rest.is_none().then_some(parameters)
    }

    /// Sorts templates as ASP.NET's endpoints do and its older router, which the host uses, does not: literals before
    /// constrained parameters, before free ones, before those that take the rest, segment by segment.
    pub(crate) fn precedence(&self) -> Vec<u8> {
        let place = |segment: &Segment| match (segment.parameter(), segment.parameters().next()) {
            (None, None) => 1,
            (None, Some(_)) => 2,
            (Some(Parameter { catch_all, constraints, .. }), _) => match (catch_all, constraints.is_empty()) {
                (false, false) => 2,
                (false, true) => 3,
                (true, false) => 4,
                (true, true) => 5,
            },
        };
        self.segments.iter().map(place).collect()
    }

    /// Whether some path may be of both, as far as their literals tell.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let (mut these, mut those) = (self.segments.iter(), other.segments.iter());
        loop {
            match (these.next(), those.next()) {
                (Some(one), _) | (_, Some(one)) if one.parameter().is_some_and(|parameter| parameter.catch_all) => {
                    return true;
                }
                (Some(one), Some(another)) => match (&one.parts[..], &another.parts[..]) {
                    ([Part::Literal(one)], [Part::Literal(another)]) if !segment::same(one, another) => return false,
                    _ => {}
                },
                (None, None) => return true,
                (Some(one), None) | (None, Some(one)) => {
                    if !one.parameter().is_some_and(Parameter::may_be_absent) {
                        return false;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(template: &str, path: &str) -> Option<Parameters> {
        RouteTemplate::parse(template).unwrap_or_else(|problem| panic!("{template}: {problem}")).matches(path)
    }

    fn pairs(expected: &[(&str, &str)]) -> Option<Parameters> {
        let value = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        Some(expected.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect())
    }

    #[test]
    fn templates_match_as_the_router_matches_them() {
        assert_eq!(matched("Orders/{id}", "/orders/a b"), pairs(&[("id", "a b")]));
        assert_eq!(matched("o/{b}/{a?}", "/o/x%2fyä%2"), pairs(&[("b", "x%2fyä%2"), ("a", "")]));
        assert_eq!(matched("orders/{id:int}", "/orders/7"), pairs(&[("id", "7")]));
        assert_eq!(matched("orders/{id:int}", "/orders/x"), None);
        assert_eq!(matched("orders/{id?}", "/orders"), pairs(&[("id", "")]));
        assert_eq!(matched("orders/{id:int?}", "/orders/7/"), pairs(&[("id", "7")]));
        assert_eq!(matched("orders/{id}", "/orders"), None);
        assert_eq!(matched("orders/{id}", "/orders/1/2"), None);
        assert_eq!(matched("site/{*rest}", "/site/a/b%2Fc"), pairs(&[("rest", "a/b%2Fc")]));
        assert_eq!(matched("site/{*rest}", "/site/a//b/"), pairs(&[("rest", "a//b/")]));
        assert_eq!(matched("site/{*rest}", "/site"), pairs(&[("rest", "")]));
        assert_eq!(matched("{page=home}", "/"), pairs(&[("page", "home")]));
        assert_eq!(matched("{*path}", "/"), pairs(&[("path", "")]));
        assert_eq!(matched("{name:length(2,3)}/x", "/abcd/x"), None);
        for path in ["//named", "/named//", "/named/x", "named"] {
            assert_eq!(matched("named", path), None, "{path}");
        }
        assert_eq!(matched("site/{*rest}", "/site//a"), None);
        assert_eq!(matched("a/{b?}/{c?}", "/a"), pairs(&[("b", ""), ("c", "")]));
        assert_eq!(matched("a/{b?}/{c?}", "/a/1"), pairs(&[("b", "1"), ("c", "")]));
        assert_eq!(matched("{a?}/b", "/b"), None);
        assert_eq!(matched("{a:int=5}/{b=x}", "/7"), pairs(&[("a", "7"), ("b", "x")]));
        assert_eq!(matched("{*rest:int}", "/"), None);
    }

    #[test]
    fn several_parameters_of_a_segment_are_found_from_the_right() {
        assert_eq!(matched("{name}.{ext}", "/a.tar.gz"), pairs(&[("name", "a.tar"), ("ext", "gz")]));
        assert_eq!(matched("{name}.{ext}", "/.gz"), None);
        assert_eq!(matched("{name}.{ext?}", "/a"), pairs(&[("name", "a"), ("ext", "")]));
        assert_eq!(matched("{name}.{ext?}", "/a."), None);
        assert_eq!(matched("v{major}-{minor}x/y", "/V1-2-3X/y"), pairs(&[("major", "1-2"), ("minor", "3")]));
        assert_eq!(matched("v{major}", "/av1"), None);
        assert_eq!(matched("{{{a}-}}", "/{x-}"), pairs(&[("a", "x")]));
    }

    #[test]
    fn constraints_are_those_of_the_router() {
        for (constraint, accepted, refused) in [
            ("int", &["7", "-7", " 7 ", "+7"][..], &["7.0", "2147483648", "1e3", ""][..]),
            ("decimal", &["1,000.5", "7-", ".5", "1,0,0"], &["1e3", ",1", "1.2,3", "79228162514264337593543950336"]),
            ("double", &["1e3", "1,000.5", "-1.5E-2", "NaN"], &["7-", "1e", "inf", "x"]),
            (
                "guid",
                &["00000000-0000-0000-0000-00000000000a", "(00000000-0000-0000-0000-00000000000a)"],
                &["urn:uuid:1"],
            ),
            ("bool", &["TRUE", " false "], &["1"]),
            (
                "datetime",
                &["2026-01-02", "2026-01-02T03:04:05.678Z", "1-2-2026 3:04 PM", "2026-1-2 03:04:05+02:00"],
                &["2026-02-30", "13-1-2026", "soon"],
            ),
            ("regex(^[a-c]{{2}}/?:$)", &["ab:", "BC:"], &["abc:"]),
            ("regex(x)", &["axb"], &["ab"]),
            ("required", &["x"], &[]),
            ("file", &["a.txt"], &["a", "a.", "a.."]),
            ("nonfile", &["a", "a."], &["a.txt"]),
            ("alpha:length(2,3)", &["ab"], &["a", "a1"]),
            ("range(-1,5)", &["-1", "5"], &["6"]),
        ] {
            let template = RouteTemplate::parse(&format!("{{x:{constraint}}}")).expect(constraint);
            for (value, expected) in accepted.iter().map(|v| (v, true)).chain(refused.iter().map(|v| (v, false))) {
                assert_eq!(template.matches(&format!("/{value}")).is_some(), expected, "{constraint}: {value}");
            }
        }
    }

    #[test]
    fn what_the_host_cannot_route_is_refused() {
        let refused =
            ["a/{b}/{b}", "{*a}/b", "{a}{b}", "a?b", "x{*a}", "{}", "{a", "a}", "{a?}.b", "{a}-{b?}", "{a=1?}"];
        for template in refused.into_iter().chain(["a//b", "~a", "{a:nope}", "{a:int(1)}", "{a:regex((?=x))}", "{a/b}"])
        {
            assert!(RouteTemplate::parse(template).is_err(), "{template}");
        }
        let of = |text: &str| RouteTemplate::parse(text).expect("alone it is valid");
        assert!(of("/a").below("").is_ok_and(|template| template.matches("/a").is_some()));
        assert!(of("/a").below("api").is_err());
        assert!(of("a/").below("api").is_ok_and(|template| template.matches("/API/a").is_some()));
    }

    #[test]
    fn templates_meet_where_a_path_may_be_of_both() {
        let of = |text: &str| RouteTemplate::parse(text).expect("valid");
        for (one, another, meet) in [
            ("items/{id}", "Items/special", true),
            ("items/{*rest}", "items", true),
            ("a/{b?}", "a", true),
            ("items/{id}", "orders/special", false),
            ("a/{b}", "a", false),
        ] {
            assert_eq!(of(one).meets(&of(another)), meet, "{one} {another}");
            assert_eq!(of(another).meets(&of(one)), meet, "{another} {one}");
        }
        assert!(of("a/b").precedence() < of("a/{id:int}").precedence());
        assert!(of("a/{id}").precedence() < of("a/{*rest}").precedence());
    }
}
