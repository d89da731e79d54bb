//! The contracts of `hitrate traffic costs` and `hitrate traffic plans`.

use crate::binary::{command, finish, hitrate};
use crate::rig::folder;
use crate::sample;
use hitrate::clock::{Clock, SystemClock};
use std::fs;

/// A data folder with a snapshot and without any traffic.
fn data() -> tempfile::TempDir {
    let data = folder();
    let snapshots = data.path().join("snapshots");
    hitrate::snapshot::store::save(&snapshots, &sample::snapshot()).expect("saved");
    data
}

#[test]
fn no_traffic_is_no_error() {
    let data = data();
    let costs = hitrate(data.path(), &["traffic", "costs", "--json"]).json();
    assert_eq!((&costs["calls"], &costs["models"]), (&0.into(), &serde_json::json!([])));
    assert!(costs["followed"]["covered_share"].is_null() && costs["from"].is_null(), "{costs}");
    let text = hitrate(data.path(), &["traffic", "costs", "--table", "text"]);
    assert!(text.code == 0 && text.out.contains("No call can be priced."), "{text:?}");
    let plans = hitrate(data.path(), &["traffic", "plans", "--json"]).json();
    assert_eq!(plans["calls"], 0);
    assert!(plans["plans"].as_array().is_some_and(|plans| plans.len() > 3), "{plans}");
    assert!(!data.path().join("traffic").exists(), "a question creates no database");
}

/// Two calls of one model.
fn import_two(data: &std::path::Path) {
    import_two_at(data, 1_790_000_000);
}

