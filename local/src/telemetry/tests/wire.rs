//! Statuses and answers.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::{Value, json};

use super::{Fixture, JSON, PROTOBUF, gzip, request, span};

const LIMIT: usize = 4 << 20;

/// `google.rpc.Status`.
#[derive(Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

fn message() -> Vec<u8> {
    request("shop", vec![span(1, 1, 0, "Products")]).encode_to_vec()
}

#[tokio::test]
async fn every_signal_is_taken_in_both_encodings_and_answered_in_the_same() {
    let fixture = Fixture::start().await;
    for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
        for (media, body, expected) in
            [(PROTOBUF, "", ""), (JSON, "{}", "{}"), ("Application/JSON; charset=utf-8", "{}", "{}")]
        {
            for packed in [None, Some("gzip"), Some("identity")] {
                let body = if packed == Some("gzip") { gzip(body.as_bytes()) } else { body.as_bytes().to_vec() };
                let (status, answered, body) = fixture.post(path, media, packed, body).await;
                let media = if media == PROTOBUF { PROTOBUF } else { JSON };
                assert_eq!((status, answered.as_str(), body.as_slice()), (200, media, expected.as_bytes()), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused_in_its_encoding() {
    let fixture = Fixture::start().await;
    let whole = message();
    let packed = gzip(&whole);
    let bottomless = format!("{}{}", r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":"#, {
        let levels = 10_000;
        format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(levels), "]}}".repeat(levels))
    });
    // An attribute in an attribute, in lengths that fit.
    let deep = (0..200).fold(Vec::new(), |inner: Vec<u8>, _| {
        let value = opentelemetry_proto::tonic::common::v1::ArrayValue::default();
        let mut array = value.encode_to_vec();
        prost::encoding::encode_key(1, prost::encoding::WireType::LengthDelimited, &mut array);
        prost::encoding::encode_varint(inner.len() as u64, &mut array);
        array.extend_from_slice(&inner);
        let mut outer = Vec::new();
        prost::encoding::encode_key(5, prost::encoding::WireType::LengthDelimited, &mut outer);
        prost::encoding::encode_varint(array.len() as u64, &mut outer);
        outer.extend_from_slice(&array);
        outer
    });
    let mut nested = Vec::new();
    // value, attribute, resource, resource_spans
    for tag in [2, 1, 1, 1] {
        let inner = if nested.is_empty() { deep.clone() } else { std::mem::take(&mut nested) };
        prost::encoding::encode_key(tag, prost::encoding::WireType::LengthDelimited, &mut nested);
        prost::encoding::encode_varint(inner.len() as u64, &mut nested);
        nested.extend_from_slice(&inner);
    }
    for (what, media, encoding, body) in [
        ("no protobuf", PROTOBUF, None, b"resourceSpans".to_vec()),
        ("protobuf that ends early", PROTOBUF, None, whole[..whole.len() - 3].to_vec()),
        ("a bottomless attribute", PROTOBUF, None, nested),
        ("no gzip", PROTOBUF, Some("gzip"), whole.clone()),
        ("gzip that ends early", PROTOBUF, Some("gzip"), packed[..packed.len() - 9].to_vec()),
        ("no JSON", JSON, None, b"{\"resourceSpans\":[".to_vec()),
        ("another JSON", JSON, None, b"{\"resourceSpans\":1}".to_vec()),
        ("an id that is none", JSON, None, {
            let span = json!({"traceId": "xyz", "spanId": "0102030405060708", "name": "a"});
            json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string().into_bytes()
        }),
        ("bottomless JSON", JSON, None, bottomless.into_bytes()),
        ("JSON within JSON", JSON, None, br#"{"a":{"$serde_json::private::RawValue":"1"}}"#.to_vec()),
    ] {
        let (status, answered, body) = fixture.post("/v1/traces", media, encoding, body).await;
        assert_eq!((status, answered.as_str()), (400, media), "{what}");
        let (code, message) = if media == JSON {
            let said: Value = serde_json::from_slice(&body).expect("JSON");
            (said["code"].as_i64().expect("a code"), said["message"].as_str().expect("text").to_owned())
        } else {
            let said = Status::decode(&*body).expect("a status");
            (said.code.into(), said.message)
        };
        assert_eq!(code, 3, "{what}: {message}");
        assert!(message.starts_with("the body is no "), "{what}: {message}");
    }
    assert!(fixture.telemetry.recent(10).is_empty());
}

#[tokio::test]
async fn a_body_is_bounded_packed_and_unpacked() {
    let fixture = Fixture::start().await;
    let padded = |length: usize| {
        let mut message = span(1, 1, 0, "");
        message.name = "n".repeat(length);
        let body = request("shop", vec![message.clone()]).encode_to_vec();
        message.name.truncate(length - (body.len() - length));
        request("shop", vec![message]).encode_to_vec()
    };
    let (fits, exceeds) = (padded(LIMIT), padded(LIMIT + 100));
    assert!(fits.len() <= LIMIT && fits.len() > LIMIT - 16 && exceeds.len() > LIMIT);
    // A thousandth of what it becomes.
    let bomb = gzip(&vec![0; 256 << 20]);
    assert!(bomb.len() < 1 << 20);
    for (what, packed, body, expected) in [
        ("fits", None, fits.clone(), 200),
        ("fits, packed", Some("gzip"), gzip(&fits), 200),
        ("exceeds", None, exceeds.clone(), 413),
        ("exceeds once unpacked", Some("gzip"), gzip(&exceeds), 413),
        ("bomb", Some("gzip"), bomb, 413),
        ("exceeds as it comes", Some("gzip"), vec![1; 6 << 20], 413),
    ] {
        let (status, media, body) = fixture.post("/v1/traces", PROTOBUF, packed, body).await;
        assert_eq!((status, media.as_str()), (expected, PROTOBUF), "{what}");
        assert!(status == 200 || Status::decode(&*body).expect("a status").message.contains("larger"), "{what}");
    }
}

#[tokio::test]
async fn other_media_methods_and_paths_are_refused() {
    let fixture = Fixture::start().await;
    for (media, packed) in [("text/plain", None), ("", None), (PROTOBUF, Some("br")), (JSON, Some("zstd"))] {
        assert_eq!(fixture.post("/v1/traces", media, packed, "{}").await.0, 415, "{media} {packed:?}");
    }
    for method in ["GET", "PUT", "DELETE"] {
        let url = format!("{}/v1/logs", fixture.telemetry.endpoint());
        let answer = fixture.http.request(method.parse().expect("a method"), url).send().await.expect("an answer");
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(answer.headers()["allow"], "POST");
    }
    assert_eq!(fixture.post("/v1development/profiles", PROTOBUF, None, "").await.0, 404);
    let page = fixture.http.post(format!("{}/v1/traces", fixture.telemetry.endpoint())).header("content-type", JSON);
    let answer = page.header("origin", "https://evil.example").body("{}").send().await.expect("an answer");
    assert_eq!(answer.status(), 403, "a page from elsewhere");
}

#[tokio::test]
async fn spans_without_ids_are_told_of_and_the_others_kept() {
    let fixture = Fixture::start().await;
    let mut nobody = span(1, 2, 0, "nobody");
    nobody.trace_id = vec![0; 16];
    let spans = vec![span(1, 1, 0, "Products"), nobody];
    let body = request("shop", spans.clone()).encode_to_vec();
    let (status, _, body) = fixture.post("/v1/traces", PROTOBUF, None, body).await;
    let partial = ExportTraceServiceResponse::decode(&*body).expect("a response").partial_success.expect("partial");
    assert_eq!((status, partial.rejected_spans), (200, 1));
    assert!(!partial.error_message.is_empty());
    let body = serde_json::to_string(&request("shop", spans)).expect("JSON");
    let (_, _, body) = fixture.post("/v1/traces", JSON, None, body).await;
    let said: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(said["partialSuccess"]["rejectedSpans"], json!("1"));
    let recent = fixture.telemetry.recent(10);
    assert_eq!(recent.iter().map(|trace| trace.name.as_str()).collect::<Vec<_>>(), ["Products"]);
}
