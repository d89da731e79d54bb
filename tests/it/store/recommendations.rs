//! The record of recommendations: what counts as a change, what is kept, and its export.

use super::{id, ingest, reading, run};
use crate::rig::{at, folder, rows, store, tamper};
use chrono::NaiveDate;
use hitrate::domain::ids::{ModelSlug, Variant};
use hitrate::domain::tier_history::RunDay;
use hitrate::domain::tier_list::DayRange;
use hitrate::store::{ExportFormat, PastRecommendations, Recommendation, RecommendationKind, Store};
use serde_json::{Value, json};

const KIND: RecommendationKind<'_> =
    RecommendationKind { method_version: 4, mode: "shortlist", workload: "coding-agent" };
const COLUMNS: &str = "day,closed_at,model,variant,mode,workload,endpoints,saving,saving_low,saving_high";

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn closing(date: &str) -> RunDay {
    RunDay { day: day(date), closing: at(&format!("{date}T23:57:00Z")) }
}

fn named(model: &str, tags: &[&str]) -> Recommendation {
    let is_given = !tags.is_empty();
    Recommendation {
        model: ModelSlug::new(model),
        variant: Variant::standard(),
        endpoints: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        saving: is_given.then_some(0.125),
        saving_low: None,
        saving_high: is_given.then_some(0.25),
    }
}

fn write(store: &Store, date: &str, made: &[Recommendation]) {
    store.record_recommendations(KIND, closing(date), made).expect("recorded");
}

fn past(store: &Store, from: &str, to: &str) -> Vec<PastRecommendations> {
    let days = DayRange { from: day(from), to: day(to) };
    let mut past = store.past_recommendations(KIND, days).expect("readable");
    past.sort_by(|a, b| a.model.cmp(&b.model));
    past
}

/// Days, changes, first day and endpoints of the one model.
fn counted(store: &Store, from: &str, to: &str) -> (u32, u32, String, String) {
    let past = past(store, from, to);
    let [one] = &past[..] else { panic!("not one model: {past:?}") };
    (one.days, one.changes, one.since.to_string(), one.endpoints.join(" "))
}

/// A week of the one model: withheld on the third day, another order on the second and the fifth, changed on the fourth.
fn week(store: &Store) {
    let tags: [&[&str]; 5] =
        [&["heron", "crane/fp8"], &["crane/fp8", "heron"], &[], &["heron", "rail"], &["rail", "heron"]];
    for (number, tags) in tags.into_iter().enumerate() {
        write(store, &format!("2026-08-0{}", number + 1), &[named("wren/lark-2-20260101", tags)]);
    }
}

#[test]
fn a_changed_recommendation_counts_once_and_neither_order_nor_a_withheld_day_counts() {
    let data = folder();
    let store = store(data.path());
    week(&store);
    let expected = |days, changes, since: &str, tags: &str| (days, changes, since.into(), tags.into());
    assert_eq!(counted(&store, "2026-08-01", "2026-08-05"), expected(4, 1, "2026-08-04", "rail heron"));
    // The day before the range is compared, and not counted.
    assert_eq!(counted(&store, "2026-08-04", "2026-08-05"), expected(2, 1, "2026-08-04", "rail heron"));
    assert_eq!(
        counted(&store, "2026-08-05", "2026-08-31"),
        expected(1, 0, "2026-08-04", "rail heron"),
        "the last recommendation may be older than the range"
    );
    assert_eq!(
        counted(&store, "2026-08-01", "2026-08-03"),
        expected(2, 0, "2026-08-01", "crane/fp8 heron"),
        "later days are not known yet"
    );
    assert_eq!(past(&store, "2026-08-03", "2026-08-03"), Vec::new(), "withheld on the only day");
    assert_eq!(past(&store, "2026-08-06", "2026-08-31"), Vec::new(), "no day is recorded");
}

#[test]
fn only_recommendations_of_the_same_kind_are_compared() {
    let data = folder();
    let store = store(data.path());
    week(&store);
    let days = DayRange { from: day("2026-08-01"), to: day("2026-08-05") };
    for other in [
        RecommendationKind { method_version: 3, ..KIND },
        RecommendationKind { mode: "pin", ..KIND },
        RecommendationKind { workload: "chat", ..KIND },
    ] {
        assert_eq!(store.past_recommendations(other, days).expect("readable"), Vec::new(), "{other:?}");
    }
    let newest = |version, before| store.newest_recommended(version, day(before)).expect("readable");
    assert_eq!(newest(4, "2026-08-05"), Some(day("2026-08-04")), "a day does not precede itself");
    assert_eq!((newest(4, "2027-01-01"), newest(3, "2027-01-01")), (Some(day("2026-08-05")), None));
}

