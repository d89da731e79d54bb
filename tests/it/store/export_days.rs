//! The export of days: one row per endpoint and UTC day, with the numbers on which the tier lists are based.

use super::{id, ingest, reading, run};
use crate::rig::{at, folder, rows, store};
use chrono::NaiveDate;
use hitrate::domain::reading::ClosingRate;
use hitrate::domain::units::HitRate;
use hitrate::store::{EndpointDayRow, ExportFormat, Store};
use serde_json::{Value, json};
use std::path::Path;

const COLUMNS: &str = "day,endpoint_id,model,variant,provider,provider_name,tag,hit_rate,basis,tokens,coverage,\
    effective_input,effective_output,list_input,list_output,list_cache_read,list_cache_write,uptime,last_reading_at";
const NEWEST: &str = "2026-08-08T12:00:00Z";

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// Charts reach back to the third; readings on the sixth and the eighth; the comparison series has the fourth and the
/// seventh. The endpoint has another name from the eighth on, and a second one appears then, without usage.
fn filled(folder: &Path) -> Store {
    let store = store(folder);
    let rate = |date: &str, rate: f64| ClosingRate {
        endpoint_id: id(1).expect("given"),
        day: day(date),
        hit_rate: HitRate::new(rate).expect("a share"),
    };
    let mut seen = reading(id(1), "heron");
    for (date, price) in [("2026-08-03", 0.11), ("2026-08-04", 0.11), ("2026-08-05", 0.065)] {
        seen.closing_prices.insert(day(date), (Some(price), Some(1.0)));
    }
    let mut evening = run("2026-08-06T18:00:00Z", vec![seen]);
    evening.closing_rates = vec![rate("2026-08-04", 0.45)];
    ingest(&store, &evening);
    let mut renamed = reading(id(1), "heron/fp8");
    renamed.facts.provider_name = "Heron".into();
    let mut idle = reading(id(2), "crane");
    idle.usage = None;
    let mut later = run(NEWEST, vec![renamed, idle]);
    later.closing_rates = vec![rate("2026-08-07", 0.6)];
    ingest(&store, &later);
    store
}

fn exported(store: &Store, from: &str, to: &str, format: ExportFormat) -> Vec<u8> {
    let path = store.export_days(day(from), day(to), format).expect("exported");
    assert!(path.starts_with(store.options().work_dir.canonicalize().expect("there")));
    let bytes = std::fs::read(&path).expect("a file");
    std::fs::remove_file(&path).expect("it can be removed");
    bytes
}

fn json_rows(store: &Store, from: &str, to: &str) -> Vec<Value> {
    serde_json::from_slice(&exported(store, from, to, ExportFormat::Json)).expect("an array")
}

#[test]
fn csv_has_the_columns_of_the_contract_and_a_row_for_every_day_that_is_known() {
    let data = folder();
    let store = filled(data.path());
    let bytes = exported(&store, "2026-08-04", "2026-08-08", ExportFormat::Csv);
    let text = String::from_utf8(bytes).expect("UTF-8");
    let one = "00000000-0000-0000-0000-000000000001,wren/lark-2-20260101,standard,heron";
    let two = "00000000-0000-0000-0000-000000000002,wren/lark-2-20260101,standard,crane";
    let old = "\"Heron, \"\"the\"\" cloud\"";
    let list = "0.2,1.0,0.02,";
    let expected = [
        COLUMNS.to_owned(),
        format!("2026-08-04,{one},{old},heron,0.45,comparison,,,0.11,1.0,{list},,"),
        format!("2026-08-05,{one},{old},heron,0.75,derived,,,0.065,1.0,{list},,"),
        format!(
            "2026-08-06,{one},{old},heron,0.5,observed,1000000000000,0.75,0.11,1.0,{list},0.99,2026-08-06T18:00:00Z"
        ),
        format!("2026-08-07,{one},{old},heron,0.6,comparison,,,,,{list},,"),
        format!(
            "2026-08-08,{one},Heron,heron/fp8,0.5,observed,1000000000000,0.5,0.11,1.0,{list},0.99,{NEWEST}"
        ),
        format!("2026-08-08,{two},{old},crane,,,,,,,{list},0.99,"),
    ];
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines, expected);
}

