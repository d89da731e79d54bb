//! What a flag says: its numbers in one sentence.

use crate::domain::endpoint::PriceTier;
use crate::domain::flag::{Flag, Shown};
use crate::domain::format::{uptime, usd};
use chrono::Datelike;

/// The flag for these numbers, with its sentence.
pub fn flag(shown: Shown) -> Flag {
    Flag::new(sentence(&shown), shown)
}

fn sentence(shown: &Shown) -> String {
    match shown {
        Shown::Phantom {
            hit_rate,
            tokens_per_day,
            days,
            list_input,
            list_cache_read,
            effective_input,
            efficiency,
            efficiency_bound,
        } => {
            let paid =
                effective_input.map_or_else(String::new, |paid| format!(", but {} was paid", usd(paid)));
            format!(
                "{}; cached tokens are listed at {} instead of {} per M{paid}: {} of the discount was applied \
                 (threshold {})",
                hits(*hit_rate, *tokens_per_day, *days),
                usd(*list_cache_read),
                usd(*list_input),
                percent(*efficiency),
                percent(*efficiency_bound),
            )
        }
        Shown::NoDiscount { hit_rate, tokens_per_day, days, list_input, list_cache_read, discount_bound } => {
            let hits = hits(*hit_rate, *tokens_per_day, *days);
            let input = usd(*list_input);
            match list_cache_read {
                None => format!(
                    "{hits}; no cache read price is listed, so cached tokens cost the full {input} per M"
                ),
                Some(read) => format!(
                    "{hits}; cached tokens are listed at {} per M, the input price is {input} (a discount means below \
                     {} of it)",
                    usd(*read),
                    percent(*discount_bound),
                ),
            }
        }
        Shown::IdentityBreak {
            hit_rate,
            tokens,
            list_input,
            list_cache_read,
            predicted_input,
            effective_input,
            error,
            error_bound,
        } => format!(
            "at a hit rate of {} the list prices ({}, cached {}) predict {} per M over {} tokens, but {} was paid: \
             {} off (threshold {})",
            percent(*hit_rate),
            usd(*list_input),
            usd(*list_cache_read),
            usd(*predicted_input),
            count(*tokens as f64),
            usd(*effective_input),
            percent(*error),
            percent(*error_bound),
        ),
        Shown::ImpossiblePrice { effective_input, tokens, lowest_list, highest_list } => {
            let over =
                tokens.map_or_else(String::new, |tokens| format!(" over {} tokens", count(tokens as f64)));
            format!(
                "{} per M was paid{over}, but list prices of prompt tokens run from {} to {}; no cost uses this price",
                usd(*effective_input),
                usd(*lowest_list),
                usd(*highest_list),
            )
        }
        Shown::Constant { hit_rate, days, deviation, deviation_bound } => format!(
            "{:.2} % hit rate on {days} days with a standard deviation of {:.2} points (threshold {:.2})",
            hit_rate * 100.0,
            deviation * 100.0,
            deviation_bound * 100.0,
        ),
        Shown::MarkedByClient { hit_rate, hit_rate_used, written_share, written_bound } => format!(
            "{} of the tokens that were not found were written (threshold {}), so clients mark what is cached with \
             `cache_control`: {} hit rate among the prompts that use the cache, {} over all",
            percent(*written_share),
            percent(*written_bound),
            percent(*hit_rate_used),
            percent(*hit_rate),
        ),
        Shown::BilledWrites { list_cache_write, list_input, multiple, workload, session_share } => {
            let write = list_cache_write
                .map_or_else(|| "a separate price".to_owned(), |w| format!("{} per M", usd(w)));
            let against = match (list_input, multiple) {
                (Some(input), Some(multiple)) => {
                    format!(", {multiple:.2} times the input price of {}", usd(*input))
                }
                _ => String::new(),
            };
            let share = session_share.map_or_else(String::new, |share| {
                format!("; it adds {} of a {workload} session", percent(share))
            });
            format!("writing to the cache costs {write}{against}{share}")
        }
        Shown::PriceTiers { count, conditions, .. } => {
            let noun = if *count == 1 { "conditional price" } else { "conditional prices" };
            let listed: Vec<String> = conditions.iter().take(LISTED_TIERS).map(condition).collect();
            let more = match count.saturating_sub(LISTED_TIERS) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            format!("{count} {noun} per M: {}{more}", listed.join("; "))
        }
        Shown::ScheduledPrice {
            list_input,
            usual_input,
            lowest_input,
            highest_input,
            deviation,
            deviation_bound,
            moves,
            returns,
            returns_bound,
            at,
        } => {
            let side = if *deviation < 0.0 { "below" } else { "above" };
            let is_weekend = matches!(at.weekday(), chrono::Weekday::Sat | chrono::Weekday::Sun);
            let when = match is_weekend {
                true => "weekend".to_owned(),
                false => at.format("%A, %H:%M UTC").to_string(),
            };
            format!(
                "{} {side} its usual price now ({when}): input is listed at {} per M, the mean of the window is {} ({} \
                 to {}); {returns} of {moves} moves of the list returned to an earlier price (thresholds {}, {returns_bound} such)",
                percent(deviation.abs()),
                usd(*list_input),
                usd(*usual_input),
                usd(*lowest_input),
                usd(*highest_input),
                percent(*deviation_bound),
            )
        }
        Shown::Restricted { status } => {
            format!("marked as hidden, private or bring-your-own-key only{}", coded(*status))
        }
        Shown::Deranked { status } => format!("marked as de-ranked{}", coded(*status)),
        Shown::Down { status, disabled, uptime_30m, uptime_1d } => {
            let what = if *disabled { "disabled by the upstream" } else { "down according to its status" };
            let up = |span: &str, share: Option<f64>| {
                share.map(|share| format!("{} uptime over {span}", uptime(share)))
            };
            let up: Vec<String> =
                [up("30 minutes", *uptime_30m), up("a day", *uptime_1d)].into_iter().flatten().collect();
            let up = if up.is_empty() {
                ", no uptime published".to_owned()
            } else {
                format!(", {}", up.join(", "))
            };
            format!("{what}{}{up}", coded(*status))
        }
        Shown::New { first_seen, created_at, hours, hours_bound } => format!(
            "{} {} UTC, {hours} {} before the newest run (threshold {hours_bound})",
            if created_at.is_some() { "offered since" } else { "first seen" },
            created_at.unwrap_or(*first_seen).format("%Y-%m-%d %H:%M"),
            if *hours == 1 { "hour" } else { "hours" },
        ),
    }
}

