//! Preflight of a webhook: the handshake that Event Grid will do, done by us first, so that a failure has a cause.
//!
//! The CloudEvents handshake (HTTP 1.1 Web Hooks for Event Delivery §4): `OPTIONS` with `WebHook-Request-Origin`, consent is
//! `WebHook-Allowed-Origin` in the answer. Event Grid says of most failures only that there was one.
//!
//! This is the one call that we make to an address that a stranger wrote (SSRF): all addresses of its name are judged, and the judged ones
//! alone are dialled; there is no proxy, no redirect, no second look at DNS, five seconds in all, and the answer's body is not read.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reqwest::{Certificate, Client, Method, redirect};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use url::Host;

use crate::domain::partner::endpoint::{DialRefusal, Endpoint, EndpointRules};

/// Who asks, as Event Grid of the public cloud writes it.
const ORIGIN: &str = "eventgrid.azure.net";
const REQUEST_ORIGIN: &str = "WebHook-Request-Origin";
const ALLOWED_ORIGIN: &str = "WebHook-Allowed-Origin";
/// Seconds for everything: the name, the connection, TLS and the answer.
const SECONDS: u64 = 5;
/// How many names of headers that came are told, and how long each may be.
const HEADERS: usize = 20;
const HEADER: usize = 60;

/// Why a webhook does not consent. No text holds more of it than its host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "cause")]
pub enum Fault {
    /// DNS has no address of the name.
    #[error("the name cannot be resolved: DNS has no address of it")]
    CannotResolve,
    /// One of the addresses is not public.
    #[error("{why}")]
    NotPublic {
        /// Which, and what would allow it.
        why: String,
    },
    /// Nobody listens there.
    #[error("cannot connect: nothing accepts connections at that address and port")]
    CannotConnect,
    /// TLS fails.
    #[error("TLS failed: {fault}")]
    Tls {
        /// What is wrong with it.
        fault: TlsFault,
    },
    /// No answer in time.
    #[error("timed out: no answer to OPTIONS within {seconds} s")]
    TimedOut {
        /// How long it had.
        seconds: u64,
    },
    /// The connection broke, or what came is no HTTP.
    #[error("the answer to OPTIONS is not HTTP, or the connection ended before it was complete")]
    Broken,
    /// It was answered by something that does not consent.
    #[error("OPTIONS was answered with status {status}, not 200; {}", hint(*status))]
    Status {
        /// The status.
        status: u16,
    },
    /// It was answered by something that does not know the handshake, such as a layer for CORS.
    #[error(
        "OPTIONS was answered, but without the header {ALLOWED_ORIGIN}; these came: {}. A layer that answers OPTIONS by itself, as \
         for CORS, must let it through",
        came.join(", ")
    )]
    HeaderMissing {
        /// Names of the headers that came.
        came: Vec<String>,
    },
    /// It consents to somebody else.
    #[error("the header {ALLOWED_ORIGIN} names another origin; it must be {ORIGIN} or *")]
    OtherOrigin,
}

/// What is wrong with a server's TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TlsFault {
    /// The certificate's time is over.
    Expired,
    /// The certificate is for another name.
    OtherName,
    /// No authority vouches for the certificate.
    Untrusted,
    /// What listens there does not speak TLS.
    NotTls,
    /// The server and we have no version or cipher in common, or it refused.
    Refused,
}

impl std::fmt::Display for TlsFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Expired => "the certificate has expired, or is not valid yet",
            Self::OtherName => "the certificate is for another name",
            Self::Untrusted => "the certificate is self-signed, or its chain to a public authority is not complete",
            Self::NotTls => "what listens there does not speak TLS",
            Self::Refused => "the server ended the handshake; it may lack TLS 1.2",
        })
    }
}

