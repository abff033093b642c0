//! Handlers that end connections, or answer before they have read a request.

use std::sync::{Arc, Mutex};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::support::World;
use crate::functions_host::FunctionsHost;

/// Larger than what the system keeps of a connection that nobody reads.
const LARGE: usize = 5_000_000;

/// The requests that a handler read, such as `GET /api/x`.
type Seen = Arc<Mutex<Vec<String>>>;

/// A host of the function `Any`, forwarded to a handler that does with each connection what `serve` does.
async fn host<F>(
    world: &World,
    serve: impl Fn(BufReader<TcpStream>, Seen) -> F + Send + 'static,
) -> (FunctionsHost, Seen)
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    world.write(
        "host.json",
        &json!({"version": "2.0", "customHandler": {
            "description": {"defaultExecutablePath": "sleep", "arguments": ["1000"]},
            "port": listener.local_addr().expect("bound").port(), "enableForwardingHttpRequest": true}}),
    );
    let methods = ["GET", "PUT", "DELETE", "POST", "PATCH"];
    world.function(
        "Any",
        &json!([{"type": "httpTrigger", "name": "req", "route": "x", "methods": methods, "authLevel": "anonymous"},
            {"type": "http", "direction": "out", "name": "res"}]),
        &Value::Null,
    );
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(BufReader::new(stream), Arc::clone(&noted)));
        }
    });
    let host = world.start().await.expect("started");
    host.ready().await.expect("ready");
    (host, seen)
}

/// Reads a request's head, and notes it unless it is the host's own; the length of its body.
async fn head(stream: &mut BufReader<TcpStream>, seen: &Seen) -> std::io::Result<usize> {
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).await?;
    let request = line.split(" HTTP/").next().unwrap_or_default().to_owned();
    while line.trim_end() != "" {
        line.clear();
        stream.read_line(&mut line).await?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
    }
    if request.ends_with("/x") {
        seen.lock().expect("no panic").push(request);
    }
    Ok(length)
}

async fn status(host: &FunctionsHost, method: &Method, length: usize) -> u16 {
    let request = reqwest::Client::new().request(method.clone(), format!("http://{}/api/x", host.address()));
    request.body(vec![b'x'; length]).send().await.expect("the host answers").status().as_u16()
}

/// Answers the first request of a connection, keeps it, and cuts it off when the second one comes.
async fn one_answer_each(mut stream: BufReader<TcpStream>, seen: Seen) -> std::io::Result<()> {
    let mut body = vec![0; head(&mut stream, &seen).await?];
    stream.read_exact(&mut body).await?;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    head(&mut stream, &seen).await.map(drop)
}

#[tokio::test]
async fn what_is_safe_to_repeat_is_repeated_where_a_connection_broke() {
    let world = World::new().await;
    let (host, seen) = host(&world, one_answer_each).await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        seen.lock().expect("no panic").clear();
        for length in [0, 10, LARGE] {
            for _ in 0..4 {
                assert_eq!(status(&host, &method, length).await, 200, "{method} with {length} bytes");
            }
        }
        assert!(seen.lock().expect("no panic").len() > 12, "{method}: some were cut off");
    }
    // What may have been done is not done again: the caller hears that it is not known.
    for method in [Method::POST, Method::PATCH] {
        seen.lock().expect("no panic").clear();
        let mut answers = Vec::new();
        for _ in 0..8 {
            answers.push(status(&host, &method, 10).await);
        }
        assert!(answers.contains(&200) && answers.contains(&500), "{method}: {answers:?}");
        assert_eq!(seen.lock().expect("no panic").len(), 8, "{method}: each came once");
    }
    host.stop().await;
}

/// Says that it is too much, and closes with all of the body unread, which resets the connection.
async fn too_large(mut stream: BufReader<TcpStream>, seen: Seen) -> std::io::Result<()> {
    let status = if head(&mut stream, &seen).await? > 0 { "413 Too Large" } else { "200 OK" };
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await
}

#[tokio::test]
async fn an_answer_that_comes_early_is_the_answer() {
    let world = World::new().await;
    let (host, seen) = host(&world, too_large).await;
    for method in [Method::PUT, Method::POST] {
        seen.lock().expect("no panic").clear();
        let answers = join_all((0..40).map(|_| status(&host, &method, LARGE))).await;
        assert_eq!(answers, [413; 40], "{method}");
        assert_eq!(seen.lock().expect("no panic").len(), 40, "{method}: none was repeated");
    }
    host.stop().await;
}

/// Answers in a way that the method says: in chunks, with a part of what was promised, or without an end.
async fn in_pieces(mut stream: BufReader<TcpStream>, seen: Seen) -> std::io::Result<()> {
    head(&mut stream, &seen).await?;
    let method = seen.lock().expect("no panic").last().cloned().unwrap_or_default();
    let answer: &[u8] = match method.split(' ').next() {
        Some("PUT") => b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        Some("PATCH") => b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
        _ => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    };
    stream.write_all(answer).await?;
    match method.split(' ').next() {
        Some("PUT" | "PATCH") => Ok(()),
        Some("DELETE") => std::future::pending().await,
        _ => stream.write_all(b"4\r\nmore\r\n0\r\n\r\n").await,
    }
}

/// Nothing of an answer goes out before all of it is there.
#[tokio::test]
async fn an_answer_comes_whole_or_the_function_failed() {
    let world = World::new().await;
    let (host, _) = host(&world, in_pieces).await;
    let whole = reqwest::get(format!("http://{}/api/x", host.address())).await.expect("answered");
    assert_eq!((whole.status().as_u16(), whole.content_length()), (200, Some(8)));
    assert_eq!(whole.text().await.expect("a text"), "halfmore");
    for method in [Method::PUT, Method::PATCH] {
        assert_eq!(status(&host, &method, 0).await, 500, "{method}");
    }
    host.stop().await;
    let mut limited = std::fs::read_to_string(world.app.path().join("host.json")).expect("read");
    limited.insert_str(1, r#""functionTimeout":"00:00:01","#);
    std::fs::write(world.app.path().join("host.json"), limited).expect("written");
    let host = world.start().await.expect("started");
    host.ready().await.expect("ready");
    assert_eq!(status(&host, &Method::DELETE, 0).await, 500, "the time of the function is over");
    host.stop().await;
}
