//! Callers who send what nobody reads, beside callers who did nothing wrong.

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::Inside;

#[tokio::test]
async fn bodies_that_no_function_reads_disturb_nobody() {
    let shop = Inside::start().await;
    let functions = shop.stack.endpoints().functions.clone();
    let status = |request: reqwest::RequestBuilder| async { request.send().await.expect("an answer").status() };

    // 1 MB for a function that reads no body, which lacks a parameter too.
    let loud = async {
        for _ in 0..20 {
            let sent = (0..8)
                .map(|_| status(shop.http.get(format!("{functions}/api/site/products")).body(vec![b'x'; 1_000_000])));
            let answers = join_all(sent).await;
            assert!(answers.iter().all(|answer| *answer == StatusCode::BAD_REQUEST), "{answers:?}");
        }
    };
    let quiet = async {
        for _ in 0..100 {
            let click = json!({ "productId": "rope", "consent": false });
            let (read, sent) = tokio::join!(
                join_all((0..4).map(|_| status(shop.http.get(format!("{functions}/api/site/categories"))))),
                status(shop.http.post(format!("{functions}/api/clicks")).json(&click)),
            );
            assert!(read.iter().all(|answer| *answer == StatusCode::OK), "{read:?}");
            assert_eq!(sent, StatusCode::ACCEPTED);
        }
    };
    tokio::join!(loud, quiet);

    // More than the function takes, and refused before it is read: for its media type, its size, its preconditions.
    let put = |index: usize| {
        let request = shop.http.put(format!("{functions}/api/products/large-{index}")).body(vec![b' '; 5_000_000]);
        let (request, expected) = match index % 3 {
            0 => (request.header("content-type", "application/json"), StatusCode::PAYLOAD_TOO_LARGE),
            1 => (request.header("content-type", "text/plain"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
            _ => (request.header("content-type", "application/json").header("if-match", "?"), StatusCode::BAD_REQUEST),
        };
        async move { (status(request).await, expected) }
    };
    for (answer, expected) in join_all((0..40).map(put)).await {
        assert_eq!(answer, expected);
    }
    shop.stop().await;
}
