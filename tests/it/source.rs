//! Decoding of the upstream's responses: every format that was observed, and formats that should never occur.

mod comparison;
mod facts;
mod fields;
mod join;

use chrono::{DateTime, NaiveDate};
use hitrate::domain::document::{Pair, Request};
use hitrate::domain::ids::{ModelSlug, Variant};
use hitrate::domain::reading::Reading;
use hitrate::domain::units::UsdPerMtok;
use hitrate::upstream::Outcome;
use hitrate::upstream::openrouter::{Content, Decoded, DocumentKind, UsageBody, decode as decode_document};
use serde_json::{Value, json};

const ONE: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const TWO: &str = "aaaaaaaa-0000-4000-8000-000000000002";

fn pair_of(variant: &str) -> Pair {
    Pair { model: ModelSlug::new("wren/lark-2-20260101"), variant: Variant::new(variant) }
}

fn request(kind: DocumentKind, variant: &str) -> Request {
    let about_a_pair =
        !matches!(kind, DocumentKind::Models | DocumentKind::Providers | DocumentKind::AllProviders);
    Request {
        kind: kind.into(),
        pair: about_a_pair.then(|| pair_of(variant)),
        path: format!("/{}", kind.as_str()),
    }
}

fn decode_as(kind: DocumentKind, variant: &str, status: u16, body: &[u8]) -> Decoded {
    let request = request(kind, variant);
    let (request, fetched_at) = (&request, DateTime::default());
    let outcome = Outcome { request, status: Some(status), error: None, fetched_at, sha256: "5ha", body };
    decode_document(&outcome).expect("a complete response")
}

fn decode(kind: DocumentKind, body: &Value) -> Decoded {
    decode_as(kind, "standard", 200, body.to_string().as_bytes())
}

fn stats_of(decoded: Decoded) -> Vec<Reading> {
    match decoded.content {
        Some(Content::StatsEndpoints(rows)) => rows.into_iter().map(|row| row.reading).collect(),
        other => panic!("endpoints were expected, not {other:?}"),
    }
}

fn usage_of(decoded: Decoded) -> UsageBody {
    match decoded.content {
        Some(Content::Usage(body)) => body,
        other => panic!("usage was expected, not {other:?}"),
    }
}

fn stats_row(id: &str, tag: &str, name: &str) -> Value {
    json!({
        "id": id, "provider_slug": tag, "provider_name": name, "provider_display_name": name,
        "provider_info": {"slug": tag}, "quantization": "fp8", "context_length": 131072,
        "supported_parameters": ["tools", "stop"],
        "pricing": {"prompt": "0.00000025", "completion": "0.000001", "input_cache_read": "0.00000005"},
        "is_hidden": false, "is_deranked": false, "status": 0,
        "stats": {"p50_throughput": 42, "p50_latency": 800.5, "request_count": 120}
    })
}

fn summary(id: Option<&str>, name: &str, rate: f64, tokens: i64) -> Value {
    let mut row = json!({
        "providerName": name, "providerSlug": "heron", "effectiveInputPrice": 0.2,
        "effectiveOutputPrice": 1, "cacheHitRate": rate, "totalTokens": tokens
    });
    if let Some(id) = id {
        row["endpointId"] = json!(id);
    }
    row
}

fn pricing(summaries: Vec<Value>) -> Value {
    json!({"data": {
        "weightedInputPrice": 0.2, "weightedOutputPrice": 1, "weightedCacheHitRate": 0.5,
        "providerSummaries": summaries, "inputChartData": [], "outputChartData": []
    }})
}

fn mtok(price: Option<UsdPerMtok>) -> Option<f64> {
    price.map(UsdPerMtok::to_f64)
}

fn the_quarantined(decoded: &Decoded) -> Vec<(&str, &str)> {
    decoded.quarantined.iter().map(|row| (row.reason.as_str(), row.path.as_str())).collect()
}

