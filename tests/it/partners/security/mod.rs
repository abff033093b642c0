//! What strangers, other partners and broken clients send: refused on every route there is, without a word about what is not theirs.

mod addresses;
mod bodies;
mod routes;
mod secrecy;

use std::{collections::BTreeSet, net::SocketAddr};

use contoso_cli::{app_settings, identity};
use contoso_handlers::{app::App, function::Trigger, registry, settings::Settings};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;

/// What stands in a path for its parameters.
struct Names<'a> {
    partner: &'a str,
    subscription: &'a str,
    key: &'a str,
    job: &'a str,
    event: &'a str,
}

impl Names<'_> {
    /// A path of the router with these names in it.
    fn fill(&self, route: &str) -> String {
        let named = |part: &str| match part {
            "{partner}" => self.partner.to_owned(),
            "{subscription}" | "{listener}" => self.subscription.to_owned(),
            "{key}" => self.key.to_owned(),
            "{job}" => self.job.to_owned(),
            "{event}" => self.event.to_owned(),
            other => {
                assert!(!other.contains('{'), "{route}: say here what stands for {other}, and whose it is");
                other.to_owned()
            }
        };
        route.split('/').map(named).collect::<Vec<_>>().join("/")
    }
}

/// Every path of the function, as its router has them: a new one is in each of these tests by itself.
fn routes(shop: &Inside) -> BTreeSet<String> {
    let settings = app_settings::of(&shop.stack, identity::APP).expect("the app's identity");
    let settings = Settings::read(|name| match name {
        "FUNCTIONS_CUSTOMHANDLER_PORT" => Some("1".to_owned()),
        name => settings.get(name).cloned(),
    });
    let function =
        registry::functions().into_iter().find(|function| function.name == "Partners").expect("there is one");
    let Trigger::Http { router } = function.trigger else { panic!("it is an HTTP function") };
    let router = format!("{:?}", router(App::new(settings.expect("the app's settings"))));
    let paths = router.split('"').filter(|text| text.starts_with("/api/partners/")).map(str::to_owned);
    let paths: BTreeSet<_> = paths.collect();
    assert!(paths.len() > 15, "a router shows its paths: {router}");
    paths
}

fn methods() -> [Method; 7] {
    [Method::GET, Method::POST, Method::PATCH, Method::DELETE, Method::PUT, Method::HEAD, Method::OPTIONS]
}

impl Partner<'_> {
    /// An answer, once the key has some of its allowance left.
    async fn sends(&self, request: impl Fn() -> RequestBuilder) -> (StatusCode, HeaderMap, String) {
        eventually("an answer that is not 429", || async {
            let answer = request().send().await.map_err(|error| format!("{error:?}"))?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let text = answer.text().await.map_err(|error| format!("{error:?}"))?;
            if status == StatusCode::TOO_MANY_REQUESTS { Err(text) } else { Ok((status, headers, text)) }
        })
        .await
    }

    /// Any path of the app with this key.
    fn to(&self, method: &Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.shop.stack.endpoints().functions);
        let request = self.shop.http.request(method.clone(), url);
        if self.key.is_empty() { request } else { request.bearer_auth(&self.key) }
    }

    /// Sends bytes as they are, for what no client writes, and returns status and answer.
    async fn says(&self, head: &str, body: &[u8]) -> (u16, String) {
        let functions = &self.shop.stack.endpoints().functions;
        let address: SocketAddr = functions.trim_start_matches("http://").parse().expect("an address");
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let authority = format!("Host: {address}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n", self.key);
        let sent = format!("{head}\r\n{authority}\r\n");
        // Who refuses before the end closes, and what it said is there all the same.
        _ = stream.write_all(&[sent.as_bytes(), body].concat()).await;
        let mut answer = Vec::new();
        _ = stream.read_to_end(&mut answer).await;
        let text = String::from_utf8_lossy(&answer).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("no status: {text}")), text)
    }
}
