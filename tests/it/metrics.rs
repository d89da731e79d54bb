//! The metrics: their syntax, and that documents, dashboard and alerting rules name the ones that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hitrate::clock::SystemClock;
use hitrate::pipeline::CollectOptions;
use hitrate::serve::{Content, Server, collect_and_publish};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::binary::{command, finish, hitrate};
use crate::rig::folder;
use crate::upstream::{Upstream, day, pipeline_with};

/// Metrics that exist only while a history import has requests left.
const ONLY_DURING_AN_IMPORT: [&str; 2] =
    ["hitrate_history_requests_answered", "hitrate_history_requests_planned"];

fn file(path: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The metrics of a service that collected once, published, and has a receiver of alerts.
async fn metrics() -> String {
    let (data, upstream) = (folder(), Upstream::serve().await);
    let receivers =
        "[[alerts.receivers]]\nname = \"ops\"\nkind = \"slack\"\nurl_env = \"NO_SUCH_VARIABLE\"\n";
    let pipeline = Arc::new(pipeline_with(data.path(), receivers));
    let time = day(10);
    upstream.set_now(time);
    let options =
        CollectOptions { upstream: Some(upstream.url()), at: Some(time), rate: Some(0.0), simulated: true };
    let cancel = CancellationToken::new();
    collect_and_publish(pipeline.clone(), &options, &cancel).await.expect("collected and published");
    let content = Content::of(&pipeline);
    let server = Server::bind(content, Arc::new(SystemClock), ([127, 0, 0, 1], 0).into()).await;
    let server = server.expect("it listens");
    let address = server.url().strip_prefix("http://").expect("http").to_owned();
    let stop = cancel.clone();
    let ended = tokio::spawn(async move { server.run(stop).await.expect("it stops") });
    let get = |path: &'static str| {
        let address = address.clone();
        let asked = move || {
            let mut stream = TcpStream::connect(&address).expect("it listens");
            let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).expect("sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("answered");
            let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            body.to_owned()
        };
        async { tokio::task::spawn_blocking(asked).await.expect("asked") }
    };
    get("/livez").await;
    let text = get("/metrics").await;
    cancel.cancel();
    ended.await.expect("ended");
    text
}

