//! Single fields of the wrong type or out of bounds, and which of them are essential for a row.

use serde_json::{Value, json};

use super::*;
use hitrate::domain::endpoint::Model;

/// A row of each kind with every field that is read, and the form of a document with such rows.
fn documents() -> Vec<(DocumentKind, &'static str, Value)> {
    let pricing = json!({"prompt": "0.0000002", "completion": "0.000001", "input_cache_read": "0.00000005",
        "input_cache_write": "0.00000025", "discount": 0.1});
    let stats = json!({"id": ONE, "provider_slug": "heron/fp8", "provider_name": "Heron",
        "provider_display_name": "Heron", "provider_info": {"slug": "heron"}, "provider_region": "eu",
        "quantization": "fp8", "context_length": 1000, "max_completion_tokens": 100,
        "supported_parameters": ["stop"],
        "data_policy": {"training": false, "retainsPrompts": false, "privacyPolicyURL": "a", "termsOfServiceURL": "b"},
        "pricing": pricing, "is_hidden": false, "is_private": false, "is_byok_only": false,
        "is_deranked": false, "is_disabled": false, "status": 0,
        "stats": {"p50_throughput": 42, "p50_latency": 800.5, "request_count": 120},
        "status_heuristics_1d": {"success": 9, "derankableError": 1, "rateLimited": 1}});
    let public = json!({"tag": "heron/fp8", "provider_name": "Heron", "pricing": pricing, "quantization": "fp8",
        "context_length": 1000, "max_completion_tokens": 100, "supported_parameters": ["stop"], "status": 0,
        "uptime_last_5m": 99, "uptime_last_30m": 99, "uptime_last_1d": 99,
        "latency_last_30m": {"p50": 250}, "throughput_last_30m": {"p50": 20}});
    let model = json!({"id": "wren/lark-2", "canonical_slug": "wren/lark-2-20260101", "name": "Lark",
        "created": 1767225600, "context_length": 1000, "pricing": pricing});
    let provider = json!({"slug": "heron", "name": "Heron", "displayName": "Heron", "headquarters": "FI",
        "status_page_url": "a", "privacy_policy_url": "b", "terms_of_service_url": "c",
        "dataPolicy": {"training": false, "privacyPolicyURL": "d"}});
    vec![
        (DocumentKind::StatsEndpoint, "$.data[0]", stats),
        (DocumentKind::PublicEndpoints, "$.data.endpoints[0]", public),
        (DocumentKind::Models, "$.data[0]", model),
        (DocumentKind::Providers, "$.data[0]", provider),
        (DocumentKind::EffectivePricing, "$.data.providerSummaries[0]", summary(Some(ONE), "Heron", 0.5, 10)),
    ]
}

fn body_of(kind: DocumentKind, row: Value) -> Value {
    match kind {
        DocumentKind::PublicEndpoints => json!({"data": {"id": "wren/lark-2", "endpoints": [row]}}),
        DocumentKind::EffectivePricing => pricing(vec![row]),
        _ => json!({"data": [row]}),
    }
}

fn rows_of(decoded: &Decoded) -> usize {
    match &decoded.content {
        Some(Content::Models(rows)) => rows.len(),
        Some(Content::Providers(rows)) => rows.len(),
        Some(Content::PublicEndpoints(rows)) => rows.len(),
        Some(Content::StatsEndpoints(rows)) => rows.len(),
        Some(Content::Usage(body)) => body.summaries.len(),
        other => panic!("{other:?}"),
    }
}

/// Every position in a value, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    if let Value::Object(fields) = value {
        for (key, value) in fields {
            let place = format!("{at}/{key}");
            found.push(place.clone());
            places(value, &place, found);
        }
    }
}

/// Fields without which a row cannot be assigned to anything.
const ESSENTIAL: &[&str] = &["/id", "/canonical_slug", "/provider_slug", "/tag", "/slug"];
/// Fields that are ignored whatever their value.
const UNUSED: &[&str] = &["/providerSlug"];

