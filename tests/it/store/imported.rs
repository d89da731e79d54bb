//! Imported data: stored once, compared with the record, kept apart from it.

use super::{id, ingest, lark, reading, run};
use crate::rig::{at, config, folder, store};
use chrono::NaiveDate;
use hitrate::domain::change::{ChangeValue, ChangedField};
use hitrate::domain::ids::{Tag, Variant};
use hitrate::domain::imported::{
    ImportBatch, ImportKind, ImportSource, ImportedActivity, ImportedDay, ImportedEndpoint, ImportedParts,
    ImportedPrices, ImportedReading, ImportedUptime,
};
use hitrate::domain::window::Basis;
use hitrate::pipeline::build_snapshot;
use hitrate::store::{ImportedAs, Store};

fn endpoint() -> ImportedEndpoint {
    ImportedEndpoint {
        model: lark(),
        variant: Variant::new("standard"),
        endpoint_id: id(1),
        provider: None,
        provider_name: None,
        tag: None,
    }
}

fn day(day: &str, hit_rate: f64) -> ImportedDay {
    ImportedDay {
        endpoint: endpoint(),
        day: day.parse().expect("a day"),
        hit_rate: Some(hit_rate),
        basis: Some(Basis::Comparison),
        tokens: None,
        effective_input: None,
        effective_output: None,
        uptime: None,
        throughput: None,
        latency_ms: None,
    }
}

fn price(time: &str, input: f64) -> ImportedPrices {
    ImportedPrices {
        endpoint: endpoint(),
        at: at(time),
        input: Some(input),
        output: Some(1.0),
        cache_read: None,
        cache_write: None,
        discount: None,
    }
}

fn batch(sha256: &str, days: Vec<ImportedDay>) -> ImportBatch {
    let source = ImportSource {
        kind: ImportKind::ClosingRates,
        origin: "made up".into(),
        sha256: sha256.into(),
        fetched_at: at("2026-08-08T12:00:00Z"),
    };
    let (prices, uptimes, activity, refused) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    ImportBatch { source, days, prices, uptimes, activity, refused }
}

/// A record of two days: the first one is closed by the second run.
fn recorded(folder: &std::path::Path) -> Store {
    let store = store(folder);
    ingest(&store, &run("2026-08-07T23:30:00Z", vec![reading(id(1), "heron"), reading(id(2), "crane/fp8")]));
    ingest(&store, &run("2026-08-08T10:57:00Z", vec![reading(id(1), "heron"), reading(id(2), "crane/fp8")]));
    store
}

