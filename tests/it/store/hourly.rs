//! Hourly rates: the SQL compared with the definition, and the export.

use super::{id, ingest, reading, run};
use crate::rig::{at, folder, store};
use chrono::{DateTime, Duration, Utc};
use hitrate::domain::hourly::{Cumulative, Refusal, Stretch, difference};
use hitrate::domain::units::HitRate;
use hitrate::domain::window::WindowKind;
use hitrate::store::{ExportFormat, HourlyRecord, Store};
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// Endpoints of the made-up record.
const ENDPOINTS: u128 = 60;
/// Runs of it, every 53 minutes or so: over three midnights.
const RUNS: i64 = 90;

/// A record that contains every case that differences must refuse, and the same data as cumulative readings.
fn record(store: &Store) -> Vec<Vec<Cumulative>> {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(20_260_807);
    let mut series: Vec<Vec<Cumulative>> = vec![Vec::new(); ENDPOINTS as usize];
    let mut sums = vec![(0.0, 0_i64); ENDPOINTS as usize];
    let mut time = at("2026-08-05T00:57:00Z");
    for number in 0..RUNS {
        let kind = if number % 17 == 16 { WindowKind::Unknown } else { WindowKind::DayToDate };
        let mut readings = Vec::new();
        for (endpoint, sum) in sums.iter_mut().enumerate() {
            let gained = match random.random_range(0..10) {
                0 => 0,
                1 => random.random_range(1..1_000_000),
                2 => -random.random_range(0..2_000_000_i64).min(sum.1),
                _ => random.random_range(1_000_000..900_000_000),
            };
            let rate: f64 = random.random_range(-0.02..1.02);
            *sum = ((sum.0 + rate * gained as f64).max(0.0), sum.1 + gained);
            let absent = random.random_range(0..12) == 0;
            let hit_rate = (sum.1 > 0 && random.random_range(0..15) != 0)
                .then(|| HitRate::new((sum.0 / sum.1 as f64).clamp(0.0, 1.0)))
                .flatten();
            let mut one = reading(id(endpoint as u128 + 1), &format!("host-{endpoint}"));
            one.usage = (!absent).then(|| {
                let usage = one.usage.expect("there");
                hitrate::domain::reading::Usage { hit_rate, tokens: Some(sum.1), ..usage }
            });
            if let Some(usage) = &one.usage {
                let endpoint_id = one.facts.endpoint_id.expect("given");
                let hit_rate = usage.hit_rate.map(HitRate::get);
                series[endpoint].push(Cumulative {
                    endpoint: endpoint_id,
                    kind,
                    at: time,
                    hit_rate,
                    tokens: usage.tokens.expect("given"),
                });
            }
            readings.push(one);
        }
        let mut one = run(&time.to_rfc3339(), readings);
        one.window_kind = kind;
        ingest(store, &one);
        let later = time + Duration::seconds(random.random_range(3_000..3_400));
        if later.date_naive() != time.date_naive() {
            sums.iter_mut().for_each(|sum| *sum = (0.0, 0));
        }
        time = later;
    }
    series
}

/// The result of the definition for each reading from a time on.
fn defined(series: &[Vec<Cumulative>], from: DateTime<Utc>) -> HourlyRecord {
    let mut record = HourlyRecord::default();
    for readings in series {
        let mut before: Option<&Cumulative> = None;
        for now in readings {
            if now.kind != WindowKind::DayToDate {
                if now.at >= from {
                    *record.refused.entry(Refusal::WindowKind).or_default() += 1;
                }
                continue;
            }
            let earlier = before.filter(|b| b.at.date_naive() == now.at.date_naive());
            before = Some(now);
            match difference(earlier, now) {
                _ if now.at < from => {}
                Ok(stretch) => record.stretches.entry(now.endpoint).or_default().push(stretch),
                Err(refusal) => *record.refused.entry(refusal).or_default() += 1,
            }
        }
    }
    record
}

#[test]
fn the_query_gives_what_the_definition_says() {
    let data = folder();
    let opened = store(data.path());
    let series = record(&opened);
    for from in ["2026-08-05T00:00:00Z", "2026-08-06T13:30:00Z"].map(at) {
        let found = opened.hourly(from, at("2026-08-31T00:00:00Z")).expect("readable");
        let expected = defined(&series, from);
        assert_eq!(found.refused, expected.refused);
        same(&found.stretches, &expected.stretches);
    }
    let all = defined(&series, at("2026-08-05T00:00:00Z"));
    let happened: Vec<&str> = all.refused.keys().map(|refusal| refusal.as_str()).collect();
    let possible = ["window_kind", "tokens_fell", "no_traffic", "no_rate", "too_few_tokens", "out_of_range"];
    assert_eq!(happened, possible, "the record has a case of each");
    assert!(all.stretches.values().map(Vec::len).sum::<usize>() > 1_000);
}

type Stretches = HashMap<uuid::Uuid, Vec<Stretch>>;

fn same(found: &Stretches, expected: &Stretches) {
    let counts = |all: &Stretches| all.iter().map(|(id, list)| (*id, list.len())).collect::<BTreeMap<_, _>>();
    assert_eq!(counts(found), counts(expected));
    for (endpoint, list) in expected {
        for (one, two) in found[endpoint].iter().zip(list) {
            assert_eq!((one.start, one.end, one.tokens), (two.start, two.end, two.tokens));
            assert!((one.hit_rate - two.hit_rate).abs() < 1e-9, "{one:?} is not {two:?}");
        }
    }
}

