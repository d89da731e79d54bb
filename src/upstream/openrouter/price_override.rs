//! One conditional price of the upstream: known prices, known conditions, and everything else, which counts as an
//! unknown condition.
//!
//! An entry applies if all of its conditions hold. An entry with a condition that cannot be tested, or without any
//! condition, must never apply: otherwise its price would be charged unconditionally.

use super::{drift, lenient};
use crate::domain::endpoint::Weekday;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// A conditional price as received.
#[derive(Default, Debug, Clone)]
pub struct Override {
    /// Applies to prompts strictly longer than this, tokens.
    pub min_prompt_tokens: Option<i64>,
    /// Applies from this clock time on, HHMM UTC.
    pub utc_start: Option<i32>,
    /// Applies until this clock time, HHMM UTC.
    pub utc_end: Option<i32>,
    /// Applies on these days, sorted; empty if the entry has no such condition.
    pub utc_days: Vec<Weekday>,
    /// Prices, USD per token.
    pub prompt: Option<Decimal>,
    pub completion: Option<Decimal>,
    pub input_cache_read: Option<Decimal>,
    pub input_cache_write: Option<Decimal>,
    pub input_cache_write_1h: Option<Decimal>,
    /// Keys of conditions that cannot be tested, each with the problem. An entry with any of them is never applied. The
    /// key is empty if the entry as a whole has no condition.
    pub not_understood: Vec<(String, String)>,
}

/// The fields that are read; every other key is an unknown condition.
const FIELDS: &[&str] = &[
    "min_prompt_tokens",
    "utc_start",
    "utc_end",
    "utc_days",
    "prompt",
    "completion",
    "input_cache_read",
    "input_cache_write",
    "input_cache_write_1h",
];

impl<'de> Deserialize<'de> for Override {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("Override", FIELDS, Entry)
    }
}

/// A price, as a string or a number; null counts as absent.
#[derive(Deserialize)]
#[serde(transparent)]
struct Price(#[serde(deserialize_with = "lenient::decimal")] Option<Decimal>);

struct Entry;

impl<'de> Visitor<'de> for Entry {
    type Value = Override;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a conditional price")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Override, A::Error> {
        let mut found = Override::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "prompt" => found.prompt = map.next_value::<Price>()?.0,
                "completion" => found.completion = map.next_value::<Price>()?.0,
                "input_cache_read" => found.input_cache_read = map.next_value::<Price>()?.0,
                "input_cache_write" => found.input_cache_write = map.next_value::<Price>()?.0,
                "input_cache_write_1h" => found.input_cache_write_1h = map.next_value::<Price>()?.0,
                "min_prompt_tokens" | "utc_start" | "utc_end" | "utc_days" => {
                    let value = map.next_value::<Value>()?;
                    found.condition(key, &value);
                }
                _ => {
                    // Read as ignored, so that it is also counted as drift.
                    map.next_value::<IgnoredAny>()?;
                    if !drift::PRICING.contains(&key.as_str()) {
                        found.not_understood.push((key, "unknown condition".to_owned()));
                    }
                }
            }
        }
        found.check();
        Ok(found)
    }
}

impl Override {
    /// Stores a known condition, or records why it cannot be tested.
    fn condition(&mut self, key: String, value: &Value) {
        let understood = match key.as_str() {
            "min_prompt_tokens" => {
                self.min_prompt_tokens = whole(value).filter(|bound| *bound >= 0);
                self.min_prompt_tokens.is_some()
            }
            "utc_start" => {
                self.utc_start = clock(value);
                self.utc_start.is_some()
            }
            "utc_end" => {
                self.utc_end = clock(value);
                self.utc_end.is_some()
            }
            _ => {
                self.utc_days = days(value).unwrap_or_default();
                !self.utc_days.is_empty()
            }
        };
        if !understood {
            let shown: String = value.to_string().chars().take(60).collect();
            self.not_understood.push((key, format!("invalid value: {shown}")));
        }
    }

