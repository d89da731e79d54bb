//! Exports: the columns that other programs rely on, in three formats.

use super::{id, ingest, price, reading, run};
use crate::rig::{at, folder, store};
use chrono::{DateTime, Utc};
use hitrate::domain::reading::Reading;
use hitrate::domain::units::HitRate;
use hitrate::domain::window::WindowKind;
use hitrate::store::{ExportFormat, Store};
use serde_json::{Value, json};

const COLUMNS: &str = "run_id,observed_at,window_kind,window_start,window_end,model,variant,endpoint_id,provider,\
    provider_name,tag,hit_rate,tokens,effective_input,effective_output,list_input,list_output,list_cache_read,\
    list_cache_write,uptime_5m,uptime_30m,uptime_1d,status,list_cache_write_1h,max_prompt_tokens,deprecation_date,\
    created_at";

/// A reading of an endpoint with all values known.
fn told() -> Reading {
    let mut reading = reading(id(1), "heron");
    reading.prices.cache_write_1h = price("0.4");
    reading.facts.published.max_prompt_tokens = Some(131_000);
    reading.facts.published.deprecation_date = Some(at("2026-09-01T13:00:00Z"));
    reading.facts.published.created_at = Some(at("2026-01-02T03:04:05.678Z"));
    reading
}

fn filled(folder: &std::path::Path) -> Store {
    let store = store(folder);
    let mut idle = reading(id(2), "crane/fp8");
    idle.usage = None;
    ingest(&store, &run("2026-08-07T10:57:00Z", vec![told(), idle]));
    let mut zero = told();
    if let Some(usage) = &mut zero.usage {
        usage.hit_rate = HitRate::new(0.0);
    }
    let mut hourly = run("2026-08-07T11:57:00Z", vec![zero]);
    hourly.window_kind = WindowKind::Hour;
    ingest(&store, &hourly);
    store
}

fn exported(store: &Store, from: &str, to: &str, format: ExportFormat) -> Vec<u8> {
    let path = store.export_readings(at(from), at(to), format).expect("exported");
    assert!(path.starts_with(store.options().work_dir.canonicalize().expect("there")));
    let bytes = std::fs::read(&path).expect("a file");
    std::fs::remove_file(&path).expect("it can be removed");
    bytes
}

#[test]
fn csv_has_the_columns_of_the_contract_and_a_row_without_usage() {
    let data = folder();
    let store = filled(data.path());
    let bytes = exported(&store, "2026-08-07T10:57:00Z", "2026-08-07T11:57:00Z", ExportFormat::Csv);
    let text = String::from_utf8(bytes).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], COLUMNS);
    let one = "20260807T105700Z,2026-08-07T10:57:00Z,day_to_date,2026-08-07T00:00:00Z,2026-08-07T10:57:00Z,\
        wren/lark-2-20260101,standard,00000000-0000-0000-0000-000000000001,heron,\"Heron, \"\"the\"\" cloud\",heron,\
        0.5,1000000000000,0.11,1.0,0.2,1.0,0.02,,,0.99,,0,0.4,131000,2026-09-01T13:00:00Z,2026-01-02T03:04:05Z";
    assert_eq!(lines[1], one);
    let idle = "20260807T105700Z,2026-08-07T10:57:00Z,day_to_date,,,wren/lark-2-20260101,standard,\
        00000000-0000-0000-0000-000000000002,crane,\"Heron, \"\"the\"\" cloud\",crane/fp8,,,,,0.2,1.0,0.02,,,0.99,,0,,,,";
    assert_eq!(lines[2], idle);
    assert_eq!(lines.len(), 3, "half-open: the run at the end is not in it");
}

#[test]
fn the_interval_is_half_open() {
    let data = folder();
    let store = filled(data.path());
    let count = |from: &str, to: &str| {
        let text = exported(&store, from, to, ExportFormat::Json);
        serde_json::from_slice::<Vec<Value>>(&text).expect("an array").len()
    };
    assert_eq!(count("2026-08-07T00:00:00Z", "2026-08-08T00:00:00Z"), 3);
    assert_eq!(count("2026-08-07T10:57:01Z", "2026-08-07T11:57:01Z"), 1);
    assert_eq!(count("2026-08-07T11:57:01Z", "2026-08-08T00:00:00Z"), 0);
}

#[test]
fn json_has_the_same_fields_with_null_for_what_is_not_there() {
    let data = folder();
    let store = filled(data.path());
    let text = exported(&store, "2026-08-07T00:00:00Z", "2026-08-08T00:00:00Z", ExportFormat::Json);
    let rows: Vec<Value> = serde_json::from_slice(&text).expect("an array");
    let mut names: Vec<&str> = rows[0].as_object().expect("an object").keys().map(String::as_str).collect();
    let mut expected: Vec<&str> = COLUMNS.split(',').collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!((&rows[0]["hit_rate"], &rows[0]["tokens"]), (&json!(0.5), &json!(1_000_000_000_000_i64)));
    assert_eq!((&rows[1]["hit_rate"], &rows[1]["tokens"]), (&Value::Null, &Value::Null));
    assert_eq!(rows[2]["hit_rate"], json!(0.0), "a true zero remains zero");
    assert_eq!(rows[2]["window_kind"], "hour");
    assert!(rows[2]["window_start"].is_null() && rows[2]["list_cache_write"].is_null());
}

#[test]
fn parquet_holds_the_same_rows_as_the_store_gives() {
    let data = folder();
    let store = filled(data.path());
    let (from, to) = (at("2026-08-07T00:00:00Z"), at("2026-08-08T00:00:00Z"));
    let direct = store.readings(from, to).expect("readable");
    assert_eq!(direct.len(), 3);
    let window = (direct[0].window_start, direct[0].window_end);
    assert_eq!(window, (Some(at("2026-08-07T00:00:00Z")), Some(at("2026-08-07T10:57:00Z"))));
    assert_eq!((direct[1].window_start, direct[1].window_end, direct[1].tokens), (None, None, None));
    let file = store.export_readings(from, to, ExportFormat::Parquet).expect("exported");
    drop(store);
    let query = format!("FROM read_parquet('{}')", file.display());
    let names = crate::rig::rows(data.path(), &format!("SELECT column_name AS c FROM (DESCRIBE {query})"));
    let expected: Vec<String> = COLUMNS.split(',').map(|name| format!("{{'c': {name}}}")).collect();
    assert_eq!(names, expected);
    let back = crate::rig::rows(
        data.path(),
        &format!(
            "SELECT epoch_us(observed_at) AS t, tag AS g, hit_rate AS h {query} ORDER BY t, endpoint_id"
        ),
    );
    let told = |time: DateTime<Utc>, tag: &str, rate: Option<f64>| {
        let rate = rate.map_or_else(|| "NULL".into(), |rate| format!("{rate:?}"));
        format!("{{'t': {}, 'g': {tag}, 'h': {rate}}}", time.timestamp_micros())
    };
    let expected: Vec<String> =
        direct.iter().map(|row| told(row.observed_at, row.tag.as_str(), row.hit_rate)).collect();
    assert_eq!(back, expected);
}
