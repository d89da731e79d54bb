//! HTTP/1.1 as the simulated server speaks it: written by hand, because faults break its rules.

use std::io;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The type of the bodies.
pub const JSON: &str = "application/json; charset=utf-8";

const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
/// Largest head of a request, bytes.
const MOST_HEAD: usize = 1 << 16;

/// The value of the `Date` header for a time.
pub fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The part of a request that counts here.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path with query.
    pub target: String,
    /// Whether the client wants to use the connection again.
    pub keeps: bool,
}

/// The head of a response.
#[derive(Debug, Clone)]
pub struct Head {
    pub status: u16,
    /// The served time: without it, a client would take that of the machine.
    pub at: DateTime<Utc>,
    pub kind: &'static str,
    /// Further headers, each ended by CRLF.
    pub more: String,
}

impl Head {
    /// Sends the head. A body of unknown length ends with the connection.
    pub async fn begin(&self, stream: &mut TcpStream, length: Option<usize>) -> io::Result<()> {
        let reason = match self.status {
            200 => "OK",
            302 => "Found",
            404 => "Not Found",
            405 => "Method Not Allowed",
            429 => "Too Many Requests",
            _ => "Error",
        };
        let length = match length {
            Some(length) => format!("content-length: {length}"),
            None => "connection: close".to_owned(),
        };
        let Self { status, kind, more, .. } = self;
        let date = http_date(self.at);
        let head = format!(
            "HTTP/1.1 {status} {reason}\r\ncontent-type: {kind}\r\ndate: {date}\r\n{more}{length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await
    }

    /// Sends the whole response.
    pub async fn send(&self, stream: &mut TcpStream, body: &[u8]) -> io::Result<()> {
        self.begin(stream, Some(body.len())).await?;
        stream.write_all(body).await?;
        stream.flush().await
    }
}

/// Reads the head of the next request; `rest` holds what was read beyond the previous one. `None` if the client closed
/// the connection or sent something else.
pub async fn read_request(stream: &mut TcpStream, rest: &mut Vec<u8>) -> io::Result<Option<Request>> {
    loop {
        if let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
            let head: Vec<u8> = rest.drain(..end + 4).collect();
            return Ok(parse(&String::from_utf8_lossy(&head)));
        }
        // A client that begins with TLS would wait for an answer in kind.
        if rest.first().is_some_and(|byte| !byte.is_ascii_uppercase()) {
            stream.write_all(BAD_REQUEST).await?;
            return Ok(None);
        }
        let mut piece = [0; 8192];
        let length = stream.read(&mut piece).await?;
        if length == 0 || rest.len() > MOST_HEAD {
            return Ok(None);
        }
        rest.extend_from_slice(&piece[..length]);
    }
}

fn parse(head: &str) -> Option<Request> {
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target, version) = (first.next()?, first.next()?, first.next()?);
    let connection = lines.filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("connection").then(|| value.trim().to_ascii_lowercase())
    });
    let keeps = match connection.as_deref() {
        Some("close") => false,
        Some("keep-alive") => true,
        _ => version == "HTTP/1.1",
    };
    Some(Request { method: method.to_owned(), target: local(target).to_owned(), keeps })
}

/// The target without scheme and host, which a client of a proxy sends.
fn local(target: &str) -> &str {
    match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or("/", |start| &rest[start..]),
        None => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_request_is_read() {
        let read = |head: &str| parse(head).map(|request| (request.method, request.target, request.keeps));
        let get = |target: &str, keeps| Some(("GET".to_owned(), target.to_owned(), keeps));
        assert_eq!(read("GET /a?b=c HTTP/1.1\r\nhost: x\r\n\r\n"), get("/a?b=c", true));
        assert_eq!(read("GET http://x:1/a HTTP/1.1\r\nConnection: close\r\n\r\n"), get("/a", false));
        assert_eq!(read("GET / HTTP/1.0\r\n\r\n"), get("/", false));
        assert_eq!(read("\x16\x03\x01"), None);
    }
}
