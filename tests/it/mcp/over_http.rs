//! The tools over Streamable HTTP: without sessions, for this server's own names only, within limits.

use super::{QUILL, called, http, post, tools};
use crate::rig::{config, folder};
use crate::sample;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hitrate::clock::FixedClock;
use hitrate::mcp::ToolName;
use hitrate::pipeline::DataDir;
use hitrate::serve::{Content, Server};
use hitrate::snapshot::Current;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}})
}

fn call(name: &str, arguments: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
}

#[tokio::test]
async fn over_http_a_message_is_answered_in_json_without_a_session() {
    let http = http();
    let (status, hello) = post(&http, "", &initialize()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(hello["result"]["serverInfo"]["name"], "hitrate");
    assert_eq!(hello["result"]["protocolVersion"], "2025-06-18");
    assert!(hello["result"]["capabilities"]["tools"].is_object());
    assert!(hello["result"]["instructions"].as_str().expect("a text").contains("find_model"));
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(post(&http, "", &ready).await.0, StatusCode::ACCEPTED);
    let message = call("find_model", &json!({"query": "quill"}));
    let (status, found) = post(&http, "mcp-protocol-version: 2025-06-18", &message).await;
    assert_eq!(status, StatusCode::OK);
    let direct = called(&tools(), ToolName::FindModel, json!({"query": "quill"})).await;
    assert_eq!(found["result"]["structuredContent"], direct);
    let (_, failed) = post(&http, "", &call("session_cost", &json!({"model": "x"}))).await;
    assert_eq!(failed["result"]["isError"], true);
    let (_, unknown) = post(&http, "", &call("drop_tables", &json!({}))).await;
    assert_eq!(unknown["error"]["code"], -32602);
    assert!(unknown["error"]["message"].as_str().expect("a text").contains("find_model"), "{unknown}");

    for method in ["GET", "DELETE", "OPTIONS"] {
        let request = Request::builder().method(method).uri("/mcp").header("host", "localhost");
        let request = request.header("accept", "text/event-stream").body(Body::empty()).expect("a request");
        let response = http.clone().oneshot(request).await.expect("routers do not fail");
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(response.headers()["allow"], "POST", "{method}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_and_foreign_names_are_refused() {
    let http = http();
    for headers in [
        "origin: http://127.0.0.1:8080",
        "origin: http://localhost:6274",
        "origin: https://tiers.example.org",
        "host: tiers.example.org\norigin: https://tiers.example.org",
        "host: [::1]:8080",
    ] {
        assert_eq!(post(&http, headers, &initialize()).await.0, StatusCode::OK, "{headers}");
    }
    for (headers, part) in [
        ("origin: https://evil.example", "Origin"),
        ("origin: null", "Origin"),
        ("origin: http://tiers.example.org.evil.example", "Origin"),
        ("host: rebound.example\norigin: http://rebound.example", "serve.public_url"),
        ("host: rebound.example", "Host"),
    ] {
        let (status, refused) = post(&http, headers, &initialize()).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{headers}");
        assert!(refused["error"]["message"].as_str().expect("a text").contains(part), "{refused}");
        assert!(refused["id"].is_null());
    }
    let large = call("find_model", &json!({"query": "x".repeat(70_000)}));
    assert_eq!(post(&http, "", &large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

/// Sends the beginning of a request over a socket and waits for the whole response.
fn exchange(address: &str, body: &str, length: usize) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nAccept: application/json, text/event-stream\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    // The server may close a connection whose request it did not read.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_answers_under_mcp_within_its_rate_limit() {
    let folder = folder();
    let content = Content {
        data: DataDir::new(folder.path()),
        current: Arc::new(Current::new(Some(sample::snapshot()))),
        pipeline: None,
        outbox: None,
        settings: config("[serve]\nrequests_per_minute = 3\n").serve,
    };
    let clock = Arc::new(FixedClock(sample::as_of()));
    let server = Server::bind(content, clock, ([127, 0, 0, 1], 0).into()).await.expect("it listens");
    let address = server.url().strip_prefix("http://").expect("http").to_owned();
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let ended = tokio::spawn(async move { server.run(stop).await.expect("it stops") });
    let sent = tokio::task::spawn_blocking(move || {
        let message = call("find_model", &json!({"query": "quill"})).to_string();
        (0..4).map(|_| exchange(&address, &message, message.len())).collect::<Vec<String>>()
    });
    let answers = sent.await.expect("sent");
    for answer in &answers[..3] {
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(QUILL), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("content-security-policy"), "{answer}");
    }
    assert!(answers[3].starts_with("HTTP/1.1 429"), "{}", answers[3]);
    cancel.cancel();
    ended.await.expect("ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_does_not_arrive_is_not_waited_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("it listens");
    let address = listener.local_addr().expect("an address").to_string();
    let serving = tokio::spawn(async move { axum::serve(listener, http()).await });
    let slow = tokio::task::spawn_blocking(move || exchange(&address, "{", 100)).await.expect("sent");
    assert!(slow.starts_with("HTTP/1.1 408") && slow.contains("did not arrive"), "{slow}");
    serving.abort();
}
