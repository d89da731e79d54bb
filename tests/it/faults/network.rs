//! The way to the upstream as operators have it: names, proxies, and what is said when either fails.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use super::QUICK;
use super::tls::{Authority, TRUSTING, TlsFront};
use crate::binary::{Ran, command, finish};
use crate::rig::folder;

/// The name of the upstream; it exists only for the proxy.
const HOST: &str = "upstream.example.invalid";

/// A name that no name server has: a part of it is longer than a name may have, so none is even asked.
fn nowhere() -> String {
    format!("{}.example.invalid", "a".repeat(64))
}

/// A proxy that speaks only CONNECT and leads every name to one address.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn to(target: SocketAddr, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        // The thread ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let seen = seen.clone();
                thread::spawn(move || tunnel(client, target, answer, &seen));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("not poisoned").clone()
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn tunnel(mut client: TcpStream, target: SocketAddr, answer: &str, seen: &Mutex<Vec<String>>) -> Option<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head);
    seen.lock().expect("not poisoned").push(text.lines().next().unwrap_or_default().to_owned());
    write!(client, "HTTP/1.1 {answer}\r\n\r\n").ok()?;
    if !answer.starts_with("200") {
        return None;
    }
    let mut server = TcpStream::connect(target).ok()?;
    let (mut from, mut to) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    std::io::copy(&mut server, &mut client).ok().map(|_| ())
}

/// `hitrate collect` with these variables and no others of a proxy.
fn collect(folder: &Path, url: &str, variables: &[(&str, &str)]) -> Ran {
    let mut command = command();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.envs(variables.iter().copied()).arg("--data-dir").arg(folder);
    finish(command.args([
        "--json",
        "collect",
        "--rate",
        "0",
        "--at",
        "2026-07-21T12:57:00Z",
        "--upstream",
        url,
    ]))
}

/// A data folder whose settings trust an authority.
fn trusting(authority: &Authority) -> tempfile::TempDir {
    let data = folder();
    std::fs::write(data.path().join("ca.pem"), &authority.pem).expect("written");
    std::fs::write(data.path().join("hitrate.toml"), format!("{QUICK}{TRUSTING}")).expect("written");
    data
}

fn failures(ran: &Ran) -> String {
    ran.json()["failures"].to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_behind_a_proxy_is_collected_through_a_tunnel() {
    let authority = Authority::new();
    let front = TlsFront::serve(&authority, (&[HOST], 2100), &["h2", "http/1.1"], "127.0.0.1:0").await;
    let proxy = Proxy::to(front.address, "200 Connection established");
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let data = trusting(&authority);
        let (url, proxied) = (format!("https://{HOST}"), proxy.url());
        let ran = tokio::task::block_in_place(|| collect(data.path(), &url, &[(variable, &proxied)]));
        assert_eq!(ran.code, 0, "{variable}: {ran:?}");
        assert_eq!(ran.json()["status"], "ok");
    }
    let asked = proxy.asked();
    assert!(asked.len() >= 3, "{asked:?}");
    assert!(asked.iter().all(|line| *line == format!("CONNECT {HOST}:443 HTTP/1.1")), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_of_no_proxy_and_loopback_are_reached_without_the_proxy() {
    let authority = Authority::new();
    let front = TlsFront::serve(&authority, (&["localhost"], 2100), &["h2"], "127.0.0.1:0").await;
    let proxy = Proxy::to(front.address, "200 Connection established");
    let (data, proxied) = (trusting(&authority), proxy.url());
    let local = format!("https://localhost:{}", front.address.port());
    let ran = tokio::task::block_in_place(|| collect(data.path(), &local, &[("HTTPS_PROXY", &proxied)]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let data = trusting(&authority);
    let variables = [("HTTPS_PROXY", proxied.as_str()), ("NO_PROXY", ".example.invalid")];
    let ran =
        tokio::task::block_in_place(|| collect(data.path(), &format!("https://{}", nowhere()), &variables));
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(failures(&ran).contains(&format!("the name {} cannot be resolved", nowhere())), "{ran:?}");
    assert_eq!(proxy.asked(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_is_down_or_refuses_is_named() {
    let authority = Authority::new();
    let refusing = Proxy::to(([127, 0, 0, 1], 1).into(), "403 Forbidden");
    for proxied in [crate::upstream::nobody(), refusing.url()] {
        let data = trusting(&authority);
        let url = format!("https://{HOST}");
        let ran = tokio::task::block_in_place(|| collect(data.path(), &url, &[("HTTPS_PROXY", &proxied)]));
        assert_eq!(ran.code, 4, "{ran:?}");
        let words = failures(&ran);
        assert!(words.contains("the proxy from HTTPS_PROXY") && words.contains("NO_PROXY"), "{words}");
    }
    assert!(!refusing.asked().is_empty());
}

#[test]
fn a_name_that_does_not_exist_is_named() {
    let data = folder();
    std::fs::write(data.path().join("hitrate.toml"), QUICK).expect("written");
    for url in [format!("https://{}", nowhere()), format!("http://{}", nowhere())] {
        let ran = collect(data.path(), &url, &[]);
        assert_eq!(ran.code, 4, "{ran:?}");
        let words = failures(&ran);
        assert!(words.contains(&format!("the name {} cannot be resolved", nowhere())), "{words}");
        assert!(words.contains("upstream.base_url"), "{words}");
    }
}
