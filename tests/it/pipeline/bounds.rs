//! One impossible value in one row of one document: it is quarantined by name and affects nothing else, in the same run
//! and at every later start, collection and replay.

use chrono::Duration;
use hitrate::pipeline::Pipeline;
use hitrate::snapshot::RecentReading;

use crate::rig::{folder, rows};
use crate::upstream::{Fault, Upstream, collect, day, pipeline};

/// A document, a position in it, the value, and the maximum number of readings that may lose a number.
struct Case {
    document: &'static str,
    place: &'static str,
    value: &'static str,
    changed: usize,
}

const fn case(document: &'static str, place: &'static str, value: &'static str, changed: usize) -> Case {
    Case { document, place, value, changed }
}

const CASES: &[Case] = &[
    // List prices that do not fit the column, and that do not fit any decimal.
    case("stats_endpoint", "data/0/pricing/prompt", "\"1000\"", 1),
    case("stats_endpoint", "data/0/pricing/input_cache_write", "\"1000\"", 0),
    case("stats_endpoint", "data/0/pricing/prompt", "1e23", 1),
    case("stats_endpoint", "data/0/pricing/completion", "\"99999999999999999999999\"", 1),
    case("public_endpoints", "data/endpoints/0/pricing/prompt", "\"1e23\"", 0),
    // Times in milliseconds, and beyond what a database can hold.
    case("models", "data/0/created", "1780000000000", 0),
    case("models", "data/0/created", "253402300800", 0),
    // Speeds that do not fit any integer as millionths.
    case("stats_endpoint", "data/0/stats/p50_latency", "1e13", 1),
    case("stats_endpoint", "data/0/stats/p50_latency", "-1e13", 1),
    case("stats_endpoint", "data/0/stats/p50_throughput", "1e19", 1),
    // Prices whose sums are infinite.
    case("effective_pricing", "data/providerSummaries/0/effectiveInputPrice", "1e308", 1),
    case("effective_pricing", "data/inputChartData/0/y/*", "1e308", 0),
    case("effective_pricing", "data/weightedInputPrice", "1e308", 0),
];

impl Case {
    /// A part of the address of one document of its kind.
    fn address(&self, model: &str, public: &str) -> String {
        match self.document {
            "stats_endpoint" => format!("stats/endpoint?permaslug={model}&variant=standard"),
            "effective_pricing" => format!("stats/effective-pricing?permaslug={model}&variant=standard"),
            "public_endpoints" => public.to_owned(),
            _ => "/api/v1/models".to_owned(),
        }
    }

    /// The path in quarantine, as far as it is known here.
    fn path(&self) -> String {
        let mut path = "$".to_owned();
        for step in self.place.split('/').take_while(|step| *step != "*") {
            match step.parse::<usize>() {
                Ok(position) => path.push_str(&format!("[{position}]")),
                Err(_) => path.push_str(&format!(".{step}")),
            }
        }
        path
    }
}