/// The families of an OpenMetrics text with their types. Panics if the text breaks the rules of the format.
fn families(text: &str) -> BTreeMap<String, String> {
    let mut types: BTreeMap<String, String> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut family = String::new();
    assert!(text.ends_with("# EOF\n"), "it ends with its end mark");
    assert_eq!(text.matches("# EOF").count(), 1);
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (kind, name) = (words.next().expect("a word"), words.next().expect("a name"));
            let value = words.next().unwrap_or_default();
            match kind {
                "HELP" => assert!(value.ends_with('.') && value.len() > 5, "{line}"),
                "TYPE" => {
                    assert!(["counter", "gauge", "histogram", "info"].contains(&value), "{line}");
                    assert!(types.insert(name.to_owned(), value.to_owned()).is_none(), "twice: {line}");
                    name.clone_into(&mut family);
                }
                "UNIT" => assert!(name.ends_with(&format!("_{value}")), "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
        assert!(seen.insert(series.to_owned()), "the series occurs twice: {line}");
        let (name, labels) = series.split_once('{').map_or((series, ""), |(name, rest)| (name, rest));
        assert!(labels.is_empty() || labels.ends_with('}'), "{line}");
        assert!(labels.matches('"').count().is_multiple_of(2), "{line}");
        let endings: &[&str] = match types.get(&family).map(String::as_str) {
            Some("counter") => &["_total"],
            Some("gauge") => &[""],
            Some("info") => &["_info"],
            Some("histogram") => &["_bucket", "_count", "_sum"],
            other => panic!("{line}: {other:?}"),
        };
        assert!(endings.iter().any(|ending| name == format!("{family}{ending}")), "{line} in {family}");
    }
    types
}

/// The names as queries use them.
fn names(families: &BTreeMap<String, String>) -> BTreeSet<String> {
    let name = |(family, kind): (&String, &String)| match kind.as_str() {
        "counter" => format!("{family}_total"),
        "info" => format!("{family}_info"),
        _ => family.clone(),
    };
    families.iter().map(name).collect()
}

/// The metrics that an expression names; a histogram by its family.
fn named(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = words.filter(|word| word.starts_with("hitrate_") || word.starts_with("process_"));
    ours.map(|word| word.strip_suffix("_bucket").unwrap_or(word).to_owned()).collect()
}

/// The metrics of the table in the document.
fn documented() -> BTreeSet<String> {
    let text = file("docs/operations.md");
    let section =
        text.split("\n## Metrics").nth(1).expect("a section").split("\n## ").next().expect("its text");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.filter(|name| name.contains('_')).map(str::to_owned).collect()
}

/// The alerting rules, each with its keys. The file has one key a line; a line of another form fails.
fn rules() -> Vec<BTreeMap<String, String>> {
    let text = file("deploy/prometheus/alerts.yml");
    let mut rules: Vec<BTreeMap<String, String>> = Vec::new();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines.skip_while(|line| !line.starts_with("- alert:")) {
        let line = line.strip_prefix("- ").inspect(|_| rules.push(BTreeMap::new())).unwrap_or(line);
        let (key, value) = line.split_once(':').unwrap_or_else(|| panic!("{line}"));
        let value = value.trim();
        let quoted = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
        let value = quoted.map_or_else(|| value.to_owned(), |value| value.replace("''", "'"));
        let rule = rules.last_mut().expect("a rule");
        assert!(rule.insert(key.to_owned(), value).is_none(), "twice in a rule: {line}");
    }
    rules
}

/// Every `expr` of a document in JSON.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| expressions(one, found)),
        Value::Object(fields) => {
            for (name, one) in fields {
                match one.as_str().filter(|_| name == "expr") {
                    Some(text) => found.push(text.to_owned()),
                    None => expressions(one, found),
                }
            }
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_dashboard_and_rules_name_the_metrics_that_exist() {
    let text = metrics().await;
    let there = names(&families(&text));
    let documented = documented();
    let only_documented: Vec<&String> = documented
        .difference(&there)
        .filter(|name| !ONLY_DURING_AN_IMPORT.contains(&name.as_str()))
        .collect();
    assert!(only_documented.is_empty(), "these do not exist: {only_documented:?}\n{text}");
    let missing: Vec<&String> = there.difference(&documented).collect();
    assert!(missing.is_empty(), "docs/operations.md does not explain {missing:?}");

    let dashboard: Value = serde_json::from_str(&file("deploy/grafana/hitrate.json")).expect("JSON");
    assert!(dashboard["schemaVersion"].as_u64() > Some(30) && dashboard["uid"] == "hitrate");
    assert_eq!(dashboard["templating"]["list"][0]["type"], "datasource");
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "an id occurs twice: {panel}");
        let position = &panel["gridPos"];
        assert!(
            position["x"].as_u64().zip(position["w"].as_u64()).is_some_and(|(x, w)| x + w <= 24),
            "{panel}"
        );
    }
    let mut queries = Vec::new();
    expressions(&dashboard, &mut queries);
    assert!(queries.len() > 20, "{}", queries.len());
    queries.extend(rules().iter().map(|rule| rule["expr"].clone()));
    for query in &queries {
        let used = named(query);
        assert!(!used.is_empty() || query.contains("up{"), "{query}");
        let unknown: Vec<&String> = used.difference(&documented).collect();
        assert!(unknown.is_empty(), "`{query}` names {unknown:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_and_its_publication_are_counted() {
    let text = metrics().await;
    let value = |series: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().expect("a number")
    };
    let accepted =
        ["ok", "partial"].map(|status| value(&format!("hitrate_runs_total{{status=\"{status}\"}}")));
    assert_eq!(accepted.iter().sum::<f64>(), 1.0);
    assert_eq!(value("hitrate_runs_total{status=\"failed\"}"), 0.0);
    assert_eq!(value("hitrate_publications_total"), 1.0);
    assert_eq!(value("hitrate_collect_errors_total"), 0.0);
    assert_eq!(value("hitrate_consecutive_failures"), 0.0);
    let newest =
        ["ok", "partial"].map(|status| value(&format!("hitrate_last_run_status{{status=\"{status}\"}}")));
    assert_eq!(newest.iter().sum::<f64>(), 1.0);
    assert_eq!(value("hitrate_store_ok"), 1.0);
    assert_eq!(value("hitrate_alert_receivers{state=\"on\"}"), 1.0);
    assert_eq!(value("hitrate_http_response_seconds_count{area=\"health\"}"), 1.0);
    assert!(value("hitrate_upstream_answers_total{outcome=\"ok\"}") > 10.0);
    assert!(value("hitrate_data_age_seconds") > 0.0);
    assert!(value("hitrate_data_bytes{part=\"archive\"}") > 1000.0);
    assert!(value("hitrate_disk_available_bytes") > 0.0);
}

#[test]
fn every_alert_is_explained_in_the_runbook() {
    let runbook = file("docs/operations.md");
    let runbook =
        runbook.split("\n## Runbook").nth(1).expect("a runbook").split("\n## ").next().expect("its text");
    let mut alerts = BTreeSet::new();
    for rule in rules() {
        let name = &rule["alert"];
        assert!(alerts.insert(name.clone()), "{name} occurs twice");
        assert!(rule["for"].ends_with(['m', 'h']), "{rule:?}");
        assert!(["critical", "warning", "info"].contains(&rule["severity"].as_str()), "{rule:?}");
        assert!(rule["summary"].len() > 10 && rule["description"].len() > 10, "{rule:?}");
        assert_eq!(rule["runbook_url"], format!("docs/operations.md#{}", name.to_lowercase()));
    }
    assert!(alerts.len() > 15, "{alerts:?}");
    let entries = runbook.lines().filter_map(|line| line.strip_prefix("### "));
    assert_eq!(entries.map(str::to_owned).collect::<BTreeSet<_>>(), alerts);
    assert!(file("deploy/prometheus/scrape.yml").contains("job_name: hitrate\n"));
}

#[test]
fn each_line_of_the_log_is_one_object_if_json_is_requested() {
    let data = folder();
    let arguments = ["--log-format", "json", "collect", "--upstream", "http://127.0.0.1:9"];
    let ran = finish(
        command().arg("--data-dir").arg(data.path()).args(arguments).env("HITRATE_LOG", "hitrate=debug"),
    );
    assert_eq!(ran.code, 4, "{ran:?}");
    let lines: Vec<&str> = ran.err.lines().filter(|line| line.starts_with('{')).collect();
    assert!(!lines.is_empty(), "{ran:?}");
    let mut with_run = 0;
    for line in lines {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(
            entry["time"].is_string() && entry["level"].is_string() && entry["message"].is_string(),
            "{line}"
        );
        with_run += usize::from(entry["run_id"].is_string());
    }
    assert!(with_run > 0, "the lines of the sweep name the run: {}", ran.err);
    // The error that ends a command, too.
    let ended = hitrate(data.path(), &["--log-format", "json", "tiers"]);
    assert_eq!((ended.code, ended.err.lines().count()), (1, 1), "{ended:?}");
    let entry: Value = serde_json::from_str(&ended.err).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    assert_eq!(entry["level"], "ERROR");
    assert!(entry["message"].as_str().is_some_and(|text| text.contains("hitrate collect")), "{entry}");
    let wrong = hitrate(data.path(), &["--log-format", "xml", "status"]);
    assert!(wrong.code == 2 && wrong.err.contains("text, json"), "{wrong:?}");
}
