//! Documents of the past in odd shapes: read as far as possible, the rest refused with its place.

use chrono::{DateTime, Utc};
use hitrate::domain::document::{Pair, Request};
use hitrate::domain::endpoint::Prices;
use hitrate::domain::ids::{DocumentName, ModelSlug, Variant};
use hitrate::domain::imported::ImportedEndpoint;
use hitrate::upstream::history::{KnownEndpoint, PastBody};
use hitrate::upstream::openrouter::OpenRouter;
use hitrate::upstream::{Outcome, Upstream};
use uuid::Uuid;

use crate::rig::{at, config};

const ID: &str = "11111111-2222-4333-8444-555555555555";

fn pair() -> Pair {
    Pair { model: ModelSlug::new("fen/teal-1-20260701"), variant: Variant::standard() }
}

fn known(input: f64) -> KnownEndpoint {
    let endpoint = ImportedEndpoint {
        model: pair().model,
        variant: pair().variant,
        endpoint_id: Some(Uuid::parse_str(ID).expect("a UUID")),
        provider: None,
        provider_name: Some("Teal Works".to_owned()),
        tag: None,
    };
    KnownEndpoint { endpoint, list: Prices { input: Some(input), ..Prices::default() } }
}

fn read_at(kind: &str, body: &str, input: f64, fetched_at: DateTime<Utc>) -> PastBody {
    let path = match kind {
        "past_uptime" => format!("/api/frontend/v1/stats/uptime-hourly?id={ID}"),
        other => format!("/api/frontend/v1/stats/{other}"),
    };
    let request = Request { kind: DocumentName::new(kind), pair: Some(pair()), path };
    let outcome = Outcome {
        request: &request,
        status: Some(200),
        error: None,
        fetched_at,
        sha256: "",
        body: body.as_bytes(),
    };
    let upstream = OpenRouter::new(&config("").upstream);
    upstream.read_history(&outcome, &[known(input)]).expect("a document of the past")
}

fn read(kind: &str, body: &str) -> PastBody {
    read_at(kind, body, 1.0, at("2026-08-10T12:00:00Z"))
}

const KINDS: [&str; 5] =
    ["past_list_prices", "past_price_charts", "past_closing_rates", "past_activity", "past_uptime"];

#[test]
fn a_body_that_is_no_json_or_has_another_shape_is_refused_as_a_whole() {
    for kind in KINDS {
        for body in
            ["<!doctype html><title>Just a moment</title>", "", "[]", r#"{"data":7}"#, r#"{"error":{}}"#]
        {
            let read = read(kind, body);
            assert!(read.days.is_empty() && read.prices.is_empty() && read.uptimes.is_empty());
            assert!(read.activity.is_empty());
            assert!(!read.refused.is_empty(), "{kind}: {body}");
        }
        assert!(read(kind, r#"{"data":null}"#).is_empty(), "{kind}: the upstream has nothing");
    }
}

#[test]
fn a_missing_document_and_one_of_a_sweep_say_nothing() {
    let upstream = OpenRouter::new(&config("").upstream);
    let of = |kind: &str, status: u16| {
        let request =
            Request { kind: DocumentName::new(kind), pair: Some(pair()), path: "/stats".to_owned() };
        let outcome = Outcome {
            request: &request,
            status: Some(status),
            error: None,
            fetched_at: at("2026-08-10T12:00:00Z"),
            sha256: "",
            body: b"{}",
        };
        upstream.read_history(&outcome, &[])
    };
    assert_eq!(of("past_uptime", 404), None);
    assert_eq!(of("effective_pricing", 200), None);
}

#[test]
fn hours_of_uptime_are_whole_and_gaps_are_not_outages() {
    let body = r#"{"data":{"history":[
        {"date":"2026-08-10T12:00:00.000Z","uptime":50},
        {"date":"2026-08-10 11:00:00","uptime":"99.5"},
        {"date":"2026-08-10T10:00:00Z","uptime":null},
        {"date":"2026-08-10T09:00:00Z","uptime":101},
        {"date":"soon","uptime":99},
        7]}}"#;
    let found = read("past_uptime", body);
    let [hour] = found.uptimes.as_slice() else { panic!("one whole hour, not {:?}", found.uptimes) };
    assert_eq!((hour.hour, hour.uptime), (at("2026-08-10T11:00:00Z"), 0.995));
    let places: Vec<&str> = found.refused.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, ["$.data.history[3]", "$.data.history[4]", "$.data.history[5]"]);
}

