//! A handler that shows requests as they are on the wire, and answers in the same way.

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::support::PATIENCE;

/// Request line, headers with their spelling, in order, and body.
pub(super) type RawRequest = (String, Vec<(String, String)>, String);

/// What is answered unless a test says otherwise.
pub(super) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

pub(super) struct RawHandler {
    pub(super) port: u16,
    requests: mpsc::UnboundedReceiver<RawRequest>,
}

impl RawHandler {
    pub(super) async fn start() -> Self {
        Self::answering(|_| OK).await
    }

    /// Answers every request but those for readiness with the bytes that `answer` has for its request line.
    pub(super) async fn answering(answer: fn(&str) -> &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (sender, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sender = sender.clone();
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    while let Some(request) = read(&mut stream).await {
                        let is_probe = request.0.starts_with("GET / ");
                        let answer = if is_probe { OK } else { answer(&request.0) };
                        if !is_probe && sender.send(request).is_err() {
                            return;
                        }
                        stream.write_all(answer.as_bytes()).await.expect("written");
                    }
                });
            }
        });
        Self { port, requests }
    }

    pub(super) async fn next(&mut self) -> RawRequest {
        tokio::time::timeout(PATIENCE, self.requests.recv()).await.expect("a request").expect("the handler runs")
    }

    pub(super) fn has_none(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }
}

/// One request; `None` at the end of the connection.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<RawRequest> {
    let request = line(stream).await?;
    let mut headers = Vec::new();
    while let Some((name, value)) = line(stream).await?.split_once(": ") {
        headers.push((name.to_owned(), value.to_owned()));
    }
    let value = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let mut body = Vec::new();
    if value("Transfer-Encoding") == Some("chunked") {
        loop {
            let length = usize::from_str_radix(&line(stream).await?, 16).ok()?;
            let mut chunk = vec![0; length];
            stream.read_exact(&mut chunk).await.ok()?;
            line(stream).await?;
            if length == 0 {
                break;
            }
            body.extend(chunk);
        }
    } else if let Some(length) = value("Content-Length") {
        body = vec![0; length.parse().ok()?];
        stream.read_exact(&mut body).await.ok()?;
    }
    Some((request, headers, String::from_utf8(body).ok()?))
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}