/// Number of conditional prices that the sentence lists individually.
const LISTED_TIERS: usize = 3;

fn hits(rate: f64, tokens: f64, days: Option<usize>) -> String {
    let over = match days {
        None => "in the newest window".to_owned(),
        Some(1) => "on 1 day".to_owned(),
        Some(days) => format!("over {days} days"),
    };
    format!("{} hit rate {over}, {} tokens a day", percent(rate), count(tokens))
}

fn coded(status: Option<i64>) -> String {
    status.map_or_else(|| " (status not reported)".to_owned(), |status| format!(" (status {status})"))
}

/// `over 128k tokens input $0.72, output $3`.
fn condition(tier: &PriceTier) -> String {
    let prompts = tier.min_prompt_tokens.map(|tokens| format!("over {} tokens", count(tokens as f64)));
    let when: Vec<String> = prompts.into_iter().chain(tier.times()).collect();
    let when = if when.is_empty() { "always".to_owned() } else { when.join(", ") };
    let prices = [
        ("input", tier.input),
        ("hits", tier.cache_read),
        ("writes", tier.cache_write),
        ("writes for 1 h", tier.cache_write_1h),
        ("output", tier.output),
    ];
    let prices =
        prices.into_iter().filter_map(|(name, price)| Some(format!("{name} {}", usd(price?.to_f64()))));
    format!("{when} {}", prices.collect::<Vec<_>>().join(", "))
}