    /// Records problems with the conditions as a whole.
    fn check(&mut self) {
        if !self.not_understood.is_empty() {
            return;
        }
        let missing = match (self.utc_start, self.utc_end) {
            (Some(_), None) => Some("utc_end"),
            (None, Some(_)) => Some("utc_start"),
            _ => None,
        };
        if let Some(missing) = missing {
            let what = format!("the time range is incomplete: `{missing}` is missing");
            self.not_understood.push((missing.to_owned(), what));
        }
        let timed = self.utc_start.is_some() || self.utc_end.is_some() || !self.utc_days.is_empty();
        if self.min_prompt_tokens.is_none() && !timed {
            self.not_understood.push((String::new(), "the conditional price has no condition".to_owned()));
        }
    }
}

/// An integer, or a string that contains one.
fn whole(value: &Value) -> Option<i64> {
    lenient::integer(value).ok().flatten()
}

/// A clock time in the format HHMM, 0 to 2400.
fn clock(value: &Value) -> Option<i32> {
    let time = i32::try_from(whole(value)?).ok()?;
    ((0..=2400).contains(&time) && time % 100 < 60).then_some(time)
}

/// Days of the week from their English names, sorted; `None` if one of them is not valid.
fn days(value: &Value) -> Option<Vec<Weekday>> {
    let named =
        value.as_array()?.iter().map(|day| Weekday::parse(&day.as_str()?.trim().to_ascii_lowercase()));
    let mut days = named.collect::<Option<Vec<_>>>()?;
    days.sort_unstable();
    days.dedup();
    Some(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> Override {
        serde_json::from_str(&value.to_string()).expect("reads")
    }

    /// The keys of unknown conditions, sorted, because the order of the keys of a JSON object has no meaning.
    fn keys(value: &Value) -> Vec<String> {
        let mut keys: Vec<String> = read(value).not_understood.into_iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn known_conditions_and_prices_are_read() {
        let entry = read(&json!({
            "min_prompt_tokens": "32000", "utc_start": 1630, "utc_end": 30.0, "utc_days": ["Sunday", "friday", "sunday"],
            "prompt": "0.000001", "completion": 2e-6, "input_cache_read": null, "input_cache_write_1h": "0.000004",
            "image": "0.1", "web_search": "0.01"
        }));
        assert_eq!(entry.not_understood, []);
        assert_eq!(
            (entry.min_prompt_tokens, entry.utc_start, entry.utc_end),
            (Some(32_000), Some(1630), Some(30))
        );
        assert_eq!(entry.utc_days, [Weekday::Friday, Weekday::Sunday]);
        assert_eq!(entry.completion.map(|p| p.to_string()), Some("0.000002".to_owned()));
        assert_eq!((entry.input_cache_read, entry.input_cache_write_1h.is_some()), (None, true));
    }

    #[test]
    fn what_cannot_be_tested_is_named() {
        for (entry, wrong) in [
            (json!({"min_prompt_tokens": 5, "region": "eu", "tier": null}), vec!["region", "tier"]),
            (json!({"input_cache_write_24h": "0.1", "min_prompt_tokens": 5}), vec!["input_cache_write_24h"]),
            (json!({"min_prompt_tokens": "soon"}), vec!["min_prompt_tokens"]),
            (json!({"min_prompt_tokens": null}), vec!["min_prompt_tokens"]),
            (json!({"min_prompt_tokens": -1}), vec!["min_prompt_tokens"]),
            (json!({"min_prompt_tokens": 1.5}), vec!["min_prompt_tokens"]),
            (json!({"min_prompt_tokens": 5, "utc_days": []}), vec!["utc_days"]),
            (json!({"utc_days": ["monday", "moonday"]}), vec!["utc_days"]),
            (json!({"utc_days": [1, 2]}), vec!["utc_days"]),
            (json!({"utc_days": "monday"}), vec!["utc_days"]),
            (json!({"utc_start": 2460, "utc_end": 100}), vec!["utc_start"]),
            (json!({"utc_start": 2500, "utc_end": -1}), vec!["utc_end", "utc_start"]),
            (json!({"utc_start": 100}), vec!["utc_end"]),
            (json!({"utc_end": 100, "min_prompt_tokens": 5}), vec!["utc_start"]),
            (json!({"prompt": "0.1"}), vec![""]),
            (json!({}), vec![""]),
        ] {
            assert_eq!(keys(&entry), wrong, "{entry}");
        }
    }
}
