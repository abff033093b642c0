//! Deprecation: the announced end of an event type, as the contract table has it and as HTTP answers tell it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header::LINK};
use serde_json::{Value, json};
use time::{Date, macros::format_description};

/// RFC 9745: since when, as a structured date.
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// RFC 8594: from when on there may be no such events.
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// A type that ends. Its events go on until the sunset, beside those of its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deprecation {
    /// The day from which on nobody should begin to use it.
    pub since: Date,
    /// The first day without a promise that there are such events.
    pub sunset: Date,
    /// The event type to read instead.
    pub successor: &'static str,
}

impl Deprecation {
    /// In a few words.
    pub fn words(&self) -> String {
        format!("deprecated since {}, ends {}; read {} instead", self.since, self.sunset, self.successor)
    }

    /// For catalogues and scripts.
    pub fn to_json(&self) -> Value {
        json!({ "since": self.since.to_string(), "sunset": self.sunset.to_string(), "successor": self.successor })
    }

    /// Says it in an answer that is about the type.
    pub(crate) fn announce(&self, headers: &mut HeaderMap) {
        let since = self.since.midnight().assume_utc().unix_timestamp();
        let form =
            format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
        let sunset = self.sunset.midnight().format(form).unwrap_or_default();
        let link = format!("<urn:event-type:{}>; rel=\"successor-version\"", self.successor);
        for (name, value) in [(DEPRECATION, format!("@{since}")), (SUNSET, sunset), (LINK, link)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn an_answer_says_when_a_type_ends_and_what_follows() {
        let (since, sunset) = (date!(2026 - 12 - 01), date!(2027 - 03 - 01));
        let deprecation = Deprecation { since, sunset, successor: "com.contoso.click.recorded.v2" };
        let mut headers = HeaderMap::new();
        deprecation.announce(&mut headers);
        assert_eq!(headers["deprecation"], "@1796083200");
        assert_eq!(headers["sunset"], "Mon, 01 Mar 2027 00:00:00 GMT");
        assert_eq!(headers["link"], "<urn:event-type:com.contoso.click.recorded.v2>; rel=\"successor-version\"");
    }
}
