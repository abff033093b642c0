//! `$management`: the runtime properties of hubs and partitions.

use tokio::time::Instant;

use super::{
    claims::Claims,
    request::{Request, Response},
};
use crate::event_hubs::{
    EventHubs,
    access::Unauthorized,
    amqp::{Value, condition::Condition},
    hub::Hub,
    log::Partition,
};

const HUB: &str = "com.microsoft:eventhub";
const PARTITION: &str = "com.microsoft:partition";

pub(super) fn answer(request: &Request, hubs: &EventHubs, claims: &mut Claims, now: Instant) -> Response {
    let (operation, kind) = (request.property("operation"), request.property("type"));
    if operation != "READ" || ![HUB, PARTITION].contains(&kind) {
        return Response::refused(
            501,
            Condition::NotImplemented,
            format!("The management operation {operation:?} on {kind:?} is not supported."),
        );
    }
    let name = request.property("name");
    let hub = hubs.hub(name);
    if let Err(reason) = authorise(request, hub, hubs, claims, now) {
        return Response::refused(401, Condition::UnauthorizedAccess, format!("Unauthorized access. {reason}"));
    }
    let Some(hub) = hub else {
        return Response::refused(
            404,
            Condition::NotFound,
            format!("The messaging entity '{name}' could not be found."),
        );
    };
    if kind == HUB {
        return Response::ok(200, "OK", hub_properties(hub));
    }
    let id = request.property("partition");
    match hub.partition(id) {
        Some(partition) => Response::ok(200, "OK", partition_properties(hub, partition)),
        // Official clients' own tests have this condition of the service; where there is one, the status counts for little.
        None => Response::refused(
            404,
            Condition::ArgumentOutOfRange,
            format!("The messaging entity '{name}' has no partition '{id}'."),
        ),
    }
}

/// A request may carry a token of its own, which then decides: .NET's client puts none to `$cbs` before. Otherwise those of
/// the connection count.
fn authorise(
    request: &Request,
    hub: Option<&Hub>,
    hubs: &EventHubs,
    claims: &mut Claims,
    now: Instant,
) -> Result<(), Unauthorized> {
    let name = request.property("name");
    match request.token() {
        Value::Null => claims.permit_reading(name, hub),
        token => {
            let text =
                token.as_text().ok_or_else(|| Unauthorized::new("InvalidToken: The security_token is no text."))?;
            let grant = hubs.access().redeem_any(name, text)?;
            let permitted = grant.permits_reading(name, hub.map(Hub::consumer_groups).unwrap_or_default());
            claims.show(grant, now);
            permitted
        }
    }
}

fn hub_properties(hub: &Hub) -> Value {
    let ids: Vec<Value> = hub.partitions().iter().map(|partition| Value::string(partition.id())).collect();
    let count = i32::try_from(ids.len()).unwrap_or(i32::MAX);
    map([
        ("name", Value::string(hub.name())),
        ("type", Value::string(HUB)),
        ("created_at", Value::Timestamp(hub.created_millis())),
        ("partition_count", Value::Int(count)),
        ("partition_ids", Value::Array(ids)),
        ("georeplication_factor", Value::Int(1)),
    ])
}

fn partition_properties(hub: &Hub, partition: &Partition) -> Value {
    let state = partition.state();
    map([
        ("name", Value::string(hub.name())),
        ("type", Value::string(PARTITION)),
        ("partition", Value::string(partition.id())),
        ("begin_sequence_number", Value::Long(state.begin_sequence)),
        ("begin_sequence_number_epoch", Value::Int(-1)),
        ("last_enqueued_sequence_number", Value::Long(state.last_sequence)),
        ("last_enqueued_sequence_number_epoch", Value::Int(-1)),
        ("last_enqueued_offset", Value::string(state.last_offset.to_string())),
        ("last_enqueued_time_utc", Value::Timestamp(state.last_enqueued_millis)),
        ("is_partition_empty", Value::Bool(state.is_empty())),
    ])
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(entries.into_iter().map(|(name, value)| (Value::string(name), value)).collect())
}
