//! Models, providers and endpoints as one run saw them.

use super::ids::{ModelSlug, ProviderSlug, Tag, Variant, listed_fields, names};
use super::units::UsdPerMtok;
use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A model in one variant, as the public list names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Canonical slug, shared by the variants.
    pub model: ModelSlug,
    /// Variant.
    pub variant: Variant,
    /// Public name with the variant's suffix: `author/name:free`.
    pub model_id: String,
    /// Display name; upstream text, untrusted.
    pub name: String,
    /// When the upstream listed it.
    pub created: Option<DateTime<Utc>>,
    /// Longest context of its default route, tokens.
    pub context_length: Option<i64>,
    /// Whether the list states a price of 0. It is only compared with the previous run, because a router whose price
    /// becomes 0 would be taken for a model. `None` if the list has no price, and in stored models.
    #[serde(default)]
    pub is_free: Option<bool>,
    /// The aliases whose target it is, such as `~author/family-latest`, sorted.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// A provider as the upstream lists it. All texts come from the upstream and are untrusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Base slug.
    pub provider: ProviderSlug,
    /// Display name.
    pub name: String,
    /// Country code of its headquarters.
    pub headquarters: Option<String>,
    /// Its own status page.
    pub status_page: Option<String>,
    /// Its privacy policy.
    pub privacy_policy: Option<String>,
    /// Its terms of service.
    pub terms_of_service: Option<String>,
}

/// List prices after discount, USD per million tokens; absent is not zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListPrices {
    /// Prompt tokens.
    pub input: Option<UsdPerMtok>,
    /// Completion tokens.
    pub output: Option<UsdPerMtok>,
    /// Prompt tokens found in the cache.
    pub cache_read: Option<UsdPerMtok>,
    /// Prompt tokens written to the cache.
    pub cache_write: Option<UsdPerMtok>,
    /// Prompt tokens written to the cache to be kept for an hour; `cache_write` is the price of the shortest lifetime.
    #[serde(default)]
    pub cache_write_1h: Option<UsdPerMtok>,
    /// The discount that is already subtracted, fraction.
    pub discount: Option<f64>,
    /// Conditional prices; later entries override earlier ones key by key.
    #[serde(default)]
    pub tiers: Vec<PriceTier>,
}

/// List prices, USD per million tokens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Prices {
    /// Prompt tokens.
    pub input: Option<f64>,
    /// Completion tokens.
    pub output: Option<f64>,
    /// Prompt tokens found in the cache.
    pub cache_read: Option<f64>,
    /// Prompt tokens written to the cache.
    pub cache_write: Option<f64>,
    /// Prompt tokens written to the cache for an hour; null if there is no separate price for this.
    #[serde(default)]
    pub cache_write_1h: Option<f64>,
}

impl Prices {
    /// The prices that `price` makes of each listed price and the way to its counterparts in other lists.
    fn map(&self, price: impl Fn(f64, fn(&Self) -> Option<f64>) -> f64) -> Self {
        let one = |get: fn(&Self) -> Option<f64>| get(self).map(|now| price(now, get));
        Self {
            input: one(|p| p.input),
            output: one(|p| p.output),
            cache_read: one(|p| p.cache_read),
            cache_write: one(|p| p.cache_write),
            cache_write_1h: one(|p| p.cache_write_1h),
        }
    }

    /// The list price by which endpoints are compared, USD: a million prompt tokens with `output` times as many output
    /// tokens. `None` if either price is not listed.
    pub fn with_output(&self, output: f64) -> Option<f64> {
        Some(self.input? + output * self.output?)
    }
}

/// The list prices of an endpoint over the lens window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ListWindow {
    /// Mean of each price, weighted by the time that it held, over the part of the window in which it was listed; null
    /// if it is not listed now. Session costs use these prices.
    pub usual: Prices,
    /// Lowest value of each price.
    pub lowest: Prices,
    /// Highest value of each price.
    pub highest: Prices,
    /// How often the list price of input or cache reads moved.
    pub moves: i64,
    /// How often the input price moved to one that held earlier in the window.
    #[serde(default)]
    pub returns: i64,
}

