//! Filters: which events a subscription wants, by event types, ends of the subject, advanced filters. All parts must
//! agree.

mod operator;

use serde::Deserialize;
use serde_json::Value;

use self::operator::Operator;
use super::event::Event;

const MAX_ADVANCED_FILTERS: usize = 25;
/// In total over all advanced filters of a subscription.
const MAX_VALUES: usize = 25;
const MAX_VALUE_CHARACTERS: usize = 512;

/// `filter` as Resource Manager spells it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct FilterBody {
    subject_begins_with: Option<String>,
    subject_ends_with: Option<String>,
    is_subject_case_sensitive: Option<bool>,
    included_event_types: Option<Vec<String>>,
    enable_advanced_filtering_on_arrays: Option<bool>,
    advanced_filters: Option<Vec<Value>>,
}

/// A checked filter.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// `None` is all types. Types are compared without regard to case.
    event_types: Option<Vec<String>>,
    subject_begins_with: String,
    subject_ends_with: String,
    subject_case_sensitive: bool,
    on_arrays: bool,
    advanced: Vec<Advanced>,
}

#[derive(Debug)]
struct Advanced {
    key: String,
    operator: Operator,
}

impl TryFrom<FilterBody> for Filter {
    type Error = String;

    /// The error is a sentence for whoever makes the subscription.
    fn try_from(body: FilterBody) -> Result<Self, String> {
        let advanced =
            body.advanced_filters.unwrap_or_default().iter().map(Advanced::parse).collect::<Result<Vec<_>, _>>()?;
        if advanced.len() > MAX_ADVANCED_FILTERS {
            return Err(format!("A subscription has at most {MAX_ADVANCED_FILTERS} advanced filters."));
        }
        let values: usize = advanced.iter().map(|filter| filter.operator.value_count()).sum();
        if values > MAX_VALUES {
            return Err(format!(
                "The advanced filters of a subscription have at most {MAX_VALUES} values in total; these have {values}."
            ));
        }
        if advanced.iter().any(|filter| filter.operator.longest_text() > MAX_VALUE_CHARACTERS) {
            return Err(format!("A string in an advanced filter has at most {MAX_VALUE_CHARACTERS} characters."));
        }
        let case_sensitive = body.is_subject_case_sensitive.unwrap_or(false);
        let end = |text: Option<String>| folded(&text.unwrap_or_default(), case_sensitive);
        Ok(Self {
            event_types: body
                .included_event_types
                // `All` is what older tools write for "no list".
                .filter(|types| !types.is_empty() && !types.iter().any(|name| name.eq_ignore_ascii_case("all")))
                .map(|types| types.iter().map(|name| name.to_lowercase()).collect()),
            subject_begins_with: end(body.subject_begins_with),
            subject_ends_with: end(body.subject_ends_with),
            subject_case_sensitive: case_sensitive,
            on_arrays: body.enable_advanced_filtering_on_arrays.unwrap_or(false),
            advanced,
        })
    }
}

impl Advanced {
    fn parse(body: &Value) -> Result<Self, String> {
        let Some(body) = body.as_object() else {
            return Err("An advanced filter is an object with `operatorType` and `key`.".to_owned());
        };
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let key = text("key").ok_or("An advanced filter needs `key`.")?.to_owned();
        let name =
            text("operatorType").ok_or_else(|| format!("The advanced filter on `{key}` needs `operatorType`."))?;
        if let Some(unknown) =
            body.keys().find(|field| !matches!(field.as_str(), "key" | "operatorType" | "value" | "values"))
        {
            return Err(format!("The advanced filter on `{key}` has an unknown member `{unknown}`."));
        }
        let operator = Operator::parse(name, body.get("value"), body.get("values"))
            .map_err(|reason| format!("The advanced filter {name} on `{key}` {reason}."))?;
        Ok(Self { key, operator })
    }
}

impl Filter {
    /// Whether the subscription wants `event`.
    pub(crate) fn matches(&self, event: &Event) -> bool {
        self.wants_type(event.event_type())
            && self.wants_subject(event.subject().unwrap_or_default())
            && self.advanced.iter().all(|filter| filter.operator.matches(event.lookup(&filter.key), self.on_arrays))
    }

    fn wants_type(&self, event_type: &str) -> bool {
        self.event_types.as_ref().is_none_or(|wanted| {
            let event_type = event_type.to_lowercase();
            wanted.contains(&event_type)
        })
    }

    fn wants_subject(&self, subject: &str) -> bool {
        if self.subject_begins_with.is_empty() && self.subject_ends_with.is_empty() {
            return true;
        }
        let subject = folded(subject, self.subject_case_sensitive);
        subject.starts_with(&self.subject_begins_with) && subject.ends_with(&self.subject_ends_with)
    }
}

fn folded(text: &str, case_sensitive: bool) -> String {
    if case_sensitive { text.to_owned() } else { text.to_lowercase() }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