fn ordinal(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

#[test]
fn the_same_content_and_the_same_values_are_stored_once_and_a_difference_is_kept_and_counted() {
    let data = folder();
    let store = recorded(data.path());
    let first = batch("aa", vec![day("2026-07-30", 0.4), day("2026-07-31", 0.6)]);
    let report = store.import(&first).expect("imported");
    assert_eq!((report.stored, report.known, report.disagreements, report.unmatched), (2, 0, 0, 0));
    let again = store.import(&first).expect("imported");
    assert_eq!((again.stored, again.known), (0, 2), "the same content");
    let report = store.import(&batch("bb", vec![day("2026-07-30", 0.402), day("2026-07-31", 0.7)]));
    let report = report.expect("imported");
    assert_eq!((report.stored, report.known, report.disagreements), (0, 1, 1));
    assert!(report.examples[0].contains("hit rate 0.7, an earlier imported row has 0.6"), "{report:?}");
    // A row that was kept although it differs is not kept twice.
    let report = store.import(&batch("cc", vec![day("2026-07-31", 0.7)])).expect("imported");
    assert_eq!((report.stored, report.known, report.disagreements), (0, 1, 0));
    let days = store.imported_days(ordinal("2026-07-01"), ordinal("2026-08-08"), at("2026-08-08T10:57:00Z"));
    let rates: Vec<_> = days.expect("readable").iter().map(|day| day.hit_rate).collect();
    assert_eq!(rates, [Some(0.4), Some(0.6)], "the first import counts");
}

#[test]
fn a_row_twice_in_one_source_is_stored_once() {
    let data = folder();
    let store = recorded(data.path());
    let report = store.import(&batch("aa", vec![day("2026-07-30", 0.4), day("2026-07-30", 0.4)]));
    let report = report.expect("imported");
    assert_eq!((report.stored, report.known, report.disagreements), (1, 1, 0));
}

#[test]
fn a_reading_is_compared_with_that_of_the_record_at_the_same_time_and_the_record_counts() {
    let data = folder();
    let store = recorded(data.path());
    let part = |hit_rate: f64, time: &str| ImportedParts {
        readings: vec![ImportedReading {
            at: at(time),
            values: ImportedDay { basis: Some(Basis::Observed), ..day("2026-08-07", hit_rate) },
        }],
        half_hours: Vec::new(),
    };
    let import = |sha256: &str, parts: &ImportedParts| {
        let how = ImportedAs::default();
        store.import_parts(&batch(sha256, Vec::new()), parts, &how).expect("imported")
    };
    let same = import("aa", &part(0.5, "2026-08-07T23:30:05Z"));
    assert_eq!((same.stored, same.known, same.disagreements), (0, 1, 0), "{same:?}");
    let other = import("bb", &part(0.9, "2026-08-07T23:30:05Z"));
    assert_eq!((other.stored, other.known, other.disagreements), (0, 0, 1), "{other:?}");
    assert!(other.examples[0].contains("hit rate 0.9, the record has 0.5"), "{other:?}");
    let noon = import("cc", &part(0.9, "2026-08-07T12:00:00Z"));
    assert_eq!(noon.disagreements, 0, "half a day is not the day: {noon:?}");
    let shown = store.imported_days(ordinal("2026-08-01"), ordinal("2026-08-08"), at("2026-08-08T10:57:00Z"));
    assert!(shown.expect("readable").is_empty(), "the record has that day");
}

#[test]
fn endpoints_are_linked_by_id_by_tag_and_by_an_unambiguous_display_name() {
    let data = folder();
    let store = recorded(data.path());
    let named = |tag: Option<&str>, provider_name: Option<&str>, on: &str| ImportedDay {
        endpoint: ImportedEndpoint {
            endpoint_id: None,
            tag: tag.map(Tag::new),
            provider_name: provider_name.map(str::to_owned),
            ..endpoint()
        },
        ..day(on, 0.4)
    };
    let rows = vec![
        named(Some("heron"), None, "2026-07-01"),
        named(Some("unknown"), None, "2026-07-02"),
        // Both endpoints have this display name.
        named(None, Some("Heron, \"the\" cloud"), "2026-07-03"),
        named(None, Some("<b>\u{202e}nobody</b>\n"), "2026-07-04"),
    ];
    let report = store.import(&batch("aa", rows)).expect("imported");
    assert_eq!((report.stored, report.unmatched), (4, 3), "{report:?}");
    let days = store.imported_days(ordinal("2026-07-01"), ordinal("2026-08-08"), at("2026-08-08T10:57:00Z"));
    let days = days.expect("readable");
    assert_eq!(days.iter().map(|row| Some(row.endpoint_id)).collect::<Vec<_>>(), [id(1)]);
}

#[test]
fn impossible_values_are_refused_by_name() {
    let data = folder();
    let store = recorded(data.path());
    let mut rows = vec![day("2026-07-01", f64::NAN), day("2026-07-02", -0.1), day("2026-07-03", 1.1)];
    rows.push(ImportedDay { basis: None, ..day("2026-07-04", 0.4) });
    rows.push(ImportedDay { effective_input: Some(1e300), ..day("2026-07-05", 0.4) });
    rows.push(ImportedDay { tokens: Some(-1), ..day("2026-07-06", 0.4) });
    rows.push(day("1999-01-01", 0.4));
    let long = ImportedEndpoint { tag: Some(Tag::new("x".repeat(100_000))), ..endpoint() };
    rows.push(ImportedDay { endpoint: long, ..day("2026-07-07", 0.4) });
    let refused = rows.len();
    let report = store.import(&batch("aa", rows)).expect("imported");
    assert_eq!((report.stored, report.refused), (0, refused));
    assert!(report.examples.iter().all(|example| example.len() < 1000), "{report:?}");
}

#[test]
fn list_prices_from_before_the_record_are_changes_and_those_of_its_time_are_compared() {
    let data = folder();
    let store = recorded(data.path());
    let mut one = batch("aa", Vec::new());
    one.prices = vec![
        price("2026-07-01T00:00:00Z", 0.4),
        price("2026-07-20T00:00:00Z", 0.2),
        price("2026-08-08T00:00:00Z", 0.2),
        price("2026-08-08T10:55:00Z", 0.3),
    ];
    let report = store.import(&one).expect("imported");
    assert_eq!((report.stored, report.known, report.disagreements), (2, 1, 1), "{report:?}");
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-09-01T00:00:00Z"));
    let changes = store.imported_price_changes(from, to, at("2026-08-08T10:57:00Z")).expect("readable");
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0].before, Some(ChangeValue::Number(0.4)));
    assert_eq!((changes[0].at, changes[0].endpoint_id), (at("2026-07-20T00:00:00Z"), id(1)));
    assert!((changes[0].percent.expect("a number") + 50.0).abs() < 1e-9 && changes[0].source.is_some());
    assert!(store.imported_price_changes(from, at("2026-07-20T00:00:00Z"), to).expect("readable").is_empty());
}

