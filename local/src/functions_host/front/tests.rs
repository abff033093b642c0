//! Bodies beyond the host's limit.

use axum::{Router, extract::Request, response::IntoResponse as _, routing::post};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    request::{BODY_LIMIT, BodyFailure},
    *,
};
use crate::transport::HttpServer;

/// Sends all of a request whose body has so many bytes, and only then reads.
async fn send_whole(server: &HttpServer, bytes: usize, chunked: bool) -> String {
    const PIECE: usize = 1 << 20;
    let mut client = TcpStream::connect(server.address()).await.expect("connected");
    let framing = if chunked { "transfer-encoding: chunked".to_owned() } else { format!("content-length: {bytes}") };
    let head = format!("POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{framing}\r\n\r\n");
    client.write_all(head.as_bytes()).await.expect("sent");
    for start in (0..bytes).step_by(PIECE) {
        let piece = vec![b'x'; PIECE.min(bytes - start)];
        let (before, after) = if chunked { (format!("{:x}\r\n", piece.len()), "\r\n") } else { (String::new(), "") };
        client.write_all(&[before.as_bytes(), &piece, after.as_bytes()].concat()).await.expect("taken");
    }
    if chunked {
        client.write_all(b"0\r\n\r\n").await.expect("taken");
    }
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("an answer and no reset");
    answer
}

#[tokio::test]
async fn who_sends_all_of_a_body_that_is_too_large_reads_500_as_from_the_real_host() {
    let read = post(async |request: Request| {
        let (parts, body) = request.into_parts();
        read_body(&parts.headers, body)
            .await
            .map_or_else(BodyFailure::answer, |body| body.len().to_string().into_response())
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let server = HttpServer::start("test", listener, Router::new().route("/", read), None).expect("serving");
    for chunked in [false, true] {
        let answer = send_whole(&server, BODY_LIMIT + (80 << 20), chunked).await;
        assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
        let answer = send_whole(&server, 3 << 20, chunked).await;
        assert!(answer.ends_with("3145728"), "{answer}");
    }
    server.stop().await;
}
