//! Joins the responses of one run into readings: which endpoint is which, in each era, and with either source disabled.

use super::{ONE, TWO, decode_as, pair_of, pricing, request, stats_row, summary};
use chrono::{DateTime, Utc};
use hitrate::domain::reading::{Known, Reading, RunReadings};
use hitrate::domain::window::WindowKind;
use hitrate::upstream::openrouter::DocumentKind::{self, EffectivePricing, PublicEndpoints, StatsEndpoint};
use hitrate::upstream::openrouter::join::{Answer, join};
use proptest::prelude::*;
use serde_json::{Value, json};

fn noon() -> DateTime<Utc> {
    "2026-08-07T12:00:00Z".parse().expect("a time")
}

fn answered(kind: DocumentKind, variant: &str, status: u16, body: &str) -> Answer {
    let decoded = decode_as(kind, variant, status, body.as_bytes());
    Answer {
        request: request(kind, variant),
        sha256: "5ha".into(),
        decoded: Some(decoded),
        fetched_at: noon(),
    }
}

fn answer(kind: DocumentKind, body: &Value) -> Answer {
    answered(kind, "standard", 200, &body.to_string())
}

fn unanswered(kind: DocumentKind) -> Answer {
    Answer { request: request(kind, "standard"), sha256: String::new(), decoded: None, fetched_at: noon() }
}

fn run(answers: Vec<Answer>) -> RunReadings {
    join(answers, noon(), &Known::default())
}

fn stats(rows: Vec<Value>) -> Answer {
    answer(StatsEndpoint, &json!({"data": rows}))
}

fn public_row(tag: &str, uptime: f64) -> Value {
    json!({"tag": tag, "provider_name": "Internal", "uptime_last_30m": uptime, "status": -2,
           "pricing": {"prompt": "0.00000025", "completion": "0.000001"}})
}

fn public(rows: Vec<Value>) -> Answer {
    answer(PublicEndpoints, &json!({"data": {"id": "wren/lark-2", "endpoints": rows}}))
}

fn reasons(run: &RunReadings) -> Vec<(&str, Option<i64>)> {
    run.quarantined.iter().map(|row| (row.reason.as_str(), row.tokens)).collect()
}

fn rate(reading: &Reading) -> Option<f64> {
    reading.usage.and_then(|usage| usage.hit_rate).map(|rate| rate.get())
}

fn by_tag<'a>(run: &'a RunReadings, tag: &str) -> &'a Reading {
    let found = run.readings.iter().find(|reading| reading.facts.tag.as_str() == tag);
    found.unwrap_or_else(|| panic!("no reading has the tag {tag}"))
}

#[test]
fn facts_come_from_the_statistics_and_an_age_is_never_negative() {
    let mut row = stats_row(ONE, "heron", "Heron");
    row["created_at"] = json!("2026-08-07T12:00:01Z");
    row["deprecation_date"] = json!("2026-08-10T13:00:00.000Z");
    let mut listed = public_row("heron", 99.0);
    listed["max_prompt_tokens"] = json!(90_000);
    let found = run(vec![stats(vec![row.clone()]), public(vec![listed.clone()])]);
    let facts = &by_tag(&found, "heron").facts;
    assert_eq!(facts.published.created_at, None, "it is later than the reading");
    assert_eq!(facts.published.deprecation_date, "2026-08-10T13:00:00Z".parse().ok());
    assert_eq!(facts.published.max_prompt_tokens, Some(90_000), "only the documented list has it");
    row["created_at"] = json!("2026-08-07T12:00:00Z");
    row["max_prompt_tokens"] = json!(80_000);
    let found = run(vec![stats(vec![row]), public(vec![listed])]);
    let facts = &by_tag(&found, "heron").facts;
    assert_eq!((facts.published.created_at, facts.published.max_prompt_tokens), (Some(noon()), Some(80_000)));
}

#[test]
fn before_ids_summaries_are_joined_by_display_name() {
    let run = run(vec![
        stats(vec![stats_row(ONE, "heron/fp8", "Heron"), stats_row(TWO, "crane", "Crane (EU)")]),
        answer(
            EffectivePricing,
            &pricing(vec![summary(None, "Heron", 0.25, 100), summary(None, "Crane (EU)", 0.75, 300)]),
        ),
    ]);
    assert!(run.quarantined.is_empty(), "{:?}", run.quarantined);
    assert_eq!(rate(by_tag(&run, "heron/fp8")), Some(0.25));
    assert_eq!(rate(by_tag(&run, "crane")), Some(0.75));
}

