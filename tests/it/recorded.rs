//! Recorded days of the real upstream, if they are available beside the project: collected, stored, rated, and used for
//! preferences.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use hitrate::domain::change::ChangeKind;
use hitrate::domain::document::RouteAnswer;
use hitrate::domain::tier::{Lens, Tier};
use hitrate::domain::window::{Basis, WindowKind};
use hitrate::preferences::{Mode, preference};
use hitrate::snapshot::{ModelEntry, Snapshot};
use serde_json::Value;

use crate::binary::{Server, hitrate};
use crate::rig::{at, folder, rows};
use crate::twins;
use crate::upstream::{collect_from, pipeline};

mod changes;
mod facts;
mod followed;
mod hours;
mod paying;

/// The days, and what their summaries cover.
const DAYS: [(&str, WindowKind); 12] = [
    ("2026-07-18", WindowKind::Hour),
    ("2026-07-20", WindowKind::Hour),
    ("2026-07-21", WindowKind::DayToDate),
    ("2026-07-22", WindowKind::DayToDate),
    ("2026-07-24", WindowKind::DayToDate),
    ("2026-07-26", WindowKind::DayToDate),
    ("2026-07-28", WindowKind::DayToDate),
    ("2026-07-30", WindowKind::DayToDate),
    ("2026-08-01", WindowKind::DayToDate),
    ("2026-08-03", WindowKind::DayToDate),
    ("2026-08-04", WindowKind::DayToDate),
    ("2026-08-07", WindowKind::DayToDate),
];

/// The folder with the recorded days and their server, if both it and python3 are available.
fn recordings() -> Option<PathBuf> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/openrouter");
    if !kept.join("recorded").is_dir() || !kept.join("replay/serve.py").is_file() {
        eprintln!("skipped: the recorded days ({} does not exist)", kept.display());
        return None;
    }
    let python =
        Command::new("python3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !python.is_ok_and(|status| status.success()) {
        eprintln!("skipped: the recorded days (python3, which serves them, is not installed)");
        return None;
    }
    Some(kept)
}