#[test]
fn aliases_and_router_pseudo_models_are_not_swept_and_variants_are_kept_apart() {
    let model = |id: &str, prompt: Value| {
        json!({"id": id, "canonical_slug": "wren/lark-2-20260101", "name": id, "created": 1767225600,
               "context_length": 1000, "pricing": {"prompt": prompt, "completion": "0"}})
    };
    let mut aliased = model("wren/lark-newest", json!("0.1"));
    aliased["alias_target"] = json!({"name": "Lark", "slug": "wren/lark-2"});
    let mut latest = model("~wren/lark-latest", json!("0.1"));
    latest["alias_target"] = aliased["alias_target"].clone();
    let router = |id: &str, prompt: Value| {
        let mut row = model(id, prompt);
        row["architecture"] = json!({"tokenizer": "Router"});
        row
    };
    let body = json!({"data": [
        model("wren/lark-2", json!("0.0000002")), model("wren/lark-2:free", json!("0")),
        model("wren/lark-2:batch", json!(0)), latest, aliased, model("~wren/no-target", json!("0.1")),
        router("openrouter/auto", json!("-1")), router("openrouter/other", json!(-1)),
    ]});
    let decoded = decode(DocumentKind::Models, &body);
    assert!(decoded.quarantined.is_empty() && decoded.drift.is_empty(), "{decoded:?}");
    let Some(Content::Models(models)) = decoded.content else { panic!("models were expected") };
    let found: Vec<(&str, &str)> = models.iter().map(|m| (m.model_id.as_str(), m.variant.as_str())).collect();
    let expected =
        [("wren/lark-2", "standard"), ("wren/lark-2:free", "free"), ("wren/lark-2:batch", "batch")];
    assert_eq!(found, expected);
    let aliases: Vec<&[String]> = models.iter().map(|model| model.aliases.as_slice()).collect();
    assert_eq!(aliases, [&["~wren/lark-latest".to_owned()][..], &[], &[]]);
    assert_eq!(models[0].created.map(|time| time.to_rfc3339()), Some("2026-01-01T00:00:00+00:00".into()));
    // A router is recognised by its tokenizer if its price has another meaning, and by its price alone.
    let body = json!({"data": [
        router("openrouter/auto", json!("0.1")), router("openrouter/any", Value::Null), model("openrouter/pick", json!("-1")),
    ]});
    let decoded = decode(DocumentKind::Models, &body);
    let quarantined = the_quarantined(&decoded);
    assert!(matches!(&decoded.content, Some(Content::Models(models)) if models.is_empty()), "{decoded:?}");
    assert_eq!(
        quarantined,
        [("value_missing", "$.data[1].pricing.prompt"), ("value_out_of_range", "$.data[2].pricing.prompt")]
    );
}

#[test]
fn a_summary_without_the_uuid_that_its_charts_have_is_reported() {
    let mut body = pricing(vec![summary(Some(ONE), "Heron", 0.5, 10), summary(None, "Wren", 0.5, 10)]);
    assert!(
        decode(DocumentKind::EffectivePricing, &body).quarantined.is_empty(),
        "names alone were usual once"
    );
    body["data"]["inputChartData"] = json!([{"x": "2026-08-06 00:00:00", "y": {ONE: 0.3}}]);
    let decoded = decode(DocumentKind::EffectivePricing, &body);
    assert_eq!(the_quarantined(&decoded), [("value_missing", "$.data.providerSummaries[1].endpointId")]);
    let Some(Content::Usage(usage)) = decoded.content else { panic!("usage was expected") };
    assert_eq!(usage.summaries.len(), 2);
}

