//! Transactional batches: operations on the items of one partition key, of which all are made or none.

use std::sync::Arc;

use bytes::Bytes;
use contoso_json::Object;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use crate::cosmos::{
    data::{
        charge,
        container::Container,
        document::{Document, LARGEST},
        operation::{Conditions, Effect, Operation, Work},
        patch::Patch,
    },
    serve::{items, sessions},
    store::account::{Account, Unwritten},
    wire::{
        refusal::Refusal,
        request::{Request, check_id},
        responses,
    },
};

/// Operations of one batch, as in the service.
const MOST: usize = 100;
/// Bytes of all items that a batch writes. Its request has at most 2 MiB, but what patches make of items is larger.
const MOST_WRITTEN: usize = 2 * LARGEST;
/// Bytes of all documents that a batch, or a bulk request, is answered with for what it reads.
pub(in crate::cosmos) const MOST_ANSWERED: usize = 2 * LARGEST;

/// One operation of a batch request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stated {
    operation_type: String,
    id: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    resource_body: Option<Box<RawValue>>,
}

/// What an operation does to the size of a batch.
enum Kind {
    Reads,
    Writes,
    Deletes,
}

impl Kind {
    fn of(operation: &Operation) -> Self {
        match operation {
            Operation::Read { .. } => Self::Reads,
            Operation::Delete { .. } => Self::Deletes,
            _ => Self::Writes,
        }
    }
}

/// Bytes of the items of a batch so far.
#[derive(Default)]
struct Sizes {
    written: usize,
    answered: usize,
}

impl Sizes {
    /// # Errors
    /// 413 where it is too much with what an operation of this kind came to.
    fn add(&mut self, kind: Kind, effect: &Effect) -> Result<(), Refusal> {
        match kind {
            Kind::Reads => self.answered += effect.item.text.len(),
            Kind::Writes => self.written += effect.item.text.len(),
            Kind::Deletes => {}
        }
        match () {
            () if self.written > MOST_WRITTEN => Err(Refusal::too_large()),
            () if self.answered > MOST_ANSWERED => Err(Refusal::answer_too_large()),
            () => Ok(()),
        }
    }
}

/// What a batch came to.
enum Results {
    Made(Vec<Effect>),
    /// The operation at this place could not be made.
    Failed(usize, Refusal),
}

/// Answers a batch: 200 where all of it was made, else 207 and nothing was.
pub(in crate::cosmos) async fn answer(account: &Arc<Account>, request: &Request) -> Response<Bytes> {
    let parsed = || -> Result<_, Refusal> {
        let name = request.container().ok_or_else(|| Refusal::bad_request("The path names no container."))?;
        Ok((name, items::values(request)?, operations(&request.body)?))
    };
    let (name, values, operations) = match parsed() {
        Ok(parsed) => parsed,
        Err(refusal) => return refusal.answer(request),
    };
    let count = operations.len();
    let are_reads: Vec<bool> = operations.iter().map(|(it, _)| matches!(it, Operation::Read { .. })).collect();
    let only_deletes = operations.iter().all(|(operation, _)| matches!(operation, Operation::Delete { .. }));
    let work = move |container: &Container, state: &_, at_millis| {
        let mut work = Work::new(container, state, &values, at_millis)?;
        let mut effects = Vec::with_capacity(operations.len());
        let mut sizes = Sizes::default();
        for (place, (operation, conditions)) in operations.into_iter().enumerate() {
            let kind = Kind::of(&operation);
            let made = work.make(operation, &conditions);
            match made.and_then(|effect| sizes.add(kind, &effect).map(|()| effect)) {
                Ok(effect) => effects.push(effect),
                Err(refusal) => {
                    let untouched = Work::new(container, state, &values, at_millis)?.finish();
                    return Ok((untouched, Results::Failed(place, refusal)));
                }
            }
        }
        Ok((work.finish(), Results::Made(effects)))
    };
    let written = match account.write_items(name, only_deletes, work).await {
        Ok(written) => written,
        Err(Unwritten::Refused(refusal)) => return refusal.answer(request),
        Err(Unwritten::Unavailable(message)) => return responses::unavailable(request, &message),
    };
    let (status, results) = match &written.value {
        Results::Made(effects) => {
            let with_content = items::wants_content(request);
            let result = |(effect, is_read): (&Effect, bool)| made(&written.container, effect, with_content || is_read);
            (StatusCode::OK, effects.iter().zip(are_reads).map(result).collect::<Vec<String>>())
        }
        Results::Failed(place, refusal) => {
            let result = |number| {
                if number == *place {
                    failed(refusal)
                } else {
                    json!({ "statusCode": 424, "requestCharge": charge::OF_BATCH }).to_string()
                }
            };
            (StatusCode::MULTI_STATUS, (0..count).map(result).collect())
        }
    };
    let charge = charge::OF_BATCH * count as f64;
    let mut response = responses::charged(request, status, charge, format!("[{}]", results.join(",")).into());
    sessions::tell(&mut response, &written.container, written.range, written.lsn, None);
    response
}

