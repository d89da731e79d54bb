//! The contracts of the command line: exit codes, standard output, and the fields that programs rely on.

mod changes;
mod cost;
mod mcp;
mod served;
mod terminal;
mod written;

use std::path::Path;

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::{command, finish, hitrate};
use crate::rig::{column, folder, rows, tamper};
use crate::upstream::{Fault, Upstream, collect, day, nobody, pipeline};

fn rfc(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A data folder with a short record and its snapshot, and the public name of a model in it.
async fn filled() -> (TempDir, String) {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    for time in [day(10), day(11), day(12)] {
        collect(&pipeline, &upstream, time).await;
    }
    let snapshot = pipeline.publish().expect("published");
    let model = snapshot.models.iter().find(|model| model.variant.is_standard() && model.endpoints.len() > 2);
    let name = model.expect("a model with three endpoints").model_id.clone();
    (data, name)
}

fn assert_keys(value: &Value, keys: &str) {
    let object = value.as_object().unwrap_or_else(|| panic!("{value} is not an object"));
    for key in keys.split(',') {
        assert!(object.contains_key(key), "`{key}` is missing in {value}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collect_prints_its_report_and_says_by_its_exit_code_how_it_went() {
    const KEYS: &str = "run_id,status,observed_at,window_kind,requests,documents,readings,endpoints,quarantined,drift,duration_ms";
    let upstream = Upstream::serve().await;
    let data = folder();
    let run = |url: &str, time: DateTime<Utc>| {
        upstream.set_now(time);
        let time = rfc(time);
        hitrate(data.path(), &["collect", "--upstream", url, "--at", &time, "--rate", "0", "--json"])
    };
    let ok = run(&upstream.url(), day(11));
    assert_eq!(ok.code, 0, "{ok:?}");
    let report = ok.json();
    assert_keys(&report, KEYS);
    assert_eq!((&report["status"], &report["window_kind"]), (&"ok".into(), &"day_to_date".into()));
    assert_eq!(report["observed_at"], rfc(day(11)));
    assert!(report["quarantined"].is_object() && report["drift"].is_u64() && report["duration_ms"].is_u64());
    assert!(ok.err.contains("contact"), "a warning about the missing contact on standard error: {}", ok.err);

    let again = run(&nobody(), day(11));
    assert_eq!(
        (again.code, &again.json()["run_id"]),
        (0, &report["run_id"]),
        "a known run sends no requests"
    );

    let one = format!("stats/effective-pricing?permaslug={}&", upstream.models().remove(0));
    upstream.set_faults(&[(&one, Fault::Html)]);
    let partial = run(&upstream.url(), day(11) + Duration::hours(1));
    assert_eq!((partial.code, &partial.json()["status"]), (5, &"partial".into()), "{partial:?}");
    upstream.set_faults(&[]);

    let as_of = || hitrate(data.path(), &["tiers", "--json"]).json()["as_of"].clone();
    let current = as_of();
    let down = run(&nobody(), day(11) + Duration::hours(2));
    assert_eq!((down.code, &down.json()["status"]), (4, &"failed".into()), "{down:?}");
    assert_eq!(as_of(), current, "the last good numbers remain");

    upstream.set_faults(&[("stats/effective-pricing", Fault::Html)]);
    let suspect = run(&upstream.url(), day(11) + Duration::hours(3));
    assert_eq!((suspect.code, &suspect.json()["status"]), (7, &"suspect".into()), "{suspect:?}");
    assert_eq!(suspect.json()["findings"][0]["field"], "effective_pricing");
    assert_eq!(as_of(), current, "a suspect run is not published");
    upstream.set_faults(&[]);
    let run_id = suspect.json()["run_id"].as_str().expect("an id").to_owned();
    let wrong = hitrate(data.path(), &["accept", &run_id, "--field", "models"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("effective_pricing"), "the error lists what can be accepted: {}", wrong.err);
    assert_eq!(hitrate(data.path(), &["accept", &run_id]).code, 2, "a field or --all is required");
    let accepted = hitrate(data.path(), &["accept", &run_id, "--all", "--json"]);
    assert_eq!((accepted.code, &accepted.json()["needs_replay"]), (0, &false.into()), "{accepted:?}");
    assert_ne!(as_of(), current);

    let late = run(&upstream.url(), day(5));
    assert_eq!((late.code, late.out.as_str()), (1, ""));
    assert!(late.err.contains("older than the newest one"), "{}", late.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_lens_has_the_fields_of_the_contract() {
    const KEYS: &str = "provider,name,tier,adjusted,measured,low,high,next_low,next_high,traffic_mean,model_mean,models,shared_models,\
        endpoints,tokens_per_day,reason";
    let (data, _) = filled().await;
    for lens in ["cache", "cost", "reliability", "speed", "overall"] {
        let ran = hitrate(data.path(), &["tiers", "--lens", lens, "--json"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let list = ran.json();
        assert_keys(&list, "lens,unit,as_of,method_version,provisional,too_short,window,providers");
        assert_keys(&list["window"], "from,to");
        assert_eq!((&list["lens"], &list["as_of"]), (&lens.into(), &rfc(day(12)).into()));
        let providers = list["providers"].as_array().expect("a list");
        assert!(!providers.is_empty(), "{lens}");
        for provider in providers {
            assert_keys(provider, KEYS);
            let tier = provider["tier"].as_str().expect("a tier");
            assert!(["S", "A", "B", "C", "D", "F", "unrated"].contains(&tier), "{tier}");
            assert!(tier != "unrated" || provider["reason"].is_string(), "{provider}");
        }
        let rates = providers.iter().filter_map(|p| p["adjusted"].as_f64());
        assert!(lens != "cache" || rates.into_iter().all(|rate| rate.abs() <= 1.0), "fractions, not points");
    }
    let table = hitrate(data.path(), &["tiers"]);
    assert!(table.code == 0 && table.err.contains("SIMULATED"), "{table:?}");
    let text = hitrate(data.path(), &["tiers", "--table", "text"]);
    assert!(text.code == 0 && text.out.contains("SIMULATED"), "{text:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn model_and_prefs_have_the_fields_of_the_contract() {
    let (data, name) = filled().await;
    let model = hitrate(data.path(), &["model", &name, "--json"]);
    assert_eq!(model.code, 0, "{model:?}");
    let model = model.json();
    assert_keys(&model, "model_id,slug,variant,endpoints");
    for endpoint in model["endpoints"].as_array().expect("a list") {
        assert_keys(
            endpoint,
            "endpoint_id,provider,name,tag,quantization,hit_rate,tokens_per_day,list,effective,realised_discount,\
             uptime_30m,throughput,latency_ms,tier,why,flags,session_cost,session_cost_now,hit_rate_used,\
             tokens_per_request",
        );
        assert_keys(&endpoint["list"], "input,output,cache_read,cache_write");
        assert_keys(&endpoint["effective"], "input,output");
        assert!(endpoint["hit_rate"].as_f64().is_none_or(|rate| (0.0..=1.0).contains(&rate)));
    }
    let by_slug = hitrate(data.path(), &["model", model["slug"].as_str().expect("a slug"), "--json"]);
    assert_eq!(by_slug.json(), model);

    let tags: Vec<&str> =
        model["endpoints"].as_array().expect("a list").iter().filter_map(|e| e["tag"].as_str()).collect();
    for mode in ["avoid", "shortlist", "pin"] {
        let ran = hitrate(data.path(), &["prefs", &name, "--for", "openrouter", "--mode", mode, "--json"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let preference = ran.json();
        assert_keys(&preference, "model,target,mode,provider,session_id,valid_until,evidence,warnings,why");
        assert_eq!(preference["provider"].is_null(), preference["why"].is_string(), "{preference}");
        for list in ["ignore", "only"] {
            for tag in preference["provider"][list].as_array().into_iter().flatten() {
                assert!(tags.contains(&tag.as_str().expect("a tag")), "{tag} is not a tag of the newest run");
            }
        }
        let warnings = preference["warnings"].to_string();
        assert!(warnings.contains("expired"), "these data are old: {warnings}");
        text_for_a_target(data.path(), &name, mode, &preference);
    }
}

/// Without --json, standard output contains only the text; if there is no text, only an error is printed.
fn text_for_a_target(data: &Path, name: &str, mode: &str, preference: &Value) {
    let ran = hitrate(data, &["prefs", name, "--for", "opencode", "--mode", mode]);
    if preference["provider"].is_null() {
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
        let why = preference["why"].as_str().expect("a reason");
        assert!(ran.err.contains(why), "{why}: {ran:?}");
        return;
    }
    assert_eq!(ran.code, 0, "{ran:?}");
    let options = &ran.json()["provider"]["openrouter"]["models"][name]["options"];
    assert_eq!(options["provider"], preference["provider"]);
    assert!(ran.err.contains("opencode.json") && ran.err.contains("expired"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_as_it_is_written_for_the_router_finds_the_model_and_its_parts_are_explained() {
    let (data, name) = filled().await;
    let avoid = |name: &str| hitrate(data.path(), &["prefs", name, "--mode", "avoid", "--json"]);
    let plain = avoid(&name);
    let written = avoid(&format!("{name}:nitro:online@preset/mine"));
    assert_eq!((plain.code, written.code), (0, 0), "{written:?}");
    let (plain, written) = (plain.json(), written.json());
    assert_eq!((&written["model"], &written["provider"]), (&plain["model"], &plain["provider"]));
    let count = |answer: &Value| answer["warnings"].as_array().expect("a list").len();
    assert_eq!(count(&written), count(&plain) + 3, "{written}");
    for part in ["`:nitro`", "sticky routing", "`:online`", "preset `mine`"] {
        assert!(written["warnings"].to_string().contains(part), "{part}: {written}");
    }
    let alone = avoid("@preset/mine");
    assert!(alone.code == 1 && alone.err.contains("names a preset"), "{alone:?}");
    let unknown = avoid("~absent/family-latest");
    assert!(unknown.code == 1 && unknown.err.contains("there is no model"), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alias_is_the_model_that_the_newest_run_lists_for_it() {
    let (data, _) = filled().await;
    let listed = column(
        data.path(),
        "SELECT alias || ' ' || model_id FROM alias_history WHERE valid_to IS NULL ORDER BY alias",
    );
    assert!(!listed.is_empty(), "the simulated upstream lists aliases");
    let pairs = listed.iter().filter_map(|row| {
        let (alias, model) = row.split_once(' ')?;
        Some((alias.to_owned(), model.to_owned()))
    });
    let has_endpoints = |(_, model): &(String, String)| hitrate(data.path(), &["model", model]).code == 0;
    let (alias, target) = pairs.into_iter().find(has_endpoints).expect("an alias of a model with endpoints");
    let ran = hitrate(data.path(), &["prefs", &format!("{alias}:floor"), "--mode", "pin", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let answer = ran.json();
    assert_eq!(answer["model"], target.as_str());
    let warnings = answer["warnings"].to_string();
    assert!(
        warnings.contains(&format!("`{alias}` is an alias")) && warnings.contains("`:floor`"),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_that_no_endpoint_meets_are_refused_in_every_form() {
    let (data, name) = filled().await;
    for form in [&["--json"][..], &["--for", "litellm"], &["--for", "codex"], &["--mode", "avoid"]] {
        let limited = ["prefs", &name, "--max-input", "0.000001", "--quant-floor", "fp32"];
        let ran = hitrate(data.path(), &[&limited[..], form].concat());
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{form:?}: {ran:?}");
        assert!(ran.err.contains("no endpoint is known to meet all of your limits"), "{form:?}: {ran:?}");
        assert!(ran.err.contains("every request would fail"), "{form:?}: {ran:?}");
    }
}

#[test]
fn the_targets_are_listed_without_any_data() {
    let data = folder();
    let listed = hitrate(data.path(), &["prefs", "--list-targets", "--json"]);
    let names: Vec<String> =
        listed.json().as_array().expect("a list").iter().map(|t| t["name"].to_string()).collect();
    assert_eq!((listed.code, names.len(), names[0].as_str()), (0, 32, "\"openrouter\""));
    let table = hitrate(data.path(), &["prefs", "--list-targets"]);
    assert!(table.code == 0 && table.out.contains("claude-code-router"), "{table:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_data_folder_is_named_before_the_verb_behind_it_or_by_the_environment() {
    let (data, _) = filled().await;
    let before = finish(command().arg("--data-dir").arg(data.path()).args(["tiers", "--json"]));
    let behind = finish(command().args(["tiers", "--json", "--data-dir"]).arg(data.path()));
    let around = finish(command().env("HITRATE_DATA_DIR", data.path()).args(["--json", "tiers"]));
    assert_eq!((before.code, before.out.len() > 100), (0, true), "{before:?}");
    assert_eq!((&before.out, &before.out), (&behind.out, &around.out));
    let empty = folder();
    let nothing = finish(command().current_dir(empty.path()).args(["tiers", "--json"]));
    assert_eq!((nothing.code, nothing.out.as_str()), (1, ""));
    assert!(
        nothing.err.contains("hitrate collect") && nothing.err.contains("hitrate demo"),
        "{}",
        nothing.err
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_past_day_is_recomputed_from_what_was_known_then() {
    let (data, _) = filled().await;
    let past = day(11).date_naive().to_string();
    let ran = hitrate(data.path(), &["tiers", "--as-of", &past, "--json"]);
    assert_eq!((ran.code, &ran.json()["as_of"]), (0, &rfc(day(11)).into()), "{ran:?}");
    assert_eq!(ran.json()["window"]["to"], past);
    // The record as of that day gives the same list.
    let (other, upstream) = (folder(), Upstream::serve().await);
    {
        let pipeline = pipeline(other.path());
        for time in [day(10), day(11)] {
            collect(&pipeline, &upstream, time).await;
        }
        pipeline.publish().expect("published");
    }
    assert_eq!(hitrate(other.path(), &["tiers", "--json"]).json(), ran.json());
    let early = hitrate(data.path(), &["tiers", "--as-of", "2020-01-01", "--json"]);
    assert_eq!((early.code, early.out.as_str()), (1, ""));
    assert!(early.err.contains("no run yet at or before 2020-01-01"), "{}", early.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_name_is_answered_with_the_nearest_ones() {
    let (data, name) = filled().await;
    let wrong = format!("{}x", &name[..name.len() - 1]);
    for verb in ["model", "prefs"] {
        let ran = hitrate(data.path(), &[verb, &wrong, "--json"]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
        assert!(ran.err.contains(&wrong) && ran.err.contains(&name), "{}", ran.err);
    }
    let far = hitrate(data.path(), &["model", "#"]);
    assert!(far.code == 1 && far.err.contains("there is no model `#`"), "{far:?}");
    let workload = hitrate(data.path(), &["tiers", "--lens", "cost", "--workload", "napping"]);
    assert!(workload.code == 1 && workload.err.contains("coding-agent"), "{workload:?}");
}

#[test]
fn a_wrong_command_line_is_told_apart_from_a_failure() {
    let data = folder();
    for arguments in [
        &["tires"][..],
        &["tiers", "--lens", "taste"],
        &["collect", "--at", "yesterday"],
        &["collect", "--rate"],
        &["export", "readings", "--from", "2026-08-01T00:00:00Z"],
        &["export", "days", "--from", "2026-08-01T00:00:00Z"],
        &["export", "days", "--to", "2026-02-30"],
        &["export", "days", "--format", "xml"],
        &["prefs", "a/b", "--mode", "hope"],
        &["prefs", "a/b", "--for", "telex"],
        &["prefs"],
        &["model"],
    ] {
        let ran = hitrate(data.path(), arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}: {ran:?}");
        assert!(!ran.err.is_empty());
    }
    let export = ["export", "readings", "--from", "2026-08-02T00:00:00Z", "--to", "2026-08-01T00:00:00Z"];
    let ran = hitrate(data.path(), &export);
    assert!(ran.code == 1 && ran.err.contains("is not before"), "{ran:?}");
    let days = ["export", "days", "--from", "2026-08-02", "--to", "2026-08-01"];
    let ran = hitrate(data.path(), &days);
    assert!(ran.code == 1 && ran.err.contains("--from 2026-08-02 is after --to 2026-08-01"), "{ran:?}");
    let ran = hitrate(data.path(), &["export", "days"]);
    assert!(ran.code == 1 && ran.err.contains("hitrate collect"), "without a store: {ran:?}");
    assert_eq!(
        std::fs::read_dir(data.path()).expect("there").count(),
        0,
        "the request leaves nothing behind"
    );
    let help = hitrate(data.path(), &["export", "days", "--help"]);
    assert!(help.code == 0 && help.out.contains("hitrate export days --from 2026-08-01"), "{help:?}");
}

#[test]
fn broken_settings_are_refused_by_their_key() {
    let data = folder();
    for (text, named) in [
        ("[fetch]\nrate_per_secnd = 2\n", "rate_per_secnd"),
        ("[store]\nthreads = \"two\"\n", "store.threads"),
        ("[fetch]\nmax_connections = 99\n", "fetch.max_connections"),
        ("[serve\n", "hitrate.toml"),
        ("[schedule]\ncron = \"61 * * * *\"\n", "schedule.cron"),
    ] {
        std::fs::write(data.path().join("hitrate.toml"), text).expect("written");
        let ran = hitrate(data.path(), &["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{text}: {ran:?}");
        assert!(ran.err.contains(named), "{text}: {}", ran.err);
    }
    let missing = hitrate(data.path(), &["--config", "nowhere.toml", "config"]);
    assert!(missing.code == 1 && missing.err.contains("nowhere.toml"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_a_newer_version_has_its_own_exit_code() {
    let (data, _) = filled().await;
    tamper(data.path(), "INSERT INTO schema_migration VALUES (99, 'later', '00', '9.0.0')");
    let ran = hitrate(data.path(), &["check", "numbers", "--json"]);
    assert_eq!((ran.code, ran.out.as_str()), (6, ""), "{ran:?}");
    assert!(hitrate(data.path(), &["tiers"]).code == 0, "the snapshot needs no store");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_numbers_are_checked_after_the_newest_run_only() {
    let (data, _) = filled().await;
    let ran = hitrate(data.path(), &["check", "numbers", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let json = ran.json();
    let runs = json.as_array().expect("a list");
    let with = |run: &&serde_json::Value| run.get("published").is_some();
    assert_eq!((runs.len(), runs.iter().filter(with).count()), (3, 1));
    let published = &runs[2]["published"];
    assert_eq!(published["lists"].as_array().map(Vec::len), Some(11), "{published}");
    assert_eq!(published["advice"].as_array().map(Vec::len), Some(6), "{published}");
    let rated = published["lists"].as_array().into_iter().flatten().map(|list| &list["rated"]);
    assert!(rated.clone().any(|count| count.as_u64() > Some(3)), "{published}");
    let shown = hitrate(data.path(), &["check", "numbers", "--table", "text"]);
    assert!(shown.out.contains("held by") && shown.out.contains("expected losses"), "{}", shown.out);
    let piped = hitrate(data.path(), &["check", "numbers"]).out;
    let headers = ["run_id\tholds\t", "\n\nlens\tworkload\t", "\n\nmode\tworkload\t"];
    assert!(headers.iter().all(|header| piped.contains(header)), "{piped}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_and_export_reproduce_the_record_byte_by_byte() {
    let (data, _) = filled().await;
    let other = folder();
    let into = other.path().join("rebuilt");
    let ran = hitrate(data.path(), &["replay", "--json", "--into", &into.display().to_string()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!((&ran.json()["runs"], &ran.json()["stored"]), (&3.into(), &3.into()));
    let (from, to) = (rfc(day(0)), rfc(day(20)));
    let export = |folder: &std::path::Path| {
        hitrate(folder, &["export", "readings", "--from", &from, "--to", &to, "--format", "csv"])
    };
    let (one, two) = (export(data.path()), export(&into));
    assert_eq!((one.code, one.out.lines().count() > 100), (0, true), "{}", one.err);
    assert!(one.out == two.out, "the exports differ");
    let tiers = |folder: &std::path::Path| hitrate(folder, &["tiers", "--json"]).json();
    assert_eq!(tiers(data.path()), tiers(&into));
    let file = other.path().join("readings.csv");
    let written = hitrate(
        data.path(),
        &["export", "readings", "--from", &from, "--to", &to, "--out", &file.display().to_string()],
    );
    assert_eq!((written.code, written.out.as_str()), (0, ""), "{written:?}");
    assert!(std::fs::read_to_string(&file).expect("written") == one.out);
    let days = |folder: &std::path::Path| hitrate(folder, &["export", "days"]);
    let (one, two) = (days(data.path()), days(&into));
    assert_eq!((one.code, one.out.lines().count() > 30), (0, true), "{}", one.err);
    assert!(one.out == two.out, "the exported days differ");
    let left = std::fs::read_dir(data.path().join("work")).expect("there").count();
    assert_eq!(left, 0, "nothing is left in the work folder");
    let twice = hitrate(data.path(), &["replay", "--into", &into.display().to_string()]);
    assert!(twice.code == 1 && twice.err.contains("choose an empty directory"), "{twice:?}");
    assert!(!rows(&into, "SELECT 1 FROM reading").is_empty());
}