#[test]
fn a_cache_price_that_a_source_begins_or_ceases_to_list_is_a_change() {
    let data = folder();
    let store = recorded(data.path());
    let mut one = batch("aa", Vec::new());
    let row = |time: &str, input: Option<f64>, cache_read: Option<f64>| ImportedPrices {
        input,
        cache_read,
        ..price(time, 0.4)
    };
    one.prices = vec![
        row("2026-07-01T00:00:00Z", Some(0.4), None),
        row("2026-07-05T00:00:00Z", Some(0.4), Some(0.1)),
        // Prices that are not known are not gone.
        row("2026-07-06T00:00:00Z", None, None),
        row("2026-07-07T00:00:00Z", Some(0.4), None),
    ];
    store.import(&one).expect("imported");
    // A source without cache prices says nothing about them.
    let mut two = batch("bb", Vec::new());
    two.prices =
        vec![row("2026-07-03T00:00:00Z", Some(0.4), None), row("2026-07-06T12:00:00Z", Some(0.5), None)];
    store.import(&two).expect("imported");
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-09-01T00:00:00Z"));
    let changes = store.imported_price_changes(from, to, at("2026-08-08T10:57:00Z")).expect("readable");
    let of_reads = changes.iter().filter(|change| change.field == Some(ChangedField::ListCacheRead));
    let of_reads: Vec<_> = of_reads
        .map(|change| (change.at, change.before.clone(), change.after.clone(), change.percent))
        .collect();
    let price = Some(ChangeValue::Number(0.1));
    assert_eq!(
        of_reads,
        [
            (at("2026-07-07T00:00:00Z"), price.clone(), None, None),
            (at("2026-07-05T00:00:00Z"), None, price, None),
        ]
    );
}

#[test]
fn a_price_between_runs_that_are_far_apart_contradicts_nothing() {
    let data = folder();
    let store = recorded(data.path());
    let mut one = batch("aa", Vec::new());
    one.prices = vec![
        price("2026-08-08T02:00:00Z", 0.7),
        price("2026-08-08T03:00:00Z", 0.2),
        price("2026-08-08T10:50:00Z", 0.7),
    ];
    let report = store.import(&one).expect("imported");
    assert_eq!((report.stored, report.known, report.disagreements), (1, 1, 1), "{report:?}");
    assert!(report.examples[0].contains("2026-08-08 10:50:00"), "{report:?}");
}