#[test]
fn both_bounds_are_inclusive_and_a_range_without_days_is_empty_in_every_format() {
    let data = folder();
    let store = filled(data.path());
    let count = |from: &str, to: &str| json_rows(&store, from, to).len();
    assert_eq!(count("2026-08-03", "2026-08-08"), 7);
    assert_eq!(count("1970-01-01", "9999-12-31"), 7);
    assert_eq!(count("2026-08-06", "2026-08-06"), 1);
    for (from, to) in
        [("2026-07-01", "2026-08-02"), ("2026-08-09", "2026-09-30"), ("2026-08-08", "2026-08-03")]
    {
        assert_eq!(count(from, to), 0);
        let text = exported(&store, from, to, ExportFormat::Csv);
        assert_eq!(String::from_utf8(text).expect("UTF-8").trim_end(), COLUMNS);
        let file = store.export_days(day(from), day(to), ExportFormat::Parquet).expect("exported");
        let query = format!("SELECT count(*) AS n FROM read_parquet('{}')", file.display());
        let other = folder();
        drop(crate::rig::store(other.path()));
        assert_eq!(rows(other.path(), &query), ["{'n': 0}"]);
    }
    let other = folder();
    let empty = crate::rig::store(other.path());
    let text = exported(&empty, "1970-01-01", "9999-12-31", ExportFormat::Csv);
    assert_eq!(String::from_utf8(text).expect("UTF-8").trim_end(), COLUMNS, "a record without runs");
}

#[test]
fn json_has_the_numbers_of_the_analysis_to_the_last_bit() {
    let data = folder();
    let store = filled(data.path());
    let told = json_rows(&store, "2026-08-01", "2026-08-31");
    let days = store
        .days(day("2026-08-01"), day("2026-08-31"), at(NEWEST))
        .and_then(|days| days.rows())
        .expect("readable");
    assert_eq!((told.len(), days.len()), (7, 7));
    for row in &told {
        let mut names: Vec<&str> = row.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut expected: Vec<&str> = COLUMNS.split(',').collect();
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected);
        let same = |d: &&EndpointDayRow| {
            row["endpoint_id"] == d.endpoint_id.to_string() && row["day"] == d.of_day.day.to_string()
        };
        let day = &days.iter().find(same).expect("the same day").of_day;
        assert_eq!(row["hit_rate"], json!(day.hit_rate));
        assert_eq!(row["basis"], json!(day.basis.map(|basis| basis.as_str())));
        assert_eq!((&row["tokens"], &row["coverage"]), (&json!(day.tokens), &json!(day.coverage)));
        assert_eq!(row["effective_input"], json!(day.effective_input));
        assert_eq!((&row["list_input"], &row["list_cache_write"]), (&json!(0.2), &Value::Null));
    }
}

#[test]
fn parquet_has_the_columns_in_order_with_their_types() {
    let data = folder();
    let store = filled(data.path());
    let file =
        store.export_days(day("2026-08-03"), day("2026-08-08"), ExportFormat::Parquet).expect("exported");
    drop(store);
    let query = format!("FROM read_parquet('{}')", file.display());
    let columns = rows(
        data.path(),
        &format!("SELECT concat(column_name, ' ', column_type) AS c FROM (DESCRIBE {query})"),
    );
    let types = |name: &str| match name {
        "day" => "DATE",
        "tokens" => "BIGINT",
        "last_reading_at" => "TIMESTAMP",
        "endpoint_id" | "model" | "variant" | "provider" | "provider_name" | "tag" | "basis" => "VARCHAR",
        _ => "DOUBLE",
    };
    let expected: Vec<String> =
        COLUMNS.split(',').map(|name| format!("{{'c': {name} {}}}", types(name))).collect();
    assert_eq!(columns, expected);
    let back = rows(
        data.path(),
        &format!("SELECT day AS d, basis AS b, last_reading_at AS t {query} WHERE tag LIKE 'heron%'"),
    );
    let expected = [
        "{'d': 2026-08-03, 'b': derived, 't': NULL}",
        "{'d': 2026-08-04, 'b': comparison, 't': NULL}",
        "{'d': 2026-08-05, 'b': derived, 't': NULL}",
        "{'d': 2026-08-06, 'b': observed, 't': '2026-08-06 18:00:00'}",
        "{'d': 2026-08-07, 'b': comparison, 't': NULL}",
        "{'d': 2026-08-08, 'b': observed, 't': '2026-08-08 12:00:00'}",
    ];
    assert_eq!(back, expected);
}
