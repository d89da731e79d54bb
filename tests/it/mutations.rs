//! Silent changes of the meaning of one field: every field that is read, changed in every applicable way, results in
//! unchanged numbers, a named quarantine, or a finding that names the field.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Duration, Utc};
use hitrate::domain::document::Pair;
use hitrate::domain::ids::{ModelSlug, Variant};
use hitrate::plausibility::{Check, Counts, Finding, History, Restated, Tables, examine};
use hitrate::simulator::{Simulator, SimulatorConfig};
use hitrate::upstream::openrouter::{DocumentKind, known_name, upstream_names, wire_fields};
use serde_json::Value;

use crate::mutate::{Body, Change, DOCUMENT_CHANGES, FIELD_CHANGES};
use crate::rig::at;

pub mod bench;
mod gaps;
pub mod recorded;

use bench::{Bench, Outcome, readings, thinned};

/// The folder of a recorded day, if the recorded days are available beside the project.
fn recorded_day(day: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/openrouter/recorded").join(day);
    if !folder.is_dir() {
        eprintln!("skipped: the recorded days ({} does not exist)", folder.display());
        return None;
    }
    Some(folder)
}

/// Two recorded days, three days apart, with every `nth` model.
fn recorded_bench(nth: u32) -> Option<Bench> {
    let (earlier, old) = recorded::day(&recorded_day("2026-08-04")?);
    let (time, new) = recorded::day(&recorded_day("2026-08-07")?);
    Some(Bench::new((earlier, &thinned(old, nth)), (time, thinned(new, nth))))
}

/// A sweep of the simulator.
fn simulated(simulator: &Simulator, time: DateTime<Utc>) -> Vec<Body> {
    let get = |kind: DocumentKind, pair: Option<Pair>, path: &str, query: &str| {
        let (status, bytes) = simulator.body(path, query, time);
        let mut body = Body::of(kind, pair, None);
        (body.status, body.bytes) = (status, bytes.unwrap_or_default());
        body
    };
    let mut bodies = vec![
        get(DocumentKind::Models, None, "/api/v1/models", ""),
        get(DocumentKind::Providers, None, "/api/v1/providers", ""),
        get(DocumentKind::AllProviders, None, "/api/frontend/v1/all-providers", ""),
    ];
    let models: Value = serde_json::from_slice(&bodies[0].bytes).expect("the models are JSON");
    for model in models["data"].as_array().expect("a list of models") {
        let (id, slug) = (model["id"].as_str().unwrap_or_default(), model["canonical_slug"].as_str());
        if id.starts_with('~') || model.get("alias_target").is_some() {
            continue;
        }
        let (_, variant) = Variant::split(id);
        let pair = Pair { model: ModelSlug::new(slug.unwrap_or_default()), variant };
        let query = format!("permaslug={}&variant={}&shape=v7&timeRange=1w", pair.model, pair.variant);
        let stats = "/api/frontend/v1/stats";
        for (kind, path) in [
            (DocumentKind::PublicEndpoints, format!("/api/v1/models/{id}/endpoints")),
            (DocumentKind::StatsEndpoint, format!("{stats}/endpoint")),
            (DocumentKind::EffectivePricing, format!("{stats}/effective-pricing")),
            (DocumentKind::ModelActivity, format!("{stats}/model-activity")),
            (DocumentKind::HitRateComparison, format!("{stats}/cache-hit-rate-comparison")),
        ] {
            bodies.push(get(kind, Some(pair.clone()), &path, &query));
        }
    }
    bodies
}

/// The simulator's default world after twelve days: with UUIDs and without counters, like the upstream today.
fn simulated_bench() -> Bench {
    let start = at("2026-07-10T00:00:00Z");
    let simulator = Simulator::new(SimulatorConfig::starting_at(start, 16)).expect("a world");
    let (earlier, time) = (start + Duration::hours(12 * 24 + 14), start + Duration::hours(12 * 24 + 15));
    Bench::new((earlier, &simulated(&simulator, earlier)), (time, simulated(&simulator, time)))
}

/// One row of the table.
enum Row {
    Field(DocumentKind, String, Change),
    Document(DocumentKind, Change),
}

/// The table: every field that the wire types read and every kind of document, changed in every applicable way.
fn rows() -> Vec<Row> {
    let fields = wire_fields();
    let kinds: std::collections::BTreeSet<DocumentKind> = fields.iter().map(|(kind, _)| *kind).collect();
    let of_field = |(kind, path): (DocumentKind, String)| {
        FIELD_CHANGES.map(|change| Row::Field(kind, path.clone(), change)).into_iter()
    };
    let of_kind = |kind: DocumentKind| DOCUMENT_CHANGES.map(|change| Row::Document(kind, change)).into_iter();
    fields.into_iter().flat_map(of_field).chain(kinds.into_iter().flat_map(of_kind)).collect()
}