fn readings(pipeline: &Pipeline, hour: i64) -> Vec<RecentReading> {
    let time = day(11) + Duration::hours(hour);
    pipeline.store.readings(time, time + Duration::seconds(1)).expect("readable")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_impossible_value_is_quarantined_by_name_and_stops_nothing() {
    let upstream = Upstream::serve().await;
    let (data, control) = (folder(), folder());
    let right = pipeline(control.path());
    collect(&right, &upstream, day(11)).await;
    upstream.take_asked();
    collect(&pipeline(data.path()), &upstream, day(11)).await;
    let asked = upstream.take_asked();
    let public = asked.iter().find(|address| address.ends_with("/endpoints")).expect("a public list");
    let model = upstream.models()[0].clone();
    let mut expected = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let hour = i64::try_from(number).expect("small") + 1;
        let time = day(11) + Duration::hours(hour);
        // Every case begins with a start: the leftovers of the previous case must not prevent it.
        let attacked = pipeline(data.path());
        upstream.set_faults(&[(case.address(&model, public).as_str(), Fault::Set(case.place, case.value))]);
        let report = collect(&attacked, &upstream, time).await;
        let about = format!("{} = {}", case.place, case.value);
        assert_eq!(report.status.as_str(), "ok", "{about}: {:?}", report.failures);
        assert_eq!(report.quarantined.get("value_out_of_range"), Some(&1), "{about}: {report:?}");
        assert_eq!(attacked.publish().expect("published").as_of, time, "{about}");
        upstream.set_faults(&[]);
        collect(&right, &upstream, time).await;
        let (found, wanted) = (readings(&attacked, hour), readings(&right, hour));
        assert_eq!(found.len(), wanted.len(), "{about}");
        let differ = found.iter().zip(&wanted).filter(|(a, b)| a != b).count();
        assert!(differ <= case.changed, "{about}: {differ} readings differ");
        expected.push((time, case));
    }
    let end = day(12) + Duration::hours(2);
    let attacked = pipeline(data.path());
    assert_eq!(collect(&attacked, &upstream, end).await.status.as_str(), "ok");
    assert_eq!(attacked.publish().expect("published").as_of, end);
    let rebuilt_in = folder();
    let rebuilt = pipeline(rebuilt_in.path());
    let report = rebuilt.replay(&attacked.archive, |_, _| {}).expect("replayed");
    assert_eq!((report.stored, report.set_aside.len()), (CASES.len() + 2, 0), "{:?}", report.set_aside);
    drop((attacked, rebuilt));
    for folder in [data.path(), rebuilt_in.path()] {
        let sql = "SELECT concat_ws(' ', r.observed_at, q.kind, q.model, q.path, q.detail) AS t
                   FROM quarantine q JOIN run r USING (run_no)
                   WHERE q.reason = 'value_out_of_range' ORDER BY r.run_no";
        let named = rows(folder, sql);
        assert_eq!(named.len(), CASES.len(), "{named:?}");
        for (row, (time, case)) in named.iter().zip(&expected) {
            let words = [time.format("%Y-%m-%d %H:%M").to_string(), case.document.to_owned(), case.path()];
            assert!(words.iter().all(|word| row.contains(word.as_str())), "{words:?}: {row}");
            assert!(row.contains("is not within"), "{row}");
            let named_model = row.contains(&model) || matches!(case.document, "models" | "public_endpoints");
            assert!(named_model && row.contains('/'), "{row}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_of_another_type_costs_the_field() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    let whole = collect(&pipeline, &upstream, day(11)).await;
    for (hour, (document, place)) in [
        ("stats/effective-pricing", "data/weightedInputPrice"),
        ("stats/effective-pricing", "data/weightedCacheHitRate"),
        ("stats/effective-pricing", "data/outputChartData"),
        ("stats/effective-pricing", "data/providerSummaries/0/providerName"),
        ("stats/endpoint", "data/0/is_hidden"),
        ("stats/endpoint", "data/0/provider_name"),
        ("stats/endpoint", "data/0/pricing/discount"),
        ("stats/endpoint", "data/0/stats/request_count"),
    ]
    .into_iter()
    .enumerate()
    {
        let address = format!("{document}?permaslug={}&variant=standard", upstream.models()[0]);
        upstream.set_faults(&[(address.as_str(), Fault::Set(place, r#"{"an": ["object"]}"#))]);
        let time = day(11) + Duration::hours(i64::try_from(hour).expect("small") + 1);
        let report = collect(&pipeline, &upstream, time).await;
        assert_eq!((report.readings, report.endpoints), (whole.readings, whole.endpoints), "{place}");
        assert_eq!(report.quarantined.get("unreadable_field"), Some(&1), "{place}: {report:?}");
        assert_eq!(report.status.as_str(), "ok", "{place}: {:?}", report.failures);
    }
    let address = format!("stats/effective-pricing?permaslug={}&variant=standard", upstream.models()[0]);
    upstream.set_faults(&[(address.as_str(), Fault::Set("data/providerSummaries", r#"{"an": "object"}"#))]);
    let report = collect(&pipeline, &upstream, day(12)).await;
    assert_eq!(report.status.as_str(), "partial");
    assert!(report.failures[0].contains("$.data.providerSummaries"), "{:?}", report.failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speeds_that_an_older_version_stored_stop_no_day() {
    let upstream = Upstream::serve().await;
    let data = folder();
    {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11)).await;
        collect(&pipeline, &upstream, day(11) + Duration::hours(1)).await;
    }
    crate::rig::tamper(
        data.path(),
        "UPDATE stored_reading SET latency_ms = 1e19, throughput = -1e300 WHERE run_no = 1",
    );
    let reopened = pipeline(data.path());
    reopened.publish().expect("the current day");
    assert_eq!(collect(&reopened, &upstream, day(12)).await.status.as_str(), "ok", "the day is closed");
    reopened.publish().expect("the day that is over");
    drop(reopened);
    let means =
        rows(data.path(), "SELECT max(latency_ms) < 1e6 AND min(throughput) >= 0 AS ok FROM endpoint_day");
    assert_eq!(means, ["{'ok': true}"], "excluded from the mean");
}