#[test]
fn numbers_as_strings_and_strings_as_numbers_are_read() {
    let mut row = stats_row(ONE, "heron", "Heron");
    row["context_length"] = json!("131072");
    row["pricing"] = json!({"prompt": 2.5e-7, "completion": 1e-6, "discount": "0.25",
        "overrides": [{"min_prompt_tokens": "32000", "prompt": 5e-7}]});
    row["stats"] = json!({"p50_throughput": "42.5", "p50_latency": "800", "request_count": "120"});
    row["provider_display_name"] = json!(7);
    row["is_hidden"] = json!("true");
    let rows = stats_of(decode(DocumentKind::StatsEndpoint, &json!({"data": [row]})));
    let row = &rows[0];
    assert_eq!(
        (row.facts.published.context_length, row.health.throughput, row.health.latency_ms),
        (Some(131_072), Some(42.5), Some(800.0))
    );
    assert_eq!(
        (row.health.requests_30m, row.facts.provider_name.as_str(), row.facts.restricted),
        (Some(120), "7", Some(true))
    );
    assert_eq!((mtok(row.prices.input), row.prices.discount), (Some(0.25), Some(0.25)));
    assert_eq!(row.prices.tiers[0].min_prompt_tokens, Some(32_000));
    assert_eq!(mtok(row.prices.tiers[0].input), Some(0.5));

    let mut strange = summary(Some(ONE), "Heron", 0.5, 10);
    strange["cacheHitRate"] = json!("0.5");
    strange["totalTokens"] = json!("1000000000000");
    strange["effectiveInputPrice"] = json!("0.25");
    let mut body = pricing(vec![strange]);
    body["data"]["inputChartData"] = json!([{"x": "2026-08-06 00:00:00", "y": {ONE: "0.3"}}]);
    let usage = usage_of(decode(DocumentKind::EffectivePricing, &body));
    let read = &usage.summaries[0];
    assert_eq!((read.hit_rate, read.tokens), (Some(0.5), Some(1_000_000_000_000)));
    assert_eq!(read.effective_input, Some(0.25));
    let day = NaiveDate::from_ymd_opt(2026, 8, 6).expect("a day");
    assert_eq!(usage.charts[ONE][&day].0, Some(0.3));
}

#[test]
fn percentiles_are_read_as_object_number_or_text() {
    let row = |latency: Value| {
        json!({"tag": "heron", "provider_name": "Heron", "latency_last_30m": latency,
               "throughput_last_30m": null, "uptime_last_30m": 99.5, "uptime_last_1d": "98",
               "uptime_last_5m": 250})
    };
    let rows =
        [json!({"p50": 250, "p99": 900}), json!(250), json!("250"), json!(null), json!({"p50": "250"})];
    let body = json!({"data": {"id": "wren/lark-2", "endpoints": rows.map(row)}});
    let decoded = decode(DocumentKind::PublicEndpoints, &body);
    let aside = the_quarantined(&decoded);
    assert_eq!(aside.len(), 5, "each uptime of 250 %: {aside:?}");
    assert_eq!(aside[0], ("value_out_of_range", "$.data.endpoints[0].uptime_last_5m"));
    let Some(Content::PublicEndpoints(rows)) = decoded.content else { panic!("endpoints were expected") };
    let latencies: Vec<Option<f64>> = rows.iter().map(|row| row.health.latency_ms).collect();
    assert_eq!(latencies, [Some(250.0), Some(250.0), Some(250.0), None, Some(250.0)]);
    let health = &rows[0].health;
    let uptimes = [health.uptime_5m, health.uptime_30m, health.uptime_1d];
    assert_eq!(uptimes, [None, Some(0.995), Some(0.98)], "fractions; 250 % is not an uptime");
}

#[test]
fn nulls_are_nothing_and_never_zero() {
    let row = json!({"id": ONE, "provider_slug": "heron/fp8", "provider_display_name": null,
        "provider_info": null, "pricing": null, "stats": null, "status": null, "is_hidden": null,
        "supported_parameters": null, "data_policy": null, "context_length": null});
    let rows = stats_of(decode(DocumentKind::StatsEndpoint, &json!({"data": [row]})));
    let row = &rows[0];
    assert_eq!((row.facts.provider.as_str(), row.facts.provider_name.as_str()), ("heron", "heron"));
    assert_eq!(
        (row.prices.input, row.health.throughput, row.health.status, row.facts.published.trains_on_prompts),
        (None, None, None, None)
    );
    assert!(row.facts.restricted.is_none() && row.facts.published.parameters.is_empty());

    let silent = json!({"endpointId": null, "providerName": "Heron", "cacheHitRate": null,
        "totalTokens": 5, "effectiveInputPrice": null, "effectiveOutputPrice": null});
    let usage = usage_of(decode(DocumentKind::EffectivePricing, &pricing(vec![silent])));
    let read = &usage.summaries[0];
    assert_eq!((read.endpoint_id, read.hit_rate, read.effective_input), (None, None, None));
}

