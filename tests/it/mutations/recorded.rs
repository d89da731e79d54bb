//! A recorded day as the bodies of one sweep.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use chrono::{DateTime, Utc};
use flate2::read::GzDecoder;
use hitrate::domain::document::Pair;
use hitrate::domain::ids::{ModelSlug, Variant};
use hitrate::upstream::openrouter::DocumentKind;
use serde_json::{Value, json};

use crate::mutate::Body;

fn packed(path: &Path) -> BufReader<GzDecoder<File>> {
    BufReader::new(GzDecoder::new(File::open(path).expect("a recorded file")))
}

/// The bodies of a recorded day. Endpoints of the documented API are those of the statistics under the documented
/// names.
pub fn day(folder: &Path) -> (DateTime<Utc>, Vec<Body>) {
    let manifest: Value =
        serde_json::from_reader(File::open(folder.join("manifest.json")).expect("a manifest"))
            .expect("a manifest is JSON");
    let time = manifest["started_at"].as_str().and_then(|time| time.parse().ok()).expect("a time");
    let read = |name: &str| -> Value { serde_json::from_reader(packed(&folder.join(name))).expect("JSON") };
    let (models, providers) = (read("models.json.gz"), read("providers.json.gz"));
    let mut stats: BTreeMap<(String, String), Value> = BTreeMap::new();
    for line in packed(&folder.join("model_stats.jsonl.gz")).lines() {
        let row: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        stats.insert((text("permaslug"), text("variant")), row);
    }
    let documented: Vec<Value> = list(&providers).iter().map(provider).collect();
    let mut bodies = vec![
        Body::of(DocumentKind::Models, None, Some(&models)),
        Body::of(DocumentKind::AllProviders, None, Some(&providers)),
        Body::of(DocumentKind::Providers, None, Some(&json!(documented))),
    ];
    for model in list(&models) {
        let (id, slug) = (model["id"].as_str().unwrap_or_default(), model["canonical_slug"].as_str());
        let sentinel = model["pricing"]["prompt"].as_str().is_some_and(|price| price.starts_with('-'));
        if id.starts_with('~') || sentinel || model.get("alias_target").is_some() {
            continue;
        }
        let (_, variant) = Variant::split(id);
        let pair = Pair { model: ModelSlug::new(slug.unwrap_or_default()), variant };
        let key = (pair.model.to_string(), pair.variant.to_string());
        let row = stats.get(&key).unwrap_or(&Value::Null);
        let endpoints = list(&row["endpoints"]);
        let shown = endpoints.iter().filter(|one| one["is_hidden"] != true && one["is_private"] != true);
        let public = json!({"id": id, "endpoints": shown.map(endpoint).collect::<Vec<_>>()});
        let there =
            |value: &Value, otherwise: Value| if value.is_object() { value.clone() } else { otherwise };
        let nothing = json!({"providerSummaries": [], "inputChartData": [], "outputChartData": []});
        let pricing = there(&row["effective_pricing"], nothing);
        let activity = there(&row["activity"], json!({"analytics": [], "cachedAt": 0}));
        let stats = (!endpoints.is_empty()).then(|| &row["endpoints"]);
        for (kind, data) in [
            (DocumentKind::PublicEndpoints, Some(&public)),
            (DocumentKind::StatsEndpoint, stats),
            (DocumentKind::EffectivePricing, Some(&pricing)),
            (DocumentKind::ModelActivity, Some(&activity)),
        ] {
            bodies.push(Body::of(kind, Some(pair.clone()), data));
        }
    }
    (time, bodies)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn provider(row: &Value) -> Value {
    json!({
        "name": row["displayName"], "slug": row["slug"], "headquarters": row["headquarters"],
        "status_page_url": row["statusPageUrl"], "privacy_policy_url": row["dataPolicy"]["privacyPolicyURL"],
        "terms_of_service_url": row["dataPolicy"]["termsOfServiceURL"],
    })
}

fn endpoint(row: &Value) -> Value {
    let mut pricing = row["pricing"].clone();
    if let Some(prices) = pricing.as_object_mut() {
        prices.remove("display_pricing");
    }
    json!({
        "name": row["name"], "context_length": row["context_length"], "pricing": pricing,
        "provider_name": row["provider_name"], "tag": row["provider_slug"], "quantization": row["quantization"],
        "max_completion_tokens": row["max_completion_tokens"], "max_prompt_tokens": row["max_prompt_tokens"],
        "supported_parameters": row["supported_parameters"], "status": row["status"],
        // The record has no uptime of late; any will do, as long as two days agree.
        "uptime_last_30m": 99.5, "uptime_last_5m": 99.5, "uptime_last_1d": 99.5,
        "latency_last_30m": null, "throughput_last_30m": null,
    })
}
