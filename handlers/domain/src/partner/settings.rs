//! Settings of a subscription: what a partner writes, and may change later.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    endpoint::{self, Endpoint, EndpointRules},
    selection::{Selection, SelectionError},
};
use crate::{
    mismatch::{mismatch, whole},
    product_body::FieldError,
};

/// What a partner asks for. Stored as it is; to show it, see [`Settings::shown`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Where deliveries go.
    #[serde(with = "endpoint::whole")]
    pub endpoint: Endpoint,
    /// Which events.
    pub selection: Selection,
    /// Several events in one delivery, if wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batching: Option<Batching>,
    /// The Entra application that the endpoint is protected by, if it is: deliveries then carry a token for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entra: Option<Entra>,
    /// How the endpoint consents.
    #[serde(default)]
    pub handshake: Handshake,
}

/// How many events Event Grid puts into one delivery. It never waits for more to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batching {
    /// At most so many: 1 to 5,000.
    pub max_events: u16,
    /// About so many KiB at most, unless one event is larger: 1 to 1,024.
    pub preferred_kilobytes: u16,
}

/// An application of Microsoft Entra ID, in the partner's tenant or ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entra {
    /// The tenant.
    pub tenant_id: Uuid,
    /// The application's id, or its URI such as `api://…`.
    pub application_id: String,
}

/// How an endpoint consents to deliveries (CloudEvents webhook specification, section 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Handshake {
    /// It answers the request itself.
    #[default]
    Automatic,
    /// Somebody opens the callback's URL within ten minutes.
    Manual,
}

/// Why settings are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// What is wrong with each field.
    #[error("fields of the subscription are not what they should be")]
    Fields(Vec<FieldError>),
    /// More filter values than Event Grid takes.
    #[error(transparent)]
    TooManyValues(SelectionError),
}

impl Settings {
    /// The fields beside those of [`Selection::FIELDS`]; `endpoint` is required.
    pub const FIELDS: [&str; 4] = ["endpoint", "batching", "entra", "handshake"];

    /// Reads settings from the members of an object that have its [`Settings::FIELDS`] and [`Selection::FIELDS`]; null is absent, other
    /// members are passed over.
    ///
    /// # Errors
    /// What is wrong with them, all at once, except that the number of filter values is looked at last.
    pub fn parse(object: &Map<String, Value>, rules: &EndpointRules) -> Result<Self, SettingsError> {
        let mut errors = Vec::new();
        let mut refuse = |field: &str, message: String| errors.push(FieldError::new(field, message));
        let value = |name: &str| object.get(name).filter(|value| !value.is_null());
        let endpoint = match value("endpoint") {
            None => Err("is required".to_owned()),
            Some(Value::String(text)) => Endpoint::parse(text, rules).map_err(|error| error.to_string()),
            Some(other) => Err(mismatch("must be a string, the endpoint's URL", other)),
        };
        let endpoint = endpoint.map_err(|message| refuse("endpoint", message)).ok();
        let batching = value("batching").and_then(|value| batching(value, &mut refuse));
        let entra = value("entra").and_then(|value| entra(value, &mut refuse));
        let handshake = match value("handshake") {
            None => Handshake::Automatic,
            Some(value) => match value.as_str() {
                Some("automatic") => Handshake::Automatic,
                Some("manual") => Handshake::Manual,
                _ => {
                    refuse("handshake", mismatch("must be automatic or manual", value));
                    Handshake::Automatic
                }
            },
        };
        let selection = match Selection::parse(object) {
            Ok(selection) => Some(selection),
            Err(SelectionError::Fields(more)) => {
                errors.extend(more);
                None
            }
            Err(error) if errors.is_empty() => return Err(SettingsError::TooManyValues(error)),
            Err(_) => None,
        };
        match (endpoint, selection) {
            (Some(endpoint), Some(selection)) if errors.is_empty() => {
                Ok(Self { endpoint, selection, batching, entra, handshake })
            }
            _ => Err(SettingsError::Fields(errors)),
        }
    }