#[test]
fn a_field_of_another_type_costs_the_row_only_where_the_row_is_nothing_without_it() {
    let mut tried = 0;
    for (kind, path, row) in documents() {
        let good = decode(kind, &body_of(kind, row.clone()));
        assert_eq!((rows_of(&good), good.quarantined.len()), (1, 0), "{kind:?}: {:?}", good.quarantined);
        let mut all = Vec::new();
        places(&row, "", &mut all);
        let essential = |place: &str| match kind {
            // The id is optional here, as it was before 2026-08-04.
            DocumentKind::EffectivePricing => false,
            _ => ESSENTIAL.contains(&place),
        };
        for place in all {
            let mut bad = row.clone();
            let field = bad.pointer_mut(&place).expect("there");
            *field = if field.is_object() { json!("of another type") } else { json!({"of another": "type"}) };
            let decoded = decode(kind, &body_of(kind, bad));
            if UNUSED.contains(&place.as_str()) {
                assert_eq!((rows_of(&decoded), decoded.quarantined.len()), (1, 0), "{kind:?} {place}");
                continue;
            }
            let [aside] = decoded.quarantined.as_slice() else {
                panic!("{place}: {:?}", decoded.quarantined)
            };
            let reason = if essential(&place) { "undecodable" } else { "unreadable_field" };
            assert_eq!(aside.reason.as_str(), reason, "{kind:?} {place}");
            // Percentiles have several formats: a value that matches none of them is named as a whole.
            let named = place.trim_end_matches("/p50").replace('/', ".");
            assert_eq!(aside.path, format!("{path}{named}"));
            assert!(
                !aside.detail.is_empty() && !aside.detail.contains("null, expected a string"),
                "{aside:?}"
            );
            assert!(aside.model.is_some() || matches!(kind, DocumentKind::Providers) || essential(&place));
            let rows = usize::from(!essential(&place));
            let none_is_nothing =
                rows == 0 && kind != DocumentKind::Models && kind != DocumentKind::Providers;
            if none_is_nothing {
                assert!(decoded.content.is_none() && !decoded.failed, "{kind:?} {place}");
            } else {
                assert_eq!(rows_of(&decoded), rows, "{kind:?} {place}");
            }
            tried += 1;
        }
    }
    assert!(tried > 70, "{tried}");
}

#[test]
fn several_unreadable_fields_cost_only_themselves() {
    let mut row = stats_row(ONE, "heron", "Heron");
    for field in ["context_length", "status", "is_hidden", "quantization"] {
        row[field] = json!({"new": "shape"});
    }
    row["stats"]["p50_latency"] = json!("fast");
    // Once more as text: no float is that large, and no JSON value parser accepts it.
    let text = json!({"data": [row]}).to_string().replace("\"fast\"", "1e400");
    let decoded = decode_as(DocumentKind::StatsEndpoint, "standard", 200, text.as_bytes());
    let mut fields: Vec<&str> =
        the_quarantined(&decoded).iter().map(|(_, path)| &path["$.data[0].".len()..]).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["context_length", "is_hidden", "quantization", "stats.p50_latency", "status"]);
    let rows = stats_of(decoded);
    assert_eq!((rows[0].health.latency_ms, rows[0].health.throughput), (None, Some(42.0)));
    assert_eq!(rows[0].facts.published.context_length, None);
}