fn json(server: &Server, method: &str, path: &str) -> Value {
    let (status, body) = server.ask(method, path);
    assert_eq!(status, 200, "{path}");
    serde_json::from_slice(&body).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_days_go_through_collect_store_tiers_and_preferences() {
    let Some(kept) = recordings() else { return };
    let serve = kept.join("replay/serve.py");
    let server = Server::start(Command::new("python3").arg(serve).arg("--data").arg(kept.join("recorded")));
    let data = folder();
    let snapshot = {
        let pipeline = pipeline(data.path());
        let mut times = Vec::new();
        for (day, kind) in DAYS {
            let told = json(&server, "POST", &format!("/_replay/day/{day}"));
            let time = at(told["observed_at"].as_str().expect("a time"));
            let report = collect_from(&pipeline, &server.url, time).await;
            let outcome = (report.status.as_str(), report.window_kind, report.drift);
            assert_eq!(outcome, ("ok", kind, 0), "{day}: {:?}", report.failures);
            let reasons: BTreeSet<&str> = report.quarantined.keys().map(String::as_str).collect();
            let expected = BTreeSet::from(["ambiguous_name", "ambiguous_tag", "no_such_endpoint"]);
            assert!(reasons.is_subset(&expected), "{day}: {reasons:?}");
            assert_eq!(
                report.comparison,
                Some(RouteAnswer::NotOffered),
                "{day}: the replay has no such route"
            );
            assert!(report.readings > 700 && report.endpoints > report.readings, "{day}: {report:?}");
            times.push(time);
        }
        followed::preferences_hold_and_pay(&pipeline.store, &times);
        pipeline.publish().expect("published")
    };
    no_endpoint_is_lost(&server, &snapshot);
    drop(server);
    the_numbers_hold(data.path());
    changes::have_every_move_of_a_price_once(data.path());
    short_stretches_form_no_day(&snapshot, data.path());
    paying::following_it_pays(data.path());
    paying::forecasts_hold_as_often_as_they_say(data.path(), &snapshot);
    twins::agree(data.path(), &snapshot);
    facts::are_obeyed(&snapshot);
    deepseek_caches_well(&snapshot);
    preferences_name_only_what_they_mean(&snapshot);
}

/// The endpoints of the newest day, by UUID, are those of the statistics.
fn no_endpoint_is_lost(server: &Server, snapshot: &Arc<Snapshot>) {
    let mut compared = 0;
    for model in &snapshot.models {
        let path =
            format!("/api/frontend/v1/stats/endpoint?permaslug={}&variant={}", model.slug, model.variant);
        let listed = json(server, "GET", &path);
        let listed: BTreeSet<&str> =
            listed["data"].as_array().expect("a list").iter().filter_map(|row| row["id"].as_str()).collect();
        let ours: Vec<String> = model.endpoints.iter().map(|one| one.endpoint_id.to_string()).collect();
        assert_eq!(ours.iter().map(String::as_str).collect::<BTreeSet<_>>(), listed, "{}", model.model_id);
        compared += listed.len();
    }
    assert_eq!(compared, snapshot.summary.endpoints);
    assert!(compared > 1000, "{compared}");
}

/// Hit rates reproduce the upstream's aggregate and prices the identity, as the program itself checks.
fn the_numbers_hold(data: &Path) {
    let checked = hitrate(data, &["check", "numbers", "--json"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    let checked = checked.json();
    let runs = checked.as_array().expect("a list");
    assert_eq!(runs.len(), DAYS.len());
    for run in runs {
        assert!(run["models"].as_u64() > Some(100) && run["endpoints"].as_u64() > Some(50), "{run}");
        assert!(run["aggregate_difference"].as_f64() <= Some(0.001), "{run}");
    }
    let published = &runs[runs.len() - 1]["published"];
    assert_eq!(published["holds"], true, "{published}");
    for list in published["lists"].as_array().expect("lists") {
        let clean = list["contradicting"] == 0 && list["wrong_pairs"] == 0;
        assert!(clean && list["held_bands"].as_f64() <= Some(1.1), "{list}");
    }
    for mode in published["advice"].as_array().expect("modes") {
        assert!(mode["given"].as_u64() > Some(20) && mode["expected_losses"] == 0, "{mode}");
    }
    let duplicates = "SELECT endpoint_no, run_no FROM reading GROUP BY ALL HAVING count(*) > 1";
    assert_eq!(rows(data, duplicates), Vec::<String>::new());
    let saved = hitrate::snapshot::store::load(&data.join("snapshots")).expect("reads").expect("there");
    let changed = saved.changes.iter().filter(|change| change.kind == ChangeKind::WindowChanged);
    assert_eq!(changed.count(), 1, "the window changed once");
}

/// Days are observed if the window is the day so far, and only then; short windows give neither days nor hours.
fn short_stretches_form_no_day(snapshot: &Snapshot, data: &Path) {
    let days = || snapshot.models.iter().flat_map(|model| &model.endpoints).flat_map(|one| &one.days);
    let of = |basis: Basis| {
        days().filter(|d| d.basis == Some(basis)).map(|d| d.day.to_string()).collect::<BTreeSet<_>>()
    };
    let to_date = DAYS.iter().filter(|(_, kind)| *kind == WindowKind::DayToDate);
    assert_eq!(of(Basis::Observed), to_date.map(|(day, _)| (*day).to_owned()).collect());
    let derived = of(Basis::Derived);
    assert!(derived.contains("2026-07-18") && derived.contains("2026-07-20"), "{derived:?}");
    assert!(of(Basis::Comparison).is_empty());
    assert!(
        days()
            .filter(|d| d.basis == Some(Basis::Derived))
            .all(|d| d.tokens.is_none() && d.coverage.is_none())
    );
    assert!(days().filter(|d| d.basis.is_none()).all(|d| d.hit_rate.is_none()));
    let export = ["export", "hourly", "--from", "2026-07-18T00:00:00Z", "--to", "2026-08-08T00:00:00Z"];
    let hours = hitrate(data, &export);
    assert_eq!(hours.code, 0, "{}", hours.err);
    let (mut alone, mut refused) = (0, BTreeMap::<&str, usize>::new());
    for line in hours.out.lines().skip(1) {
        let reason = line.rsplit(',').next().expect("a column");
        let short = line.starts_with("20260718") || line.starts_with("20260720");
        assert_eq!(short, reason == "window_kind", "{line}");
        assert_eq!(short, line.contains(",hour,,,"), "short windows have no bounds: {line}");
        alone += usize::from(reason.is_empty());
        *refused.entry(reason).or_default() += usize::from(!reason.is_empty());
    }
    assert!(
        alone > 2_000,
        "one sweep per day: each one covers the day from midnight on: {alone}, {refused:?}"
    );
}

fn deepseek_caches_well(snapshot: &Snapshot) {
    let list = snapshot.tier_list(Lens::Cache, None).expect("a list");
    let rated = list.providers.iter().filter(|provider| provider.tier != Tier::Unrated).count();
    assert!(rated > 20, "{rated} providers are rated");
    let deepseek = list.providers.iter().find(|one| one.provider.as_str() == "deepseek").expect("listed");
    assert!(matches!(deepseek.tier, Tier::S | Tier::A), "{deepseek:?}");
}

/// Whether a bare tag also selects an endpoint: all endpoints of its provider except for the service tiers.
fn reached(bare: &str, tag: &str) -> bool {
    let service = tag.ends_with("/priority") || tag.ends_with("/flex");
    tag == bare || (!service && tag.split('/').next() == Some(bare))
}

fn preferences_name_only_what_they_mean(snapshot: &Snapshot) {
    let mut given: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut bedrock, mut left_out) = (0, 0);
    for model in snapshot.models.iter().filter(|model| model.variant.is_standard()) {
        let siblings = |one: &&hitrate::snapshot::Endpoint| one.tag.as_str().starts_with("amazon-bedrock/");
        bedrock +=
            usize::from(has(model, "amazon-bedrock") && model.endpoints.iter().any(|one| siblings(&one)));
        for mode in Mode::OFFERED {
            let preference = preference(snapshot, model, mode, snapshot.default_workload(), snapshot.as_of);
            let sibling = |warning: &&String| {
                warning.contains("is left out") || warning.starts_with("`only` alone would also match")
            };
            left_out += preference.warnings.iter().filter(sibling).count();
            let Some(object) = preference.provider else { continue };
            *given.entry(mode.as_str()).or_default() += 1;
            let ignored = object.ignore.clone().unwrap_or_default();
            for list in [object.ignore, object.only].into_iter().flatten() {
                for tag in &list {
                    assert!(has(model, tag), "{}: {tag} is no tag of the newest run", model.model_id);
                    let stray = model.endpoints.iter().map(|one| one.tag.as_str());
                    let stray: Vec<&str> = stray
                        .filter(|other| {
                            reached(tag, other) && !list.iter().chain(&ignored).any(|one| one == other)
                        })
                        .collect();
                    assert!(stray.is_empty(), "{}: {tag} also means {stray:?}", model.model_id);
                }
            }
        }
    }
    assert!(bedrock > 0, "no model has amazon-bedrock beside its regions");
    assert!(left_out > 0, "no bare tag had a sibling to exclude");
    assert!(given.len() == 3 && given.values().all(|models| *models > 20), "{given:?}");
}

fn has(model: &ModelEntry, tag: &str) -> bool {
    model.endpoints.iter().any(|endpoint| endpoint.tag.as_str() == tag)
}

/// All days, in order: tiers may change, but not often.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_recorded_days_published_tiers_hold_still() {
    let Some(kept) = recordings() else { return };
    let serve = kept.join("replay/serve.py");
    let server = Server::start(Command::new("python3").arg(serve).arg("--data").arg(kept.join("recorded")));
    let data = folder();
    let days = json(&server, "GET", "/_replay/days");
    let days: Vec<&str> = days["days"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(days.len() >= 12, "{days:?}");
    {
        let pipeline = pipeline(data.path());
        for day in &days {
            let told = json(&server, "POST", &format!("/_replay/day/{day}"));
            let time = at(told["observed_at"].as_str().expect("a time"));
            assert_eq!(collect_from(&pipeline, &server.url, time).await.status.as_str(), "ok", "{day}");
        }
    }
    drop(server);
    // The windows of the first six days are not full.
    let told = hitrate(data.path(), &["study", "flips", "--from", "2026-07-24", "--json"]);
    // Steps of several days make the changes of this record larger than those of an hourly one.
    assert!(told.code <= 1, "{}", told.err);
    let told = told.json();
    assert_eq!(told["days"].as_u64(), Some(days.iter().filter(|day| **day >= "2026-07-24").count() as u64));
    for lens in told["lenses"].as_array().expect("a list") {
        let providers = &lens["providers"];
        let [published, naive] =
            ["published_a_day", "naive_a_day"].map(|name| providers[name].as_f64().expect("compared"));
        assert!(published < naive * 0.7, "{lens}");
        assert_eq!(lens["wrong_pairs"].as_u64(), Some(0), "{lens}");
        if lens["lens"] == "cache" || lens["lens"] == "cost" {
            assert!(published <= 0.06 && providers["compared"].as_u64() > Some(200), "{lens}");
            let [published, naive] = ["published_week_error", "naive_week_error"]
                .map(|name| providers[name].as_f64().expect("compared"));
            // Only some 40 pairs of these days are a week apart.
            assert!(published <= naive + 0.1, "{lens}");
        }
    }
    // Closed during collection: the last day but one is present, with tiers for each lens.
    let closed = rows(data.path(), "SELECT count(*) AS n FROM tier_day");
    assert_eq!(closed, [format!("{{'n': {}}}", days.len() - 1)]);
}