/// What to do about a status.
fn hint(status: u16) -> &'static str {
    match status {
        300..=399 => "redirects are not followed: subscribe the final address",
        401 | 403 => "let OPTIONS pass without credentials; a firewall may refuse requests without an Accept header",
        404 => "nothing is at this path",
        405 | 501 => "the handshake needs the method OPTIONS",
        _ => "see the endpoint's own log",
    }
}

/// What a webhook must answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Consent in the answer.
    Consent,
    /// Any answer with 2xx: it consents later, by calling back.
    Answer,
    /// Any answer at all.
    Anything,
}

/// Asks a webhook as Event Grid will.
///
/// # Errors
/// Why Event Grid's handshake would fail.
pub async fn preflight(endpoint: &Endpoint, rules: &EndpointRules, expect: Expect) -> Result<(), Fault> {
    preflight_within(endpoint, rules, expect, Duration::from_secs(SECONDS), None).await
}

/// Judges the addresses of a webhook's name, and asks none of them.
///
/// # Errors
/// One of them is not public, or there is none.
pub async fn judge(endpoint: &Endpoint, rules: &EndpointRules) -> Result<(), Fault> {
    let judged = async { judge_all(&resolve(endpoint).await?, rules) };
    let judged = tokio::time::timeout(Duration::from_secs(SECONDS), judged).await;
    judged.unwrap_or(Err(Fault::CannotResolve))
}

/// The same with another deadline, and one more certificate to trust.
async fn preflight_within(
    endpoint: &Endpoint,
    rules: &EndpointRules,
    expect: Expect,
    deadline: Duration,
    trusted: Option<Certificate>,
) -> Result<(), Fault> {
    let asked = tokio::time::timeout(deadline, ask(endpoint, rules, expect, trusted)).await;
    asked.unwrap_or(Err(Fault::TimedOut { seconds: deadline.as_secs() }))
}

async fn ask(
    endpoint: &Endpoint,
    rules: &EndpointRules,
    expect: Expect,
    trusted: Option<Certificate>,
) -> Result<(), Fault> {
    let addresses = resolve(endpoint).await?;
    ask_at(endpoint, &addresses, rules, expect, trusted).await
}

/// All addresses that a webhook has now.
async fn resolve(endpoint: &Endpoint) -> Result<Vec<SocketAddr>, Fault> {
    let url = endpoint.whole();
    let port = url.port_or_known_default().unwrap_or(443);
    match url.host() {
        Some(Host::Domain(name)) => addresses(name.to_owned(), port).await,
        Some(Host::Ipv4(address)) => Ok(vec![(address, port).into()]),
        Some(Host::Ipv6(address)) => Ok(vec![(address, port).into()]),
        None => Err(Fault::CannotResolve),
    }
}

fn judge_all(addresses: &[SocketAddr], rules: &EndpointRules) -> Result<(), Fault> {
    let judged: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
    rules.judge(&judged).map_err(|refusal| match refusal {
        DialRefusal::NoAddress => Fault::CannotResolve,
        refusal @ DialRefusal::Private(_) => Fault::NotPublic { why: refusal.to_string() },
    })
}

/// Asks a webhook at these addresses, which are all that its name has now, and at no other.
async fn ask_at(
    endpoint: &Endpoint,
    addresses: &[SocketAddr],
    rules: &EndpointRules,
    expect: Expect,
    trusted: Option<Certificate>,
) -> Result<(), Fault> {
    judge_all(addresses, rules)?;
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .resolve_to_addrs(endpoint.host(), addresses)
        .tls_certs_merge(trusted)
        .build()
        .map_err(|_| Fault::Broken)?;
    let request = client.request(Method::OPTIONS, endpoint.whole().clone()).header(REQUEST_ORIGIN, ORIGIN);
    let response = request.send().await.map_err(|error| fault(&error))?;
    let status = response.status();
    if expect == Expect::Anything {
        return Ok(());
    }
    if !status.is_success() {
        return Err(Fault::Status { status: status.as_u16() });
    }
    if expect == Expect::Answer {
        return Ok(());
    }
    match response.headers().get(ALLOWED_ORIGIN) {
        Some(origin) if *origin == *"*" || origin.as_bytes().eq_ignore_ascii_case(ORIGIN.as_bytes()) => Ok(()),
        Some(_) => Err(Fault::OtherOrigin),
        None => {
            let names = response.headers().keys().map(|name| name.as_str().chars().take(HEADER).collect());
            Err(Fault::HeaderMissing { came: names.take(HEADERS).collect() })
        }
    }
}

