//! Flags: what is unusual about an endpoint. Each flag carries the numbers behind it and a sentence that states them.
//! Prices are USD per million tokens; rates and shares are fractions.

use super::endpoint::PriceTier;
use super::ids::names;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

names! {
    /// The kinds of flags, most important first.
    FlagKind {
        /// A discount for cached tokens is listed but not applied.
        Phantom = "phantom",
        /// Cache hits are reported, but no cheaper price for them is listed.
        NoDiscount = "no_discount",
        /// List prices and hit rate do not explain the price paid.
        IdentityBreak = "identity_break",
        /// The price paid is outside the range of all list prices.
        ImpossiblePrice = "impossible_price",
        /// Writing to the cache costs extra.
        BilledWrites = "billed_writes",
        /// Prices change with the length of the prompt or the time of day.
        PriceTiers = "price_tiers",
        /// Not publicly available.
        Restricted = "restricted",
        /// The router sends traffic there only on request.
        Deranked = "deranked",
        /// Down in the newest run.
        Down = "down",
        /// First seen recently.
        New = "new",
    }
}

/// The numbers behind a flag; `name` identifies the flag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Shown {
    /// A discount for cached tokens is listed but not applied.
    Phantom {
        /// Hit rate over the lens window, 0..1.
        hit_rate: f64,
        /// Mean tokens a day over the lens window.
        tokens_per_day: f64,
        /// Days with a hit rate in the window; null if only the newest reading has one.
        days: Option<usize>,
        /// List input price, USD per million tokens.
        list_input: f64,
        /// List cache read price, USD per million tokens.
        list_cache_read: f64,
        /// What a million prompt tokens actually cost in the newest window, USD; null if not published for that window.
        effective_input: Option<f64>,
        /// Share of the listed discount that was applied to hits.
        efficiency: f64,
        /// A cache that applies less than this share is a phantom.
        efficiency_bound: f64,
    },
    /// Cache hits are reported, but no cheaper price for them is listed.
    NoDiscount {
        /// Hit rate over the lens window, 0..1.
        hit_rate: f64,
        /// Mean tokens a day over the lens window.
        tokens_per_day: f64,
        /// Days with a hit rate in the window; null if only the newest reading has one.
        days: Option<usize>,
        /// List input price, USD per million tokens.
        list_input: f64,
        /// List cache read price, USD per million tokens; null if none is listed.
        list_cache_read: Option<f64>,
        /// A read price counts as a discount only below this share of the input price.
        discount_bound: f64,
    },
    /// List prices and hit rate do not explain the price paid.
    IdentityBreak {
        /// Hit rate of the newest window, 0..1.
        hit_rate: f64,
        /// Tokens of that window.
        tokens: i64,
        /// List input price, USD per million tokens.
        list_input: f64,
        /// List cache read price, USD per million tokens.
        list_cache_read: f64,
        /// Price predicted from list prices and hit rate, USD per million prompt tokens.
        predicted_input: f64,
        /// What was paid, USD per million prompt tokens.
        effective_input: f64,
        /// Relative error of the prediction.
        error: f64,
        /// The identity counts as broken above this error.
        error_bound: f64,
    },
    /// The price paid is outside the range of all list prices; no cost uses it.
    ImpossiblePrice {
        /// What was paid, USD per million prompt tokens.
        effective_input: f64,
        /// Tokens of that window; null if unknown.
        tokens: Option<i64>,
        /// The lowest list price of a prompt token, USD per million.
        lowest_list: f64,
        /// The highest list price of a prompt token, USD per million.
        highest_list: f64,
    },
    /// Writing to the cache costs extra.
    BilledWrites {
        /// List cache write price, USD per million tokens.
        list_cache_write: Option<f64>,
        /// List input price, USD per million tokens.
        list_input: Option<f64>,
        /// Write price divided by input price; null without an input price.
        multiple: Option<f64>,
        /// The workload whose session `session_share` refers to.
        workload: String,
        /// Share of that session's cost that is due to cache writes; null if the session has no price.
        session_share: Option<f64>,
    },
    /// Prices change with the length of the prompt or the time of day.
    PriceTiers {
        /// Number of conditional prices.
        count: usize,
        /// Prompt lengths above which prices change, tokens, ascending.
        thresholds: Vec<i64>,
        /// The conditions with their prices, USD per million tokens; later ones override earlier ones.
        conditions: Vec<PriceTier>,
    },
    /// Hidden, private or bring-your-own-key only.
    Restricted {
        /// The upstream's status code.
        status: Option<i64>,
    },
    /// The router sends traffic there only on request.
    Deranked {
        /// The upstream's status code.
        status: Option<i64>,
    },
    /// Down in the newest run.
    Down {
        /// The upstream's status code.
        status: Option<i64>,
        /// Whether the upstream has disabled it.
        disabled: bool,
        /// Published uptime over 30 minutes, fraction; null if not published.
        uptime_30m: Option<f64>,
        /// Published uptime over a day, fraction; null if not published.
        uptime_1d: Option<f64>,
    },
    /// Offered or first seen recently.
    New {
        /// Time of the first run that saw it.
        first_seen: DateTime<Utc>,
        /// When the upstream began to offer it; null if the upstream does not publish this, in which case the age
        /// counts from `first_seen`.
        #[serde(default)]
        created_at: Option<DateTime<Utc>>,
        /// Age at the newest run, whole hours.
        hours: i64,
        /// An endpoint younger than this many hours is new.
        hours_bound: i64,
    },
}