#[test]
fn with_ids_the_name_counts_for_nothing() {
    let run = run(vec![
        stats(vec![stats_row(ONE, "heron", "Heron"), stats_row(TWO, "heron/eu", "Heron")]),
        answer(
            EffectivePricing,
            &pricing(vec![
                summary(Some(TWO), "Heron (1)", 0.75, 300),
                summary(Some(ONE), "Heron (2)", 0.25, 100),
            ]),
        ),
    ]);
    assert!(run.quarantined.is_empty(), "{:?}", run.quarantined);
    assert_eq!((rate(by_tag(&run, "heron")), rate(by_tag(&run, "heron/eu"))), (Some(0.25), Some(0.75)));
}

#[test]
fn what_names_no_single_endpoint_is_put_aside_with_its_tokens() {
    let nobody = "aaaaaaaa-0000-4000-8000-00000000ffff";
    let run = run(vec![
        stats(vec![
            stats_row(ONE, "heron", "Heron"),
            stats_row(TWO, "heron/eu", "Heron"),
            stats_row("aaaaaaaa-0000-4000-8000-000000000003", "crane", "Crane"),
        ]),
        answer(
            EffectivePricing,
            &pricing(vec![
                summary(None, "Heron", 0.5, 1),
                summary(None, "Heron (1)", 0.5, 2),
                summary(None, "Egret", 0.5, 3),
                summary(Some(nobody), "Crane", 0.5, 4),
                summary(None, "Crane", 1.2, 5),
                summary(None, "Crane", -0.1, 6),
                summary(None, "Crane", 0.5, -7),
                summary(None, "Crane", 0.5, 8),
                summary(None, "Crane", 0.9, 9),
            ]),
        ),
    ]);
    let expected = [
        ("ambiguous_name", Some(1)),
        ("ambiguous_name", Some(2)),
        ("no_such_endpoint", Some(3)),
        ("no_such_endpoint", Some(4)),
        ("hit_rate_out_of_range", Some(5)),
        ("hit_rate_out_of_range", Some(6)),
        ("negative_tokens", Some(-7)),
        ("duplicate_summary", Some(9)),
    ];
    assert_eq!(reasons(&run), expected);
    assert!(run.quarantined.iter().all(|row| row.sha256 == "5ha" && row.kind == EffectivePricing));
    assert_eq!(run.quarantined[2].path, "$.data.providerSummaries[2]");
    let crane = by_tag(&run, "crane").usage.expect("the first good summary counts");
    assert_eq!((crane.tokens, rate(by_tag(&run, "crane"))), (Some(8), Some(0.5)));
    assert!(by_tag(&run, "heron").usage.is_none() && by_tag(&run, "heron/eu").usage.is_none());
}

proptest! {
    /// If an upstream repeats the same rows twice or ten times, the readings are those of the first occurrence, and
    /// every repetition is quarantined.
    #[test]
    fn what_is_said_again_changes_nothing_and_is_put_aside(
        hosts in prop::collection::vec((0.0..1.0_f64, 1..1_000_000_i64, 0..4_usize, 0..4_usize), 1..8)
    ) {
        let id = |at: usize| format!("aaaaaaaa-0000-4000-8000-{at:012}");
        let (mut rows, mut used) = (Vec::new(), Vec::new());
        let (mut more_rows, mut more_used) = (Vec::new(), Vec::new());
        for (at, (rate, tokens, again, used_again)) in hosts.iter().enumerate() {
            let row = stats_row(&id(at), &format!("host-{at}"), &format!("Host {at}"));
            let usage = summary(Some(&id(at)), "Host", *rate, *tokens);
            more_rows.extend(vec![row.clone(); *again]);
            more_used.extend(vec![usage.clone(); *used_again]);
            rows.push(row);
            used.push(usage);
        }
        let once = run(vec![stats(rows.clone()), answer(EffectivePricing, &pricing(used.clone()))]);
        prop_assert!(once.quarantined.is_empty());
        let repeated = (more_rows.len(), more_used.len());
        let (rows, used) = ([rows, more_rows].concat(), [used, more_used].concat());
        let often = run(vec![stats(rows), answer(EffectivePricing, &pricing(used))]);
        prop_assert_eq!(&often.readings, &once.readings);
        let count = |reason: &str| often.quarantined.iter().filter(|row| row.reason.as_str() == reason).count();
        prop_assert_eq!((count("duplicate_endpoint"), count("duplicate_summary")), repeated);
        prop_assert_eq!(often.quarantined.len(), repeated.0 + repeated.1);
    }
}