fn outcome(bench: &Bench, row: &Row) -> Option<(String, Outcome)> {
    let (name, (outcome, _)) = match row {
        Row::Field(kind, path, change) => {
            (format!("{} {path} {change:?}", kind.as_str()), bench.field(*kind, path, *change)?)
        }
        Row::Document(kind, change) => {
            (format!("{} {change:?}", kind.as_str()), bench.document(*kind, *change, 1)?)
        }
    };
    Some((name, outcome))
}

/// Whether the whole table runs, as with `make test-mutations`.
fn is_whole() -> bool {
    std::env::var("HITRATE_MUTATIONS").is_ok_and(|which| which == "all")
}

/// Whether a row runs: the short form runs a third of them, with different changes for each field.
fn is_chosen(row: usize) -> bool {
    is_whole() || (row + row / FIELD_CHANGES.len()).is_multiple_of(3)
}

/// Runs the table on all cores; returns the number of rows, and the rows whose change remains silent or unnamed.
fn table(bench: &Bench, name: &str) -> (usize, Vec<String>) {
    let chosen = rows().into_iter().enumerate().filter(|(number, _)| is_chosen(*number));
    let rows: Vec<Row> = chosen.map(|(_, row)| row).collect();
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let outcomes: Vec<(String, Outcome)> = std::thread::scope(|scope| {
        let rows = &rows;
        let work = |worker: usize| {
            move || {
                rows.iter()
                    .skip(worker)
                    .step_by(workers)
                    .filter_map(|row| outcome(bench, row))
                    .collect::<Vec<_>>()
            }
        };
        let tasks: Vec<_> = (0..workers).map(|worker| scope.spawn(work(worker))).collect();
        tasks.into_iter().flat_map(|task| task.join().expect("no panic")).collect()
    });
    let (mut counts, mut bad): (BTreeMap<String, usize>, Vec<String>) = (BTreeMap::new(), Vec::new());
    for (row, outcome) in outcomes {
        let label = match &outcome {
            Outcome::Silent(what) => {
                bad.push(format!("{row}: {what}"));
                "silent".to_owned()
            }
            Outcome::Unnamed(what) => {
                bad.push(format!("{row}: names only {what}"));
                "unnamed".to_owned()
            }
            other => format!("{other:?}").to_lowercase(),
        };
        *counts.entry(label).or_default() += 1;
    }
    let rows = counts.values().sum();
    eprintln!("{name}: {rows} changes: {counts:?}");
    bad.iter().for_each(|row| eprintln!("{name}: {row}"));
    (rows, bad)
}

/// Requires that every change is found and named, except for the known gaps.
fn nothing_is_silent(bench: &Bench, name: &str, control: &str) {
    assert_eq!(bench.findings(bench.control()), Vec::new(), "{control}");
    let (rows, mut bad) = table(bench, name);
    bad.retain(|row| !gaps::KNOWN.iter().any(|(known, _)| row.starts_with(known)));
    assert!(bad.is_empty(), "{} silent or unnamed changes:\n{}", bad.len(), bad.join("\n"));
    assert!(rows >= 250, "{rows} rows");
}

#[test]
fn no_silent_change_on_a_recorded_day() {
    if !is_whole() {
        eprintln!("skipped: the table on a recorded day takes minutes; `make test-mutations` runs it");
        return;
    }
    let Some(bench) = recorded_bench(12) else { return };
    nothing_is_silent(&bench, "recorded", "three genuine days");
}

#[test]
fn no_silent_change_in_a_simulated_sweep() {
    nothing_is_silent(&simulated_bench(), "simulated", "an ordinary hour");
}

