//! Usage and balance of an Ollama Cloud account.

use super::account::sum;
use super::api_usage::Family;
use super::plain::BAD_COUNTS;
use crate::request_log::call::{Call, PaidKind, RawCounts};
use crate::request_log::entry::{BadCount, Entry, FileContext, Object, count, money, object_at};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// The usage: its totals count, not the buckets beside them.
pub const USAGE: Format = Format {
    id: "ollama-cloud-usage",
    title: "Usage of an Ollama Cloud account",
    rule: Family::OpenAi.rule(),
    total: Total::None,
    states_failures: false,
    recognises: |entry, _| if entry.object().is_some_and(is_usage) { Sure::Certain } else { Sure::No },
    reader: |_| Box::new(Usage),
};

/// The balance, which holds no usage.
pub const BALANCE: Format = Format {
    id: "ollama-cloud-balance",
    title: "Balance of an Ollama Cloud account (holds no usage)",
    rule: Family::OpenAi.rule(),
    total: Total::None,
    states_failures: false,
    recognises: |entry: &Entry<'_>, _: &FileContext| {
        if entry.object().is_some_and(is_balance) { Sure::Certain } else { Sure::No }
    },
    reader: |_| Box::new(Balance),
};

struct Usage;
struct Balance;

fn is_usage(object: &Object) -> bool {
    object_at(object, &["totals"]).is_some_and(|totals| totals.contains_key("request_count"))
}

fn is_balance(object: &Object) -> bool {
    let included = object_at(object, &["included"]);
    included.is_some_and(|included| {
        ["balance_usd", "allowance_usd", "session", "weekly", "monthly"]
            .iter()
            .any(|key| included.contains_key(*key))
    })
}

/// The sums of the models, if they are stated for the whole range and add up to its requests.
fn models(object: &Object) -> Option<Vec<&Object>> {
    let requests = |sums: &Object| count(sums.get("request_count")).ok().flatten();
    let totals = object_at(object, &["totals"])?;
    for holder in [object, totals] {
        for key in ["models", "groups", "by_model", "model_totals"] {
            let Some(list) = holder.get(key).and_then(Value::as_array) else { continue };
            let list: Vec<&Object> = list.iter().filter_map(Value::as_object).collect();
            let sum = list.iter().filter_map(|sums| requests(sums)).fold(0, u64::saturating_add);
            if !list.is_empty()
                && Some(sum) == requests(totals)
                && list.iter().all(|sums| sums.contains_key("input_tokens"))
            {
                return Some(list);
            }
        }
    }
    None
}

impl Reader for Usage {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object() else { return sink.unread("not a JSON object", entry.line) };
        let Some(totals) = object_at(object, &["totals"]).filter(|_| is_usage(object)) else {
            return sink.unread("not a usage of Ollama Cloud", entry.line);
        };
        for sums in models(object).unwrap_or_else(|| vec![totals]) {
            match counts(sums) {
                Ok((raw, requests)) => {
                    let paid = money(sums.get("usage_usd"));
                    let call = Call {
                        raw,
                        paid,
                        paid_kind: if paid.is_some() { PaidKind::Billed } else { PaidKind::Unknown },
                        aggregated: Some(requests),
                        ..sum(object, sums, "ollama-cloud", USAGE.rule, entry.line)
                    };
                    sink.push(call, Keep::First);
                }
                Err(BadCount) => sink.unread(BAD_COUNTS, entry.line),
            }
        }
        if object.get("buckets").is_some_and(Value::is_array) {
            sink.note("the buckets are part of the totals and are not added to them");
        }
    }
}

fn counts(sums: &Object) -> Result<(RawCounts, u64), BadCount> {
    let raw = RawCounts {
        input: count(sums.get("input_tokens"))?,
        read: count(sums.get("cached_input_tokens"))?,
        output: count(sums.get("output_tokens"))?,
        ..RawCounts::default()
    };
    Ok((raw, count(sums.get("request_count"))?.unwrap_or(0)))
}

impl Reader for Balance {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        sink.unread("a balance of an account: it holds no usage", entry.line);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, recognised};
    use super::*;
    use serde_json::json;

    fn usage(more: &Value) -> Value {
        let mut usage = json!({"range": "7d", "granularity": "day", "from": "2026-08-01T00:00:00Z", "until": "2026-08-08T00:00:00Z",
            "totals": {"request_count": 5, "usage_usd": 0.5, "input_tokens": 900, "cached_input_tokens": 300, "output_tokens": 20},
            "buckets": [{"from": "2026-08-01T00:00:00Z", "until": "2026-08-02T00:00:00Z", "request_count": 2, "input_tokens": 400, "output_tokens": 9}]});
        usage.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        usage
    }

    #[test]
    fn the_totals_count_and_the_buckets_do_not() {
        let entry = usage(&json!({}));
        assert_eq!(recognised(&USAGE, std::slice::from_ref(&entry)), (Some(USAGE.id), Sure::Certain));
        let found = read(&USAGE, &[entry]);
        assert_eq!(found.calls.len(), 1);
        let call = &found.calls[0];
        assert_eq!((call.tokens().uncached, call.aggregated, call.paid), (Some(600), Some(5), Some(0.5)));
    }

    #[test]
    fn models_count_only_if_they_add_up() {
        let model = |name: &str, requests: u64| json!({"model": name, "request_count": requests, "input_tokens": 10, "output_tokens": 1});
        let found = read(
            &USAGE,
            &[
                usage(&json!({"models": [model("a", 3), model("b", 2)]})),
                usage(&json!({"models": [model("a", 3)]})),
            ],
        );
        let inputs: Vec<_> = found.calls.iter().map(|call| call.raw.input).collect();
        assert_eq!(inputs, [Some(10), Some(10), Some(900)]);
    }

    #[test]
    fn a_balance_and_damage_are_counted() {
        let balance =
            json!({"included": {"balance_usd": 4, "allowance_usd": 60}, "purchased": {"balance_usd": 1}});
        assert_eq!(recognised(&BALANCE, std::slice::from_ref(&balance)), (Some(BALANCE.id), Sure::Certain));
        let found = read(&BALANCE, &[balance]);
        assert_eq!((found.calls.len(), found.unread.len()), (0, 1));
        let found =
            read(&USAGE, &[usage(&json!({"totals": {"request_count": -1}})), json!({"x": 1}), json!(3)]);
        assert_eq!((found.calls.len(), found.unread.len()), (0, 3));
    }
}
