//! JSON without a bottom is refused by name, whatever way it comes, and a document never gets deeper than can be read
//! again.

use azure_data_cosmos_driver::binary_json;

use super::*;

const RESERVED: &str = "$serde_json::private::RawValue";

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[tokio::test]
async fn what_has_no_bottom_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let cosmos = start(&store).await;
    let refused = async |method: Method, path: &str, headers: &[(&'static str, &str)], body: &Value| {
        let answer = send(&cosmos, method, path, headers, body).await;
        let said = String::from_utf8(answer.body().to_vec()).unwrap();
        assert!(answer.status() == StatusCode::BAD_REQUEST && said.contains(RESERVED), "{path} {body}: {said}");
    };
    let key = keyed("[\"p\"]");
    send(&cosmos, Method::POST, DOCS, &key, &item("a", "p", 1)).await;
    let path = format!("{DOCS}/a");
    let bomb = json!({ RESERVED: nested(100) });
    let document = json!({ "id": "b", "pk": "p", "deep": { "x": bomb }, "ttl": bomb });
    refused(Method::POST, DOCS, &key, &document).await;
    refused(Method::PUT, &path, &key, &document).await;
    refused(Method::PATCH, &path, &key, &json!([{ "op": "set", "path": "/x", "value": bomb }])).await;
    refused(Method::PATCH, &path, &key, &json!([{ "op": "set", "path": format!("/{RESERVED}"), "value": nested(9) }]))
        .await;
    let batch = [("x-ms-cosmos-is-batch-request", "true"), ("x-ms-cosmos-batch-atomic", "true"), key[0]];
    refused(Method::POST, DOCS, &batch, &json!([{ "operationType": "Create", "resourceBody": document }])).await;
    refused(
        Method::POST,
        DOCS,
        &[("x-ms-cosmos-is-batch-request", "true"), ("x-ms-cosmos-batch-atomic", "false")],
        &json!([{ "operationType": "Create", "partitionKey": "[\"p\"]", "resourceBody": document }]),
    )
    .await;
    let query = [("x-ms-documentdb-isquery", "true"), ("content-type", "application/query+json"), key[0]];
    let text = "SELECT * FROM c WHERE c.pk = @a";
    refused(Method::POST, DOCS, &query, &json!({ "query": text, "parameters": [{ "name": "@a", "value": bomb }] }))
        .await;
    let header = json!([bomb]).to_string();
    refused(Method::GET, &path, &[("x-ms-documentdb-partitionkey", &header)], &Value::Null).await;
    refused(Method::POST, "/dbs", &[], &json!({ "id": "x", "more": bomb })).await;
    refused(
        Method::POST,
        "/dbs/shop/colls",
        &[],
        &json!({ "id": "x", "partitionKey": { "paths": ["/id"] }, "defaultTtl": bomb }),
    )
    .await;

    let binary = binary_json::to_vec(&document).unwrap();
    let headers =
        key.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
    let answer = cosmos.execute(Method::POST, DOCS, headers, binary.into()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);

    assert_eq!(ids(&cosmos).await, ["a"]);
    drop(cosmos);
    assert_eq!(ids(&start(&store).await).await, ["a"]);
}

#[tokio::test]
async fn patches_do_not_deepen_a_document_beyond_what_a_start_reads() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let cosmos = start(&store).await;
    let key = keyed("[\"p\"]");
    send(&cosmos, Method::POST, DOCS, &key, &item("a", "p", 1)).await;
    let path = format!("{DOCS}/a");
    let patch = async |operations: Value| send(&cosmos, Method::PATCH, &path, &key, &operations).await.status();
    let chain = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!({ "x": inner }));
    assert_eq!(patch(json!([{ "op": "add", "path": "/x", "value": chain(100) }])).await, StatusCode::OK);
    let deep = "/x".repeat(90);
    assert_eq!(patch(json!([{ "op": "set", "path": deep, "value": chain(37) }])).await, StatusCode::OK);
    assert_eq!(patch(json!([{ "op": "set", "path": deep, "value": chain(38) }])).await, StatusCode::BAD_REQUEST);
    assert_eq!(patch(json!([{ "op": "add", "path": "/y", "value": { "z": 1 } }])).await, StatusCode::OK);
    assert_eq!(patch(json!([{ "op": "move", "from": "/x", "path": "/y/z/deeper" }])).await, StatusCode::BAD_REQUEST);
    let before = body(&send(&cosmos, Method::GET, &path, &key, &Value::Null).await)["x"].clone();
    drop(cosmos);
    let again = start(&store).await;
    assert_eq!(body(&send(&again, Method::GET, &path, &key, &Value::Null).await)["x"], before);
}
