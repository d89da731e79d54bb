//! The comparison series: percentages by UUID and day; the last day is the current one.

use super::{ONE, TWO, decode, decode_as, request, the_quarantined};
use crate::rig::at;
use hitrate::domain::document::RouteAnswer;
use hitrate::domain::reading::{ClosingRate, Known};
use hitrate::upstream::openrouter::join::{Answer, join};
use hitrate::upstream::openrouter::{Content, Decoded, DocumentKind};
use serde_json::{Value, json};

const KIND: DocumentKind = DocumentKind::HitRateComparison;

fn row(day: &str, values: &Value) -> Value {
    json!({"x": format!("{day} 00:00:00"), "y": values})
}

fn rates_of(decoded: &Decoded) -> Vec<(String, String, f64)> {
    match &decoded.content {
        Some(Content::Comparison(rates)) => rates.iter().map(told).collect(),
        other => panic!("a series was expected, not {other:?}"),
    }
}

fn told(rate: &ClosingRate) -> (String, String, f64) {
    (rate.endpoint_id.to_string(), rate.day.to_string(), rate.hit_rate.get())
}

#[test]
fn percent_become_fractions_a_zero_stays_one_and_a_missing_key_is_nothing() {
    let body = json!({"data": [
        row("2026-08-05", &json!({ONE: 35.03, TWO: 0})),
        row("2026-08-06", &json!({ONE: "50.25", TWO: null})),
    ]});
    let decoded = decode(KIND, &body);
    let expected = [(ONE, "2026-08-05", 0.3503), (ONE, "2026-08-06", 0.5025), (TWO, "2026-08-05", 0.0)];
    assert_eq!(rates_of(&decoded), expected.map(|(id, day, rate)| (id.to_owned(), day.to_owned(), rate)));
    assert!(decoded.quarantined.is_empty() && decoded.drift.is_empty() && !decoded.missing);
}

#[test]
fn what_is_no_share_and_whose_is_unknown_is_put_aside_and_costs_nothing_else() {
    let colony = format!("{TWO}::IAD");
    let body = json!({"data": [
        row("2026-08-05", &json!({ONE: 101.5, TWO: 40, colony.as_str(): 1})),
        row("someday", &json!({ONE: 1})),
        row("2026-08-06", &json!({ONE: "much", TWO: 1})),
        {"x": "2026-08-07 00:00:00", "y": {ONE: 7.5, colony.as_str(): 2}, "volume": {ONE: 3}},
    ]});
    let decoded = decode(KIND, &body);
    assert_eq!(rates_of(&decoded).iter().map(|rate| rate.2).collect::<Vec<_>>(), [0.075, 0.4, 0.01]);
    let out = format!("$.data[0].y.{ONE}");
    let unreadable = format!("$.data[2].y.{ONE}");
    let aside = the_quarantined(&decoded);
    for expected in [
        ("hit_rate_out_of_range", out.as_str()),
        ("no_such_endpoint", "$.data[0].y"),
        ("undecodable", "$.data[1].x"),
        ("unreadable_field", unreadable.as_str()),
    ] {
        assert!(aside.contains(&expected), "{expected:?}: {aside:?}");
    }
    assert_eq!(aside.len(), 4, "an unknown key is reported once: {aside:?}");
    assert_eq!(decoded.drift.keys().map(|d| d.path.as_str()).collect::<Vec<_>>(), ["volume"]);
    assert!(!decoded.failed);
}

#[test]
fn an_empty_series_is_an_answer_a_missing_route_is_none_and_a_page_is_a_failure() {
    let empty = decode(KIND, &json!({"data": []}));
    assert!(empty.content.is_none() && !empty.failed && !empty.missing);
    let gone = decode_as(KIND, "standard", 404, b"");
    assert!(gone.content.is_none() && !gone.failed && gone.missing);
    let page = decode_as(KIND, "standard", 200, b"<!doctype html>");
    assert!(page.failed && !page.missing);
}

fn answer(decoded: Option<Decoded>) -> Answer {
    Answer {
        request: request(KIND, "standard"),
        sha256: String::new(),
        decoded,
        fetched_at: at("2026-08-08T00:57:00Z"),
    }
}

#[test]
fn only_days_that_were_over_have_a_closing_value() {
    let body = json!({"data": [
        row("2026-08-06", &json!({ONE: 40})), row("2026-08-07", &json!({ONE: 50})), row("2026-08-08", &json!({ONE: 60})),
    ]});
    let of = |time: &str| {
        let run = join(vec![answer(Some(decode(KIND, &body)))], at(time), &Known::default());
        run.closing_rates.iter().map(|rate| rate.day.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of("2026-08-08T00:57:00Z"), ["2026-08-06", "2026-08-07"]);
    assert_eq!(of("2026-08-07T23:57:00Z"), ["2026-08-06"]);
}

#[test]
fn a_run_says_what_came_of_asking() {
    let run = |answers: Vec<Answer>| join(answers, at("2026-08-08T00:57:00Z"), &Known::default());
    let gone = || answer(Some(decode_as(KIND, "standard", 404, b"")));
    let empty = || answer(Some(decode(KIND, &json!({"data": []}))));
    assert_eq!(run(Vec::new()).comparison, None);
    assert_eq!(run(vec![gone(), gone()]).comparison, Some(RouteAnswer::NotOffered));
    assert_eq!(run(vec![gone(), answer(None)]).comparison, Some(RouteAnswer::Failed));
    assert_eq!(run(vec![gone(), empty()]).comparison, Some(RouteAnswer::Answered));
    let sources = run(vec![gone(), answer(None)]).sources;
    assert_eq!((sources[0].no_data, sources[0].failed), (1, 1), "a missing route does not hide a failure");
}
