//! Own traffic stays private: a marker in an imported log and in received telemetry is in no public answer, no published
//! file, no export, no log line, no snapshot and not in the record.

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::binary::{command, hitrate};
use crate::rig::{files, folder};
use crate::upstream::{Upstream, collect, day, pipeline};

/// In names that own traffic keeps: session, application, key, agent.
const NAME: &str = "privatename7f3c";
/// In texts that nothing keeps.
const CONTENT: &str = "privatecontent9d1e";
/// Pages of the site that are followed, at most.
const MOST_PAGES: usize = 400;

/// A server whose log is in a file; killed when dropped.
struct Running {
    child: Child,
    public: String,
    private: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(data: &Path, log: &Path) -> Self {
        let log = std::fs::File::create(log).expect("a file");
        let arguments =
            ["serve", "--no-collect", "--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0"];
        let mut command = command();
        command.arg("--data-dir").arg(data).args(arguments).env("HITRATE_LOG", "trace");
        command.env_remove("HITRATE_PRIVATE_TOKEN").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut line = |start: &str| {
            let line = lines.next().expect("a line").expect("UTF-8");
            let url = line.strip_prefix(start).and_then(|rest| rest.split(' ').next()).expect("an address");
            url.strip_prefix("http://").expect("http").to_owned()
        };
        let (public, private) = (line("listening "), line("private "));
        Self { child, public, private }
    }
}

