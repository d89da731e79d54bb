//! Secrets: in no output, log line, error, page, file or process list, whatever command meets them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::binary::{Server, command};
use crate::rig::{files, folder};
use crate::upstream::{Upstream, collect, day, pipeline};

/// Every secret of these tests has this in it.
const MARK: &str = "s3cretmark";
/// The environment: a key of the upstream, a token, and secrets of receivers.
const VARIABLES: [(&str, &str); 4] = [
    ("OPENROUTER_API_KEY", "sk-or-v1-s3cretmark-key"),
    ("HITRATE_PRIVATE_TOKEN", "s3cretmark-private-token-of-32-letters-and-more"),
    ("SMTP_PASSWORD", "s3cretmark-smtp"),
    ("HOOK_URL", "http://127.0.0.1:1/hooks/s3cretmark-url?key=s3cretmark-query"),
];
const SETTINGS: &str = r#"
[[alerts.receivers]]
name = "hook"
kind = "webhook"
url = "http://127.0.0.1:1/s3cretmark-path?key=s3cretmark-query"
secret_file = "hook-secret"
allow_private = true

[[alerts.receivers]]
name = "chat"
kind = "slack"
url_env = "HOOK_URL"
allow_private = true

[[alerts.receivers]]
name = "phone"
kind = "ntfy"
server = "http://127.0.0.1:1"
topic = "s3cretmark-topic"
token_file = "phone-token"
allow_private = true
"#;

/// The commands, with every log line. Their results differ; what they print must not.
const COMMANDS: [&[&str]; 19] = [
    &["config"],
    &["config", "--json"],
    &["config", "--defaults"],
    &["status"],
    &["status", "--json"],
    &["tiers", "--json"],
    &["changes"],
    &["alerts", "list", "--json"],
    &["alerts", "test"],
    &["alerts", "test", "hook", "--dry-run"],
    &["alerts", "test", "chat", "--dry-run"],
    &["alerts", "test", "phone", "--dry-run", "--json"],
    &["alerts", "send"],
    &["alerts", "log", "--json"],
    &["alerts", "check"],
    &["check", "numbers"],
    &["query", "SELECT * FROM runs"],
    &["export", "days"],
    &["collect", "--json"],
];

fn marked(command: &mut Command, data: &Path) {
    command.arg("--data-dir").arg(data).envs(VARIABLES).env("HITRATE_LOG", "trace").stdin(Stdio::null());
}

/// What a command prints on both outputs.
fn printed(data: &Path, arguments: &[&str]) -> String {
    ran(data, arguments).1
}

/// The exit code of a command, and what it prints on both outputs.
fn ran(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = command();
    marked(&mut command, data);
    let output = command.args(arguments).output().expect("it runs");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.code(), text)
}

/// Whether a command does its work on this record, so that what it prints is more than an error. The others depend on the age
/// of the record, on receivers that cannot be reached, or on the upstream.
fn must_succeed(arguments: &[&str]) -> bool {
    matches!(arguments[0], "config" | "query" | "export" | "tiers")
        || arguments.starts_with(&["alerts", "list"])
        || arguments.starts_with(&["alerts", "log"])
        || arguments.contains(&"--dry-run")
}

fn clean(what: &str, text: &str) {
    if let Some(at) = text.find(MARK) {
        let start = text[..at].char_indices().rev().nth(200).map_or(0, |(start, _)| start);
        panic!("{what} has a secret: …{}", &text[start..at + MARK.len()]);
    }
}

/// A short record with settings that have secrets, for an upstream that cannot be reached.
async fn filled() -> tempfile::TempDir {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    collect(&pipeline, &upstream, day(10)).await;
    pipeline.publish().expect("published");
    let at = |name: &str| data.path().join(name);
    let closed = "[upstream]\nbase_url = \"http://127.0.0.1:1\"\n[fetch]\ntimeout_seconds = 1\n";
    fs::write(at("hitrate.toml"), format!("{closed}{SETTINGS}")).expect("written");
    // 33 bytes in base64 whose text has the mark.
    fs::write(at("hook-secret"), "whsec_s3cretmarkAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").expect("written");
    fs::write(at("phone-token"), "tk_s3cretmark").expect("written");
    data
}