/// The same, the first at this Unix time and the second a minute later.
fn import_two_at(data: &std::path::Path, created: i64) {
    let line = |id: &str, created: i64, prompt: u32| {
        serde_json::json!({
            "id": id, "object": "chat.completion", "created": created, "model": "northwind/atlas-3",
            "choices": [{"index": 0, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": prompt, "completion_tokens": 200, "total_tokens": prompt + 200,
                "prompt_tokens_details": {"cached_tokens": 0},
            },
        })
        .to_string()
    };
    let log = data.join("log.jsonl");
    fs::write(&log, [line("a", created, 5_000), line("b", created + 60, 6_000)].join("\n")).expect("written");
    let imported = hitrate(data, &["traffic", "import", &log.display().to_string()]);
    assert_eq!(imported.code, 0, "{imported:?}");
}

#[test]
fn the_endpoints_of_a_model_are_compared_for_the_own_workload() {
    let data = data();
    let model = ["model", "northwind/atlas-3", "--workload"];
    let with =
        |workload: &str, extra: &[&str]| hitrate(data.path(), &[&model[..], &[workload], extra].concat());
    let empty = with("mine", &[]);
    assert!(empty.code == 1 && empty.err.contains("hitrate traffic import PATH"), "{empty:?}");
    import_two_at(data.path(), SystemClock.now().timestamp() - 3600);
    let own = with("mine", &["--json"]).json();
    let cost =
        |model: &serde_json::Value, workload: &str| model["endpoints"][0]["session_cost"][workload].as_f64();
    assert!(cost(&own, "mine").is_some_and(|usd| usd > 0.0), "{own}");
    let text = with("mine", &["--table", "text"]);
    assert!(text.out.contains("session: mine"), "{text:?}");
    let plain = hitrate(data.path(), &["model", "northwind/atlas-3", "--json"]).json();
    assert_eq!((cost(&plain, "mine"), cost(&plain, "chat")), (None, cost(&own, "chat")));
    assert_eq!(with("chat", &["--json"]).json(), plain, "a workload of the snapshot changes nothing");
    assert!(with("nothing", &[]).err.contains("nothing"));
}

#[test]
fn a_model_without_own_calls_is_an_error_that_names_those_with_calls() {
    let data = data();
    import_two(data.path());
    for verb in ["costs", "plans"] {
        let run = hitrate(data.path(), &["traffic", verb, "--model", "northwind/atlas-3:free"]);
        let expected =
            "there is no model `northwind/atlas-3:free` in your traffic (expected one of northwind/atlas-3";
        assert!(run.code == 1 && run.err.contains(expected), "{run:?}");
    }
}

#[test]
fn imported_calls_are_priced() {
    let data = data();
    import_two(data.path());
    let costs = hitrate(data.path(), &["traffic", "costs", "--json"]).json();
    assert_eq!(costs["calls"], 2, "{costs}");
    let model = &costs["models"][0];
    assert_eq!(
        (&model["model_id"], &model["prompt_tokens"]),
        (&"northwind/atlas-3".into(), &11_000.0.into())
    );
    assert!(model["hosts"][0]["usd"].as_f64().is_some_and(|usd| usd > 0.0), "{model}");
    let only = ["traffic", "costs", "--model", "northwind/atlas-3", "--to", "2026-01-01", "--json"];
    assert_eq!(hitrate(data.path(), &only).json()["calls"], 0, "no call is that old");
    let plans = hitrate(data.path(), &["traffic", "plans", "--json"]).json();
    assert_eq!(plans["calls"], 2);
}

#[test]
fn a_workload_is_compared_and_wrong_arguments_are_explained() {
    let data = data();
    let model = "northwind/atlas-3";
    let workload = ["traffic", "plans", "--workload", "chat", "--model", model, "--sessions-per-day"];
    let with = |extra: &[&str]| hitrate(data.path(), &[&workload[..], extra].concat());
    let found = with(&["2", "--json"]).json();
    assert_eq!(found["days"], 30.0);
    let excluded = &found["plans"][0]["excluded"][0];
    assert!(excluded["model_id"] == model || found["plans"][0]["offered_calls"] != 0, "{found}");
    for (arguments, said) in [
        (&["0"][..], "must be a number above 0"),
        (&["0.001"], "less than one session"),
        (&["1e9"], "choose a lower number"),
        (&["2", "--plan", "nothing"], "unknown plan `nothing`: one of ollama-cloud-pro"),
        (&["2", "--plan", "opencode-go", "--used-percent", "0"], "--used-percent must be above 0"),
    ] {
        let refused = with(arguments);
        assert!(refused.code == 1 && refused.err.contains(said), "{arguments:?}: {refused:?}");
    }
    let unknown = hitrate(data.path(), &["traffic", "costs", "--model", "no/model"]);
    assert!(unknown.code == 1 && unknown.err.contains("there is no model `no/model`"), "{unknown:?}");
    let days = ["traffic", "costs", "--from", "2026-10-02", "--to", "2026-10-01"];
    assert!(hitrate(data.path(), &days).err.contains("--from 2026-10-02 is after --to 2026-10-01"));
    assert_eq!(hitrate(data.path(), &["traffic", "plans", "--workload", "chat"]).code, 2);
}

#[test]
fn own_plans_come_from_a_file_or_the_settings() {
    let data = data();
    let own = "[[plan]]\nname = \"mine\"\ntitle = \"<b>Mine</b>\u{202e}\"\nusd_month = 5\nfrom = 2026-01-01\n\
        allowance = { kind = \"requests\" }\nwindow = [{ hours = 24, limit = 100 }]\n";
    fs::write(data.path().join("plans.toml"), own).expect("written");
    let file = data.path().join("plans.toml").display().to_string();
    let by_option =
        hitrate(data.path(), &["traffic", "plans", "--plans", &file, "--plan", "mine", "--json"]).json();
    assert_eq!(by_option["plans"][0]["plan"]["name"], "mine");
    fs::write(data.path().join("hitrate.toml"), "[traffic]\nplans = \"plans.toml\"\n").expect("written");
    let by_setting = hitrate(data.path(), &["traffic", "plans", "--plan", "mine", "--table", "text"]);
    assert!(by_setting.code == 0 && !by_setting.out.contains('\u{202e}'), "{by_setting:?}");
    fs::write(data.path().join("plans.toml"), own.replace("limit = 100", "limit = 0")).expect("written");
    let wrong = hitrate(data.path(), &["traffic", "plans"]);
    assert!(wrong.code == 1 && wrong.err.contains("plan `mine`: `window.limit` is 0"), "{wrong:?}");
    fs::write(data.path().join("plans.toml"), own.replace("\"mine\"", "\"opencode-go\"")).expect("written");
    let clash = hitrate(data.path(), &["traffic", "plans"]);
    assert!(clash.err.contains("has the name of a plan that ships"), "{clash:?}");
    fs::remove_file(data.path().join("plans.toml")).expect("removed");
    assert!(hitrate(data.path(), &["traffic", "plans"]).err.contains("cannot read the plans in"));
}

/// The text of a command in a terminal of 80 columns.
fn text(data: &std::path::Path, arguments: &[&str]) -> String {
    let mut command = command();
    command.env("COLUMNS", "80").arg("--data-dir").arg(data).args(["--table", "text"]).args(arguments);
    let ran = finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let longest = ran.out.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    assert!(longest <= 80, "{longest} columns: {}", ran.out);
    ran.out
}

#[test]
fn the_text_begins_with_the_answer_and_says_nothing_twice() {
    let data = data();
    import_two(data.path());
    let shown = text(data.path(), &["traffic", "costs"]);
    let place = |words: &str| shown.find(words).unwrap_or_else(|| panic!("`{words}` is missing: {shown}"));
    assert!(place("2 calls from") < place("cheapest endpoint"), "{shown}");
    assert!(place("cheapest endpoint") < place("Cost at the endpoints:"), "{shown}");
    assert!(place("Cost at the endpoints:") < place("Notes:"), "{shown}");
    let endpoints = hitrate(data.path(), &["traffic", "costs", "--json"]).json()["models"][0]["hosts"]
        .as_array()
        .map_or(0, Vec::len);
    let rows = |shown: &str| {
        let table = shown.split("Cost at the endpoints:").nth(1).expect("a table");
        table
            .lines()
            .skip(3)
            .take_while(|line| !line.starts_with("Not") && !line.contains("not shown"))
            .count()
    };
    assert!(endpoints > 5, "the sample has {endpoints} endpoints");
    assert_eq!(rows(&shown), 5, "{shown}");
    let more = endpoints - 5;
    let verb = if more == 1 { "endpoint is" } else { "endpoints are" };
    assert!(shown.replace('\n', " ").contains(&format!("{more} more {verb} not shown")), "{shown}");
    let all = text(data.path(), &["traffic", "costs", "--all"]);
    assert!(!all.contains("not shown (--all") && rows(&all) == endpoints, "{all}");
    let piped = hitrate(data.path(), &["traffic", "costs"]).out;
    assert_eq!(piped.lines().count(), endpoints + 1, "a pipe receives all endpoints");
    let plans = text(data.path(), &["traffic", "plans"]);
    assert!(plans.contains("2 calls from") && plans.contains("saves"), "{plans}");
    for output in [&shown, &plans] {
        let mut notes: Vec<&str> = output.split("\n- ").skip(1).collect();
        let count = notes.len();
        notes.sort_unstable();
        notes.dedup();
        assert_eq!(notes.len(), count, "{output}");
        assert!(!output.contains("1 calls") && !output.contains("1 sessions"), "{output}");
    }
}