impl Shown {
    /// The flag that these numbers belong to.
    pub fn kind(&self) -> FlagKind {
        match self {
            Self::Phantom { .. } => FlagKind::Phantom,
            Self::NoDiscount { .. } => FlagKind::NoDiscount,
            Self::IdentityBreak { .. } => FlagKind::IdentityBreak,
            Self::ImpossiblePrice { .. } => FlagKind::ImpossiblePrice,
            Self::BilledWrites { .. } => FlagKind::BilledWrites,
            Self::PriceTiers { .. } => FlagKind::PriceTiers,
            Self::Restricted { .. } => FlagKind::Restricted,
            Self::Deranked { .. } => FlagKind::Deranked,
            Self::Down { .. } => FlagKind::Down,
            Self::New { .. } => FlagKind::New,
        }
    }
}

/// A flag of an endpoint: its kind, the numbers behind it, and a sentence that states them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Flag {
    /// The numbers in one sentence.
    why: String,
    #[serde(flatten)]
    shown: Shown,
}

impl Flag {
    /// The flag for these numbers, with its sentence.
    pub fn of(shown: Shown) -> Self {
        Self { why: sentence(&shown), shown }
    }
    /// Kind of the flag.
    pub fn kind(&self) -> FlagKind {
        self.shown.kind()
    }
    /// The numbers in one sentence, without a period.
    pub fn why(&self) -> &str {
        &self.why
    }
    /// The numbers.
    pub fn shown(&self) -> &Shown {
        &self.shown
    }
}

/// The names of the flags separated by spaces, for tables.
pub fn names(flags: &[Flag]) -> String {
    flags.iter().map(|flag| flag.kind().as_str()).collect::<Vec<_>>().join(" ")
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
        Shown::Restricted { status } => {
            format!("marked as hidden, private or bring-your-own-key only{}", coded(*status))
        }
        Shown::Deranked { status } => format!("marked as de-ranked{}", coded(*status)),
        Shown::Down { status, disabled, uptime_30m, uptime_1d } => {
            let what = if *disabled { "disabled by the upstream" } else { "down according to its status" };
            let up = |span: &str, share: Option<f64>| {
                share.map(|share| format!("{} uptime over {span}", fine(share)))
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

/// Dollars: two decimals from one dollar up, three significant digits below.
fn usd(amount: f64) -> String {
    let size = amount.abs();
    if size == 0.0 || size >= 1.0 {
        return format!("${amount:.2}");
    }
    let decimals = (2.0 - size.log10().floor()).clamp(2.0, 9.0) as usize;
    let text = format!("{amount:.decimals$}");
    let shortest = text.find('.').map_or(text.len(), |dot| dot + 3);
    let kept = text.trim_end_matches('0').len().max(shortest);
    format!("${}", &text[..kept])
}

/// A whole percentage; one decimal below 10 %, so that a threshold of 5 % and an error of 5.2 % differ.
fn percent(share: f64) -> String {
    let value = share * 100.0;
    let text = if value.abs() < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") };
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// An uptime with one decimal; only exactly 1 is shown as 100 %.
fn fine(share: f64) -> String {
    if share >= 1.0 { "100 %".to_owned() } else { format!("{:.1} %", (share * 1000.0).floor() / 10.0) }
}

/// A count of tokens with a magnitude: `459 M`, `128 k`.
fn count(tokens: f64) -> String {
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
    use crate::domain::units::UsdPerMtok;

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
            assert_eq!(Flag::of(shown).why(), words);
        }
        let listed: std::collections::BTreeSet<FlagKind> =
            all().iter().map(|(shown, _)| shown.kind()).collect();
        assert_eq!(listed.into_iter().collect::<Vec<_>>(), FlagKind::ALL);
    }

    #[test]
    fn a_flag_reads_back_and_is_one_flat_object() {
        for (shown, _) in all() {
            let flag = Flag::of(shown);
            let text = serde_json::to_string(&flag).expect("JSON");
            assert_eq!(serde_json::from_str::<Flag>(&text).expect("reads back"), flag, "{text}");
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(value["name"], flag.kind().as_str());
            assert!(value["why"].is_string());
        }
        assert!(serde_json::from_str::<Flag>("\"phantom\"").is_err());
    }
}