#[test]
fn rows_that_are_refused_for_one_reason_are_one_example() {
    let data = folder();
    let store = recorded(data.path());
    let mut one = batch("aa", Vec::new());
    one.refused = (2..1502).map(|line| (format!("line {line}"), "it is old".to_owned())).collect();
    one.refused.push(("line 1600".into(), "it is odd".into()));
    let report = store.import(&one).expect("imported");
    assert_eq!(report.refused, 1501);
    assert_eq!(report.examples, ["line 2: it is old (and 1,499 more)", "line 1600: it is odd"]);
}

#[test]
fn hours_of_uptime_and_days_of_models_are_stored_once() {
    let data = folder();
    let store = recorded(data.path());
    let mut one = batch("aa", Vec::new());
    let hour = ImportedUptime { endpoint: endpoint(), hour: at("2026-07-01T10:00:00Z"), uptime: 0.99 };
    one.uptimes = vec![hour.clone(), ImportedUptime { uptime: 2.0, ..hour }];
    let activity = ImportedActivity {
        model: lark(),
        variant: Variant::new("standard"),
        day: ordinal("2026-07-01"),
        prompt_tokens: 100,
        completion_tokens: 10,
        cached_tokens: None,
        requests: Some(3),
    };
    one.activity = vec![activity.clone(), ImportedActivity { prompt_tokens: 300, ..activity.clone() }];
    let report = store.import(&one).expect("imported");
    assert_eq!((report.stored, report.disagreements, report.refused), (2, 1, 1), "{report:?}");
    let mut two = batch("bb", Vec::new());
    (two.uptimes, two.activity) = (one.uptimes[..1].to_vec(), vec![activity]);
    assert_eq!(store.import(&two).expect("imported").known, 2);
}

#[test]
fn a_dry_run_stores_nothing_and_a_forgotten_source_is_gone() {
    let data = folder();
    let store = recorded(data.path());
    let one = batch("aa", vec![day("2026-07-30", 0.4)]);
    let how = ImportedAs { name: Some("mine".into()), dry_run: true };
    let would = store.import_parts(&one, &ImportedParts::default(), &how).expect("a report");
    assert_eq!((would.stored, store.import_sources().expect("readable").len()), (1, 0));
    let how = ImportedAs { dry_run: false, ..how };
    store.import_parts(&one, &ImportedParts::default(), &how).expect("imported");
    let other = batch("bb", vec![day("2026-07-29", 0.4)]);
    store.import_parts(&other, &ImportedParts::default(), &how).expect("imported");
    let names: Vec<String> =
        store.import_sources().expect("readable").into_iter().map(|source| source.name).collect();
    assert_eq!(names, ["mine-2", "mine"]);
    assert_eq!(store.forget_import("nobody").expect("readable"), None);
    assert!(store.forget_import("mine").expect("removed").is_some());
    let days = store.imported_days(ordinal("2026-07-01"), ordinal("2026-08-08"), at("2026-08-08T10:57:00Z"));
    assert_eq!(days.expect("readable").len(), 1);
    assert_eq!(store.import(&one).expect("imported").stored, 1, "it can be imported again");
}

#[test]
fn imports_change_no_tier_no_verdict_and_no_backtest() {
    let data = folder();
    let store = recorded(data.path());
    let build = || {
        let workloads = config("").workloads(data.path()).expect("the shipped ones");
        build_snapshot(&store, None, workloads, at("2026-08-08T11:00:00Z")).expect("a snapshot")
    };
    let before = build();
    assert!(before.imports.is_empty());
    let days: Vec<ImportedDay> = (10..31).map(|n| day(&format!("2026-07-{n}"), 0.99)).collect();
    store.import(&batch("aa", days)).expect("imported");
    let after = build();
    assert_eq!(after.tier_lists, before.tier_lists);
    assert_eq!(after.models, before.models);
    assert_eq!(after.providers, before.providers);
    assert_eq!(after.backtest, before.backtest);
    assert_eq!((after.imports.count, after.imports.of(id(1).expect("an id")).len()), (1, 21));
    assert_ne!(after.id, before.id, "the content differs");
}