/// Prices actually paid, USD per million tokens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EffectivePrices {
    /// Prompt tokens, after caching.
    pub input: Option<f64>,
    /// Completion tokens.
    pub output: Option<f64>,
}

impl ListWindow {
    /// A window in which the prices of now always held.
    pub fn constant(now: &Prices) -> Self {
        Self { usual: now.clone(), lowest: now.clone(), highest: now.clone(), moves: 0, returns: 0 }
    }

    /// The window of an endpoint with these prices `now`. A price without a mean has only just been listed. A price that
    /// is not listed now or is 0 now stays so, whatever it was before.
    pub fn new(now: &Prices, seen: Self) -> Self {
        let of = |seen: &Prices| now.map(|now, get| get(seen).filter(|_| now != 0.0).unwrap_or(now));
        let lowest = now.map(|now, get| get(&of(&seen.lowest)).map_or(now, |low| low.min(now)));
        let highest = now.map(|now, get| get(&of(&seen.highest)).map_or(now, |high| high.max(now)));
        // A mean of one price is that price, to the last bit.
        let usual = now.map(|now, get| {
            let (low, high) = (get(&lowest).unwrap_or(now), get(&highest).unwrap_or(now));
            get(&of(&seen.usual)).map_or(now, |mean| mean.max(low).min(high))
        });
        Self { usual, lowest, highest, moves: seen.moves, returns: seen.returns }
    }
}

/// Prices that replace the base prices if all conditions hold; a missing price falls back to the base price.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PriceTier {
    /// Applies to prompts strictly longer than this, tokens.
    pub min_prompt_tokens: Option<i64>,
    /// Applies from this time of day, HHMM UTC; the interval is half-open and may wrap midnight.
    pub utc_start: Option<i32>,
    /// Applies until this time of day, HHMM UTC.
    pub utc_end: Option<i32>,
    /// Applies on these days of the week, UTC, sorted; if absent, on all days. The day of the request counts, even if
    /// the hours wrap midnight: 22:00 to 06:00 on Fridays means Friday before 06:00 and from 22:00.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub utc_days: Vec<Weekday>,
    /// Prompt tokens.
    pub input: Option<UsdPerMtok>,
    /// Completion tokens.
    pub output: Option<UsdPerMtok>,
    /// Prompt tokens found in the cache.
    pub cache_read: Option<UsdPerMtok>,
    /// Prompt tokens written to the cache.
    pub cache_write: Option<UsdPerMtok>,
    /// Prompt tokens written to the cache to be kept for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<UsdPerMtok>,
}

impl PriceTier {
    /// Whether all conditions except the prompt length hold at a time.
    pub fn holds_at(&self, time: DateTime<Utc>) -> bool {
        let clock = i32::try_from(time.hour() * 100 + time.minute()).unwrap_or(0);
        let in_hours = match (self.utc_start, self.utc_end) {
            (None, None) => true,
            (start, end) => {
                let (start, end) = (start.unwrap_or(0), end.unwrap_or(2400));
                if start <= end { (start..end).contains(&clock) } else { clock >= start || clock < end }
            }
        };
        in_hours && (self.utc_days.is_empty() || self.utc_days.contains(&Weekday::of(time)))
    }

    /// Whether the time of the request matters.
    pub fn is_timed(&self) -> bool {
        self.utc_start.is_some() || self.utc_end.is_some() || !self.utc_days.is_empty()
    }