/// Files of the data folder that are meant to have secrets.
const MEANT: [&str; 3] = ["hitrate.toml", "hook-secret", "phone-token"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_prints_or_keeps_a_secret() {
    let (data, out) = (filled().await, folder());
    for arguments in COMMANDS {
        let (code, text) = ran(data.path(), arguments);
        clean(&format!("{arguments:?}"), &text);
        assert!(!must_succeed(arguments) || code == Some(0), "{arguments:?}: {code:?}, {text}");
    }
    let (site, dataset) = (out.path().join("site"), out.path().join("dataset"));
    let (site_name, dataset_name) = (site.display().to_string(), dataset.display().to_string());
    clean("publish", &printed(data.path(), &["publish", "--out", &site_name]));
    clean("dataset", &printed(data.path(), &["dataset", &dataset_name]));
    assert!(files(&site).len() > 50 && files(&dataset).len() > 3, "the files were written");
    for file in files(out.path()).into_iter().chain(files(data.path())) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !MEANT.contains(&name.as_str()) {
            let bytes = fs::read(&file).expect("read");
            let has = bytes.windows(MARK.len()).any(|part| part == MARK.as_bytes());
            assert!(!has, "{} has a secret", file.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_error_about_settings_repeats_a_secret() {
    let data = filled().await;
    let settings = data.path().join("hitrate.toml");
    let good = fs::read_to_string(&settings).expect("read");
    for (from, to) in [
        // A line that breaks off, a value of another type, an unknown key beside it, and a wrong address.
        ("s3cretmark-query\"", "s3cretmark-query"),
        ("topic = \"s3cretmark-topic\"", "topic = [\"s3cretmark-topic\"]"),
        ("topic = \"s3cretmark-topic\"", "topik = \"s3cretmark-topic\""),
        ("url = \"http://127.0.0.1:1/s3cretmark-path", "url = \"gopher:s3cretmark-path"),
        ("kind = \"ntfy\"", "kind = \"carrier-pigeon\""),
        ("secret_file = \"hook-secret\"", "secret = \"s3cretmark\""),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        fs::write(&settings, bad).expect("written");
        for arguments in [&["config"][..], &["alerts", "test"], &["status"], &["collect"]] {
            clean(&format!("{arguments:?} with {to}"), &printed(data.path(), arguments));
        }
    }
    fs::write(&settings, good).expect("written");
    fs::write(data.path().join("hook-secret"), "s3cretmark of another form").expect("written");
    clean("a secret of another form", &printed(data.path(), &["alerts", "test", "hook"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_shows_its_tokens_to_no_one() {
    let (data, work) = (filled().await, folder());
    let log = work.path().join("log");
    let mut serve = command();
    marked(&mut serve, data.path());
    serve.args(["serve", "--no-collect", "--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0"]);
    serve.stdout(Stdio::piped()).stderr(fs::File::create(&log).expect("a file"));
    let mut child = serve.spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut address = |start: &str| {
        let line = lines.next().expect("a line").expect("UTF-8");
        let url = line.strip_prefix(start).and_then(|rest| rest.split(' ').next()).expect("an address");
        url.to_owned()
    };
    let (public, private) = (address("listening "), address("private "));
    let announced = data.path().join("server.json");
    let mode = fs::metadata(&announced).expect("announced").permissions().mode() & 0o777;
    let text = fs::read_to_string(&announced).expect("read");
    let server: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let token = server["token"].as_str().expect("a token").to_owned();
    let own = Server::at(child, public);

    // What is for this user alone is on no public route, with a wrong token, none, or that of the other listener.
    let private_token = VARIABLES[1].1;
    for path in ["/own/v1/report", "/own/v1/sessions", "/own", "/login", "/otlp/v1/traces", "/otlp/v1/logs"] {
        assert_eq!(own.ask("GET", path).0, 404, "{path}");
        assert_eq!(own.ask("GET", &format!("{path}?token={private_token}")).0, 404, "{path}");
    }
    for path in
        ["/local/export", "/local/query?sql=SELECT+1&rows=1&seconds=1", "/local/views", "/local/accept"]
    {
        let (status, body) = own.ask("GET", path);
        assert!([404, 405].contains(&status), "{path}: {status}");
        assert!(!String::from_utf8_lossy(&body).contains(&token), "{path}");
        let joined = if path.contains('?') { '&' } else { '?' };
        let (status, _) = own.ask("GET", &format!("{path}{joined}token={private_token}"));
        assert!([404, 405].contains(&status), "{path}: {status}");
    }
    // The private listener serves nothing without its token, and never the store.
    let asked = |path: &str| Server::ask_at(&private, "GET", path).0;
    for path in ["/", "/own/v1/report", "/own/v1/sessions"] {
        let status = asked(path);
        assert!([303, 401].contains(&status), "{path}: {status}");
    }
    for path in ["/local/views", "/api/v1/models", "/models"] {
        let status = asked(path);
        assert!([303, 401, 404].contains(&status), "{path}: {status}");
    }
    for path in ["/", "/status", "/api/v1/status", "/metrics", "/readyz", "/no/such/page"] {
        let (_, body) = own.ask("GET", path);
        let text = String::from_utf8_lossy(&body);
        clean(path, &text);
        assert!(!text.contains(&token), "{path} has the token of the data folder");
    }
    #[cfg(target_os = "linux")]
    {
        let listed = fs::read(format!("/proc/{}/cmdline", own.pid())).expect("its arguments");
        let listed = String::from_utf8_lossy(&listed);
        clean("the process list", &listed);
        assert!(!listed.contains(&token));
    }
    let through = printed(data.path(), &["query", "SELECT count(*) FROM runs"]);
    clean("a command through the server", &through);
    assert!(!through.contains(&token), "{through}");
    assert_eq!(own.terminate(), Some(0));
    let logged = fs::read_to_string(&log).expect("read");
    clean("the log", &logged);
    assert!(!logged.contains(&token), "the log has the token of the data folder");
    assert_eq!(mode, 0o600, "only its owner reads the announcement");
}
