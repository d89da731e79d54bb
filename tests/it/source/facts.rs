//! The facts of an endpoint besides prices and usage, and the conditions under which a price applies.

use super::{ONE, TWO, decode, mtok, stats_of, stats_row, the_quarantined};
use hitrate::domain::endpoint::Weekday;
use hitrate::upstream::openrouter::{Content, Decoded, DocumentKind};
use serde_json::{Value, json};

/// A body with one row that has these conditional prices.
fn tiered(overrides: Value) -> Value {
    let mut row = stats_row(ONE, "heron", "Heron");
    row["pricing"]["overrides"] = overrides;
    json!({"data": [stats_row(TWO, "crane", "Crane"), row]})
}

fn drifted(decoded: &Decoded) -> Vec<(&str, usize)> {
    decoded.drift.iter().map(|(path, count)| (path.path.as_str(), *count)).collect()
}

#[test]
fn facts_of_an_endpoint_are_read() {
    let mut row = stats_row(ONE, "heron", "Heron");
    row["max_prompt_tokens"] = json!(120_000);
    row["created_at"] = json!("2026-07-07T16:51:46.359Z");
    row["deprecation_date"] = json!("2026-09-30");
    row["pricing"]["input_cache_write"] = json!("0.0000003");
    row["pricing"]["input_cache_write_1h"] = json!("0.0000005");
    let decoded = decode(DocumentKind::StatsEndpoint, &json!({"data": [row]}));
    assert!(decoded.quarantined.is_empty() && decoded.drift.is_empty(), "{decoded:?}");
    let row = stats_of(decoded).remove(0);
    assert_eq!(row.facts.published.max_prompt_tokens, Some(120_000));
    assert_eq!(
        row.facts.published.created_at.map(|time| time.to_rfc3339()),
        Some("2026-07-07T16:51:46.359+00:00".into())
    );
    assert_eq!(
        row.facts.published.deprecation_date.map(|time| time.to_rfc3339()),
        Some("2026-09-30T00:00:00+00:00".into())
    );
    assert_eq!((mtok(row.prices.cache_write), mtok(row.prices.cache_write_1h)), (Some(0.3), Some(0.5)));
}

#[test]
fn a_time_that_is_none_is_quarantined_and_costs_nothing_else() {
    let mut row = stats_row(ONE, "heron", "Heron");
    row["created_at"] = json!("soon");
    row["deprecation_date"] = json!("+12345-01-01");
    row["max_prompt_tokens"] = json!(0);
    let decoded = decode(DocumentKind::StatsEndpoint, &json!({"data": [row]}));
    assert_eq!(
        the_quarantined(&decoded),
        [
            ("value_out_of_range", "$.data[0].created_at"),
            ("value_out_of_range", "$.data[0].deprecation_date")
        ]
    );
    let row = stats_of(decoded).remove(0);
    assert_eq!(
        (
            row.facts.published.created_at,
            row.facts.published.deprecation_date,
            row.facts.published.max_prompt_tokens
        ),
        (None, None, None)
    );
    assert_eq!(mtok(row.prices.input), Some(0.25));
}

#[test]
fn days_of_the_week_are_a_condition() {
    let body = tiered(json!([
        {"utc_days": ["sunday", "saturday"], "prompt": "0.0000001", "input_cache_write_1h": "0.0000002"},
        {"utc_days": ["monday"], "utc_start": 100, "utc_end": 400, "min_prompt_tokens": 5, "prompt": "0.0000009"}
    ]));
    let decoded = decode(DocumentKind::StatsEndpoint, &body);
    assert!(decoded.quarantined.is_empty() && decoded.drift.is_empty(), "{decoded:?}");
    let tiers = stats_of(decoded).remove(1).prices.tiers;
    assert_eq!(tiers[0].utc_days, [Weekday::Saturday, Weekday::Sunday]);
    assert_eq!((mtok(tiers[0].input), mtok(tiers[0].cache_write_1h)), (Some(0.1), Some(0.2)));
    assert_eq!(tiers[1].utc_days, [Weekday::Monday]);
    assert_eq!(
        (tiers[1].utc_start, tiers[1].utc_end, tiers[1].min_prompt_tokens),
        (Some(100), Some(400), Some(5))
    );
}

#[test]
fn a_price_whose_conditions_are_not_understood_never_applies() {
    let body = tiered(json!([
        {"min_prompt_tokens": 32000, "prompt": "0.0000005", "image": "0.1"},
        {"customer_region": "eu", "utc_days": ["monday"], "prompt": "0.0000001"},
        {"min_prompt_tokens": "soon", "prompt": "0.0000001"},
        {"min_prompt_tokens": null, "prompt": "0.0000001"},
        {"prompt": "0.0000001"}
    ]));
    let decoded = decode(DocumentKind::StatsEndpoint, &body);
    let at = |rest: &str| format!("$.data[1].pricing.overrides{rest}");
    let expected =
        [at("[1].customer_region"), at("[2].min_prompt_tokens"), at("[3].min_prompt_tokens"), at("[4]")];
    let expected: Vec<(&str, &str)> =
        expected.iter().map(|path| ("unknown_condition", path.as_str())).collect();
    assert_eq!(the_quarantined(&decoded), expected);
    assert!(decoded.quarantined[0].detail.contains("`customer_region`"), "{:?}", decoded.quarantined);
    assert_eq!(drifted(&decoded), [("pricing.overrides.*.customer_region", 1)], "it is drift as well");
    let rows = stats_of(decoded);
    assert_eq!(rows.len(), 2, "the row is kept");
    let tiers = &rows[1].prices.tiers;
    assert_eq!(tiers.len(), 1, "{tiers:?}");
    assert_eq!((tiers[0].min_prompt_tokens, mtok(tiers[0].input)), (Some(32_000), Some(0.5)));
}

#[test]
fn the_documented_list_is_read_in_the_same_way() {
    let row = json!({"tag": "heron", "provider_name": "Internal", "max_prompt_tokens": 99, "pricing": {
        "prompt": "0.1", "completion": "0.1", "overrides": [{"weather": "fine", "prompt": "0.2"}]}});
    let body = json!({"data": {"id": "wren/lark-2", "endpoints": [row]}});
    let decoded = decode(DocumentKind::PublicEndpoints, &body);
    let expected = [("unknown_condition", "$.data.endpoints[0].pricing.overrides[0].weather")];
    assert_eq!(the_quarantined(&decoded), expected);
    assert_eq!(drifted(&decoded), [("pricing.overrides.*.weather", 1)]);
    let Some(Content::PublicEndpoints(rows)) = decoded.content else { panic!("endpoints were expected") };
    assert_eq!((rows[0].facts.published.max_prompt_tokens, rows[0].prices.tiers.len()), (Some(99), 0));
}