#[test]
fn a_row_of_another_model_is_quarantined_and_its_list_is_incomplete() {
    let named = |id: &str, tag: &str, model: &str| {
        let mut row = stats_row(id, tag, tag);
        row["model_variant_permaslug"] = json!(model);
        row
    };
    let own = named(ONE, "heron/fp8", "wren/lark-2-20260101");
    let run = run(vec![stats(vec![own, named(TWO, "crane", "wren/other-3-20260202:free")])]);
    assert_eq!(run.readings.len(), 1);
    assert_eq!(run.readings[0].facts.tag.as_str(), "heron/fp8");
    let [row] = run.quarantined.as_slice() else { panic!("{:?}", run.quarantined) };
    assert_eq!(row.reason.as_str(), "other_model");
    assert!(row.detail.contains(TWO) && row.detail.contains("`wren/other-3-20260202`"), "{}", row.detail);
    assert_eq!(run.incomplete.len(), 1, "what this list lacks stays as it was");
}

#[test]
fn a_deprecation_date_decades_ahead_is_a_placeholder() {
    let dated = |id: &str, tag: &str, date: &str| {
        let mut row = stats_row(id, tag, tag);
        row["deprecation_date"] = json!(date);
        row
    };
    let rows = vec![dated(ONE, "heron/fp8", "2098-12-31T16:00:00Z"), dated(TWO, "crane", "2027-01-31")];
    let run = run(vec![stats(rows)]);
    assert_eq!(by_tag(&run, "heron/fp8").facts.published.deprecation_date, None);
    assert!(by_tag(&run, "crane").facts.published.deprecation_date.is_some());
    assert!(run.quarantined.is_empty(), "{:?}", run.quarantined);
}

#[test]
fn public_rows_are_joined_by_tag_within_the_model() {
    let run = run(vec![
        stats(vec![stats_row(ONE, "heron/fp8", "Heron"), stats_row(TWO, "crane", "Crane")]),
        public(vec![public_row("heron/fp8", 97.5), public_row("egret", 50.0)]),
    ]);
    assert!(run.quarantined.is_empty(), "{:?}", run.quarantined);
    assert_eq!(by_tag(&run, "heron/fp8").health.uptime_30m, Some(0.975));
    assert_eq!(by_tag(&run, "heron/fp8").health.status, Some(-2), "the worse status of both sources counts");
    assert_eq!(by_tag(&run, "crane").health.uptime_30m, None);
    let egret = by_tag(&run, "egret");
    assert_eq!((egret.facts.endpoint_id, egret.health.status), (None, Some(-2)));
}

#[test]
fn a_tag_of_two_endpoints_joins_neither() {
    let run = run(vec![
        stats(vec![stats_row(ONE, "heron", "Heron"), stats_row(TWO, "heron", "Heron")]),
        public(vec![public_row("heron", 97.5), public_row("egret", 1.0), public_row("egret", 2.0)]),
    ]);
    assert_eq!(reasons(&run), [("ambiguous_tag", None), ("ambiguous_tag", None)]);
    assert_eq!(run.readings.len(), 2, "neither endpoint is lost, and none is made up");
    assert!(run.readings.iter().all(|reading| reading.health.uptime_30m.is_none()));
}

#[test]
fn a_price_of_zero_is_missing_for_batch_and_free_for_free() {
    let body = |variant: &str| {
        let mut row = stats_row(ONE, "heron", "Heron");
        row["pricing"] = json!({"prompt": "0", "completion": "0", "input_cache_read": "-1"});
        let mut used = summary(Some(ONE), "Heron", 0.5, 10);
        used["effectiveInputPrice"] = json!(0);
        run(vec![
            answered(StatsEndpoint, variant, 200, &json!({"data": [row]}).to_string()),
            answered(EffectivePricing, variant, 200, &pricing(vec![used]).to_string()),
        ])
    };
    let prices = |run: &RunReadings| {
        let reading = &run.readings[0];
        let list = &reading.prices;
        let paid = reading.usage.and_then(|usage| usage.effective_input);
        (list.input.map(|price| price.to_f64()), list.cache_read, paid)
    };
    assert_eq!(prices(&body("batch")), (None, None, None));
    assert_eq!(prices(&body("free")), (Some(0.0), None, Some(0.0)));
    assert_eq!(body("free").readings[0].facts.variant, pair_of("free").variant);
}