fn operations(body: &[u8]) -> Result<Vec<(Operation, Conditions)>, Refusal> {
    if body.len() > LARGEST {
        return Err(Refusal::too_large());
    }
    let stated: Vec<Object<Stated>> = contoso_json::from_slice(body)
        .map_err(|error| Refusal::bad_request(format!("Invalid batch JSON body: {error}.")))?;
    if stated.is_empty() || stated.len() > MOST {
        return Err(Refusal::bad_request(format!("A batch has 1 to {MOST} operations, not {}.", stated.len())));
    }
    stated.into_iter().map(|Object(stated)| operation(stated)).collect()
}

fn operation(stated: Stated) -> Result<(Operation, Conditions), Refusal> {
    let Stated { operation_type, id, if_match, if_none_match, resource_body } = stated;
    if let Some(id) = &id {
        check_id(id).map_err(Refusal::bad_request)?;
    }
    let body = || {
        let body = resource_body.as_ref().ok_or_else(|| Refusal::bad_request("An operation has no resourceBody."))?;
        Ok::<_, Refusal>(body.get().as_bytes())
    };
    let document = || {
        let document = Document::read(body()?)?;
        match &id {
            Some(id) if *id != document.id => {
                Err(Refusal::bad_request("Document id in request body must match the batch operation id"))
            }
            _ => Ok(document),
        }
    };
    let named = || id.clone().ok_or_else(|| Refusal::bad_request("An operation has no id."));
    let operation = match operation_type.as_str() {
        "Create" => Operation::Create(document()?),
        "Upsert" => Operation::Upsert(document()?),
        "Replace" => {
            let document = document()?;
            Operation::Replace { id: id.clone().unwrap_or_else(|| document.id.clone()), document }
        }
        "Patch" => Operation::Patch { id: named()?, patch: Patch::read(body()?)? },
        "Delete" => Operation::Delete { id: named()? },
        "Read" => Operation::Read { id: named()? },
        _ => {
            let message = "An operation is none of Create, Upsert, Replace, Patch, Read and Delete.";
            return Err(Refusal::bad_request(message));
        }
    };
    Ok((operation, Conditions { if_match, if_none_match }))
}

/// A result as JSON text.
fn made(container: &Container, effect: &Effect, with_content: bool) -> String {
    let mut result = Map::new();
    result.insert("statusCode".to_owned(), effect.status.as_u16().into());
    result.insert("requestCharge".to_owned(), charge::OF_BATCH.into());
    result.insert("eTag".to_owned(), effect.item.etag.to_string().into());
    let is_answered = with_content && matches!(effect.status, StatusCode::OK | StatusCode::CREATED);
    with_document(result, is_answered.then(|| effect.item.whole(container.id)).as_deref())
}

/// A result as JSON text, with a document, which is such a text, unless it is empty.
pub(in crate::cosmos) fn with_document(result: Map<String, Value>, document: Option<&str>) -> String {
    let text = Value::Object(result).to_string();
    match (text.strip_suffix('}'), document.filter(|document| !document.is_empty())) {
        (Some(open), Some(document)) => format!(r#"{open},"resourceBody":{document}}}"#),
        _ => text,
    }
}

fn failed(refusal: &Refusal) -> String {
    let mut result = json!({
        "statusCode": refusal.status.as_u16(),
        "requestCharge": charge::OF_BATCH,
        "message": refusal.message,
    });
    if let Some(substatus) = refusal.substatus {
        result["subStatusCode"] = substatus.into();
    }
    result.to_string()
}
