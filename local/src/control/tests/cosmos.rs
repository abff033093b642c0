//! Levers of Cosmos DB, felt by plain requests: a client would hide a 429 from us.

use http::HeaderMap;
use serde_json::json;

use super::Fixture;

/// More requests than any test of a limit needs.
const MANY: usize = 200;

impl Fixture {
    /// Upserts an item in the name of the operator.
    async fn upsert(&self) -> (u16, HeaderMap) {
        let cosmos = self.stack.cosmos();
        let endpoint = cosmos.endpoint().replacen("http:", "https:", 1);
        let token = self.stack.identity().token("operator", "https://cosmos.azure.com").expect("a token");
        let request = self.http.post(format!("{}/dbs/shop/colls/items/docs", endpoint.trim_end_matches('/')));
        let request = request
            .header("authorization", format!("type%3Daad%26ver%3D1.0%26sig%3D{token}"))
            .header("x-ms-version", "2018-12-31")
            .header("x-ms-documentdb-partitionkey", "[\"a\"]")
            .header("x-ms-documentdb-is-upsert", "True")
            .header("content-type", "application/json");
        let answer = request.body(json!({"id": "a"}).to_string()).send().await.expect("an answer");
        (answer.status().as_u16(), answer.headers().clone())
    }

    /// Whether one of many upserts at once is throttled; the first such answer's headers.
    async fn throttled(&self) -> Option<HeaderMap> {
        for _ in 0..MANY {
            match self.upsert().await {
                (429, headers) => return Some(headers),
                (status, _) => assert!(matches!(status, 200 | 201), "{status}"),
            }
        }
        None
    }
}

#[tokio::test]
async fn what_exceeds_the_throughput_is_429_until_the_limit_is_taken_away_or_forgotten() {
    let fixture = Fixture::start().await;
    let limit = json!({"database": "shop", "container": "items", "requestUnitsPerSecond": 10});
    let no_limit = json!({"database": "shop", "container": "items"});
    assert!(fixture.throttled().await.is_none());
    for forgetting in [false, true] {
        assert_eq!(fixture.pull("/cosmos/throughput", &limit).await.0, 200);
        let headers = fixture.throttled().await.expect("too much for 10 units a second");
        assert_eq!(headers["x-ms-substatus"], "3200");
        let wait: u64 = headers["x-ms-retry-after-ms"].to_str().expect("text").parse().expect("a number");
        assert!(wait > 0, "{wait}");
        if forgetting {
            let fault = json!({"count": 5, "status": 503, "operations": ["write"]});
            assert_eq!(fixture.pull("/cosmos/faults", &fault).await.1["left"], 5);
            assert_eq!(fixture.forget("/cosmos").await, 204);
            assert_eq!(fixture.look("/cosmos").await["left"], 0);
        } else {
            assert_eq!(fixture.pull("/cosmos/throughput", &no_limit).await.0, 200);
        }
        assert!(fixture.throttled().await.is_none(), "no limit any more");
    }
    fixture.stop().await;
}
