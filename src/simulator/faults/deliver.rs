//! Sends the response of a fault. Large bodies are made piece by piece and are never in memory as a whole.

use std::io::{self, Write};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::plan::NOWHERE;
use super::{Fault, body};
use crate::simulator::wire::{Head, JSON, http_date};

/// Size of a body of [`Fault::HugeBody`], bytes.
const HUGE: usize = 200_000_000;
/// Size of the decompressed body of [`Fault::GzipBomb`], bytes.
const BOMB: u64 = 10_000_000_000;
/// Nested values of [`Fault::Nested`].
const NESTED: usize = 1_000_000;
/// Values of [`Fault::ManyValues`].
const VALUES: usize = 5_000_000;
/// Time between two bytes of [`Fault::Drip`].
const DRIP: Duration = Duration::from_millis(100);
/// Size of a piece of a large body, bytes.
const PIECE: usize = 1 << 16;

const PAGE: &[u8] = b"<!doctype html><title>Just a moment</title><h1>Checking your browser</h1>";

/// A request and the truth that would answer it.
pub struct Exchange<'a> {
    /// Its path with its query.
    pub target: &'a str,
    /// Its simulated time.
    pub at: DateTime<Utc>,
    /// The status of the truth.
    pub status: u16,
    /// The body of the truth.
    pub body: Vec<u8>,
}

/// Sends the response of a fault. Returns whether the connection can be used again.
pub async fn deliver(stream: &mut TcpStream, fault: Fault, exchange: Exchange<'_>) -> io::Result<bool> {
    let Exchange { target, at, status, body } = exchange;
    let head = Head { status, at, kind: JSON, more: String::new() };
    let with = |status: u16, more: String| Head { status, more, ..head.clone() };
    let elsewhere = |base: String| with(302, format!("location: {base}{target}\r\n"));
    let here = stream.local_addr()?;
    match fault {
        Fault::Status500 => with(500, String::new()).send(stream, b"{\"error\":{\"code\":500}}").await?,
        Fault::RateLimited => with(429, "retry-after: 1\r\n".to_owned()).send(stream, b"").await?,
        Fault::RateLimitedDate => {
            let date = http_date(at + TimeDelta::seconds(1));
            with(429, format!("retry-after: {date}\r\n")).send(stream, b"").await?;
        }
        Fault::RateLimitedLong => with(429, "retry-after: 86400\r\n".to_owned()).send(stream, b"").await?,
        Fault::Html => Head { kind: "text/html", ..with(200, String::new()) }.send(stream, PAGE).await?,
        Fault::RedirectHost => elsewhere("http://elsewhere.invalid".to_owned()).send(stream, b"").await?,
        Fault::RedirectScheme => elsewhere(format!("https://{here}")).send(stream, b"").await?,
        Fault::RedirectPort => {
            let port = here.port().checked_add(1).unwrap_or(1024);
            elsewhere(format!("http://{}:{port}", here.ip())).send(stream, b"").await?;
        }
        Fault::RedirectLoop => elsewhere(format!("http://{here}")).send(stream, b"").await?,
        Fault::RedirectMissing => {
            with(302, format!("location: {NOWHERE}\r\n")).send(stream, b"").await?;
        }
        Fault::DuplicateKeys => head.send(stream, &body::duplicated(&body)).await?,
        Fault::HugeNumbers => head.send(stream, &body::huge_numbers(&body)).await?,
        Fault::HostileNames => head.send(stream, &body::hostile(&body)).await?,
        Fault::EmptyList => with(200, String::new()).send(stream, b"{\"data\":[]}").await?,
        Fault::EmptyBody => with(200, String::new()).send(stream, b"").await?,
        Fault::NotFound => with(404, String::new()).send(stream, b"").await?,
        other => return broken(stream, other, &head, &body).await.map(|()| false),
    }
    Ok(true)
}

/// The faults after which the connection is of no use.
async fn broken(stream: &mut TcpStream, fault: Fault, head: &Head, body: &[u8]) -> io::Result<()> {
    let half = &body[..body.len() / 2];
    match fault {
        Fault::Truncated => {
            head.begin(stream, Some(body.len())).await?;
            stream.write_all(half).await?;
        }
        Fault::Reset => {
            head.begin(stream, Some(body.len())).await?;
            stream.write_all(half).await?;
            stream.set_zero_linger()?;
        }
        Fault::LengthTooShort => {
            head.begin(stream, Some(half.len())).await?;
            stream.write_all(body).await?;
        }
        Fault::LengthTooLong => {
            head.begin(stream, Some(body.len() + 1000)).await?;
            stream.write_all(body).await?;
            until_closed(stream).await;
        }
        Fault::Drip => {
            head.begin(stream, Some(body.len())).await?;
            for byte in body.chunks(1) {
                stream.write_all(byte).await?;
                tokio::time::sleep(DRIP).await;
            }
        }
        Fault::HugeBody => {
            const START: &[u8] = b"{\"data\":\"";
            head.begin(stream, Some(HUGE)).await?;
            stream.write_all(START).await?;
            repeat(stream, b"7", HUGE - START.len() - 2).await?;
            stream.write_all(b"\"}").await?;
        }
        Fault::Nested => {
            head.begin(stream, None).await?;
            stream.write_all(b"{\"data\":").await?;
            repeat(stream, b"[{\"a\":", NESTED / 2).await?;
            stream.write_all(b"1").await?;
            repeat(stream, b"}]", NESTED / 2).await?;
            stream.write_all(b"}").await?;
        }
        Fault::ManyValues => {
            head.begin(stream, None).await?;
            stream.write_all(b"{\"data\":[").await?;
            repeat(stream, b"{},", VALUES - 1).await?;
            stream.write_all(b"{}]}").await?;
        }
        Fault::GzipBomb => {
            let head = Head { more: "content-encoding: gzip\r\n".to_owned(), ..head.clone() };
            head.begin(stream, None).await?;
            bomb(stream).await?;
        }
        // `Hang`, and what is no fault of one request.
        _ => until_closed(stream).await,
    }
    stream.flush().await
}

/// Waits until the client gives up.
async fn until_closed(stream: &mut TcpStream) {
    let mut ignored = [0; 64];
    while matches!(stream.read(&mut ignored).await, Ok(1..)) {}
}

/// Sends a text a number of times.
async fn repeat(stream: &mut TcpStream, text: &[u8], times: usize) -> io::Result<()> {
    let at_once = (PIECE / text.len()).min(times).max(1);
    let piece = text.repeat(at_once);
    for _ in 0..times / at_once {
        stream.write_all(&piece).await?;
    }
    stream.write_all(&piece[..times % at_once * text.len()]).await
}

/// Sends zeros as gzip.
async fn bomb(stream: &mut TcpStream) -> io::Result<()> {
    let zeros = vec![0; PIECE];
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut sent = 0;
    while sent < BOMB {
        encoder.write_all(&zeros)?;
        sent += PIECE as u64;
        if encoder.get_ref().len() >= 4096 {
            stream.write_all(&std::mem::take(encoder.get_mut())).await?;
            tokio::task::yield_now().await;
        }
    }
    stream.write_all(&encoder.finish()?).await
}
