//! Inline constraints of route parameters, such as `int` in `{id:int}`.

/// A constraint the host knows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constraint {
    Int,
    Long,
    Bool,
    Guid,
    Alpha,
    Decimal,
    Real,
    Length { min: usize, max: usize },
    Range { min: i64, max: i64 },
}

impl Constraint {
    /// Parses `int`, `length(1,5)` and so on.
    ///
    /// # Errors
    /// One sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, arguments) = match text.split_once('(') {
            Some((name, rest)) => {
                (name, rest.strip_suffix(')').ok_or_else(|| format!("constraint '{text}' is not closed"))?)
            }
            None => (text, ""),
        };
        let numbers: Vec<i64> = arguments.split(',').filter_map(|number| number.trim().parse().ok()).collect();
        let size = |number: i64| usize::try_from(number).map_err(|_| format!("constraint '{text}' is negative"));
        Ok(match (name.to_lowercase().as_str(), &numbers[..]) {
            ("int", []) => Self::Int,
            ("long", []) => Self::Long,
            ("bool", []) => Self::Bool,
            ("guid", []) => Self::Guid,
            ("alpha", []) => Self::Alpha,
            ("decimal", []) => Self::Decimal,
            ("double" | "float", []) => Self::Real,
            ("length", [exact]) => Self::Length { min: size(*exact)?, max: size(*exact)? },
            ("length", [min, max]) => Self::Length { min: size(*min)?, max: size(*max)? },
            ("minlength", [min]) => Self::Length { min: size(*min)?, max: usize::MAX },
            ("maxlength", [max]) => Self::Length { min: 0, max: size(*max)? },
            ("min", [min]) => Self::Range { min: *min, max: i64::MAX },
            ("max", [max]) => Self::Range { min: i64::MIN, max: *max },
            ("range", [min, max]) => Self::Range { min: *min, max: *max },
            _ => return Err(format!("constraint '{text}' is not supported by this host")),
        })
    }

    pub(super) fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Int => value.parse::<i32>().is_ok(),
            Self::Long => value.parse::<i64>().is_ok(),
            Self::Bool => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
            Self::Guid => uuid::Uuid::try_parse(value).is_ok(),
            Self::Alpha => value.chars().all(|character| character.is_ascii_alphabetic()),
            Self::Decimal => value.parse::<rust_decimal::Decimal>().is_ok(),
            Self::Real => value.parse::<f64>().is_ok(),
            Self::Length { min, max } => (*min..=*max).contains(&value.chars().count()),
            Self::Range { min, max } => value.parse::<i64>().is_ok_and(|number| (*min..=*max).contains(&number)),
        }
    }
}