    /// Applies a JSON merge patch (RFC 7396): null takes a field away, `products` takes the place of `productPrefix` and the reverse.
    ///
    /// # Errors
    /// As [`Settings::parse`], of the whole that comes out.
    pub fn merge(&self, patch: &Map<String, Value>, rules: &EndpointRules) -> Result<Self, SettingsError> {
        let mut merged = self.shown();
        merged.insert("endpoint".to_owned(), self.endpoint.whole().as_str().into());
        let sets = |name: &str| patch.get(name).is_some_and(|value| !value.is_null());
        for (one, other) in [("products", "productPrefix"), ("productPrefix", "products")] {
            if sets(one) && !sets(other) {
                merged.remove(other);
            }
        }
        for (name, value) in patch {
            match (merged.get_mut(name), value) {
                (Some(Value::Object(before)), Value::Object(after)) => {
                    before.extend(after.iter().map(|(name, value)| (name.clone(), value.clone())));
                    before.retain(|_, value| !value.is_null());
                }
                _ => {
                    merged.insert(name.clone(), value.clone());
                }
            }
        }
        Self::parse(&merged, rules)
    }

    /// The settings as partners see them: as they write them, and of the endpoint only what its `Display` shows.
    pub fn shown(&self) -> Map<String, Value> {
        let json = |value: serde_json::Result<Value>| value.unwrap_or_default();
        let mut shown = match json(serde_json::to_value(&self.selection)) {
            Value::Object(object) => object,
            _ => Map::new(),
        };
        shown.insert("endpoint".to_owned(), self.endpoint.to_string().into());
        shown.insert("handshake".to_owned(), json(serde_json::to_value(self.handshake)));
        if let Some(batching) = &self.batching {
            shown.insert("batching".to_owned(), json(serde_json::to_value(batching)));
        }
        if let Some(entra) = &self.entra {
            shown.insert("entra".to_owned(), json(serde_json::to_value(entra)));
        }
        shown
    }
}

fn unknown(object: &Map<String, Value>, name: &str, known: &[&str], refuse: &mut impl FnMut(&str, String)) {
    for member in object.keys().filter(|member| !known.contains(&member.as_str())) {
        refuse(&format!("{name}.{member}"), format!("is unknown; {name} has {}", known.join(" and ")));
    }
}

fn batching(value: &Value, refuse: &mut impl FnMut(&str, String)) -> Option<Batching> {
    let Some(object) = value.as_object() else {
        refuse("batching", mismatch("must be an object with maxEvents and preferredKilobytes", value));
        return None;
    };
    unknown(object, "batching", &["maxEvents", "preferredKilobytes"], refuse);
    let mut number = |name: &str, most: u16, default: u16| {
        let Some(value) = object.get(name).filter(|value| !value.is_null()) else { return Some(default) };
        let number = whole(value).and_then(|number| u16::try_from(number).ok());
        let number = number.filter(|number| (1..=most).contains(number));
        if number.is_none() {
            refuse(&format!("batching.{name}"), mismatch(&format!("must be a whole number from 1 to {most}"), value));
        }
        number
    };
    // Event Grid's own defaults.
    let (max_events, preferred_kilobytes) = (number("maxEvents", 5000, 1), number("preferredKilobytes", 1024, 64));
    Some(Batching { max_events: max_events?, preferred_kilobytes: preferred_kilobytes? })
}