/// Asks for the addresses of a name. The system's resolver cannot be stopped, and goes on in a thread after the caller gave up: only so many
/// do at once, so that names that are never answered leave threads for others.
async fn addresses(name: String, port: u16) -> Result<Vec<SocketAddr>, Fault> {
    static LOOKUPS: Semaphore = Semaphore::const_new(32);
    let place = LOOKUPS.acquire().await.map_err(|_| Fault::CannotResolve)?;
    let lookup = tokio::spawn(async move {
        let _place = place;
        tokio::net::lookup_host((name, port)).await.map(Iterator::collect)
    });
    lookup.await.ok().and_then(Result::ok).ok_or(Fault::CannotResolve)
}

/// What went wrong before there was an answer. TLS is known by its texts only: below reqwest, errors have no types that could be asked.
fn fault(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        return Fault::TimedOut { seconds: SECONDS };
    }
    let mut chain = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    let mut refused = false;
    while let Some(error) = cause {
        chain.push_str(&error.to_string().to_ascii_lowercase());
        chain.push('\n');
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            refused |= error.kind() != std::io::ErrorKind::Other && error.raw_os_error().is_some();
        }
        cause = error.source();
    }
    let says = |texts: &[&str]| texts.iter().any(|text| chain.contains(text));
    if says(&["ssl", "tls", "certificate"]) {
        let fault = match () {
            () if says(&["certificate has expired", "not yet valid"]) => TlsFault::Expired,
            () if says(&["hostname mismatch", "ip address mismatch"]) => TlsFault::OtherName,
            () if says(&["certificate verify failed", "self-signed", "self signed", "issuer"]) => TlsFault::Untrusted,
            () if says(&["wrong version number", "record layer", "packet length", "http request"]) => TlsFault::NotTls,
            () => TlsFault::Refused,
        };
        return Fault::Tls { fault };
    }
    if error.is_connect() && refused { Fault::CannotConnect } else { Fault::Broken }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use openssl::{
        asn1::Asn1Time,
        hash::MessageDigest,
        pkey::PKey,
        rsa::Rsa,
        ssl::{Ssl, SslAcceptor, SslMethod},
        x509::{X509, X509Name, extension::SubjectAlternativeName},
    };
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };
    use tokio_openssl::SslStream;

    use super::*;

    fn local() -> EndpointRules {
        EndpointRules::new(true, []).expect("rules")
    }

    /// Asks with more patience than the app has, so that a busy machine does not look like a silent endpoint.
    async fn asked(url: &str, rules: &EndpointRules, expect: Expect) -> Result<(), Fault> {
        asked_within(url, rules, expect, Duration::from_secs(30)).await
    }

    async fn asked_within(url: &str, rules: &EndpointRules, expect: Expect, limit: Duration) -> Result<(), Fault> {
        let endpoint = Endpoint::parse(url, rules).expect("an endpoint");
        let asked = preflight_within(&endpoint, rules, expect, limit, None).await;
        if let Err(fault) = &asked {
            assert!(!format!("{fault} {fault:?}").contains("s3cr3t"), "{fault}");
        }
        asked
    }

    /// A server that says one text to each connection, after it was asked.
    async fn says(text: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = [0; 1024];
                _ = stream.read(&mut asked).await;
                _ = stream.write_all(text.as_bytes()).await;
                _ = stream.shutdown().await;
            }
        });
        format!("http://{address}/s3cr3t?k=s3cr3t")
    }

    #[tokio::test]
    async fn each_cause_is_told_as_it_is() {
        let consent =
            says("HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: eventgrid.azure.net\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(asked(&consent, &local(), Expect::Consent).await, Ok(()));
        let anyone =
            says("HTTP/1.1 204 No Content\r\nwebhook-allowed-origin: *\r\nWebHook-Allowed-Rate: *\r\n\r\n").await;
        assert_eq!(asked(&anyone, &local(), Expect::Consent).await, Ok(()));
        let chunked = says(
            "HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: *\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        );
        assert_eq!(asked(&chunked.await, &local(), Expect::Consent).await, Ok(()));

        for (answer, fault) in [
            ("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n", Fault::Status { status: 405 }),
            (
                "HTTP/1.1 308 Permanent Redirect\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
                Fault::Status { status: 308 },
            ),
            (
                "HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\nAllow: POST\r\n\r\n",
                Fault::HeaderMissing { came: vec!["access-control-allow-origin".to_owned(), "allow".to_owned()] },
            ),
            (
                "HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: events.example.com\r\nContent-Length: 0\r\n\r\n",
                Fault::OtherOrigin,
            ),
            ("220 mail.example.com ESMTP\r\n", Fault::Broken),
        ] {
            assert_eq!(asked(&says(answer).await, &local(), Expect::Consent).await, Err(fault), "{answer}");
        }
        let later = says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(asked(&later, &local(), Expect::Answer).await, Ok(()));
    }

    #[tokio::test]
    async fn what_never_answers_is_told_by_where_it_fails() {
        let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
        let nobody = format!("http://{closed}/s3cr3t");
        assert_eq!(asked(&nobody, &local(), Expect::Consent).await, Err(Fault::CannotConnect));

        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/s3cr3t", silent.local_addr().expect("an address"));
        let second = Duration::from_secs(1);
        let unanswered = asked_within(&url, &local(), Expect::Consent, second).await;
        assert_eq!(unanswered, Err(Fault::TimedOut { seconds: 1 }));

        let unknown = asked_within("https://no-such-host.invalid/s3cr3t", &local(), Expect::Consent, second).await;
        // Where there is no DNS at all, the question itself takes too long.
        assert!(matches!(unknown, Err(Fault::CannotResolve | Fault::TimedOut { .. })), "{unknown:?}");

        let plain = says("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.replacen("http:", "https:", 1);
        let fault = asked(&plain, &local(), Expect::Consent).await;
        assert_eq!(fault, Err(Fault::Tls { fault: TlsFault::NotTls }));
    }

    #[tokio::test]
    async fn addresses_that_are_not_public_are_not_dialled() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/s3cr3t", listener.local_addr().expect("an address"));
        let endpoint = Endpoint::parse(&url, &local()).expect("an endpoint");
        // Stored when that was allowed.
        let strict = EndpointRules::default();
        let fault = preflight(&endpoint, &strict, Expect::Consent).await.expect_err("not public");
        assert!(
            matches!(&fault, Fault::NotPublic { why } if why.contains("Partners__allowPrivateEndpoints")),
            "{fault}"
        );
        assert_eq!(judge(&endpoint, &strict).await, Err(fault));
        assert_eq!(judge(&endpoint, &local()).await, Ok(()));
        let connected = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
        assert!(connected.is_err(), "it was dialled");
    }

    #[tokio::test]
    async fn a_name_is_judged_by_where_it_leads_now_and_dialled_nowhere_else() {
        let consents = says("HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: *\r\nContent-Length: 0\r\n\r\n").await;
        let port = url::Url::parse(&consents).expect("a URL").port().expect("a port");
        let here = SocketAddr::from(([127, 0, 0, 1], port));
        // DNS knows no such name: an answer can only come from the address that was judged.
        let url = format!("http://hooks.invalid:{port}/s3cr3t");
        let endpoint = Endpoint::parse(&url, &local()).expect("an endpoint");
        assert_eq!(ask_at(&endpoint, &[here], &local(), Expect::Consent, None).await, Ok(()));

        // It was public when it was stored. Now it leads here, or does so by one of its addresses.
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = silent.local_addr().expect("an address");
        let endpoint = Endpoint::parse("https://hooks.invalid/s3cr3t", &EndpointRules::default()).expect("public");
        let public = SocketAddr::from(([1, 1, 1, 1], 443));
        let mapped = SocketAddr::from((std::net::Ipv4Addr::LOCALHOST.to_ipv6_mapped(), here.port()));
        for addresses in [&[here][..], &[public, here], &[mapped], &[public, mapped]] {
            let fault = ask_at(&endpoint, addresses, &EndpointRules::default(), Expect::Anything, None).await;
            assert!(matches!(fault, Err(Fault::NotPublic { .. })), "{addresses:?}: {fault:?}");
        }
        let dialled = tokio::time::timeout(Duration::from_millis(100), silent.accept()).await;
        assert!(dialled.is_err(), "it was dialled");
    }

    /// A server with a certificate of its own for an address, from and until so many days from now; and that certificate.
    async fn with_certificate(address: &str, from: i64, until: i64) -> (String, Certificate) {
        let key = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key");
        let day = |days: i64| {
            let at = crate::clock::now() + time::Duration::days(days);
            Asn1Time::from_unix(at.unix_timestamp()).expect("a time")
        };
        let mut certificate = X509::builder().expect("a certificate");
        let mut name = X509Name::builder().expect("a name");
        name.append_entry_by_text("CN", "hooks").expect("a name");
        let name = name.build();
        certificate.set_version(2).expect("a version");
        certificate.set_subject_name(&name).expect("a name");
        certificate.set_issuer_name(&name).expect("a name");
        certificate.set_pubkey(&key).expect("a key");
        certificate.set_not_before(&day(from)).expect("a time");
        certificate.set_not_after(&day(until)).expect("a time");
        let names = SubjectAlternativeName::new().ip(address).build(&certificate.x509v3_context(None, None));
        certificate.append_extension(names.expect("an address")).expect("an extension");
        certificate.sign(&key, MessageDigest::sha256()).expect("a signature");
        let certificate = certificate.build();
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("TLS");
        acceptor.set_private_key(&key).expect("a key");
        acceptor.set_certificate(&certificate).expect("a certificate");
        let acceptor = acceptor.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://{}/s3cr3t", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = SslStream::new(Ssl::new(acceptor.context()).expect("TLS"), stream).expect("TLS");
                if Pin::new(&mut stream).accept().await.is_ok() {
                    let mut asked = [0; 1024];
                    _ = stream.read(&mut asked).await;
                    _ = stream
                        .write_all(b"HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: *\r\nContent-Length: 0\r\n\r\n")
                        .await;
                    _ = stream.shutdown().await;
                }
            }
        });
        (url, Certificate::from_pem(&certificate.to_pem().expect("PEM")).expect("a certificate"))
    }

    #[tokio::test]
    async fn certificates_are_told_apart() {
        for (address, from, until, trusted, expected) in [
            ("127.0.0.1", -1, 10, true, Ok(())),
            ("127.0.0.1", -1, 10, false, Err(TlsFault::Untrusted)),
            ("127.0.0.1", -10, -1, true, Err(TlsFault::Expired)),
            ("127.0.0.2", -1, 10, true, Err(TlsFault::OtherName)),
        ] {
            let (url, certificate) = with_certificate(address, from, until).await;
            let endpoint = Endpoint::parse(&url, &local()).expect("an endpoint");
            let trusted = trusted.then_some(certificate);
            let told = preflight_within(&endpoint, &local(), Expect::Consent, Duration::from_secs(5), trusted).await;
            assert_eq!(told, expected.map_err(|fault| Fault::Tls { fault }), "{address} {from} {until}");
        }
    }
}