#[test]
fn a_day_that_is_recorded_again_is_replaced() {
    let data = folder();
    let store = store(data.path());
    week(&store);
    write(&store, "2026-08-05", &[named("wren/lark-2-20260101", &["crane"]), named("wren/owl", &["heron"])]);
    let past = past(&store, "2026-08-01", "2026-08-05");
    let changes: Vec<(u32, u32)> = past.iter().map(|one| (one.days, one.changes)).collect();
    assert_eq!(changes, [(4, 2), (1, 0)]);
    assert_eq!(past[0].since, day("2026-08-05"));
}

#[test]
fn changes_have_the_public_name_of_the_model_and_appear_once_their_day_is_over() {
    let data = folder();
    let store = store(data.path());
    ingest(&store, &run("2026-08-01T10:57:00Z", vec![reading(id(1), "heron")]));
    week(&store);
    let changes =
        |from: &str, as_of: &str| store.recommendation_changes(KIND, day(from), at(as_of)).expect("readable");
    assert_eq!(changes("2026-08-01", "2026-08-04T23:59:00Z"), Vec::new(), "the day is not over");
    let [change] = &changes("2026-08-01", "2026-08-05T00:57:00Z")[..] else { panic!("one change") };
    assert_eq!((change.at, change.model_id.as_str()), (at("2026-08-04T23:57:00Z"), "wren/lark-2"));
    assert_eq!(
        (change.before.join(", "), change.after.join(", ")),
        ("crane/fp8, heron".into(), "heron, rail".into())
    );
    assert_eq!(change.model.as_str(), "wren/lark-2-20260101");
    assert_eq!(changes("2026-08-05", "2026-08-09T00:57:00Z"), Vec::new(), "before the list begins");
    write(&store, "2026-08-06", &[named("wren/lark-2-20260101", &["crane"])]);
    let newest = changes("2026-08-01", "2026-08-09T00:57:00Z");
    assert_eq!((newest.len(), newest[0].after.as_slice()), (2, &["crane".to_owned()][..]), "newest first");
}

fn exported(store: &Store, version: u32, from: &str, to: &str, format: ExportFormat) -> Vec<u8> {
    let path = store.export_recommendations(version, (day(from), day(to)), format).expect("exported");
    let bytes = std::fs::read(&path).expect("a file");
    std::fs::remove_file(&path).expect("it can be removed");
    bytes
}

#[test]
fn the_export_has_a_row_for_each_day_and_model_with_both_bounds_inclusive() {
    let data = folder();
    let store = store(data.path());
    week(&store);
    write(&store, "2026-08-06", &[named("wren/lark-2-20260101", &["he\"r,on"])]);
    let csv = |version, from: &str, to: &str| {
        String::from_utf8(exported(&store, version, from, to, ExportFormat::Csv)).expect("UTF-8")
    };
    let row = |date: &str, rest: &str| {
        format!("{date},{date}T23:57:00Z,wren/lark-2-20260101,standard,shortlist,coding-agent,{rest}")
    };
    let text = csv(4, "2026-08-02", "2026-08-06");
    let expected = [
        COLUMNS.to_owned(),
        row("2026-08-02", "crane/fp8 heron,0.125,,0.25"),
        row("2026-08-03", ",,,"),
        row("2026-08-04", "heron rail,0.125,,0.25"),
        row("2026-08-05", "rail heron,0.125,,0.25"),
        row("2026-08-06", "\"he\"\"r,on\",0.125,,0.25"),
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    assert_eq!(csv(4, "2026-08-07", "2026-08-31").trim_end(), COLUMNS, "no day");
    assert_eq!(csv(3, "2026-08-01", "2026-08-31").trim_end(), COLUMNS, "another version of the method");
    let bytes = exported(&store, 4, "2026-08-03", "2026-08-04", ExportFormat::Json);
    let rows: Vec<Value> = serde_json::from_slice(&bytes).expect("an array");
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["endpoints"], &rows[0]["saving"]), (&Value::Null, &Value::Null));
    assert_eq!((&rows[1]["endpoints"], &rows[1]["saving"]), (&json!("heron rail"), &json!(0.125)));
    assert!(exported(&store, 4, "2026-08-01", "2026-08-31", ExportFormat::Parquet).starts_with(b"PAR1"));
}

#[test]
fn a_store_from_before_this_record_is_migrated() {
    let data = folder();
    ingest(&store(data.path()), &run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron")]));
    tamper(data.path(), "DROP TABLE recommendation; DELETE FROM schema_migration WHERE version = 10");
    let opened = store(data.path());
    assert_eq!(opened.newest_recommended(4, day("2026-08-31")).expect("readable"), None);
    week(&opened);
    assert_eq!(counted(&opened, "2026-08-01", "2026-08-05").1, 1);
    assert_eq!(
        opened.readings(at("2026-08-07T00:00:00Z"), at("2026-08-08T00:00:00Z")).expect("kept").len(),
        1
    );
    drop(opened);
    assert_eq!(rows(data.path(), "SELECT version FROM schema_migration WHERE version = 10").len(), 1);
}
