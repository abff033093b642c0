//! Which names a port answers to, and which pages may call it, over HTTP/1.1 and HTTP/2.

use axum::Router;
use http::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{HostName, Hosts, HttpServer};
use crate::identity::Identity;

/// A service that answers everything with 200, at the authority of a stack that answers to `hosts` too.
struct Fixture {
    server: HttpServer,
    identity: Identity,
    _dir: tempfile::TempDir,
}

impl Fixture {
    async fn start(hosts: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let hosts = hosts.iter().map(|name| name.parse::<HostName>().expect("a name")).collect::<Hosts>();
        let listener = async || TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let identity = Identity::start(&[], dir.path(), listener().await, &hosts).expect("an authority");
        let router = Router::new().fallback(|| async { "here" });
        let server = HttpServer::start("test", listener().await, router, identity.tls()).expect("it listens");
        Self { server, identity, _dir: dir }
    }

    /// The answer to a request as it is written here; its status.
    async fn raw(&self, request: &str) -> (u16, String) {
        let mut connection = TcpStream::connect(self.server.address()).await.expect("connected");
        connection.write_all(request.as_bytes()).await.expect("written");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.expect("read");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("no answer: {answer}")), answer)
    }

    /// Asks for `url`, which leads here whatever it names, by a client that trusts the authority.
    async fn ask(&self, url: &str, http2: bool) -> Result<StatusCode, reqwest::Error> {
        let authority = std::fs::read(self.identity.ca_certificate()).expect("a certificate");
        let authority = reqwest::Certificate::from_pem(&authority).expect("PEM");
        let host = url::Url::parse(url).expect("a URL").host_str().expect("a host").to_owned();
        let client = reqwest::Client::builder().add_root_certificate(authority).resolve(&host, self.server.address());
        let client = if http2 { client.http2_prior_knowledge() } else { client.http1_only() };
        Ok(client.build()?.get(url).send().await?.status())
    }
}

#[tokio::test]
async fn a_port_answers_to_this_machine_and_to_what_was_added() {
    let fixture = Fixture::start(&["shop.test", "10.1.2.3"]).await;
    let own = ["localhost", "LocalHost:8081", "localhost.", "127.0.0.1:1", "127.3.2.1", "[::1]:9", "[::1]"];
    for host in own.into_iter().chain(["shop.test", "SHOP.test:80", "10.1.2.3:7071"]) {
        let (status, answer) =
            fixture.raw(&format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")).await;
        assert_eq!(status, 200, "{host}: {answer}");
    }
    for host in
        ["evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example", "a.shop.test", "10.1.2.4", "[::2]"]
    {
        for request in [
            format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"),
            format!("GET http://{host}/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"),
            format!("PUT / HTTP/1.0\r\nhost: {host}\r\n\r\n"),
        ] {
            let (status, answer) = fixture.raw(&request).await;
            let named = host.strip_suffix(":80").unwrap_or(host);
            assert!(status == 421 && answer.contains(&format!("--host {named}")), "{request}: {answer}");
        }
    }
    for named in
        ["", "host:\r\n", "host: a b\r\n", "host: u@localhost\r\n", "host: localhost\r\nhost: evil.example\r\n"]
    {
        let (status, answer) = fixture.raw(&format!("GET / HTTP/1.1\r\n{named}connection: close\r\n\r\n")).await;
        assert_eq!(status, 400, "{named}: {answer}");
    }
    assert_eq!(fixture.raw("GET / HTTP/1.0\r\n\r\n").await.0, 400);
}

/// HTTP/2 names the host in `:authority`, in plain text and over TLS. The certificate is good for what the authority may sign.
#[tokio::test]
async fn the_authority_of_http2_counts_as_the_host() {
    let fixture = Fixture::start(&["shop.test", "shop.localhost"]).await;
    let port = fixture.server.address().port();
    for http2 in [true, false] {
        for (name, expected) in [("localhost", 200), ("shop.test", 200), ("shop.localhost", 200), ("evil.example", 421)]
        {
            let plain = fixture.ask(&format!("http://{name}:{port}/"), http2).await.expect("an answer");
            assert_eq!(plain, expected, "{name}, HTTP/2: {http2}");
        }
        for name in ["localhost", "shop.localhost"] {
            let secure = fixture.ask(&format!("https://{name}:{port}/"), http2).await.expect("a trusted connection");
            assert_eq!(secure, 200, "{name}, HTTP/2: {http2}");
        }
        fixture
            .ask(&format!("https://shop.test:{port}/"), http2)
            .await
            .expect_err("the authority signs for this machine only");
    }
}

/// A signature in the query is all that some services ask for, and a page can send that.
#[tokio::test]
async fn pages_from_elsewhere_reach_no_service() {
    let fixture = Fixture::start(&["shop.test"]).await;
    for (header, expected) in [
        ("origin: https://evil.example", 403),
        ("origin: null", 403),
        ("sec-fetch-site: cross-site", 403),
        ("origin: http://localhost:3000\r\nsec-fetch-site: cross-site", 200),
        ("origin: http://shop.test", 200),
        ("sec-fetch-site: none", 200),
    ] {
        let request = format!("POST / HTTP/1.1\r\nhost: localhost\r\n{header}\r\nconnection: close\r\n\r\n");
        let (status, answer) = fixture.raw(&request).await;
        assert_eq!(status, expected, "{header}: {answer}");
    }
}

#[test]
fn an_added_host_is_a_name_or_an_address() {
    for good in ["shop.test", "::1", "[::1]", "192.168.1.2", "Shop", "münchen.test"] {
        good.parse::<HostName>().unwrap_or_else(|error| panic!("{error}"));
    }
    for bad in ["", ".", "http://shop.test", "shop.test:80", "shop.test/x", "a b", "u@shop.test", "[::1"] {
        assert!(bad.parse::<HostName>().is_err(), "{bad}");
    }
}
