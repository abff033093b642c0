//! What a function leaves of a request's body is read here, before the answer goes out.
//!
//! A server that answers and leaves a body unread has to close the connection. The Functions host keeps connections: it may send the
//! next caller's request on one that is about to close, or meet the end while it is still sending and miss the answer. So the rest
//! is read and dropped, for as long and as far as [`LARGEST`] and [`LONGEST`] allow; beyond them the answer says `Connection: close`
//! (RFC 9112 §9.6), and [`Listener`](super::Listener) sees to it that the answer arrives.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody as _},
    extract::Request,
    http::{HeaderValue, Version, header::CONNECTION},
    middleware::Next,
    response::Response,
};
use futures::{Stream, StreamExt as _, stream};

/// The most that is read and dropped (bytes): more than the host forwards, which is 100 MB.
const LARGEST: usize = 128 << 20;

/// How long that may take: the host has the whole body when it forwards, so only other callers are slower.
const LONGEST: Duration = Duration::from_secs(5);

/// Runs the request, then reads what is left of its body.
pub(super) async fn read_the_rest(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let version = request.version();
    let mut rest = None;
    let request = request.map(|body| {
        let shared = Shared(Arc::new(Mutex::new(Some(body.into_data_stream()))));
        rest = Some(shared.clone());
        Body::from_stream(shared.into_stream())
    });
    let mut response = next.run(request).await;
    let ended = match rest {
        Some(rest) => tokio::time::timeout(LONGEST, drop_all(rest.into_stream())).await.unwrap_or(false),
        None => true,
    };
    // In HTTP/2 a request ends alone, and the header means nothing.
    if !ended && version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether the end came, or the caller has gone, before it was too much.
async fn drop_all(body: impl Stream<Item = Result<Bytes, axum::Error>>) -> bool {
    let mut body = std::pin::pin!(body);
    let mut length = 0_usize;
    while let Some(Ok(part)) = body.next().await {
        length = length.saturating_add(part.len());
        if length > LARGEST {
            return false;
        }
    }
    true
}

/// A body that the function reads, and whoever comes after it. Empty once it has ended.
#[derive(Clone)]
struct Shared(Arc<Mutex<Option<BodyDataStream>>>);

impl Shared {
    fn into_stream(self) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send + 'static {
        stream::poll_fn(move |context| {
            let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(stream) = body.as_mut() else { return std::task::Poll::Ready(None) };
            let polled = stream.poll_next_unpin(context);
            if matches!(polled, std::task::Poll::Ready(None | Some(Err(_)))) {
                *body = None;
            }
            polled
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, middleware::from_fn, routing::get};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use crate::host::Listener;

    /// Connects to a server with one function, which reads no body.
    async fn connect() -> TcpStream {
        let routes = Router::new().route("/", get(|| async { "here" }).post(|| async { "here" }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = routes.layer(from_fn(super::read_the_rest));
        tokio::spawn(async move { axum::serve(Listener::new(listener), router).await });
        TcpStream::connect(address).await.unwrap()
    }

    /// The answer, in lower case.
    async fn answer(connection: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\nhere") {
            let byte = connection.read_u8().await;
            text.push(byte.unwrap_or_else(|error| panic!("{error} after {}", String::from_utf8_lossy(&text))));
        }
        String::from_utf8(text).unwrap().to_lowercase()
    }

    #[tokio::test]
    async fn a_connection_outlives_bodies_that_nobody_reads() {
        let mut connection = connect().await;
        for head in [
            "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000000\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000000\r\n\r\n",
        ] {
            connection.write_all(head.as_bytes()).await.unwrap();
            connection.write_all(&vec![b'x'; 5_000_000]).await.unwrap();
            let answer = answer(&mut connection).await;
            assert!(answer.starts_with("http/1.1 200 ") && !answer.contains("connection: close"), "{answer}");
        }
    }

    /// The answer comes, says that the connection ends, and is not lost to its end; what is read is bounded.
    #[tokio::test]
    async fn who_does_not_stop_sending_still_gets_the_answer() {
        let (mut reading, mut writing) = connect().await.into_split();
        let sender = tokio::spawn(async move {
            writing.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
            let chunk = [format!("{:x}\r\n", 1 << 20).as_bytes(), &vec![b'x'; 1 << 20], b"\r\n"].concat();
            let mut sent = 0;
            while writing.write_all(&chunk).await.is_ok() {
                sent += 1;
            }
            sent
        });
        // Beside a sender that is busy.
        tokio::task::yield_now().await;
        let answer = answer(&mut reading).await;
        assert!(answer.starts_with("http/1.1 200 ") && answer.contains("connection: close"), "{answer}");
        let sent = sender.await.unwrap();
        assert!((super::LARGEST >> 20..400).contains(&sent), "{sent} MiB");
    }
}
