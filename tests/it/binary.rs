//! The program as others run it: its exit code, what it prints where, and a server that is stopped whatever happens.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// What a finished process left.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; -1 where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// The one JSON document that standard output has to be.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The program, without what the environment may say about data, settings and the terminal.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hitrate"));
    for variable in
        ["HITRATE_DATA_DIR", "HITRATE_CONFIG", "HITRATE_LOG", "HITRATE_LOG_FORMAT", "COLUMNS", "NO_COLOR"]
    {
        command.env_remove(variable);
    }
    command
}

/// Runs a prepared command to its end.
pub fn finish(command: &mut Command) -> Ran {
    let output = command.stdin(Stdio::null()).output().expect("the program runs");
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs the program on a data folder.
pub fn hitrate(folder: &Path, arguments: &[&str]) -> Ran {
    finish(command().arg("--data-dir").arg(folder).args(arguments))
}

/// A process that prints `listening http://…` and serves; killed when dropped.
pub struct Server {
    child: Child,
    /// Its address.
    pub url: String,
}

impl Server {
    /// Starts it and waits for its address.
    pub fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut server = Self { child: child.expect("the program starts"), url: String::new() };
        let mut line = String::new();
        let out = server.child.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.trim_end().strip_prefix("listening ").expect("an address is announced");
        server.url = address.split(' ').next().unwrap_or_default().to_owned();
        server
    }

    /// `hitrate serve` on a data folder, which collects nothing.
    pub fn of(folder: &Path) -> Self {
        let arguments = ["serve", "--no-collect", "--listen", "127.0.0.1:0"];
        Self::start(command().arg("--data-dir").arg(folder).args(arguments))
    }

    /// A process that serves at an address already.
    pub fn at(child: Child, url: String) -> Self {
        Self { child, url }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to terminate; its exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-TERM", pid.as_str()]).status().expect("kill runs");
        assert!(sent.success());
        self.child.wait().expect("it ends").code()
    }

    /// Status and body of a request without a body of its own.
    pub fn ask(&self, method: &str, path: &str) -> (u16, Vec<u8>) {
        Self::ask_at(&self.url, method, path)
    }

    /// The same of any server.
    pub fn ask_at(url: &str, method: &str, path: &str) -> (u16, Vec<u8>) {
        let address = url.strip_prefix("http://").expect("http");
        let mut stream = TcpStream::connect(address).expect("it listens");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        (status, answer.split_off(end + 4))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // That it has ended already is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
