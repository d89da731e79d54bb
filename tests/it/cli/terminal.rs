//! What a terminal and a pipe receive: tables that fit, tab-separated values, colour, and the same JSON as the API.

use super::filled;
use crate::binary::{Ran, Server, command, finish, hitrate};
use crate::rig::folder;
use crate::upstream::day;
use hitrate::clock::{Clock, SystemClock};
use hitrate::domain::finding::{Check, Finding};
use hitrate::domain::reading::RunStatus;
use hitrate::snapshot::{Snapshot, SuspectRun, store};
use serde_json::Value;
use std::path::Path;

fn snapshot(data: &Path) -> Snapshot {
    store::load(&data.join("snapshots")).expect("readable").expect("there")
}

/// Saves a changed snapshot.
fn change(data: &Path, change: impl FnOnce(&mut Snapshot)) {
    let mut snapshot = snapshot(data);
    change(&mut snapshot);
    store::save(&data.join("snapshots"), &snapshot).expect("saved");
}

/// The commands that print tables of a snapshot.
fn with_tables(model: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["tiers"],
        vec!["tiers", "--lens", "cache"],
        vec!["model", model],
        vec!["cost", model],
        vec!["cost", "--across"],
        vec!["changes"],
        vec!["status"],
        vec!["prefs", "--list-targets"],
        vec!["check", "numbers"],
    ]
}

