use super::*;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);
/// More than the buffers of both sides hold.
const LARGE: usize = 32 << 20;

struct Running {
    address: SocketAddr,
    cancel: CancellationToken,
    ended: JoinHandle<io::Result<()>>,
}

impl Running {
    async fn start(limits: Limits) -> Self {
        let wait = || async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "waited"
        };
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/wait", get(wait))
            .route("/never", get(std::future::pending::<&'static str>))
            .route("/large", get(|| async { vec![b'x'; LARGE] }))
            .layer(axum::middleware::from_fn(refuse_oversized));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("it listens");
        let address = listener.local_addr().expect("an address");
        let cancel = CancellationToken::new();
        let ended = tokio::spawn(serve(listener, router, limits, cancel.clone()));
        Self { address, cancel, ended }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }

    async fn sent(&self, bytes: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.expect("sent");
        stream
    }

    /// Stops the server; panics if it does not end.
    async fn stop(self) {
        self.cancel.cancel();
        let ended = timeout(PATIENCE, self.ended).await.expect("it ends");
        ended.expect("no panic").expect("the socket was valid");
    }
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn limits() -> Limits {
    Limits {
        stop: Duration::from_millis(800),
        stop_head: Duration::from_millis(100),
        ..Limits::with_connections(64)
    }
}

/// What arrives until the server closes the connection.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset ends a connection as well.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut text)).await.expect("it is closed");
    String::from_utf8_lossy(&text).into_owned()
}

/// What arrives of an answer whose body ends with `end`; the connection stays open.
async fn answer(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        let mut part = [0; 1024];
        let read = timeout(PATIENCE, stream.read(&mut part)).await.expect("it answers").expect("it reads");
        assert!(read > 0, "closed after {}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&part[..read]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_slow_head_and_a_silent_client_are_cut_and_others_are_served() {
    let server = Running::start(Limits { head: Duration::from_millis(400), ..limits() }).await;
    let mut silent = server.connect().await;
    let mut half = server.sent("GET / HTTP/1.1\r\nHost: loc").await;
    let mut keeps_alive = server.sent(&request("/")).await;
    assert!(answer(&mut keeps_alive, "here").await.starts_with("HTTP/1.1 200"));
    assert_eq!(until_closed(&mut silent).await, "");
    assert_eq!(until_closed(&mut half).await, "");
    // Idle after an answer is not the same as slow.
    keeps_alive.write_all(request("/").as_bytes()).await.expect("still open");
    answer(&mut keeps_alive, "here").await;
    server.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_time() {
    let server = Running::start(Limits { idle: Duration::from_millis(300), ..limits() }).await;
    let mut stream = server.sent(&request("/")).await;
    assert!(until_closed(&mut stream).await.ends_with("here"));
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let server = Running::start(Limits { unread: Duration::from_millis(300), ..limits() }).await;
    let mut stream = server.sent(&request("/large")).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let received = until_closed(&mut stream).await;
    assert!(received.starts_with("HTTP/1.1 200") && received.len() < LARGE, "{}", received.len());
    server.stop().await;
}

#[tokio::test]
async fn a_new_connection_takes_the_place_of_the_oldest_idle_one_and_not_of_a_running_request() {
    let server = Running::start(Limits { connections: 3, ..limits() }).await;
    let mut first = server.sent(&request("/")).await;
    answer(&mut first, "here").await;
    let _runs = server.sent(&request("/never")).await;
    let _also = server.sent(&request("/never")).await;
    let mut next = server.sent(&request("/")).await;
    answer(&mut next, "here").await;
    assert_eq!(until_closed(&mut first).await, "", "it made room");
    let _third = server.sent(&request("/never")).await;
    assert_eq!(until_closed(&mut next).await, "", "it made room");
    // Every place has a running request now. The server may see the last request a moment later.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut refused = server.connect().await;
    assert_eq!(until_closed(&mut refused).await, "");
    server.stop().await;
}

#[tokio::test]
async fn a_stop_completes_running_answers_and_waits_for_no_one_else() {
    let server = Running::start(limits()).await;
    let mut idle = server.sent(&request("/")).await;
    answer(&mut idle, "here").await;
    let mut half = server.sent("GET / HTTP/1.1\r\nHost: loc").await;
    let unread = server.sent(&request("/large")).await;
    let mut never = server.sent(&request("/never")).await;
    let mut runs = server.sent(&request("/wait")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let address = server.address;
    server.stop().await;
    assert!(until_closed(&mut runs).await.ends_with("waited"));
    for stream in [&mut idle, &mut half, &mut never] {
        assert_eq!(until_closed(stream).await, "");
    }
    drop(unread);
    assert!(TcpStream::connect(address).await.is_err(), "the port is free");
}

#[tokio::test]
async fn long_addresses_and_headers_are_refused_before_any_route_runs() {
    let server = Running::start(limits()).await;
    let long = "a".repeat(60_000);
    for (path, headers, status) in [
        (format!("/assets/{long}"), String::new(), "414"),
        (format!("/?q={long}"), String::new(), "414"),
        ("/".to_owned(), format!("Cookie: {long}\r\n"), "431"),
        (format!("/{}", "a".repeat(70_000)), String::new(), "414"),
        ("/".to_owned(), format!("Cookie: {}\r\n", "a".repeat(400_000)), "431"),
        ("/".to_owned(), "A: b\r\n".repeat(101), "431"),
    ] {
        let mut stream = server.connect().await;
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(head.as_bytes()).await;
        let answer = until_closed(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {answer}");
        assert!(head.len() > MOST_BUFFERED || !answer.is_empty(), "{status}: no answer");
    }
    let mut stream = server.sent(&request(&format!("/?q={}", "a".repeat(MOST_ADDRESS - 4)))).await;
    answer(&mut stream, "here").await;
    server.stop().await;
}

#[tokio::test]
async fn http_2_without_encryption_is_not_spoken() {
    let server = Running::start(limits()).await;
    let mut stream = server.sent("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let answer = until_closed(&mut stream).await;
    assert!(!answer.contains("200"), "{answer}");
    server.stop().await;
}