#[test]
fn nothing_here_is_no_failure() {
    use DocumentKind::{EffectivePricing, ModelActivity, PublicEndpoints, StatsEndpoint};
    let empty_pricing = pricing(Vec::new()).to_string();
    let null_lists = r#"{"data":{"providerSummaries":null,"inputChartData":null,"outputChartData":null}}"#;
    for (kind, status, body) in [
        (StatsEndpoint, 404, r#"{"error":{"code":404,"message":"Not Found"}}"#),
        (PublicEndpoints, 404, "<html>gone</html>"),
        (StatsEndpoint, 200, r#"{"data":null}"#),
        (EffectivePricing, 200, " {\"data\": null}\n"),
        (StatsEndpoint, 200, r#"{"data":[]}"#),
        (EffectivePricing, 200, empty_pricing.as_str()),
        (EffectivePricing, 200, null_lists),
        (PublicEndpoints, 200, r#"{"data":{"id":"wren/lark-2","endpoints":[]}}"#),
        (PublicEndpoints, 200, r#"{"data":{"id":"wren/lark-2","endpoints":null}}"#),
        (ModelActivity, 200, r#"{"data":{"analytics":[],"cachedAt":0}}"#),
        (ModelActivity, 200, r#"{"data":{"analytics":null}}"#),
    ] {
        let decoded = decode_as(kind, "standard", status, body.as_bytes());
        let nothing = decoded.content.is_none() && !decoded.failed && decoded.quarantined.is_empty();
        assert!(nothing, "{kind:?} {status} {body}: {decoded:?}");
    }
    // The upstream answers with empty lists, never without a body.
    for body in ["", " \n"] {
        let decoded = decode_as(StatsEndpoint, "standard", 200, body.as_bytes());
        assert!(decoded.failed && decoded.content.is_none(), "{decoded:?}");
        assert_eq!(the_quarantined(&decoded), [("undecodable", "$")]);
    }
}

#[test]
fn what_cannot_be_read_is_put_aside_with_its_json_path_and_its_body() {
    use DocumentKind::{EffectivePricing, ModelActivity, Models, PublicEndpoints, StatsEndpoint};
    let truncated = r#"{"data":{"weightedInputPrice":0.2,"providerSummaries":[{"endpointId":"aa"#;
    for (kind, status, body, path) in [
        (StatsEndpoint, 200, "<!doctype html><title>Just a moment</title>", "$"),
        (Models, 200, r#"{"data":[{"id":"a/b"},{"id":"#, "$.data"),
        (EffectivePricing, 200, truncated, "$.data.providerSummaries"),
        (EffectivePricing, 200, r#"{"data":{"providerSummaries":{}}}"#, "$.data.providerSummaries"),
        (EffectivePricing, 200, r#"{"data":"none"}"#, "$.data"),
        (PublicEndpoints, 200, r#"{"data":{"endpoints":"none"}}"#, "$.data.endpoints"),
        (ModelActivity, 200, r#"{"data":{"analytics":{"1":2}}}"#, "$.data.analytics"),
        (StatsEndpoint, 200, r#"{"data":{"1":2}}"#, "$.data"),
        (StatsEndpoint, 200, r#"{"rows":[]}"#, "$"),
        (StatsEndpoint, 500, r#"{"data":[]}"#, "$"),
        (StatsEndpoint, 200, "\u{1}\u{2}", "$"),
    ] {
        let decoded = decode_as(kind, "standard", status, body.as_bytes());
        assert!(decoded.failed && decoded.content.is_none(), "{body}");
        let [aside] = decoded.quarantined.as_slice() else { panic!("{body}: {:?}", decoded.quarantined) };
        assert_eq!((aside.reason.as_str(), aside.sha256.as_str()), ("undecodable", "5ha"), "{body}");
        assert!(aside.path.starts_with(path), "{body}: {} is not {path}", aside.path);
        assert!(!aside.detail.is_empty() && aside.kind == kind, "{body}");
        assert_eq!(aside.model.is_some(), kind != Models, "{body}");
    }
}

#[test]
fn a_bad_row_costs_only_itself() {
    let mut wordy = stats_row(TWO, "crane", "Crane");
    wordy["context_length"] = json!("very long");
    let body =
        json!({"data": [stats_row(ONE, "heron", "Heron"), stats_row("7", "egret", "Egret"), wordy, 12]});
    let decoded = decode(DocumentKind::StatsEndpoint, &body);
    let paths = the_quarantined(&decoded);
    let expected = ["$.data[1].id", "$.data[3]"].map(|path| ("undecodable", path));
    assert_eq!([paths[0], paths[2]], expected);
    assert_eq!(paths[1], ("unreadable_field", "$.data[2].context_length"), "the row can do without it");
    assert!(!decoded.failed);
    assert_eq!(stats_of(decoded).len(), 2);

    let mut broken = summary(Some(ONE), "Heron", 0.5, 10);
    broken["totalTokens"] = json!(1.5);
    let mut body =
        pricing(vec![broken, summary(Some("x"), "Crane", 0.5, 10), summary(Some(TWO), "Egret", 0.5, 10)]);
    body["data"]["inputChartData"] =
        json!([{"x": "yesterday", "y": {ONE: 1}}, {"x": "2026-08-06 00:00:00", "y": {ONE: 1}}]);
    let decoded = decode(DocumentKind::EffectivePricing, &body);
    let paths: Vec<&str> = decoded.quarantined.iter().map(|row| row.path.as_str()).collect();
    let expected = [
        "$.data.inputChartData[0].x",
        "$.data.providerSummaries[0].totalTokens",
        "$.data.providerSummaries[1].endpointId",
    ];
    assert_eq!(paths, expected);
    let usage = usage_of(decoded);
    assert_eq!((usage.summaries.len(), usage.charts[ONE].len()), (2, 1));
    assert_eq!(usage.summaries[0].hit_rate, Some(0.5), "the rate is kept if the tokens cannot be read");
    assert_eq!(usage.summaries[1].path, "$.data.providerSummaries[2]");
}

#[test]
fn a_chart_point_that_cannot_be_read_costs_no_summary() {
    for point in [json!(7), json!({"x": "2026-08-06 00:00:00", "y": {ONE: {}}}), json!({"y": {ONE: 1}})] {
        let mut body = pricing(vec![summary(Some(ONE), "Heron", 0.5, 10)]);
        body["data"]["inputChartData"] = json!([point, {"x": "2026-08-05 00:00:00", "y": null}]);
        let decoded = decode(DocumentKind::EffectivePricing, &body);
        assert!(!decoded.failed, "{:?}", decoded.quarantined);
        let paths = the_quarantined(&decoded);
        assert!(paths.len() == 1 && paths[0].1.starts_with("$.data.inputChartData[0]"), "{point}: {paths:?}");
        assert_eq!(usage_of(decoded).summaries.len(), 1, "{point}");
    }
}

#[test]
fn unknown_fields_are_counted_once_a_path_and_cost_nothing() {
    let mut rows = [stats_row(ONE, "heron", "Heron"), stats_row(TWO, "crane", "Crane")];
    for row in &mut rows {
        row["brand_new"] = json!({"deep": 1});
        row["pricing"]["cache_hour"] = json!("0.1");
        row["pricing"]["web_search"] = json!("0.1");
        row["model"] = json!({"anything": [1, 2]});
    }
    let decoded = decode(DocumentKind::StatsEndpoint, &json!({"data": rows, "paging": {"next": 2}}));
    let drift: Vec<(&str, usize)> =
        decoded.drift.iter().map(|(at, count)| (at.path.as_str(), *count)).collect();
    assert_eq!(drift, [("brand_new", 2), ("paging", 1), ("pricing.cache_hour", 2)]);
    assert!(decoded.drift.keys().all(|at| at.kind == "stats_endpoint"));
    assert!(decoded.quarantined.is_empty() && stats_of(decoded).len() == 2);
}

#[test]
fn activity_is_read_by_day() {
    let row = json!({"date": "2026-08-06 00:00:00", "total_prompt_tokens": 900, "total_completion_tokens": 100,
        "total_native_tokens_cached": "450", "count": 9, "variant": "standard"});
    let body = json!({"data": {"analytics": [row, {"date": "soon"}], "cachedAt": 1}});
    let decoded = decode(DocumentKind::ModelActivity, &body);
    assert_eq!(the_quarantined(&decoded), [("undecodable", "$.data.analytics[1].date")]);
    let Some(Content::Activity(days)) = decoded.content else { panic!("days were expected") };
    assert_eq!((days[0].prompt_tokens, days[0].cached_tokens, days[0].requests), (900, Some(450), Some(9)));
    assert_eq!(days[0].day.to_string(), "2026-08-06");
}