#[test]
fn a_value_out_of_bounds_costs_the_field_and_names_it() {
    for (kind, place, value) in [
        (DocumentKind::StatsEndpoint, "/pricing/prompt", json!("1.01")),
        (DocumentKind::StatsEndpoint, "/pricing/prompt", json!("1e23")),
        (DocumentKind::StatsEndpoint, "/pricing/completion", json!("-0.5")),
        (DocumentKind::StatsEndpoint, "/pricing/discount", json!(1.5)),
        (DocumentKind::StatsEndpoint, "/stats/p50_latency", json!(-1)),
        (DocumentKind::StatsEndpoint, "/stats/p50_latency", json!(1e13)),
        (DocumentKind::StatsEndpoint, "/stats/p50_throughput", json!(1e19)),
        (DocumentKind::StatsEndpoint, "/stats/request_count", json!(-3)),
        (DocumentKind::StatsEndpoint, "/status_heuristics_1d/success", json!(1_000_000_000_001_i64)),
        (DocumentKind::StatsEndpoint, "/context_length", json!(-1)),
        (DocumentKind::StatsEndpoint, "/max_completion_tokens", json!(1_000_000_000_000_i64)),
        (DocumentKind::StatsEndpoint, "/status", json!(70_000)),
        (DocumentKind::PublicEndpoints, "/uptime_last_1d", json!(100.5)),
        (DocumentKind::PublicEndpoints, "/pricing/prompt", json!("1000")),
        (DocumentKind::Models, "/created", json!(1_780_000_000_000_i64)),
        (DocumentKind::Models, "/created", json!(0)),
        (DocumentKind::Models, "/context_length", json!(4_000_000_000_i64)),
        (DocumentKind::EffectivePricing, "/effectiveInputPrice", json!(1e308)),
        (DocumentKind::EffectivePricing, "/effectiveOutputPrice", json!(-2)),
        (DocumentKind::EffectivePricing, "/totalTokens", json!(1e15)),
    ] {
        let (_, path, row) = documents().into_iter().find(|one| one.0 == kind).expect("there");
        let mut bad = row.clone();
        *bad.pointer_mut(place).expect("there") = value.clone();
        let decoded = decode(kind, &body_of(kind, bad));
        let path = format!("{path}{}", place.replace('/', "."));
        assert_eq!(the_quarantined(&decoded), [("value_out_of_range", path.as_str())], "{value}");
        let aside = &decoded.quarantined[0];
        assert!(aside.detail.contains("is not within"), "{aside:?}");
        assert!(aside.model.is_some() && aside.variant.is_some(), "the model is named: {aside:?}");
        assert_eq!(rows_of(&decoded), 1, "{place} = {value}");
    }
    let mut body = pricing(vec![summary(Some(ONE), "Heron", 0.5, 10)]);
    body["data"]["weightedCacheHitRate"] = json!(35);
    body["data"]["inputChartData"] = json!([{"x": "2026-08-06 00:00:00", "y": {ONE: 1e308, TWO: 0.5}},
        {"x": "+99999-01-01", "y": {ONE: 1}}]);
    let decoded = decode(DocumentKind::EffectivePricing, &body);
    let chart = format!("$.data.inputChartData[0].y.{ONE}");
    let expected = [
        ("value_out_of_range", chart.as_str()),
        ("undecodable", "$.data.inputChartData[1].x"),
        ("value_out_of_range", "$.data.weightedCacheHitRate"),
    ];
    assert_eq!(the_quarantined(&decoded), expected);
    let usage = usage_of(decoded);
    assert_eq!(usage.aggregate.hit_rate, None);
    let day = NaiveDate::from_ymd_opt(2026, 8, 6).expect("a day");
    assert_eq!((usage.charts[ONE][&day].0, usage.charts[TWO][&day].0), (None, Some(0.5)));
}

#[test]
fn what_is_on_record_is_within_bounds() {
    let mut row = stats_row(ONE, "heron", "Heron");
    row["pricing"] = json!({"prompt": "0.36", "completion": "-1", "discount": -0.2});
    row["stats"] = json!({"p50_throughput": 0, "p50_latency": 294_722, "request_count": 1_090_443});
    row["context_length"] = json!(0);
    row["status"] = json!(-10);
    let decoded = decode(DocumentKind::StatsEndpoint, &json!({"data": [row]}));
    assert_eq!(the_quarantined(&decoded), []);
    let prices = stats_of(decoded).remove(0).prices;
    assert_eq!(
        (mtok(prices.input), prices.output),
        (Some(360_000.0), None),
        "-1 means that there is no price"
    );
}