fn in_terminal(data: &Path, columns: &str, arguments: &[&str]) -> Ran {
    let ran = command()
        .env("COLUMNS", columns)
        .arg("--data-dir")
        .arg(data)
        .args(arguments)
        .args(["--table", "text"])
        .output();
    let ran = ran.expect("the program runs");
    Ran {
        code: ran.status.code().unwrap_or(-1),
        out: String::from_utf8(ran.stdout).expect("UTF-8"),
        err: String::from_utf8_lossy(&ran.stderr).into_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_fit_the_terminal_and_wide_shows_all() {
    let (data, model) = filled().await;
    for arguments in with_tables(&model) {
        let mut widths = Vec::new();
        for columns in ["40", "60", "80", "120"] {
            let ran = in_terminal(data.path(), columns, &arguments);
            let most: usize = columns.parse().expect("a number");
            assert!(ran.code <= 1 && !ran.out.is_empty(), "{arguments:?}: {ran:?}");
            for line in ran.out.lines() {
                assert!(line.chars().count() <= most, "{arguments:?} at {columns}: {line:?}");
            }
            let rule = ran.out.lines().find(|line| line.starts_with('─')).expect("a table");
            widths.push(rule.chars().count());
        }
        assert!(widths.is_sorted(), "{arguments:?}: a wider terminal shows more: {widths:?}");
        let wide = in_terminal(data.path(), "40", &[&arguments[..], &["--wide"]].concat());
        assert!(!wide.out.contains("Not shown:"), "{arguments:?}: {}", wide.out);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_receives_tab_separated_values() {
    let (data, model) = filled().await;
    for arguments in with_tables(&model) {
        let ran = hitrate(data.path(), &arguments);
        for table in ran.out.trim_end_matches('\n').split("\n\n") {
            let lines: Vec<&str> = table.lines().collect();
            let columns = lines[0].split('\t').count();
            assert!(columns > 2, "{arguments:?}: {}", lines[0]);
            let machine =
                |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            assert!(lines[0].split('\t').all(machine), "{arguments:?}: {}", lines[0]);
            assert!(lines.iter().all(|line| line.split('\t').count() == columns), "{arguments:?}: {table}");
            assert!(!table.contains('\u{1b}') && !table.contains('─'), "{arguments:?}: {table}");
        }
    }
    // The columns are those of the API's CSV, and the values too.
    let server = Server::of(data.path());
    for (arguments, address) in [
        (vec!["tiers"], "/api/v1/tiers?format=csv".to_owned()),
        (vec!["model", &model], format!("/api/v1/models/{model}?format=csv")),
        (vec!["changes", "--limit", "0"], "/api/v1/changes?format=csv".to_owned()),
    ] {
        let csv = String::from_utf8(server.ask("GET", &address).1).expect("UTF-8");
        let tsv = hitrate(data.path(), &arguments).out;
        let header = csv.lines().next().expect("a header").replace(',', "\t");
        assert_eq!(tsv.lines().next(), Some(header.as_str()), "{arguments:?}");
        assert_eq!(tsv.lines().count(), csv.lines().count(), "{arguments:?}");
    }
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn colour_is_for_terminals_unless_it_is_requested() {
    let (data, _) = filled().await;
    let colours = |arguments: &[&str]| hitrate(data.path(), arguments).out.contains('\u{1b}');
    assert!(!colours(&["tiers", "--table", "text"]), "standard output is a pipe");
    assert!(colours(&["tiers", "--table", "text", "--color", "always"]));
    assert!(!colours(&["tiers", "--table", "text", "--color", "never"]));
    assert!(!colours(&["tiers", "--color", "always"]), "tab-separated values have no colour");
    let none = finish(
        command().env("NO_COLOR", "1").arg("--data-dir").arg(data.path()).args(["tiers", "--table", "text"]),
    );
    assert!(none.code == 0 && !none.out.contains('\u{1b}'), "{none:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_is_the_data_of_the_api() {
    let (data, model) = filled().await;
    // At the time of the snapshot the preferences are not stale.
    let now = snapshot(data.path()).as_of.to_rfc3339();
    let arguments = ["serve", "--now", now.as_str(), "--listen", "127.0.0.1:0"];
    let server = Server::start(command().arg("--data-dir").arg(data.path()).args(arguments));
    let data_of = |address: &str| -> Value {
        let (status, body) = server.ask("GET", address);
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(status, 200, "{address}: {answer}");
        answer["data"].clone()
    };
    for (arguments, address) in [
        (vec!["tiers"], "tiers".to_owned()),
        (vec!["tiers", "--lens", "cache"], "tiers?lens=cache".to_owned()),
        (
            vec!["tiers", "--lens", "overall", "--workload", "chat"],
            "tiers?lens=overall&workload=chat".to_owned(),
        ),
        (vec!["model", &model], format!("models/{model}")),
        (vec!["cost", &model], format!("cost/{model}")),
        (
            vec!["cost", &model, "--workload", "rag", "--cache-ttl", "1h"],
            format!("cost/{model}?workload=rag&cache_ttl=1h"),
        ),
        (vec!["cost", "--across", "--top", "100"], "cost".to_owned()),
        (vec!["cost", "--across", "--best", "--top", "5"], "cost?best=true&limit=5".to_owned()),
        (vec!["status"], "status".to_owned()),
        (vec!["workload", "show"], "workloads".to_owned()),
        (vec!["prefs", "--list-targets"], "targets".to_owned()),
    ] {
        let ran = hitrate(data.path(), &[&arguments[..], &["--json"]].concat());
        assert_eq!(ran.json(), data_of(&format!("/api/v1/{address}")), "{arguments:?}");
    }
    for (arguments, address) in [
        (vec!["changes", "--limit", "100"], "changes"),
        (vec!["changes", "--kind", "tier_changed", "--limit", "3"], "changes?kind=tier_changed&limit=3"),
    ] {
        let ran = hitrate(data.path(), &[&arguments[..], &["--json"]].concat());
        assert_eq!(ran.json()["changes"], data_of(&format!("/api/v1/{address}")), "{arguments:?}");
    }
    let answers = [
        hitrate(data.path(), &["prefs", &model, "--for", "litellm", "--json"]).json(),
        data_of(&format!("/api/v1/preferences/{model}?target=litellm")),
    ];
    // The command line warns that the data are old.
    let [command_line, api] = answers.map(|mut answer| {
        answer["warnings"] = Value::Null;
        answer
    });
    assert_eq!(command_line, api);
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_says_by_its_exit_code_whether_the_data_are_current() {
    let (data, _) = filled().await;
    let stale = hitrate(data.path(), &["status", "--table", "text"]);
    assert_eq!(stale.code, 1, "{stale:?}");
    assert!(
        stale.out.starts_with("stale: The newest data are ") && stale.out.contains("hitrate collect"),
        "{}",
        stale.out
    );
    assert!(stale.out.contains("run (UTC)") && stale.out.contains("2026-"), "{}", stale.out);

    change(data.path(), |snapshot| snapshot.as_of = SystemClock.now());
    let ok = hitrate(data.path(), &["status", "--table", "text"]);
    assert!(ok.code == 0 && ok.out.starts_with("ok: The newest data are less than an hour old"), "{ok:?}");
    let runs = |arguments: &[&str]| {
        let ran = hitrate(data.path(), arguments);
        assert!(ran.err.starts_with("ok: "), "a pipe keeps the verdict on standard error: {ran:?}");
        ran.out.split("\n\n").next().expect("the runs").lines().count() - 1
    };
    assert_eq!(
        (runs(&["status"]), runs(&["status", "--runs", "1"]), runs(&["status", "--runs", "0"])),
        (3, 1, 3)
    );

    for (status, code, start) in [
        (RunStatus::Partial, 0, "partial: Working, with gaps: "),
        (RunStatus::Failed, 1, "failed: The newest run failed. "),
    ] {
        change(data.path(), |snapshot| snapshot.status.runs[0].status = status);
        let ran = hitrate(data.path(), &["status", "--table", "text"]);
        assert!(ran.code == code && ran.out.starts_with(start), "{ran:?}");
        assert!(ran.out.contains("The newest data are less than an hour old"), "{ran:?}");
    }
    change(data.path(), |snapshot| snapshot.status.runs[0].status = RunStatus::Ok);

    change(data.path(), |snapshot| {
        let finding = Finding {
            field: "effective_pricing.cacheHitRate".to_owned(),
            check: Check::Shifted,
            before: None,
            after: None,
            detail: "shifted\u{1b}[31m".to_owned(),
        };
        let run_id = "20260813T125700Z".to_owned();
        snapshot.status.suspect = Some(SuspectRun { run_id, observed_at: day(13), findings: vec![finding] });
    });
    let suspect = hitrate(data.path(), &["status", "--table", "text"]);
    assert_eq!(suspect.code, 1, "{suspect:?}");
    for part in [
        "suspect: The newest run is not published",
        "cacheHitRate: shifted",
        "hitrate accept 20260813T125700Z --all",
    ] {
        assert!(suspect.out.contains(part), "{part}: {}", suspect.out);
    }
    assert!(!suspect.out.contains('\u{1b}'), "control characters stay out of the terminal");

    let server = Server::of(data.path());
    let asked = hitrate(data.path(), &["status", "--url", &server.url, "--json"]);
    assert_eq!((asked.code, asked.json()), (1, hitrate(data.path(), &["status", "--json"]).json()));
    let wrong = hitrate(data.path(), &["status", "--url", &format!("{}/nowhere", server.url)]);
    assert!(wrong.code == 1 && wrong.err.contains("responded with status 404"), "{wrong:?}");
    assert_eq!(server.terminate(), Some(0));
    let empty = folder();
    let nothing = hitrate(empty.path(), &["status"]);
    assert!(nothing.code == 1 && nothing.err.contains("there is no snapshot"), "{nothing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_prints_the_address_of_a_page_that_exists() {
    let (data, model) = filled().await;
    let nowhere = hitrate(data.path(), &["open", &model]);
    assert_eq!((nowhere.code, nowhere.out.as_str()), (1, ""), "{nowhere:?}");
    assert!(
        nowhere.err.contains("hitrate serve") && nowhere.err.contains("serve.public_url"),
        "{}",
        nowhere.err
    );

    let server = Server::of(data.path());
    let open = hitrate(data.path(), &["open", &model]);
    assert_eq!(open.code, 0, "{open:?}");
    let path = open.out.trim_end().strip_prefix(&server.url).expect("the address of the server");
    assert_eq!(server.ask("GET", path).0, 200, "{path}");
    let slug = hitrate(data.path(), &["model", &model, "--json"]).json()["slug"].clone();
    let by_slug = hitrate(data.path(), &["open", slug.as_str().expect("a slug"), "--json"]);
    assert_eq!(by_slug.json()["url"].as_str(), Some(open.out.trim_end()));
    assert_eq!(server.terminate(), Some(0));

    std::fs::write(data.path().join("hitrate.toml"), "[serve]\npublic_url = \"https://me.example/tiers\"\n")
        .expect("written");
    let public = hitrate(data.path(), &["open", &model]);
    assert!(public.out.starts_with("https://me.example/tiers/models/"), "{public:?}");
    let wrong = hitrate(data.path(), &["open", "no/model"]);
    assert!(wrong.code == 1 && wrong.err.contains("there is no model `no/model`"), "{wrong:?}");
}