    /// The time conditions in words, one text each: `16:30 to 00:30 UTC`, `on Sat, Sun UTC`.
    pub fn times(&self) -> Vec<String> {
        let clock = |hhmm: i32| format!("{:02}:{:02}", hhmm / 100, hhmm % 100);
        let hours = self.utc_start.zip(self.utc_end);
        let hours = hours.map(|(start, end)| format!("{} to {} UTC", clock(start), clock(end)));
        let names: Vec<&str> = self.utc_days.iter().map(|day| day.short()).collect();
        let days = (!names.is_empty()).then(|| format!("on {} UTC", names.join(", ")));
        [hours, days].into_iter().flatten().collect()
    }
}

names! {
    /// A day of the week, UTC.
    #[allow(missing_docs, reason = "the names state it")]
    Weekday {
        Monday = "monday",
        Tuesday = "tuesday",
        Wednesday = "wednesday",
        Thursday = "thursday",
        Friday = "friday",
        Saturday = "saturday",
        Sunday = "sunday",
    }
}

impl Weekday {
    /// The day of a time.
    pub fn of(time: DateTime<Utc>) -> Self {
        Self::ALL[time.weekday().num_days_from_monday() as usize % 7]
    }

    /// Its name in three letters.
    pub fn short(self) -> &'static str {
        match self {
            Self::Monday => "Mon",
            Self::Tuesday => "Tue",
            Self::Wednesday => "Wed",
            Self::Thursday => "Thu",
            Self::Friday => "Fri",
            Self::Saturday => "Sat",
            Self::Sunday => "Sun",
        }
    }
}

/// The facts about an endpoint besides its numbers. They rarely change and are stored as dated rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointFacts {
    /// Canonical slug of the model it serves.
    pub model: ModelSlug,
    /// Variant of the model.
    pub variant: Variant,
    /// The upstream's UUID; `None` if only the documented API is read.
    pub endpoint_id: Option<Uuid>,
    /// Routing name.
    pub tag: Tag,
    /// Base slug of the provider.
    pub provider: ProviderSlug,
    /// Display name: distinguishes brands and regions; untrusted.
    pub provider_name: String,
    /// Not publicly available: hidden, private or bring-your-own-key only. `None` if the upstream does not say so.
    pub restricted: Option<bool>,
    /// Service tier endpoint or otherwise de-ranked by the upstream.
    pub deranked: bool,
    /// Disabled by the upstream.
    pub disabled: bool,
    /// What is published of it under the same names.
    #[serde(flatten)]
    pub published: PublishedFacts,
}

listed_fields! {
    /// What an endpoint offers: its limits, policies and dates, as the upstream states them.
    // The fields are columns of the record, and fields of the endpoints in the snapshot and in the JSON API.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    PublishedFacts: with_published_facts;
    /// Self-declared quantization.
    // `unknown` is the upstream's own value.
    quantization: Option<String>,
    /// Context length, tokens.
    context_length: Option<i64>,
    /// Longest answer, tokens.
    max_completion_tokens: Option<i64>,
    /// Region, if published.
    region: Option<String>,
    /// Whether prompts are used for training.
    trains_on_prompts: Option<bool>,
    /// Whether prompts are retained.
    retains_prompts: Option<bool>,
    /// Supported request parameters.
    // Sorted.
    parameters: Vec<String>,
    /// Longest prompt it accepts, tokens; null if the upstream publishes no limit besides the context.
    max_prompt_tokens: Option<i64>,
    /// When the upstream stops offering it; null if no date is set.
    deprecation_date: Option<DateTime<Utc>>,
    /// When the upstream began to offer it; null if not published.
    created_at: Option<DateTime<Utc>>,
}

