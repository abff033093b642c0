//! The service through its public interfaces: the wire and the in-process handle. The official client has a suite of
//! its own.

mod client;

use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    clock::Clock,
    identity::Identity,
    queues::{Code, Queues},
    storage::{Storage, Sync},
    topology::StorageAccount,
};

const MINUTE: Duration = Duration::from_secs(60);

/// A service on a directory of its own.
struct Fixture {
    directory: TempDir,
    storage: Storage,
    clock: Clock,
    identity: Identity,
    queues: Queues,
}

impl Fixture {
    async fn start() -> Self {
        Self::on(TempDir::new().expect("a directory"), Clock::default()).await
    }

    async fn on(directory: TempDir, clock: Clock) -> Self {
        let storage = Storage::open(directory.path(), Sync::Process).expect("a store");
        let topology = StorageAccount { queues: vec!["work".to_owned()], ..StorageAccount::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let identity = Identity::sample().await;
        let queues =
            Queues::start(&topology, "devstoreaccount1", &identity, listener, &storage, &clock).await.expect("started");
        Self { directory, storage, clock, identity, queues }
    }

    /// Stops the service and starts it again on what it left, once nothing holds the directory any more.
    async fn restart(self) -> Self {
        let Self { directory, storage, clock, queues, .. } = self;
        queues.stop().await;
        drop((queues, storage));
        tokio::time::timeout(Duration::from_secs(10), async {
            while Storage::open(directory.path(), Sync::Process).is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the directory becomes free");
        Self::on(directory, clock).await
    }

    fn take(&self, count: usize) -> Vec<String> {
        let taken = self.queues.take("work", count, MINUTE).expect("taken");
        taken.into_iter().map(|message| message.text).collect()
    }

    fn put(&self, text: &str) {
        self.queues.put("work", text.to_owned(), None).expect("put");
    }
}

#[tokio::test]
async fn messages_receipts_and_counts_survive_a_restart() {
    let fixture = Fixture::start().await;
    ["one", "two", "three"].iter().for_each(|text| fixture.put(text));
    let held = fixture.queues.take("work", 1, MINUTE).expect("taken").remove(0);

    let fixture = fixture.restart().await;
    assert_eq!(fixture.take(5), ["two", "three"]);
    fixture.clock.advance(2 * MINUTE);
    assert_eq!(fixture.take(5).len(), 3, "all come back after their time");
    let late = fixture.queues.delete("work", held.id, held.receipt).expect_err("somebody else has it");
    assert_eq!(late.code(), Code::PopReceiptMismatch);
    assert_eq!(fixture.queues.count("work").expect("a count"), 3);
}

#[tokio::test]
async fn a_message_comes_back_with_a_higher_count_and_ends_with_its_life() {
    let fixture = Fixture::start().await;
    fixture.queues.put("work", "short".to_owned(), Some(10 * MINUTE)).expect("put");
    fixture.queues.put_forever("work", "long".to_owned()).expect("put");
    for expected in 1..=3 {
        let taken = fixture.queues.take("work", 2, MINUTE).expect("taken");
        assert_eq!(taken.iter().map(|message| message.dequeue_count).collect::<Vec<_>>(), [expected; 2]);
        fixture.clock.advance(MINUTE + Duration::from_secs(1));
    }
    fixture.clock.advance(10 * MINUTE);
    assert_eq!((fixture.queues.count("work").expect("a count"), fixture.take(5)), (1, vec!["long".to_owned()]));
    fixture.clock.advance(Duration::from_secs(100 * 365 * 24 * 3600));
    assert_eq!(fixture.take(5), ["long"]);
}

#[tokio::test]
async fn a_receiver_hears_of_new_released_and_returning_messages() {
    let fixture = Fixture::start().await;
    let heard = |fixture: &Fixture| {
        let queues = fixture.queues.clone();
        let waiting = tokio::spawn(async move { queues.ready("work").await });
        async move { tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("heard").expect("no panic") }
    };
    let waiting = heard(&fixture);
    fixture.put("new");
    waiting.await;
    let held = fixture.queues.take("work", 1, MINUTE).expect("taken").remove(0);
    let waiting = heard(&fixture);
    fixture.queues.hide("work", held.id, held.receipt, Duration::ZERO).expect("released");
    waiting.await;
    assert_eq!(fixture.take(1), ["new"]);
    let waiting = heard(&fixture);
    fixture.clock.advance(2 * MINUTE);
    waiting.await;
}

#[tokio::test]
async fn a_token_opens_over_https_what_its_roles_allow() {
    let fixture = Fixture::start().await;
    let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().expect("a client");
    let url = format!("{}/work/messages", fixture.queues.endpoint().replacen("http:", "https:", 1));
    let ask = async |method: http::Method, name: &str| {
        let token = fixture.identity.token(name, "https://storage.azure.com").expect("a token");
        let body = "<QueueMessage><MessageText>x</MessageText></QueueMessage>";
        let request = http.request(method, &url).bearer_auth(token).body(body);
        let answer = request.send().await.expect("an answer");
        let code = answer.headers().get("x-ms-error-code").map(|code| code.to_str().expect("text").to_owned());
        (answer.status().as_u16(), code.unwrap_or_default())
    };
    assert_eq!(ask(http::Method::POST, "owner").await, (201, String::new()));
    assert_eq!(ask(http::Method::GET, "owner").await, (200, String::new()));
    for method in [http::Method::POST, http::Method::GET, http::Method::DELETE] {
        assert_eq!(ask(method, "stranger").await, (403, "AuthorizationPermissionMismatch".to_owned()));
    }
    assert_eq!(fixture.queues.count("work").expect("a count"), 1);
}

/// Both ways to write a character that XML 1.0 has not, and what earlier versions stored all the same.
#[tokio::test]
async fn what_xml_cannot_hold_is_refused_at_the_door_and_stops_no_reader() {
    let fixture = Fixture::start().await;
    let http = reqwest::Client::new();
    let url = |path: &str, permissions: &str| client::signed(&fixture, path, permissions);
    let send = async |text: &str| {
        let body = format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>");
        let answer = http.post(url("work/messages", "a")).body(body).send().await.expect("an answer");
        let code = answer.headers().get("x-ms-error-code").map_or("", |code| code.to_str().expect("text")).to_owned();
        (answer.status().as_u16(), code)
    };
    for text in ["a\u{1}b", "a&#1;b", "a&#x1F;b", "&#xFFFE;", "\u{FFFF}", "&#0;", "&#xD800;", "<![CDATA[\u{B}]]>"] {
        assert_eq!(send(text).await, (400, "InvalidXmlDocument".to_owned()), "{text:?}");
    }
    for text in ["a\tb", "&#xD;&#10;", "\u{85}\u{7F}", "&#x10FFFF;"] {
        assert_eq!(send(text).await, (201, String::new()), "{text:?}");
    }
    let refused = fixture.queues.put("work", "a\u{1}b".to_owned(), None).expect_err("nobody could read it");
    assert_eq!(refused.code(), Code::InvalidXmlDocument);
    fixture.put("to be spoiled");
    let messages = fixture.storage.keyspace("queues.messages").expect("a keyspace");
    let mut batch = fixture.storage.batch();
    for entry in messages.iter() {
        let (key, value) = entry.into_inner().expect("a record");
        let record = String::from_utf8(value.to_vec()).expect("JSON");
        batch.insert(&messages, key, record.replace("to be spoiled", "a\\u0001b").into_bytes());
    }
    batch.commit().expect("stored");
    for path in ["work/messages?peekonly=TRUE&numofmessages=32", "work/messages?numofmessages=32"] {
        let (path, query) = path.split_once('?').expect("parameters");
        let mut url = url(path, "rp");
        url.set_query(Some(&format!("{query}&{}", url.query().expect("a signature"))));
        let text = http.get(url).send().await.expect("an answer").text().await.expect("a body");
        assert_eq!(text.matches("<MessageId>").count(), 5, "{text}");
        assert!(text.contains("<MessageText>a\u{FFFD}b</MessageText>"), "{text}");
    }
    // Names have the case they were set in, here too.
    let metadata = http.put(url("work?comp=MetaData", "w")).header("x-ms-meta-customerId", "7");
    assert_eq!(metadata.send().await.expect("an answer").status(), 204);
}

#[tokio::test]
async fn a_queue_that_is_cleared_or_created_again_is_empty() {
    let fixture = Fixture::start().await;
    let url = |query: &str| format!("{}/work{query}", fixture.queues.endpoint());
    let anonymous = reqwest::get(url("?comp=metadata")).await.expect("an answer");
    assert_eq!(anonymous.status(), 401);
    assert_eq!(anonymous.headers()["x-ms-error-code"], "NoAuthenticationInformation");

    let signed = |path: &str| client::signed(&fixture, path, "d");
    let http = reqwest::Client::new();
    for (path, texts) in [("work/messages", ["a", "b"]), ("work", ["c", "d"])] {
        texts.iter().for_each(|text| fixture.put(text));
        assert_eq!(http.delete(signed(path)).send().await.expect("an answer").status(), 204);
        assert_eq!(fixture.queues.count("work").unwrap_or_default(), 0);
    }
    fixture.queues.create("work").expect("created");
    fixture.put("new");
    assert_eq!(fixture.restart().await.take(5), ["new"]);
}
