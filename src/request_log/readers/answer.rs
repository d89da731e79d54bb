//! What a response of a provider's API states beside its usage: the end, tool calls, an error and money.

use super::outcome::{finish, http_error};
use crate::request_log::call::{Call, Name, PaidKind};
use crate::request_log::entry::{Object, at, flag, money, number, text};
use serde_json::Value;

/// The normalised reason why the output of a response ended.
pub fn finish_of(holder: &Object) -> Option<Name> {
    let first = |list: &str, key: &str| finish(holder.get(list)?.as_array()?.first()?.get(key));
    first("choices", "finish_reason")
        .or_else(|| first("candidates", "finishReason"))
        .or_else(|| {
            ["stop_reason", "stopReason", "done_reason"].iter().find_map(|key| finish(holder.get(*key)))
        })
        .or_else(|| finish(at(holder, &["incomplete_details", "reason"])))
}

/// Number of tool calls in a response.
pub fn tool_calls_of(holder: &Object) -> Option<u32> {
    let length = |calls: &Value| calls.as_array().and_then(|calls| u32::try_from(calls.len()).ok());
    if let Some(choice) = holder.get("choices").and_then(|choices| choices.as_array()?.first()) {
        return choice.get("message")?.get("tool_calls").and_then(length);
    }
    let parts = holder.get("content").or_else(|| holder.get("output"))?.as_array()?;
    let is_call = |part: &&Value| {
        part.get("type").and_then(Value::as_str).is_some_and(|t| t == "tool_use" || t == "function_call")
    };
    u32::try_from(parts.iter().filter(is_call).count()).ok()
}

/// The error of an entry: its HTTP status and its class, but not its message, which may quote the prompt.
pub fn error_of(holders: &[&Object]) -> Option<(Option<u16>, Option<Name>)> {
    for holder in holders {
        let is_error = text(holder.get("type")).as_deref() == Some("error");
        let http =
            ["status_code", "statusCode", "status"].iter().find_map(|key| http_error(holder.get(*key)));
        match holder.get("error") {
            Some(Value::Object(error)) => {
                // Anthropic's error within a result of a batch is nested once more.
                let inner = error.get("error").and_then(Value::as_object).unwrap_or(error);
                let stated =
                    ["status", "code", "status_code"].iter().find_map(|key| http_error(inner.get(*key)));
                let class = ["type", "code", "status", "class", "name"].iter().find_map(|key| {
                    text(inner.get(*key)).filter(|class| !class.chars().all(|c| c.is_ascii_digit()))
                });
                return Some((http.or(stated), class.map(Name::from)));
            }
            Some(Value::String(said)) if !said.is_empty() => return Some((http, None)),
            _ if is_error || http.is_some() => return Some((http, None)),
            _ => {}
        }
    }
    None
}

/// Money: OpenRouter's cost with the upstream's for an own key, xAI's ticks, or an amount that the client computed.
pub fn put_money(call: &mut Call, usage: &Object, entry: &Object) {
    call.is_byok = flag(usage.get("is_byok"));
    if let Some(cost) = money(usage.get("cost")) {
        let upstream = money(at(usage, &["cost_details", "upstream_inference_cost"]));
        (call.paid, call.paid_kind) = match (call.is_byok, upstream) {
            (Some(true), Some(upstream)) => (Some(cost + upstream), PaidKind::BilledPlusByok),
            (Some(true), None) => (Some(cost), PaidKind::FeeOnly),
            _ => (Some(cost), PaidKind::Billed),
        };
    } else if let Some(ticks) = number(usage.get("cost_in_usd_ticks")).filter(|ticks| *ticks >= 0.0) {
        (call.paid, call.paid_kind) = (Some(ticks / 1e10), PaidKind::Billed);
    } else if let Some(cost) = ["cost", "cost_usd", "costUSD", "total_cost", "total_cost_usd"]
        .iter()
        .find_map(|key| money(entry.get(*key)))
    {
        (call.paid, call.paid_kind) = (Some(cost), PaidKind::ComputedByTool);
    }
}