fn entra(value: &Value, refuse: &mut impl FnMut(&str, String)) -> Option<Entra> {
    let Some(object) = value.as_object() else {
        refuse("entra", mismatch("must be an object with tenantId and applicationId", value));
        return None;
    };
    unknown(object, "entra", &["tenantId", "applicationId"], refuse);
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let said = |name: &str, wanted: &str| match object.get(name).filter(|value| !value.is_null()) {
        None => format!("is required, and {wanted}"),
        Some(came) => mismatch(wanted, came),
    };
    let tenant_id = text("tenantId").and_then(|text| Uuid::try_parse(text).ok());
    if tenant_id.is_none() {
        refuse("entra.tenantId", said("tenantId", "must be the id of a tenant, a UUID"));
    }
    let is_visible = |text: &&str| (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let application_id = text("applicationId").filter(is_visible);
    if application_id.is_none() {
        let wanted = "must be an application's id or URI, 1 to 255 visible characters";
        refuse("entra.applicationId", said("applicationId", wanted));
    }
    Some(Entra { tenant_id: tenant_id?, application_id: application_id?.to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    fn parse(value: Value) -> Result<Settings, SettingsError> {
        Settings::parse(&map(value), &EndpointRules::default())
    }

    const ENDPOINT: &str = "https://ok.example/s3cr3t";

    #[test]
    fn what_is_written_is_shown_again_but_for_the_endpoint() {
        let written = json!({
            "endpoint": ENDPOINT, "eventTypes": ["com.contoso.product.changed.v1"], "categories": ["Tents"], "priceDropPercent": 12.45,
            "products": ["tent-1"], "batching": { "maxEvents": 10.0, "preferredKilobytes": 64 }, "handshake": "manual",
            "entra": { "tenantId": "7a1bfc0e-5a8b-4c8c-8a53-3d4f3c2b1a00", "applicationId": "api://hooks" },
        });
        let settings = parse(written.clone()).expect("settings");
        let mut expected = written;
        expected["endpoint"] = json!("https://ok.example");
        expected["batching"]["maxEvents"] = json!(10);
        assert_eq!(Value::Object(settings.shown()), expected);
        let stored = serde_json::to_string(&settings).expect("JSON");
        assert_eq!(serde_json::from_str::<Settings>(&stored).expect("its own"), settings);
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let refusal = parse(json!({
            "endpoint": "http://ok.example/", "eventTypes": ["x"], "batching": { "maxEvents": 0, "size": 1 }, "entra": {}, "handshake": 1,
            "priceDropPercent": 12.456, "productPrefix": "tent/", "categories": [],
        }));
        let Err(SettingsError::Fields(errors)) = refusal else { panic!("{refusal:?}") };
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        let expected = [
            "endpoint",
            "batching.size",
            "batching.maxEvents",
            "entra.tenantId",
            "entra.applicationId",
            "handshake",
            "eventTypes[0]",
            "productPrefix",
            "categories",
            "priceDropPercent",
        ];
        assert_eq!(fields, expected);
        let Err(SettingsError::Fields(errors)) = parse(json!({})) else { panic!("an endpoint is required") };
        assert_eq!(errors, [FieldError::new("endpoint", "is required")]);
        let many: Vec<_> = (0..23).map(|index| format!("c{index}")).collect();
        let refusal = parse(json!({ "endpoint": ENDPOINT, "categories": many }));
        assert_eq!(refusal, Err(SettingsError::TooManyValues(SelectionError::TooManyValues { used: 26 })));
    }

    #[test]
    fn a_patch_changes_what_it_names_and_no_more() {
        let settings = parse(json!({
            "endpoint": ENDPOINT, "productPrefix": "tent-", "categories": ["Tents"], "batching": { "maxEvents": 10 },
        }))
        .expect("settings");
        let rules = EndpointRules::default();
        let merged = |patch: Value| settings.merge(&map(patch), &rules).expect("settings");
        assert_eq!(merged(json!({})), settings);
        let changed =
            merged(json!({ "products": ["tent-1"], "categories": null, "batching": { "preferredKilobytes": 8 } }));
        assert_eq!(changed.endpoint.whole().as_str(), ENDPOINT);
        assert_eq!(changed.batching, Some(Batching { max_events: 10, preferred_kilobytes: 8 }));
        assert_eq!((changed.selection.values(), changed.selection.categories().len()), (4, 0));
        assert_eq!(merged(json!({ "batching": null })).batching, None);
        assert!(settings.merge(&map(json!({ "endpoint": "https://[::1]/" })), &rules).is_err());
        assert!(settings.merge(&map(json!({ "endpoint": null })), &rules).is_err());
    }
}
