//! The official Rust client, with a shared access signature in its address: over http it takes no credential.

use std::collections::HashMap;

use azure_core::{
    credentials::Secret,
    hmac::hmac_sha256,
    http::{RequestContent, StatusCode, Url, XmlFormat},
};
use azure_storage_queue::{
    QueueClient,
    models::{QueueClientReceiveMessagesOptions, QueueMessage},
};

use super::Fixture;
use crate::storage_account::auth::WELL_KNOWN_KEY;

/// The address of `path` with an account signature of these permissions.
pub(super) fn signed(fixture: &Fixture, path: &str, permissions: &str) -> Url {
    let end = "2099-01-01T00:00:00Z";
    let text = format!("devstoreaccount1\n{permissions}\nq\nsco\n\n{end}\n\n\n2021-12-02\n\n");
    let signature = hmac_sha256(&text, &Secret::new(WELL_KNOWN_KEY)).expect("a signature");
    let mut url = Url::parse(&format!("{}/{path}", fixture.queues.endpoint())).expect("a valid address");
    url.query_pairs_mut()
        .extend_pairs([("sv", "2021-12-02"), ("ss", "q"), ("srt", "sco"), ("sp", permissions), ("se", end)])
        .append_pair("sig", &signature);
    url
}

fn client(fixture: &Fixture, queue: &str, permissions: &str) -> QueueClient {
    QueueClient::new(signed(fixture, queue, permissions), None, None).expect("a client")
}

fn message(text: &str) -> RequestContent<QueueMessage, XmlFormat> {
    let message = QueueMessage { message_text: Some(text.to_owned()) };
    message.try_into().expect("XML")
}

#[tokio::test]
async fn the_rust_client_makes_a_round_trip() {
    let fixture = Fixture::start().await;
    let queue = client(&fixture, "rust", "rwdlacup");
    assert!(!queue.exists().await.expect("an answer"));
    queue.create(None).await.expect("created");
    queue.set_metadata(&HashMap::from([("team".to_owned(), "shop".to_owned())]), None).await.expect("set");
    assert!(queue.exists().await.expect("an answer"));

    queue.send_message(message("<a> & b"), None).await.expect("sent");
    let peeked = queue.peek_messages(None).await.expect("peeked").into_model().expect("XML").items.expect("a message");
    assert_eq!(peeked[0].message_text.as_deref(), Some("<a> & b"));
    let options = QueueClientReceiveMessagesOptions { visibility_timeout: Some(60), ..Default::default() };
    let taken = queue.receive_messages(Some(options)).await.expect("taken").into_model().expect("XML");
    let taken = taken.items.expect("a message").remove(0);
    assert_eq!((taken.message_text.as_deref(), taken.dequeue_count), (Some("<a> & b"), Some(1)));
    let (id, receipt) = (taken.message_id.expect("an id"), taken.pop_receipt.expect("a receipt"));
    queue.update_message(&id, &receipt, 0, None).await.expect("released");
    let stale = queue.delete_message(&id, &receipt, None).await.expect_err("the receipt is old");
    assert_eq!(stale.http_status(), Some(StatusCode::BadRequest));
    let again = queue.receive_messages(None).await.expect("taken").into_model().expect("XML");
    let again = again.items.expect("a message").remove(0);
    assert_eq!(again.dequeue_count, Some(2));
    queue.delete_message(&id, &again.pop_receipt.expect("a receipt"), None).await.expect("deleted");
    assert!(queue.receive_messages(None).await.expect("an answer").into_model().expect("XML").items.is_none());

    let reader = client(&fixture, "rust", "r");
    let refused = reader.send_message(message("x"), None).await.expect_err("it may read only");
    assert_eq!(refused.http_status(), Some(StatusCode::Forbidden));
    queue.clear(None).await.expect("cleared");
    queue.delete(None).await.expect("deleted");
    let gone = queue.send_message(message("x"), None).await.expect_err("it is gone");
    assert_eq!(gone.http_status(), Some(StatusCode::NotFound));
}