/// A whole percentage; one decimal below 10 %, so that a threshold of 5 % and an error of 5.2 % differ.
pub(super) fn percent(share: f64) -> String {
    let value = share * 100.0;
    let text = if value.abs() < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") };
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// A count of tokens with a magnitude: `459 M`, `128 k`.
pub(super) fn count(tokens: f64) -> String {
    let scales = [(1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " k")];
    let Some((scale, letter)) = scales.into_iter().find(|(scale, _)| tokens >= scale * 0.9995) else {
        return format!("{tokens:.0}");
    };
    let value = format!("{:.1}", tokens / scale);
    let value = if tokens / scale >= 99.95 { format!("{:.0}", tokens / scale) } else { value };
    format!("{}{letter}", value.strip_suffix(".0").unwrap_or(&value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::flag::FlagKind;
    use crate::domain::units::UsdPerMtok;
    use chrono::DateTime;

    fn price(text: &str) -> Option<UsdPerMtok> {
        Some(UsdPerMtok(text.parse().expect("a price")))
    }

    fn all() -> Vec<(Shown, &'static str)> {
        let long = PriceTier {
            min_prompt_tokens: Some(128_000),
            input: price("0.72"),
            output: price("3"),
            ..PriceTier::default()
        };
        let night = PriceTier {
            utc_start: Some(1630),
            utc_end: Some(30),
            input: price("0.1"),
            ..PriceTier::default()
        };
        let first_seen = DateTime::from_timestamp(1_785_000_000, 0).expect("a time");
        vec![
            (
                Shown::Phantom {
                    hit_rate: 0.62,
                    tokens_per_day: 459e6,
                    days: Some(7),
                    list_input: 1.0,
                    list_cache_read: 0.1,
                    effective_input: Some(0.98),
                    efficiency: 0.036,
                    efficiency_bound: 0.2,
                },
                "62 % hit rate over 7 days, 459 M tokens a day; cached tokens are listed at $0.10 instead of $1.00 \
                 per M, but $0.98 was paid: 3.6 % of the discount was applied (threshold 20 %)",
            ),
            (
                Shown::NoDiscount {
                    hit_rate: 0.48,
                    tokens_per_day: 1.24e9,
                    days: Some(1),
                    list_input: 0.5,
                    list_cache_read: None,
                    discount_bound: 0.95,
                },
                "48 % hit rate on 1 day, 1.2 B tokens a day; no cache read price is listed, so cached tokens cost \
                 the full $0.50 per M",
            ),
            (
                Shown::NoDiscount {
                    hit_rate: 0.48,
                    tokens_per_day: 2e8,
                    days: None,
                    list_input: 0.5,
                    list_cache_read: Some(0.5),
                    discount_bound: 0.95,
                },
                "48 % hit rate in the newest window, 200 M tokens a day; cached tokens are listed at $0.50 per M, the \
                 input price is $0.50 (a discount means below 95 % of it)",
            ),
            (
                Shown::IdentityBreak {
                    hit_rate: 0.5,
                    tokens: 120_000_000,
                    list_input: 1.0,
                    list_cache_read: 0.1,
                    predicted_input: 0.55,
                    effective_input: 0.5786,
                    error: 0.052,
                    error_bound: 0.05,
                },
                "at a hit rate of 50 % the list prices ($1.00, cached $0.10) predict $0.55 per M over 120 M tokens, \
                 but $0.579 was paid: 5.2 % off (threshold 5 %)",
            ),
            (
                Shown::ImpossiblePrice {
                    effective_input: 0.0121,
                    tokens: Some(4_200_000),
                    lowest_list: 0.55,
                    highest_list: 6.875,
                },
                "$0.0121 per M was paid over 4.2 M tokens, but list prices of prompt tokens run from $0.55 to $6.88; \
                 no cost uses this price",
            ),
            (
                Shown::Constant { hit_rate: 0.6495, days: 7, deviation: 0.0003, deviation_bound: 0.001 },
                "64.95 % hit rate on 7 days with a standard deviation of 0.03 points (threshold 0.10)",
            ),
            (
                Shown::MarkedByClient {
                    hit_rate: 0.746,
                    hit_rate_used: 0.886,
                    written_share: 0.45,
                    written_bound: 0.95,
                },
                "45 % of the tokens that were not found were written (threshold 95 %), so clients mark what is cached \
                 with `cache_control`: 89 % hit rate among the prompts that use the cache, 75 % over all",
            ),
            (
                Shown::BilledWrites {
                    list_cache_write: Some(3.75),
                    list_input: Some(3.0),
                    multiple: Some(1.25),
                    workload: "coding-agent".to_owned(),
                    session_share: Some(0.12),
                },
                "writing to the cache costs $3.75 per M, 1.25 times the input price of $3.00; it adds 12 % of a \
                 coding-agent session",
            ),
            (
                Shown::PriceTiers {
                    count: 4,
                    thresholds: vec![128_000],
                    conditions: vec![long, night.clone(), night.clone(), night],
                },
                "4 conditional prices per M: over 128 k tokens input $0.72, output $3.00; 16:30 to 00:30 UTC input \
                 $0.10; 16:30 to 00:30 UTC input $0.10; and 1 more",
            ),
            (
                Shown::ScheduledPrice {
                    list_input: 0.05,
                    usual_input: 0.128,
                    lowest_input: 0.05,
                    highest_input: 0.2,
                    deviation: -0.609,
                    deviation_bound: 0.05,
                    moves: 13,
                    returns: 6,
                    returns_bound: 1,
                    at: first_seen,
                },
                "61 % below its usual price now (weekend): input is listed at $0.05 per M, the mean of the window is \
                 $0.128 ($0.05 to $0.20); 6 of 13 moves of the list returned to an earlier price (thresholds 5 %, 1 such)",
            ),
            (
                Shown::Restricted { status: Some(0) },
                "marked as hidden, private or bring-your-own-key only (status 0)",
            ),
            (Shown::Deranked { status: None }, "marked as de-ranked (status not reported)"),
            (
                Shown::Down {
                    status: Some(-5),
                    disabled: false,
                    uptime_30m: Some(0.341),
                    uptime_1d: Some(0.82),
                },
                "down according to its status (status -5), 34.1 % uptime over 30 minutes, 82.0 % uptime over a day",
            ),
            (
                Shown::Down { status: Some(-10), disabled: true, uptime_30m: None, uptime_1d: None },
                "disabled by the upstream (status -10), no uptime published",
            ),
            (
                Shown::New { first_seen, created_at: None, hours: 5, hours_bound: 24 },
                "first seen 2026-07-25 17:20 UTC, 5 hours before the newest run (threshold 24)",
            ),
            (
                Shown::New { first_seen, created_at: Some(first_seen), hours: 1, hours_bound: 24 },
                "offered since 2026-07-25 17:20 UTC, 1 hour before the newest run (threshold 24)",
            ),
        ]
    }

    #[test]
    fn every_flag_tells_its_numbers() {
        for (shown, words) in all() {
            assert_eq!(flag(shown).why(), words);
        }
        let listed: std::collections::BTreeSet<FlagKind> =
            all().iter().map(|(shown, _)| shown.kind()).collect();
        assert_eq!(listed.into_iter().collect::<Vec<_>>(), FlagKind::ALL);
    }

    #[test]
    fn an_unusual_price_states_its_side_and_the_time() {
        let at = |time: &str| {
            flag(Shown::ScheduledPrice {
                list_input: 0.2,
                usual_input: 0.128,
                lowest_input: 0.05,
                highest_input: 0.2,
                deviation: 0.5625,
                deviation_bound: 0.05,
                moves: 13,
                returns: 6,
                returns_bound: 1,
                at: time.parse().expect("a time"),
            })
        };
        for (time, when) in [
            ("2026-08-07T13:57:00Z", "Friday, 13:57 UTC"),
            ("2026-08-08T00:00:00Z", "weekend"),
            ("2026-08-09T23:59:00Z", "weekend"),
        ] {
            let why = at(time).why().to_owned();
            assert!(why.starts_with(&format!("56 % above its usual price now ({when}): ")), "{why}");
        }
    }

    #[test]
    fn a_flag_reads_back_and_is_one_flat_object() {
        for (shown, _) in all() {
            let made = flag(shown);
            let text = serde_json::to_string(&made).expect("JSON");
            assert_eq!(serde_json::from_str::<Flag>(&text).expect("reads back"), made, "{text}");
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(value["name"], made.kind().as_str());
            assert!(value["why"].is_string());
        }
        assert!(serde_json::from_str::<Flag>("\"phantom\"").is_err());
    }
}
