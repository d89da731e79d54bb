//! Spans that repeat the usage of calls below them. A span of an agent or a chain ends after its calls and often arrives in
//! a later request; the readers see one file at a time, so the receiver remembers which spans had calls below them.

use serde_json::Value;
use std::collections::{HashSet, VecDeque};

/// Number of spans that are remembered.
const MOST: usize = 50_000;
/// Parts of the names of attributes that state token counts.
const COUNTS: [&str; 2] = [".usage.", ".token_count."];

/// The spans above calls that arrived.
#[derive(Debug, Default)]
pub struct Repeats {
    above: HashSet<String>,
    order: VecDeque<String>,
}

impl Repeats {
    /// Removes from a reduced request the spans that repeat calls of earlier requests, and returns their number.
    /// OpenRouter's requests are kept: there the span above is the call, and those below repeat it.
    pub fn remove(&mut self, request: &mut Value) -> u64 {
        let mut removed = 0;
        let mut above = Vec::new();
        for resource in list(request, "resourceSpans") {
            let service = resource["resource"]["attributes"].as_array().into_iter().flatten();
            let is_openrouter = |pair: &Value| {
                pair["key"] == "service.name" && pair["value"]["stringValue"] == OWN_SPANS_FIRST
            };
            if service.clone().any(is_openrouter) {
                continue;
            }
            for scope in list(resource, "scopeSpans") {
                if scope["scope"]["name"] == OWN_SPANS_FIRST {
                    continue;
                }
                let Some(spans) = scope["spans"].as_array_mut() else { continue };
                spans.retain(|span| {
                    let is_above = self.above.contains(&key(span, "spanId"));
                    let has_counts = states_counts(span);
                    if (is_above || has_counts) && span["parentSpanId"].is_string() {
                        above.push(key(span, "parentSpanId"));
                    }
                    let is_repeat = is_above && has_counts;
                    removed += u64::from(is_repeat);
                    !is_repeat
                });
            }
        }
        above.into_iter().for_each(|key| self.remember(key));
        removed
    }

    fn remember(&mut self, key: String) {
        if !self.above.insert(key.clone()) {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.above.remove(&oldest);
        }
    }
}

/// Name of the service and of the scope of OpenRouter's broadcast, whose outermost span is the call.
const OWN_SPANS_FIRST: &str = "openrouter";

fn list<'a>(value: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    value.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

fn key(span: &Value, id: &str) -> String {
    format!("{}{}", span["traceId"].as_str().unwrap_or_default(), span[id].as_str().unwrap_or_default())
}

fn states_counts(span: &Value) -> bool {
    let attributes = span["attributes"].as_array().into_iter().flatten();
    attributes.filter_map(|pair| pair["key"].as_str()).any(|key| COUNTS.iter().any(|part| key.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(service: &str, spans: &[(&str, Option<&str>)]) -> Value {
        let span = |(id, parent): &(&str, Option<&str>)| {
            let mut span = json!({ "traceId": "t", "spanId": id, "attributes": [{ "key": "gen_ai.usage.input_tokens" }] });
            if let Some(parent) = parent {
                span["parentSpanId"] = json!(parent);
            }
            span
        };
        let service = json!({ "key": "service.name", "value": { "stringValue": service } });
        let spans: Vec<Value> = spans.iter().map(span).collect();
        json!({ "resourceSpans": [{ "resource": { "attributes": [service] }, "scopeSpans": [{ "spans": spans }] }] })
    }

    #[test]
    fn a_span_above_calls_of_an_earlier_request_is_removed() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.remove(&mut request("x", &[("call", Some("chain"))])), 0);
        let mut later = request("x", &[("chain", Some("agent")), ("other", Some("agent"))]);
        assert_eq!(repeats.remove(&mut later), 1);
        assert_eq!(later["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"], "other");
        assert_eq!(repeats.remove(&mut request("x", &[("agent", None)])), 1);
        // Within one request the readers decide.
        assert_eq!(repeats.remove(&mut request("x", &[("b", Some("a")), ("a", None)])), 0);
    }

    #[test]
    fn the_outermost_span_of_a_broadcast_is_the_call() {
        let mut repeats = Repeats::default();
        for spans in [[("attempt", Some("root"))], [("root", None)]] {
            assert_eq!(repeats.remove(&mut request(OWN_SPANS_FIRST, &spans)), 0);
        }
    }
}