#[test]
fn changes_of_single_prices_become_rows_by_time() {
    let body = format!(
        r#"{{"data":{{"series":[{{"endpointId":"{ID}","providerName":"<b>Teal</b>","providerSlug":"teal",
        "input":[{{"at":"2026-07-01T00:00:00Z","value":2}},{{"at":"2026-08-01T06:00:00Z","value":"1.0"}}],
        "output":[{{"at":"2026-07-01T00:00:00Z","value":8}}],
        "cacheRead":[{{"at":"2026-07-15T00:00:00Z","value":0.2}},{{"at":"2026-08-05T00:00:00Z","value":null}}],
        "cacheWrite":[{{"at":"2026-07-01T00:00:00Z","value":-1}},{{"at":7,"value":1}}],
        "discount":"none"}}]}}}}"#
    );
    let found = read("past_list_prices", &body);
    let rows: Vec<_> = found
        .prices
        .iter()
        .map(|row| (row.at, row.input, row.output, row.cache_read, row.cache_write))
        .collect();
    assert_eq!(
        rows,
        [
            (at("2026-07-01T00:00:00Z"), Some(2.0), Some(8.0), None, None),
            (at("2026-07-15T00:00:00Z"), Some(2.0), Some(8.0), Some(0.2), None),
            (at("2026-08-01T06:00:00Z"), Some(1.0), Some(8.0), Some(0.2), None),
            (at("2026-08-05T00:00:00Z"), Some(1.0), Some(8.0), None, None),
        ]
    );
    let places: Vec<&str> = found.refused.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(
        places,
        ["$.data.series[0].cacheWrite[0]", "$.data.series[0].cacheWrite[1]", "$.data.series[0].discount"]
    );
}

/// A log in which a discount of one half begins on 5 August.
fn discounted(input: f64) -> PastBody {
    let body = format!(
        r#"{{"data":{{"series":[{{"endpointId":"{ID}",
        "input":[{{"at":"2026-07-01T00:00:00Z","value":2}}],
        "discount":[{{"at":"2026-08-05T00:00:00Z","value":0.5}}]}}]}}}}"#
    );
    read_at("past_list_prices", &body, input, at("2026-08-10T12:00:00Z"))
}

#[test]
fn the_record_decides_whether_a_discount_is_subtracted() {
    let inputs = |body: &PastBody| body.prices.iter().map(|row| row.input).collect::<Vec<_>>();
    assert_eq!(inputs(&discounted(1.0)), [Some(2.0), Some(1.0)], "the log is before discount");
    assert_eq!(inputs(&discounted(2.0)), [Some(2.0), Some(2.0)], "the log is after discount");
    let unknown = discounted(3.0);
    assert_eq!(inputs(&unknown), [Some(2.0), None], "neither: the price is unknown");
    assert_eq!(unknown.prices[1].discount, Some(0.5));
}

#[test]
fn a_series_without_an_endpoint_or_a_second_one_is_refused() {
    let row = format!(r#"{{"endpointId":"{ID}","input":[]}}"#);
    let body = format!(r#"{{"data":{{"series":[{row},{row},{{"endpointId":"x"}},{{}},null]}}}}"#);
    let found = read("past_list_prices", &body);
    assert_eq!((found.prices.len(), found.refused.len()), (0, 4), "{:?}", found.refused);
}

#[test]
fn charts_end_with_the_last_day_that_is_over_and_may_be_keyed_by_name() {
    let chart = |key: &str| {
        format!(
            r#"{{"data":{{"providerSummaries":[],"inputChartData":[
            {{"x":"2026-08-08 00:00:00","y":{{"{key}":0.4}}}},{{"x":"2026-08-09 00:00:00","y":{{"{key}":-1}}}},
            {{"x":"2026-08-10 00:00:00","y":{{"{key}":0.5}}}},{{"x":"later","y":{{}}}}],
            "outputChartData":[{{"x":"2026-08-08 00:00:00","y":{{"{key}":2}}}}]}}}}"#
        )
    };
    let named = read("past_price_charts", &chart("Teal Works"));
    let [day] = named.days.as_slice() else { panic!("one day, not {:?}", named.days) };
    assert_eq!((day.effective_input, day.effective_output, day.hit_rate), (Some(0.4), Some(2.0), None));
    assert_eq!(day.endpoint, known(1.0).endpoint, "the only endpoint of that name");
    assert_eq!(named.refused.len(), 2, "{:?}", named.refused);
    let other = read("past_price_charts", &chart("<script>"));
    assert_eq!(other.days[0].endpoint.endpoint_id, None);
    assert_eq!(other.days[0].endpoint.provider_name.as_deref(), Some("<script>"));
    // Shortly after midnight, a body may still be of the day before.
    let early = read_at("past_price_charts", &chart(ID), 1.0, at("2026-08-09T00:10:00Z"));
    assert_eq!(early.days.len(), 0, "{:?}", early.days);
}

#[test]
fn activity_counts_days_that_were_over_when_it_was_computed() {
    let cached = at("2026-08-10T00:10:00Z").timestamp_millis();
    let day = |date: &str| {
        format!(r#"{{"date":"{date} 00:00:00","total_prompt_tokens":10,"total_completion_tokens":2}}"#)
    };
    let rows = [day("2026-08-10"), day("2026-08-09"), day("2026-08-08")].join(",");
    let of = |rest: &str| read("past_activity", &format!(r#"{{"data":{{"analytics":[{rows}]{rest}}}}}"#));
    let stated = of(&format!(r#","cachedAt":{cached}"#));
    assert_eq!(stated.activity.len(), 1, "9 August was not settled yet: {:?}", stated.activity);
    assert_eq!(of("").activity.len(), 2);
}