/// Status and body of a request; the body as it is, without compression.
fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, Vec<u8>) {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let status = String::from_utf8_lossy(&answer[..end]).split(' ').nth(1).and_then(|code| code.parse().ok());
    (status.expect("a status"), answer)
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn clean(what: &str, bytes: &[u8]) {
    for marker in [NAME, CONTENT] {
        assert!(!contains(bytes, marker), "{what} contains `{marker}`");
    }
}

/// The addresses in a page that stay on the site.
fn links(page: &str) -> Vec<String> {
    let after = page.split("href=\"").skip(1).chain(page.split("src=\"").skip(1));
    let address = after.filter_map(|rest| rest.split('"').next()).filter(|address| address.starts_with('/'));
    address.map(|address| address.split('#').next().unwrap_or_default().replace("&amp;", "&")).collect()
}

/// Every address of the public server: what the registry and the description of the API list, and what pages link to.
fn public_addresses(address: &str, model: &str, provider: &str) -> usize {
    let description = ask(address, "GET", "/api/v1/openapi.json", "", "").1;
    let end = description.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let document: Value = serde_json::from_slice(&description[end + 4..]).expect("JSON");
    let (author, slug) = model.split_once('/').expect("a model id");
    let fill = |path: &str| {
        let path = path.replace("{author}", author).replace("{slug}", slug).replace("{model}", model);
        path.replace("{provider}", provider).replace("{lens}", "cost").replace("{target}", "litellm")
    };
    let routes = document["paths"].as_object().expect("paths").keys().map(|path| fill(path));
    let pages = hitrate::site::PAGES.iter().map(|row| row.path.to_owned());
    let others =
        ["/metrics", "/changes.atom", "/sitemap.xml", "/llms.txt", "/robots.txt", "/suggest.json", "/readyz"];
    let mut waiting: VecDeque<String> = pages.chain(routes).chain(others.map(str::to_owned)).collect();
    let searched = [NAME, CONTENT].map(|marker| format!("/search?q={marker}"));
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while let Some(path) = waiting.pop_front() {
        if seen.len() >= MOST_PAGES || !seen.insert(path.clone()) {
            continue;
        }
        let (status, body) = ask(address, "GET", &path, "", "");
        assert_ne!(status, 500, "{path}");
        clean(&path, &body);
        if status == 200 && contains(&body, "text/html") {
            waiting.extend(links(&String::from_utf8_lossy(&body)));
        }
    }
    // A page may repeat what the reader searched for, and nothing else.
    for path in searched {
        let (_, body) = ask(address, "GET", &path, "", "");
        assert!(!contains(&body, &format!("{NAME}-session")), "{path}");
    }
    // The routes of the private listener do not exist here.
    for path in ["/own/v1/report", "/own/v1/status", "/sessions", "/misses", "/plans", "/files"] {
        assert_ne!(ask(address, "GET", path, "", "").0, 200, "{path}");
    }
    assert!(matches!(ask(address, "POST", "/otlp/v1/traces", "", "{}").0, 404 | 405));
    seen.len()
}

fn span() -> Value {
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    json!({ "resourceSpans": [{
        "resource": { "attributes": [text("service.name", NAME)] },
        "scopeSpans": [{ "spans": [{
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "name": CONTENT,
            "startTimeUnixNano": "1796000000000000000", "endTimeUnixNano": "1796000001000000000",
            "status": { "code": 1, "message": CONTENT },
            "attributes": [
                text("gen_ai.operation.name", "chat"), text("gen_ai.request.model", "maple-2"),
                text("gen_ai.provider.name", "openai"), text("gen_ai.response.id", "answer-1"),
                text("gen_ai.conversation.id", &format!("{NAME}-received")),
                text("gen_ai.input.messages", CONTENT), text("gen_ai.output.messages", CONTENT),
                text("gen_ai.system_instructions", CONTENT), text("input.value", CONTENT),
                text("error.message", CONTENT),
                json!({ "key": "gen_ai.usage.input_tokens", "value": { "intValue": "1000" } }),
                json!({ "key": "gen_ai.usage.output_tokens", "value": { "intValue": "10" } }),
            ],
            "events": [{ "name": CONTENT, "attributes": [text("exception.message", CONTENT)] }],
        }] }],
    }] })
}

/// A log with the marker in names and in contents: the spans of another session, as a collector writes them.
fn log() -> String {
    let line = |number: u32| {
        let text = span()
            .to_string()
            .replace("-received", "-session")
            .replace("answer-1", &format!("answer-{number}"));
        // Other counts: calls of two sources that are equal in time, model and counts are taken for one.
        let text = text.replace("\"1000\"", "\"2000\"");
        text.replace("4bf92f3577b34da6a3ce929d0e0e4736", &format!("{number:032x}")) + "\n"
    };
    (2..5).map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_marker_of_own_traffic_is_nowhere_public() {
    let (data, work) = (folder(), folder());
    let (model, provider) = {
        let upstream = Upstream::serve().await;
        let pipeline = pipeline(data.path());
        for time in [day(10), day(11)] {
            collect(&pipeline, &upstream, time).await;
        }
        let snapshot = pipeline.publish().expect("published");
        let model = snapshot.models.iter().find(|model| model.variant.is_standard()).expect("a model");
        (model.model_id.clone(), snapshot.providers.first().expect("a provider").provider.to_string())
    };
    let path = work.path().join("log.jsonl");
    std::fs::write(&path, log()).expect("written");
    std::fs::write(
        data.path().join("hitrate.toml"),
        "[private]\nimport_seconds = 1\n[serve]\nrequests_per_minute = 0\n",
    )
    .expect("written");
    let imported = hitrate(data.path(), &["traffic", "import", path.to_str().expect("UTF-8"), "--json"]);
    assert_eq!(imported.code, 0, "{imported:?}");
    assert!(!imported.out.contains(CONTENT), "{}", imported.out);

    let server_log = work.path().join("server.log");
    let server = Running::start(data.path(), &server_log);
    let token = std::fs::read_to_string(data.path().join("private-token")).expect("a token");
    let token = token.trim().to_owned();
    let authorized = format!("Authorization: Bearer {token}\r\n");
    let typed = format!("{authorized}Content-Type: application/json\r\n");
    assert_eq!(ask(&server.private, "POST", "/otlp/v1/traces", &typed, &span().to_string()).0, 200);
    // What the receiver refuses must not be logged either.
    let damaged = format!("{{\"resourceSpans\": \"{CONTENT}\"");
    assert_eq!(ask(&server.private, "POST", "/otlp/v1/traces", &typed, &damaged).0, 400);
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let (_, status) = ask(&server.private, "GET", "/own/v1/status", &authorized, "");
        if contains(&status, "\"imported_calls\":1") {
            break;
        }
        assert!(Instant::now() < end, "{}", String::from_utf8_lossy(&status));
        std::thread::sleep(Duration::from_millis(200));
    }
    // The names are there, behind the token: otherwise this test would find nothing anywhere.
    let (status, sessions) = ask(&server.private, "GET", "/own/v1/sessions", &authorized, "");
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&sessions));
    assert!(contains(&sessions, &format!("{NAME}-received")), "{}", String::from_utf8_lossy(&sessions));
    assert!(!contains(&sessions, CONTENT));
    assert_eq!(ask(&server.private, "GET", "/own/v1/sessions", "", "").0, 401);

    assert!(public_addresses(&server.public, &model, &provider) > 60, "the public addresses were found");
    for kind in ["readings", "hourly", "days", "recommendations"] {
        let exported = hitrate(data.path(), &["export", kind, "--format", "json"]);
        clean(kind, exported.out.as_bytes());
    }
    drop(server);
    let logged = std::fs::read(&server_log).expect("a log");
    clean("the log", &logged);
    assert!(!contains(&logged, &token), "the log contains the token");
    let out = work.path().join("site");
    let published = hitrate(data.path(), &["publish", "--out", out.to_str().expect("UTF-8")]);
    assert_eq!(published.code, 0, "{published:?}");
    for file in files(&out) {
        clean(&file.display().to_string(), &std::fs::read(&file).expect("read"));
    }
    let snapshot =
        hitrate::snapshot::store::load(&data.path().join("snapshots")).expect("read").expect("there");
    clean("the snapshot", &serde_json::to_vec(&snapshot).expect("JSON"));
    for file in files(data.path()) {
        let (bytes, shown) = (std::fs::read(&file).expect("read"), file.display().to_string());
        assert!(!contains(&bytes, CONTENT), "{shown} contains the text of a prompt");
        if !shown.contains("traffic") {
            clean(&shown, &bytes);
        }
    }
}
