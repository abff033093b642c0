//! Tells partners what became of an endpoint: on the list of notices, and at a second address, which is another subscription of theirs.

use cloudevents::{EventBuilder, EventBuilderV10};
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use crate::{
    app::App,
    azure::cosmos::Stored,
    domain::partner::{
        Audience, SOURCE,
        health::{HealthKind, HealthNotice},
        subscription::Subscription,
    },
    outcome::Cause,
    stores::partners::notices::Entry,
};

/// Who counts what was told.
const FUNCTION: &str = "PartnerHealth";

/// Tells what a subscription's partner is yet to be told of it, and keeps that this is done. Stopped in between, all of it is told again
/// under the same ids.
pub(super) async fn tell(app: &App, stored: Stored<Subscription>) -> Result<Stored<Subscription>, Cause> {
    let Stored { value: about, etag } = &stored;
    let untold = about.health.untold();
    if untold.is_empty() {
        return Ok(stored);
    }
    let store = &app.stores().partners;
    let all = store.subscriptions.of(&about.partner).await;
    let all = all.map_err(|error| Cause::from_error("find who is to be told", error))?;
    let mut events = Vec::new();
    for notice in untold {
        let hearers: Vec<_> = all.iter().filter(|one| one.hears_of(&about.name, notice.kind)).collect();
        let names = hearers.iter().map(|hearer| hearer.name.clone()).collect();
        let added = store.notices.add(&Entry::new(about, notice, names)).await;
        added.map_err(|error| Cause::from_error("note what a partner is told", error))?;
        for hearer in hearers {
            let event = event(about, notice, hearer);
            events.push(event.map_err(|error| Cause::from_error("write the notice", error))?);
        }
    }
    if !events.is_empty() {
        let published = app.event_grid().publish(events).await;
        published.map_err(|error| Cause::from_error("publish the notice", error))?;
    }
    let told = about.told();
    let etag = store.subscriptions.write(&told, Some(etag)).await;
    let etag = etag.map_err(|error| Cause::from_error("keep that a partner was told", error))?;
    if let Some(instruments) = app.telemetry().instruments(FUNCTION) {
        for notice in untold {
            instruments.endpoint(notice.kind.as_str());
        }
    }
    Ok(Stored { value: told, etag })
}

/// The event for one of those who hear it: each is an audience of its own, and the subscription that it is about is none of them.
fn event(
    about: &Subscription,
    notice: &HealthNotice,
    hearer: &Subscription,
) -> Result<cloudevents::Event, cloudevents::event::EventBuilderError> {
    let message = match notice.kind {
        HealthKind::Failing => {
            "Every attempt to deliver to this endpoint fails. If that goes on, the subscription is paused."
        }
        HealthKind::Paused => {
            "The subscription is paused, since every attempt to deliver failed. Mend the endpoint, resume, and ask for a redelivery."
        }
        HealthKind::Recovered => "Something was delivered to this endpoint again.",
    };
    let mut data = json!({
        "partner": about.partner,
        "subscription": about.name,
        "endpoint": about.settings.endpoint.to_string(),
        "health": notice.kind,
        "since": notice.since.format(&Rfc3339).ok(),
        "message": message,
    });
    if let Some(pauses_at) = notice.pauses_at {
        data["pausesAt"] = json!(pauses_at.format(&Rfc3339).ok());
    }
    let audience = Audience::Subscription(hearer.partner.clone(), hearer.name.clone());
    EventBuilderV10::new()
        .id(about.notice_id(notice))
        .source(SOURCE)
        .ty(notice.kind.event_type())
        .subject(format!("{}/{}", about.partner, about.name))
        .time(notice.at.format(&Rfc3339).unwrap_or_default())
        .extension(Audience::ATTRIBUTE, audience.to_string())
        .data("application/json", data)
        .build()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use time::macros::datetime;

    use super::*;
    use crate::{
        domain::partner::{PartnerName, SubscriptionName, endpoint::EndpointRules, settings::Settings},
        tests,
    };

    /// Members that a schema asks for are there, and no others than it has.
    fn assert_members(schema: &Value, value: &Value) {
        let required = schema["required"].as_array().expect("a list").iter();
        let missing: Vec<_> = required.filter(|name| value.get(name.as_str().expect("text")).is_none()).collect();
        let members = value.as_object().expect("an object").keys();
        let unknown: Vec<_> = members.filter(|name| schema["properties"].get(name.as_str()).is_none()).collect();
        assert!(missing.is_empty() && unknown.is_empty(), "{missing:?} {unknown:?} {value}");
    }

    /// No endpoint fails for days while a running shop is compared with the document.
    #[test]
    fn what_is_told_has_the_members_that_the_openapi_document_says() {
        let now = datetime!(2027-03-04 10:00 UTC);
        let subscription = |name: &str| {
            let settings = json!({ "endpoint": "https://ok.example/" });
            let rules = EndpointRules::default();
            let settings = Settings::parse(settings.as_object().expect("an object"), &rules).expect("settings");
            let partner = PartnerName::try_from("acme".to_owned()).expect("a name");
            let name = SubscriptionName::try_from(name.to_owned()).expect("a name");
            Subscription::new(partner, name, settings, "m", false, now)
        };
        let (about, hearer) = (subscription("prices"), subscription("alarms"));
        let schemas = tests::json(&tests::project("schemas/openapi.json"))["components"]["schemas"].clone();
        let told = &schemas["SubscriptionHealth"];
        for (kind, pauses_at) in
            [(HealthKind::Failing, Some(now)), (HealthKind::Paused, None), (HealthKind::Recovered, None)]
        {
            let notice = HealthNotice { kind, since: now, at: now, pauses_at };
            let event = serde_json::to_value(event(&about, &notice, &hearer).expect("an event")).expect("JSON");
            assert_members(told, &event);
            assert_members(&told["properties"]["data"], &event["data"]);
            let types = told["properties"]["type"]["enum"].as_array().expect("a list");
            assert!(types.contains(&event["type"]), "{event}");
            let entry = Entry::new(&about, &notice, vec![hearer.name.clone()]);
            assert_members(&schemas["Notice"], &serde_json::to_value(entry).expect("JSON"));
        }
    }
}