/// Whether the upstream's status means down: -5 (uptime below 80 %) or lower (-10: disabled).
pub fn is_down(status: i64) -> bool {
    status <= -5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    /// 2026-08-07 is a Friday.
    #[test]
    fn days_of_the_week_are_those_of_the_request_in_utc() {
        let weekend =
            PriceTier { utc_days: vec![Weekday::Saturday, Weekday::Sunday], ..PriceTier::default() };
        let held = |tier: &PriceTier, times: &[&str]| times.iter().all(|time| tier.holds_at(at(time)));
        let missed = |tier: &PriceTier, times: &[&str]| !times.iter().any(|time| tier.holds_at(at(time)));
        assert!(held(&weekend, &["2026-08-08T00:00:00Z", "2026-08-09T23:59:59Z"]));
        assert!(missed(&weekend, &["2026-08-07T23:59:59Z", "2026-08-10T00:00:00Z"]));
        let peak = PriceTier {
            utc_days: Weekday::ALL[..5].to_vec(),
            utc_start: Some(100),
            utc_end: Some(400),
            ..PriceTier::default()
        };
        assert!(held(&peak, &["2026-08-07T01:00:00Z", "2026-08-07T03:59:00Z"]));
        assert!(missed(&peak, &["2026-08-08T02:00:00Z", "2026-08-07T00:59:00Z", "2026-08-07T04:00:00Z"]));
    }

    #[test]
    fn a_window_holds_what_is_listed_now_between_its_lowest_and_highest_price() {
        let prices = |input, cache_read| Prices { input, cache_read, ..Prices::default() };
        let now = Prices { output: Some(0.0), ..prices(Some(0.05), Some(0.01)) };
        let seen = ListWindow {
            usual: Prices { output: Some(3.0), ..prices(Some(0.13), None) },
            lowest: prices(Some(0.05), None),
            highest: Prices { cache_write: Some(1.0), output: Some(4.0), ..prices(Some(0.2), None) },
            moves: 4,
            returns: 2,
        };
        let window = ListWindow::new(&now, seen);
        assert_eq!(window.usual, Prices { input: Some(0.13), ..now.clone() }, "just listed, or free now");
        assert_eq!(window.lowest, now);
        assert_eq!(window.highest, Prices { input: Some(0.2), ..now.clone() });
        assert_eq!((window.moves, window.returns), (4, 2));
        // A rounding of the mean of one price does not show.
        let third = Prices { input: Some(1.0 / 3.0), ..Prices::default() };
        let rounded = Prices { input: Some(1.0 / 3.0 + 1e-16), ..Prices::default() };
        let seen = ListWindow { usual: rounded, ..ListWindow::constant(&third) };
        assert_eq!(ListWindow::new(&third, seen), ListWindow::constant(&third));
        assert_eq!(ListWindow::new(&now, ListWindow::default()), ListWindow::constant(&now));
    }

    #[test]
    fn where_hours_wrap_midnight_the_day_of_the_request_still_counts() {
        let night = PriceTier {
            utc_days: vec![Weekday::Friday],
            utc_start: Some(2200),
            utc_end: Some(600),
            ..PriceTier::default()
        };
        assert!(night.holds_at(at("2026-08-07T05:59:00Z")) && night.holds_at(at("2026-08-07T22:00:00Z")));
        assert!(!night.holds_at(at("2026-08-07T12:00:00Z")));
        assert!(!night.holds_at(at("2026-08-08T02:00:00Z")), "that is Saturday");
        assert_eq!(night.times(), ["22:00 to 06:00 UTC", "on Fri UTC"]);
    }

    #[test]
    fn tiers_without_the_newer_fields_are_written_as_they_always_were() {
        let plain = PriceTier { min_prompt_tokens: Some(5), ..PriceTier::default() };
        let text = serde_json::to_string(&plain).expect("JSON");
        assert!(!text.contains("utc_days") && !text.contains("1h"), "history rows would reopen: {text}");
        assert_eq!(serde_json::from_str::<PriceTier>(&text).expect("reads"), plain);
        for day in Weekday::ALL {
            assert_eq!(serde_json::to_value(day).expect("JSON"), day.as_str());
            assert_eq!(Weekday::parse(day.as_str()), Some(day));
        }
        assert_eq!((Weekday::parse("mon"), Weekday::parse("")), (None, None));
    }
}