#[test]
fn an_override_that_is_not_understood_in_full_never_applies() {
    let condition =
        |field: &str, value: Value| json!({"min_prompt_tokens": 32000, "prompt": "0.000001", field: value});
    let overrides = json!([
        condition("min_prompt_tokens", json!(64000)),
        condition("min_prompt_tokens", json!({"above": 1})),
        condition("min_prompt_tokens", json!(-5)),
        condition("utc_start", json!(9999)),
        condition("prompt", json!("1000")),
        "none",
        null,
        condition("completion", json!([])),
    ]);
    let mut row = stats_row(ONE, "heron", "Heron");
    row["pricing"]["overrides"] = overrides;
    let decoded = decode(DocumentKind::StatsEndpoint, &json!({"data": [row]}));
    let mut aside = the_quarantined(&decoded);
    aside.sort_unstable();
    let at = |position: usize, field: &str| format!("$.data[0].pricing.overrides[{position}]{field}");
    let [unreadable, list, text, low, clock, dear] = [
        at(1, ".min_prompt_tokens"),
        at(7, ".completion"),
        at(5, ""),
        at(2, ".min_prompt_tokens"),
        at(3, ".utc_start"),
        at(4, ".prompt"),
    ];
    let mut expected = vec![
        ("unknown_condition", unreadable.as_str()),
        ("unreadable_field", list.as_str()),
        ("unreadable_field", text.as_str()),
        ("unknown_condition", low.as_str()),
        ("unknown_condition", clock.as_str()),
        ("value_out_of_range", dear.as_str()),
    ];
    expected.sort_unstable();
    assert_eq!(aside, expected);
    let tiers = stats_of(decoded).remove(0).prices.tiers;
    assert_eq!(tiers.iter().map(|tier| tier.min_prompt_tokens).collect::<Vec<_>>(), [Some(64_000)]);
}

#[test]
fn a_missing_counter_is_not_zero() {
    let mut row = stats_row(ONE, "heron", "Heron");
    row["status_heuristics_1d"] = json!({"success": 5, "derankableError": null, "rateLimited": 0});
    let rows = stats_of(decode(DocumentKind::StatsEndpoint, &json!({"data": [row]})));
    assert_eq!(rows[0].health.counters_1d, None);
    let day = json!({"date": "2026-08-06 00:00:00", "total_prompt_tokens": 900, "total_completion_tokens": 100,
        "count": 9});
    let decoded = decode(DocumentKind::ModelActivity, &json!({"data": {"analytics": [day]}}));
    assert!(the_quarantined(&decoded).is_empty(), "tokens from the cache are not needed for the day");
    let Some(Content::Activity(days)) = decoded.content else { panic!("the day is read") };
    assert_eq!((days[0].cached_tokens, days[0].requests), (None, Some(9)));
    let day = json!({"date": "2026-08-06 00:00:00", "total_prompt_tokens": 900, "count": 9});
    let decoded = decode(DocumentKind::ModelActivity, &json!({"data": {"analytics": [day]}}));
    assert_eq!(the_quarantined(&decoded), [("value_missing", "$.data.analytics[0].total_completion_tokens")]);
    assert!(decoded.content.is_none() && !decoded.failed);
}

#[test]
fn a_model_that_is_listed_twice_counts_once() {
    let model = |id: &str, slug: &str| json!({"id": id, "canonical_slug": slug, "name": id, "pricing": {"prompt": "0"}});
    let body = json!({"data": [model("a/b", "a/b-1"), model("a/c", "a/c-1"), model("a/b", "a/b-1"),
        model("a/b", "a/b-2"), model("a/d", "a/c-1"), model("a/b:free", "a/b-1")]});
    let decoded = decode(DocumentKind::Models, &body);
    let aside = the_quarantined(&decoded);
    let expected = ["$.data[2].id", "$.data[3].id", "$.data[4].canonical_slug"];
    assert_eq!(aside, expected.map(|path| ("duplicate_model", path)));
    assert_eq!(decoded.quarantined[0].model.as_ref().map(ModelSlug::as_str), Some("a/b-1"));
    let Some(Content::Models(models)) = decoded.content else { panic!("models were expected") };
    let ids: Vec<&str> = models.iter().map(|Model { model_id, .. }| model_id.as_str()).collect();
    assert_eq!(ids, ["a/b", "a/c", "a/b:free"]);
}

#[test]
fn a_flood_of_refused_fields_is_counted_and_not_listed() {
    let point = |n: usize| {
        let y: serde_json::Map<String, Value> =
            (0..20).map(|key| (format!("name {key}"), json!(1e300))).collect();
        json!({"x": format!("2026-07-{:02}", n + 1), "y": y})
    };
    let mut body = pricing(vec![summary(Some(ONE), "Heron", 0.5, 10)]);
    body["data"]["inputChartData"] = (0..30).map(point).collect();
    let decoded = decode(DocumentKind::EffectivePricing, &body);
    assert_eq!(decoded.quarantined.len(), 101);
    let last = decoded.quarantined.last().expect("there");
    assert_eq!((last.reason.as_str(), last.detail.as_str()), ("value_out_of_range", "and 500 more fields"));
}