/// The first finding names the field that moved.
#[test]
fn the_field_that_moved_comes_first() {
    let bench = simulated_bench();
    let usage = |field: &str| format!("data.providerSummaries[].{field}");
    for (kind, path, change, named) in [
        (DocumentKind::EffectivePricing, usage("cacheHitRate"), Change::Times(100.0), "cacheHitRate"),
        (DocumentKind::EffectivePricing, usage("cacheHitRate"), Change::Times(0.01), "cacheHitRate"),
        (DocumentKind::EffectivePricing, usage("cacheHitRate"), Change::Zero, "cacheHitRate"),
        (DocumentKind::EffectivePricing, usage("cacheHitRate"), Change::Removed, "cacheHitRate"),
        (DocumentKind::EffectivePricing, usage("totalTokens"), Change::Times(30.0), "totalTokens"),
        (DocumentKind::EffectivePricing, usage("totalTokens"), Change::Times(1e-3), "totalTokens"),
        (
            DocumentKind::EffectivePricing,
            usage("effectiveInputPrice"),
            Change::Times(100.0),
            "effectiveInputPrice",
        ),
        (DocumentKind::StatsEndpoint, "data[].pricing.prompt".into(), Change::Times(1e3), "pricing.prompt"),
        (DocumentKind::StatsEndpoint, "data[].pricing.prompt".into(), Change::Zero, "pricing.prompt"),
        (
            DocumentKind::StatsEndpoint,
            "data[].pricing.input_cache_read".into(),
            Change::Removed,
            "pricing.input_cache_read",
        ),
        (
            DocumentKind::StatsEndpoint,
            "data[].stats.p50_latency".into(),
            Change::Times(1e-3),
            "stats.p50_latency",
        ),
    ] {
        let (_, findings) = bench.field(kind, &path, change).expect("something changes");
        let first = findings.first().map(|finding| finding.field.as_str());
        assert_eq!(first, Some(format!("{}.{named}", kind.as_str()).as_str()), "{change:?}: {findings:#?}");
    }
}

/// Changes of fields that few endpoints have, on a recorded day. The whole table covers them as well, but not in the
/// short form of the tests.
#[test]
fn rare_fields_that_change_are_named() {
    let Some(bench) = recorded_bench(12) else { return };
    let flag = "data[].is_byok_only";
    for (kind, path, change) in [
        (DocumentKind::StatsEndpoint, flag, Change::Removed),
        (DocumentKind::StatsEndpoint, flag, Change::Null),
        (DocumentKind::StatsEndpoint, "data[].pricing.overrides", Change::FirstOnly),
        (DocumentKind::Models, "data[].pricing.prompt", Change::Zero),
    ] {
        let (outcome, findings) = bench.field(kind, path, change).expect("something changes");
        assert_eq!(outcome, Outcome::Suspect, "{path} {change:?}: {findings:#?}");
    }
}

/// Conditional prices that reach the documented API first, and a flag that returns after it was accepted as lost.
#[test]
fn what_appears_again_or_in_one_source_first_is_ordinary() {
    let Some(bench) = recorded_bench(12) else { return };
    // 17 of the 97 endpoints with conditional prices, all of one author.
    let added = |body: &Body| {
        let pair = body.request.pair.as_ref()?;
        let bytes = crate::mutate::field(&body.bytes, "data.endpoints[].pricing.overrides", Change::Doubled)?;
        pair.model.as_str().starts_with("qwen/").then(|| Body { bytes, ..body.clone() })
    };
    let early = bench.changed(DocumentKind::PublicEndpoints, added).expect("a change").expect("no panic");
    assert!(early.agreement["prices.tiers"].differ >= 10, "{:?}", early.agreement["prices.tiers"]);
    assert_eq!(bench.findings(&early), Vec::new());
    let without = |body: &Body| {
        let bytes = crate::mutate::field(&body.bytes, "data[].is_private", Change::Removed)?;
        Some(Body { bytes, ..body.clone() })
    };
    let lost = bench.changed(DocumentKind::StatsEndpoint, without).expect("a change").expect("no panic");
    let counts = [Counts::of(&lost)];
    let history = History { before: Some(&lost), counts: &counts, restated: &[] };
    assert_eq!(examine(bench.control(), &history, &upstream_names), Vec::new());
}

#[test]
fn a_list_cut_short_or_doubled_is_named() {
    let bench = simulated_bench();
    for (kind, path, change, check) in [
        (DocumentKind::Models, "data", Change::FirstOnly, Check::RowsLost),
        // The second row of a model is quarantined during decoding.
        (DocumentKind::Models, "data", Change::Doubled, Check::Quarantined),
        (DocumentKind::StatsEndpoint, "data", Change::FirstOnly, Check::RowsLost),
        (DocumentKind::EffectivePricing, "data.providerSummaries", Change::FirstOnly, Check::RowsLost),
    ] {
        let (_, findings) = bench.field(kind, path, change).expect("something changes");
        // A truncated list loses other rows as well, which are also found.
        let names_it = |finding: &Finding| {
            finding.field.split('.').next() == Some(kind.as_str()) && finding.check == check
        };
        assert!(findings.iter().any(names_it), "{findings:#?}");
    }
}

