//! `hitrate mcp` as a client starts it.

use super::filled;
use crate::binary::{Server, command, finish, hitrate};
use crate::rig::folder;
use crate::upstream::{Upstream, collect, day, nobody, pipeline};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running `hitrate mcp`; killed when dropped.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Client {
    /// Starts it and initializes the connection.
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = command();
        command.arg("--data-dir").arg(folder).arg("mcp").args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("piped"));
        let mut client = Self { child, input, output: BufReader::new(output) };
        let hello = client.ask(
            "initialize",
            &json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}),
        );
        assert_eq!(hello["result"]["serverInfo"]["name"], "hitrate", "{hello}");
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        client
    }

    fn send(&mut self, message: &Value) {
        let input = self.input.as_mut().expect("open");
        writeln!(input, "{message}").expect("sent");
        input.flush().expect("sent");
    }

    /// The response to a request: the next line of standard output, which must be JSON.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.send(&json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}));
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(answer["id"], 7, "{answer}");
        answer
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))["result"].take()
    }

    /// Ends its input; its exit code.
    fn end(mut self) -> Option<i32> {
        drop(self.input.take());
        self.child.wait().expect("it ends").code()
    }

    /// Asks it to terminate while its input is open; its exit code.
    fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // That it has ended already is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_saved_snapshot_and_a_server_give_the_same_answers() {
    let (data, model) = filled().await;
    let server = Server::of(data.path());
    let mut saved = Client::start(data.path(), &[]);
    let mut served = Client::start(Path::new("nowhere"), &["--url", &server.url]);
    let calls = [
        ("find_model", json!({"query": model})),
        ("recommend_host", json!({"model": model})),
        ("recommend_host", json!({"model": model, "mode": "avoid"})),
        ("compare_endpoints", json!({"model": model})),
        ("history", json!({"model": model})),
        ("history", json!({"model": model, "every": "hour"})),
        ("session_cost", json!({"model": model, "turns": 5})),
        ("what_changed", json!({"limit": 3})),
        ("session_cost", json!({"model": "no/such-model"})),
    ];
    for (tool, arguments) in calls {
        let (one, other) = (saved.call(tool, &arguments), served.call(tool, &arguments));
        assert_eq!(one, other, "{tool} {arguments}");
        assert_eq!(one["isError"], arguments["model"] == "no/such-model", "{one}");
    }
    assert_eq!(server.terminate(), Some(0));
    let lost = served.call("find_model", &json!({"query": model}));
    assert_eq!(lost["isError"], true);
    assert!(
        lost["content"][0]["text"].as_str().expect("a text").contains("check that the server runs"),
        "{lost}"
    );
    assert_eq!((saved.end(), served.terminate()), (Some(0), Some(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_snapshot_is_used_at_the_next_call() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    collect(&pipeline, &upstream, day(10)).await;
    let first = pipeline.publish().expect("published").id.clone();
    let mut client = Client::start(data.path(), &[]);
    let mut snapshot =
        || client.call("what_changed", &json!({}))["structuredContent"]["meta"]["snapshot"].take();
    assert_eq!(snapshot(), first);
    collect(&pipeline, &upstream, day(11)).await;
    let second = pipeline.publish().expect("published").id.clone();
    assert_ne!(first, second);
    assert_eq!(snapshot(), second);
    assert_eq!(client.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_data_it_ends_before_the_first_message() {
    let empty = folder();
    let none = hitrate(empty.path(), &["mcp"]);
    assert_eq!((none.code, none.out.as_str()), (1, ""), "{none:?}");
    assert!(none.err.contains("there is no snapshot"), "{}", none.err);
    let nobody = hitrate(empty.path(), &["mcp", "--url", &nobody()]);
    assert_eq!((nobody.code, nobody.out.as_str()), (1, ""), "{nobody:?}");
    assert!(
        nobody.err.contains("cannot connect") && nobody.err.contains("check that the server runs"),
        "{nobody:?}"
    );
    let wrong = hitrate(empty.path(), &["mcp", "--url", "tiers.example.org"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (1, ""), "{wrong:?}");
    assert!(wrong.err.contains("option --url"), "{}", wrong.err);
    let both = ["mcp", "--url", "http://127.0.0.1:1", "--now", "2026-08-08T12:00:00Z"];
    assert_eq!(hitrate(empty.path(), &both).code, 2);

    let (data, _) = filled().await;
    // Input that ends at once: nothing is written.
    let ended = finish(command().arg("--data-dir").arg(data.path()).arg("mcp"));
    assert_eq!((ended.code, ended.out.as_str()), (0, ""), "{ended:?}");
}