#[test]
fn without_the_statistics_endpoints_have_no_id_and_no_usage() {
    let run = run(vec![public(vec![public_row("heron/fp8", 97.5), public_row("crane", 99.0)])]);
    assert_eq!(run.readings.len(), 2);
    assert!(run.readings.iter().all(|r| r.facts.endpoint_id.is_none() && r.usage.is_none()));
    assert_eq!(by_tag(&run, "heron/fp8").facts.provider.as_str(), "heron");
    assert_eq!(by_tag(&run, "heron/fp8").facts.provider_name, "Internal");
    assert!(run.unanswered.is_empty());
    assert_eq!(run.sources.iter().map(|s| s.source.as_str()).collect::<Vec<_>>(), ["openrouter-api"]);
}

#[test]
fn without_the_documented_api_the_statistics_alone_give_readings() {
    let run = run(vec![
        stats(vec![stats_row(ONE, "heron", "Heron")]),
        answer(EffectivePricing, &pricing(vec![summary(Some(ONE), "Heron", 0.5, 10)])),
    ]);
    let reading = &run.readings[0];
    assert_eq!(reading.facts.endpoint_id.map(|id| id.to_string()).as_deref(), Some(ONE));
    assert_eq!((rate(reading), reading.prices.input.map(|p| p.to_f64())), (Some(0.5), Some(0.25)));
    assert_eq!((reading.health.throughput, reading.health.uptime_30m), (Some(42.0), None));
}

#[test]
fn not_found_is_no_data_and_no_answer_is_a_failure() {
    let gone = run(vec![
        answered(StatsEndpoint, "standard", 404, "{}"),
        answered(PublicEndpoints, "standard", 404, "{}"),
        answer(EffectivePricing, &pricing(Vec::new())),
    ]);
    assert!(gone.readings.is_empty() && gone.quarantined.is_empty() && gone.unanswered.is_empty());
    let counts = |run: &RunReadings| {
        run.sources.iter().map(|s| (s.planned, s.ok, s.no_data, s.failed)).collect::<Vec<_>>()
    };
    assert_eq!(counts(&gone), [(1, 0, 1, 0), (2, 0, 2, 0)]);

    let silent = run(vec![
        unanswered(StatsEndpoint),
        public(vec![public_row("heron", 97.5)]),
        answer(EffectivePricing, &pricing(vec![summary(Some(ONE), "Heron", 0.5, 10)])),
    ]);
    assert_eq!(silent.unanswered, [(pair_of("standard").model, pair_of("standard").variant)]);
    assert_eq!(reasons(&silent), [("endpoint_list_missing", Some(10))]);
    assert_eq!(counts(&silent), [(1, 1, 0, 0), (2, 1, 0, 1)]);
}

#[test]
fn an_unreadable_list_leaves_its_pair_unanswered() {
    let run =
        run(vec![answered(StatsEndpoint, "standard", 200, "<html>"), public(vec![public_row("heron", 1.0)])]);
    assert_eq!(run.unanswered.len(), 1);
    assert_eq!(reasons(&run), [("undecodable", None)]);
}

#[test]
fn charts_tell_closed_days_and_what_the_summaries_cover() {
    let ids: Vec<String> = (0..40).map(|n| format!("aaaaaaaa-0000-4000-8000-{n:012}")).collect();
    let body = |today: f64| {
        let rows = ids.iter().map(|id| stats_row(id, id, id)).collect();
        let used = ids.iter().map(|id| summary(Some(id), "x", 0.5, 10)).collect();
        let point =
            |price: f64| ids.iter().map(|id| (id.clone(), json!(price))).collect::<serde_json::Map<_, _>>();
        let mut usage = pricing(used);
        usage["data"]["inputChartData"] = json!([{"x": "2026-08-06 00:00:00", "y": point(0.4)}, {"x": "2026-08-07 00:00:00", "y": point(today)}]);
        usage["data"]["outputChartData"] = json!([{"x": "2026-08-06 00:00:00", "y": point(2.0)}]);
        run(vec![stats(rows), answer(EffectivePricing, &usage)])
    };
    let by_day = body(0.2);
    assert_eq!(by_day.window_kind, WindowKind::DayToDate);
    let closing = &by_day.readings[0].closing_prices;
    assert_eq!(closing.len(), 1, "today is not over: {closing:?}");
    assert_eq!(closing.values().next(), Some(&(Some(0.4), Some(2.0))));
    assert_eq!(body(0.3).window_kind, WindowKind::Hour);
}