#[test]
fn a_run_is_held_against_itself_without_a_history() {
    let bench = simulated_bench();
    let without = |kind, path: &str, change| {
        let run = bench.changed(kind, |body| {
            let bytes = crate::mutate::field(&body.bytes, path, change)?;
            Some(Body { bytes, ..body.clone() })
        });
        let run = run.expect("something changes").expect("no panic");
        examine(&run, &History::default(), &upstream_names)
    };
    assert_eq!(examine(bench.control(), &History::default(), &upstream_names), Vec::new());
    for (kind, path, change, named) in [
        (
            DocumentKind::StatsEndpoint,
            "data[].pricing.prompt",
            Change::Times(1e3),
            "stats_endpoint.pricing.prompt",
        ),
        (
            DocumentKind::EffectivePricing,
            "data.providerSummaries[].cacheHitRate",
            Change::Zero,
            "effective_pricing.cacheHitRate",
        ),
    ] {
        let findings = without(kind, path, change);
        assert!(findings.iter().any(|finding| finding.field == named), "{findings:#?}");
    }
}

#[test]
fn a_world_of_three_endpoints_is_never_suspect() {
    let bench = simulated_bench();
    let mut before = bench.control().clone();
    before.readings.truncate(3);
    before.models.truncate(1);
    before.providers.truncate(3);
    (before.model_usage, before.activity, before.closing_rates) = Default::default();
    (before.documents, before.quarantined) = Default::default();
    before.agreement.clear();
    let mut run = before.clone();
    for reading in &mut run.readings {
        reading.usage = None;
        reading.prices = Default::default();
        reading.health = Default::default();
        reading.closing_prices.clear();
    }
    let counts = [Counts::of(&before)];
    let history = History { before: Some(&before), counts: &counts, restated: &[] };
    assert_eq!(examine(&run, &history, &upstream_names), Vec::new());
}

#[test]
fn past_days_that_change_are_named() {
    let same = Restated::compare("closing_rates.hit_rate", (0..40).map(|n| (f64::from(n), f64::from(n))));
    let percent =
        Restated::compare("closing_rates.hit_rate", (0..40).map(|n| (f64::from(n), f64::from(n) / 100.0)));
    assert_eq!((same.known, same.changed, percent.changed), (40, 0, 39));
    let bench = simulated_bench();
    let found = |restated: &[Restated]| -> Vec<Finding> {
        let history = History { restated, ..History::default() };
        examine(bench.control(), &history, &upstream_names)
    };
    assert_eq!(found(&[same]), Vec::new());
    let findings = found(&[percent]);
    assert_eq!((findings[0].field.as_str(), findings[0].check), ("hit_rate_comparison.y", Check::Restated));
}

#[test]
fn every_field_of_a_run_has_the_name_that_upstream_gives_it() {
    let bench = simulated_bench();
    let tables = Tables::of(bench.control());
    let mut nameless: Vec<&String> = Vec::new();
    for (table, _) in tables.pairs(&tables) {
        for path in table.rows.values().flat_map(|row| row.values.keys()) {
            if known_name(path).is_none() && !nameless.contains(&path) {
                nameless.push(path);
            }
        }
    }
    assert!(nameless.is_empty(), "src/upstream/openrouter/names.rs names all but {nameless:?}");
}

#[test]
fn checks_are_read_back_by_name() {
    for check in Check::ALL {
        assert_eq!(Check::parse(check.as_str()), Some(check));
        assert_eq!(serde_json::to_value(check).expect("JSON"), check.as_str());
    }
    assert_eq!(Check::parse("hunch"), None);
}

/// All recorded days in order: the market moves, the window changes once, and no day is suspect.
#[test]
fn no_recorded_day_is_suspect() {
    let Some(one) = recorded_day("2026-08-07") else { return };
    let all = one.parent().expect("the recorded days");
    let mut days: Vec<PathBuf> =
        std::fs::read_dir(all).expect("a folder").filter_map(|entry| Some(entry.ok()?.path())).collect();
    days.sort();
    assert!(days.len() >= 12, "{days:?}");
    let (mut before, mut counts) = (None, Vec::new());
    for day in days {
        let (time, bodies) = recorded::day(&day);
        let run = readings(time, &bodies, before.as_ref());
        let history = History { before: before.as_ref(), counts: &counts, restated: &[] };
        assert_eq!(examine(&run, &history, &upstream_names), Vec::new(), "{}", day.display());
        counts.push(Counts::of(&run));
        before = Some(run);
    }
}
