//! The server against slow, idle and greedy clients, as a process of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::binary::{Server, command};
use crate::rig::folder;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Arguments of a service that collects nothing.
const SERVE: [&str; 4] = ["serve", "--no-collect", "--listen", "127.0.0.1:0"];

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream.set_write_timeout(Some(PATIENCE)).expect("set");
    stream
}

/// A connection on which these bytes were sent.
fn sent(server: &Server, bytes: &str) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(bytes.as_bytes()).expect("sent");
    stream
}

/// A service whose process may open this many files.
fn with_descriptors(folder: &Path, descriptors: u32) -> Server {
    let program = command().get_program().to_owned();
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"")]);
    limited.arg(program).arg("--data-dir").arg(folder).args(SERVE);
    for variable in ["HITRATE_DATA_DIR", "HITRATE_CONFIG", "HITRATE_LOG"] {
        limited.env_remove(variable);
    }
    Server::start(&mut limited)
}

/// The number of open files of a process.
#[cfg(target_os = "linux")]
fn open_files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).expect("a process").count()
}

#[test]
fn a_stop_waits_for_no_slow_client() {
    let folder = folder();
    let server = Server::of(folder.path());
    assert!(folder.path().join("server.json").exists());
    let half = sent(&server, "GET /livez HTTP/1.1\r\nHost: loc");
    let silent = connect(&server);
    let body = sent(&server, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{");
    // Requests without end, whose answers no one reads.
    let mut unread = connect(&server);
    unread.set_write_timeout(Some(Duration::from_millis(300))).expect("set");
    let request = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(500);
    let _ = unread.write_all(request.as_bytes());
    // The bound is that of the test: without the limits of the server, this never ended.
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(server.terminate()));
    assert_eq!(ended.recv_timeout(PATIENCE), Ok(Some(0)), "it stops by itself, and cleanly");
    assert!(!folder.path().join("server.json").exists());
    drop((half, silent, body, unread));
}

#[cfg(target_os = "linux")]
#[test]
fn clients_that_hold_connections_do_not_use_up_the_descriptors() {
    let folder = folder();
    let server = with_descriptors(folder.path(), 256);
    let held: Vec<TcpStream> = (0..400)
        .map(|number| match number % 2 {
            0 => connect(&server),
            _ => sent(&server, "GET / HTTP/1.1\r\nHost:"),
        })
        .collect();
    for _ in 0..5 {
        assert_eq!(server.ask("GET", "/livez").0, 200);
    }
    let open = open_files(server.pid());
    assert!(open < 256 - 32, "{open} files are open: too few are left for the archive and the store");
    drop(held);
    assert_eq!(server.terminate(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_without_free_descriptors_still_answers() {
    let folder = folder();
    // Fewer than the reserve: the server gets the smallest number of connections, and accepting may fail.
    let server = with_descriptors(folder.path(), 64);
    let held: Vec<TcpStream> = (0..150).map(|_| connect(&server)).collect();
    for _ in 0..5 {
        assert_eq!(server.ask("GET", "/livez").0, 200);
    }
    drop(held);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn five_hundred_idle_connections_do_not_keep_anyone_out() {
    let folder = folder();
    let server = Server::of(folder.path());
    let held: Vec<TcpStream> = (0..500).map(|_| connect(&server)).collect();
    assert_eq!(server.ask("GET", "/livez").0, 200);
    drop(held);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_long_address_costs_no_search() {
    let folder = folder();
    let server = Server::of(folder.path());
    let long = "a".repeat(60_000);
    for path in ["/assets/", "/models/x/", "/providers/", "/api/v1/models/x/", "/search?q="] {
        let (status, body) = server.ask("GET", &format!("{path}{long}"));
        assert_eq!(status, 414, "{path}");
        assert!(body.len() < 1_000, "{path}: the address is not repeated");
    }
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_server_that_cannot_announce_itself_starts() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("server.json")).expect("created");
    let server = Server::of(folder.path());
    assert_eq!(server.ask("GET", "/livez").0, 200);
    // An unknown path has no page yet.
    assert_eq!(server.ask("GET", "/local/imports?token=").0, 503, "there are no routes for commands");
    assert_eq!(server.terminate(), Some(0));
    assert!(folder.path().join("server.json").is_dir(), "it is not touched");
}

#[cfg(unix)]
#[test]
fn an_announcement_replaces_what_others_can_read_and_follows_no_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = folder();
    let (place, elsewhere) = (folder.path().join("server.json"), folder.path().join("elsewhere"));
    std::fs::write(&elsewhere, "of someone else").expect("written");
    symlink(&elsewhere, &place).expect("linked");
    let server = Server::of(folder.path());
    let found = std::fs::symlink_metadata(&place).expect("announced");
    assert!(found.is_file() && found.permissions().mode() & 0o777 == 0o600);
    assert_eq!(std::fs::read_to_string(&elsewhere).expect("there"), "of someone else");
    assert_eq!(server.terminate(), Some(0));
    assert!(!place.exists() && elsewhere.exists());
}

#[test]
fn a_client_that_closes_early_costs_nothing() {
    let folder = folder();
    let server = Server::of(folder.path());
    for _ in 0..50 {
        drop(sent(&server, "GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    }
    let mut stream = sent(&server, "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(server.terminate(), Some(0));
}
