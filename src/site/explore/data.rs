//! The explorer's answers for programs.

use super::query::Question;
use super::{Hit, hits};
use crate::domain::flag::names;
use crate::snapshot::Snapshot;
use serde_json::{Value, json};

/// A row of JSON: the endpoint as the API has it but for its days, under its model.
fn entry((model, endpoint): Hit) -> Value {
    let mut value = serde_json::to_value(endpoint).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("days");
        fields.insert("model_id".to_owned(), json!(model.model_id));
    }
    value
}

/// All rows as `{data, meta}`, not paged: there are no more of them than endpoints.
pub fn json(snapshot: &Snapshot, question: &Question) -> Vec<u8> {
    let data: Vec<Value> = hits(snapshot, question).into_iter().map(entry).collect();
    let meta = json!({
        "as_of": snapshot.as_of,
        "snapshot": snapshot.id,
        "method_version": snapshot.method_version,
        "simulated": snapshot.simulated,
        "found": data.len(),
        "source": "OpenRouter’s public pages",
    });
    json!({ "data": data, "meta": meta }).to_string().into_bytes()
}

const COLUMNS: [&str; 22] = [
    "model_id",
    "provider",
    "provider_name",
    "tag",
    "endpoint_id",
    "tier",
    "session_cost",
    "effective_input",
    "effective_output",
    "list_input",
    "list_cache_read",
    "list_cache_write",
    "list_output",
    "hit_rate",
    "tokens_per_day",
    "uptime_1d",
    "availability",
    "throughput",
    "latency_ms",
    "quantization",
    "context_length",
    "flags",
];

/// A text in quotation marks where it needs them. What a spreadsheet would run as a formula is led by an apostrophe:
/// names come from others.
fn quoted(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if risky { format!("'{text}") } else { text.to_owned() };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// All rows as CSV (RFC 4180, a header, UTF-8): rates are fractions, prices USD per million tokens, the session cost USD
/// under the default workload; what is absent is empty.
pub fn csv(snapshot: &Snapshot, question: &Question) -> Vec<u8> {
    let number = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    let mut text = COLUMNS.join(",") + "\r\n";
    for (model, e) in hits(snapshot, question) {
        let row: [String; COLUMNS.len()] = [
            quoted(&model.model_id),
            quoted(e.provider.as_str()),
            quoted(&e.name),
            quoted(e.tag.as_str()),
            e.endpoint_id.to_string(),
            e.tier.to_string(),
            number(e.session_cost.get(snapshot.default_workload()).copied()),
            number(e.effective.input),
            number(e.effective.output),
            number(e.list.input),
            number(e.list.cache_read),
            number(e.list.cache_write),
            number(e.list.output),
            number(e.hit_rate),
            number(e.tokens_per_day),
            number(e.uptime_1d),
            number(e.availability),
            number(e.throughput),
            number(e.latency_ms),
            quoted(e.quantization.as_deref().unwrap_or_default()),
            e.context_length.map(|n| n.to_string()).unwrap_or_default(),
            quoted(&names(&e.flags)),
        ];
        text += &(row.join(",") + "\r\n");
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_stay_names_in_a_spreadsheet() {
        assert_eq!(quoted("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("fp8"), "fp8");
    }
}