const COLUMNS: &str = "run_id,observed_at,window_kind,window_start,window_end,model,variant,endpoint_id,provider,\
    provider_name,tag,hit_rate,tokens,refused";

/// Two runs of a day with a third one between them that covers a short window, then a run of the next day.
fn filled(folder: &std::path::Path) -> Store {
    let store = store(folder);
    let of = |time: &str, kind: WindowKind, rate: f64, tokens: i64| {
        let mut one = reading(id(1), "heron");
        if let Some(usage) = &mut one.usage {
            (usage.hit_rate, usage.tokens) = (HitRate::new(rate), Some(tokens));
        }
        let mut run = run(time, vec![one]);
        run.window_kind = kind;
        run
    };
    ingest(&store, &of("2026-08-07T22:57:12Z", WindowKind::DayToDate, 0.5, 10_000_000));
    ingest(&store, &of("2026-08-07T23:20:00Z", WindowKind::Hour, 0.9, 5_000_000));
    ingest(&store, &of("2026-08-07T23:57:09Z", WindowKind::DayToDate, 0.6, 20_000_000));
    ingest(&store, &of("2026-08-08T01:57:00Z", WindowKind::DayToDate, 0.25, 400_000));
    store
}

#[test]
fn requests_are_counted_over_the_rates_they_belong_to() {
    let data = folder();
    let store = store(data.path());
    let of = |time: &str, tokens: i64, requests| {
        let mut one = reading(id(1), "heron");
        if let Some(usage) = &mut one.usage {
            usage.tokens = Some(tokens);
        }
        one.health.requests_30m = requests;
        ingest(&store, &run(time, vec![one]));
    };
    // 20 million tokens in ten hours with 100 requests each half hour, then 10 million in an hour with 500 each half hour,
    // and twice 6 million in half an hour with 600.
    of("2026-08-07T10:00:00Z", 20_000_000, Some(100));
    of("2026-08-07T11:00:00Z", 30_000_000, Some(500));
    of("2026-08-07T11:30:00Z", 36_000_000, Some(600));
    of("2026-08-07T12:00:00Z", 42_000_000, Some(600));
    of("2026-08-07T12:30:00Z", 99_000_000, None);
    let record = store.hourly(at("2026-08-07T00:00:00Z"), at("2026-08-08T00:00:00Z")).expect("readable");
    assert_eq!(record.stretches[&id(1).expect("an id")].len(), 5);
    let size = record.request_sizes[&id(1).expect("an id")].tokens_per_request();
    assert_eq!(size, Some(10_000.0), "the last rate has no count");
}

fn exported(store: &Store, from: &str, to: &str, format: ExportFormat) -> Vec<u8> {
    let path = store.export_hourly(at(from), at(to), format).expect("exported");
    let bytes = std::fs::read(&path).expect("a file");
    std::fs::remove_file(&path).expect("it can be removed");
    bytes
}

#[test]
fn the_export_has_true_bounds_and_names_every_refusal() {
    let data = folder();
    let store = filled(data.path());
    let (from, to) = ("2026-08-07T23:00:00Z", "2026-08-09T00:00:00Z");
    let text = String::from_utf8(exported(&store, from, to, ExportFormat::Csv)).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], COLUMNS);
    let who = "wren/lark-2-20260101,standard,00000000-0000-0000-0000-000000000001,heron,\"Heron, \"\"the\"\" cloud\",heron";
    assert_eq!(lines[1], format!("20260807T232000Z,2026-08-07T23:20:00Z,hour,,,{who},,,window_kind"));
    let difference =
        "20260807T235709Z,2026-08-07T23:57:09Z,day_to_date,2026-08-07T22:57:12Z,2026-08-07T23:57:09Z";
    assert_eq!(lines[2], format!("{difference},{who},0.7,10000000,"));
    let alone = "20260808T015700Z,2026-08-08T01:57:00Z,day_to_date,2026-08-08T00:00:00Z,2026-08-08T01:57:00Z";
    assert_eq!(lines[3], format!("{alone},{who},,400000,too_few_tokens"));
    assert_eq!(lines.len(), 4, "half-open, and the difference uses the reading before the span");

    let rows: Vec<Value> =
        serde_json::from_slice(&exported(&store, from, to, ExportFormat::Json)).expect("an array");
    assert_eq!((&rows[1]["hit_rate"], &rows[1]["refused"]), (&json!(0.7), &Value::Null));
    assert_eq!(rows[0]["window_start"], Value::Null);
    let file = store.export_hourly(at(from), at(to), ExportFormat::Parquet).expect("exported");
    drop(store);
    let query = format!("FROM read_parquet('{}')", file.display());
    let names = crate::rig::rows(data.path(), &format!("SELECT column_name AS c FROM (DESCRIBE {query})"));
    assert_eq!(names, COLUMNS.split(',').map(|name| format!("{{'c': {name}}}")).collect::<Vec<_>>());
    let rates = crate::rig::rows(data.path(), &format!("SELECT hit_rate AS h {query} WHERE refused IS NULL"));
    assert_eq!(rates, ["{'h': 0.7}"]);
}
