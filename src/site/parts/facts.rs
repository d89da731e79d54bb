//! What an endpoint offers, in words and cells: terms, service, list prices.

use super::table::Column;
use super::week::Week;
use super::{Cell, format};
use crate::domain::endpoint::PriceTier;
use crate::domain::flag::FlagKind;
use crate::domain::tier::Lens;
use crate::site::parts::When;
use crate::snapshot::{Endpoint, Snapshot};

/// What happens to prompts, as far as the provider declares it.
pub fn prompts(endpoint: &Endpoint) -> Option<&'static str> {
    Some(match (endpoint.facts.trains_on_prompts, endpoint.facts.retains_prompts) {
        (Some(true), _) => "used for training",
        (Some(false), Some(true)) => "kept, not trained on",
        (Some(false), Some(false)) => "not kept",
        (None, Some(true)) => "kept",
        (Some(false), None) => "not trained on",
        (None, Some(false)) => "not kept",
        (None, None) => return None,
    })
}

/// "fp4 · 262k context · prompts not kept": what an endpoint states about its limits, in one line.
pub fn terms(endpoint: &Endpoint) -> String {
    let facts = &endpoint.facts;
    let parts = [
        facts.quantization.as_ref().map(|format| match format.as_str() {
            "unknown" => "quantization unknown".to_owned(),
            known => known.to_owned(),
        }),
        facts.context_length.map(|tokens| format!("{} context", format::context(tokens))),
        prompts(endpoint).map(|policy| format!("prompts {policy}")),
        facts.region.as_ref().map(|region| format!("region {region}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// "since 3 Aug (was B)": how long an endpoint's tier has held; `None` for an unrated one.
pub fn held(endpoint: &Endpoint) -> Option<String> {
    let verdict = endpoint.verdicts.get(&Lens::Cost)?;
    let before = verdict.previous.map(|tier| format!(" (was {tier})")).unwrap_or_default();
    Some(format!("since {}{before}", format::short_day(verdict.since?)))
}

/// Why an uptime is absent: the upstream publishes none for endpoints with too little traffic, and some runs have none
/// at all.
pub fn without_uptime(snapshot: &Snapshot) -> &'static str {
    let mut all = snapshot.models.iter().flat_map(|model| &model.endpoints);
    let any_published = all.any(|e| e.uptime_30m.is_some() || e.uptime_1d.is_some());
    if any_published { "too little traffic" } else { "not published" }
}

/// The columns of [`week`].
pub const WEEK: [Column; 2] = [Column::new("Hit rate", "7 days"), Column::new("Price paid", "input, 7 days")];

/// Hit rate and effective input price over one window, the last seven days.
pub fn week(endpoint: &Endpoint, snapshot: &Snapshot) -> [Cell; 2] {
    let week = Week::of(endpoint, snapshot);
    let range =
        week.range.map(|(low, high)| format!("{} to {}", format::percent(low), format::percent(high)));
    let used = endpoint.hit_rate_used.filter(|_| endpoint.is_flagged(FlagKind::MarkedByClient));
    let used = used.map(|used| format!("{} if marked", format::percent(used)));
    [
        Cell::number(week.hit_rate, format::percent, "no traffic")
            .labelled("hits, 7 days")
            .with_below(used.or(range)),
        Cell::number(week.price, format::usd, "no traffic").labelled("paid, 7 days"),
    ]
}

/// The columns of [`now`].
pub const NOW: [Column; 2] =
    [Column::new("Hit rate", "now").wide(), Column::new("Price paid", "input, now").wide()];

/// Hit rate and effective input price of the newest window.
pub fn now(endpoint: &Endpoint) -> [Cell; 2] {
    [
        Cell::number(endpoint.hit_rate, format::percent, "no traffic").classed(" wide now"),
        Cell::number(endpoint.effective.input, format::usd, "no traffic").classed(" wide now"),
    ]
}

/// The columns of [`prices`].
pub const PRICES: [Column; 7] = [
    Column::new("Input", "list"),
    Column::new("Cache read", "list"),
    Column::new("Cache write", "list"),
    Column::new("Cache write", "for 1 h, list"),
    Column::new("Output", "list"),
    Column::new("Output", "paid, now"),
    Column::new("Paid of list", "input, now"),
];

/// How many of [`PRICES`] are in dollars: all but the last.
pub const DOLLAR_PRICES: usize = 6;

/// List prices, the effective output price, and the realised discount.
pub fn prices(endpoint: &Endpoint) -> Vec<Cell> {
    let listed = |price: Option<f64>| Cell::number(price, format::usd, "not listed");
    let list = &endpoint.list;
    vec![
        listed(list.input),
        listed(list.cache_read),
        listed(list.cache_write),
        listed(list.cache_write_1h),
        listed(list.output),
        Cell::number(endpoint.effective.output, format::usd, "no traffic"),
        Cell::number(endpoint.realised_discount, format::percent, "unknown"),
    ]
}

/// The columns of [`service`].
pub const SERVICE: [Column; 13] = [
    Column::new("Uptime", "30 min"),
    Column::new("Uptime", "1 day"),
    Column::new("Availability", "1 day"),
    Column::new("Tokens per second", ""),
    Column::new("First token", ""),
    Column::new("Tokens", "a request"),
    Column::words("Quantization"),
    Column::new("Context", ""),
    Column::new("Longest prompt", ""),
    Column::new("Longest answer", ""),
    Column::words("Region"),
    Column::words("Prompts"),
    Column::words("Offered since"),
];

/// Uptime, speed, limits and policy; `without_uptime` is the text for an absent uptime.
pub fn service(endpoint: &Endpoint, without_uptime: &str) -> Vec<Cell> {
    let facts = &endpoint.facts;
    let length = |tokens: Option<i64>| {
        Cell::number(tokens.map(|n| n as f64), |n| format::context(n as i64), "not stated")
    };
    vec![
        Cell::number(endpoint.uptime_30m, format::percent_fine, without_uptime),
        Cell::number(endpoint.uptime_1d, format::percent_fine, without_uptime),
        Cell::number(endpoint.availability, format::percent_fine, "not published"),
        Cell::number(endpoint.throughput, |v| format!("{v:.0}"), "not measured"),
        Cell::number(endpoint.latency_ms, format::milliseconds, "not measured"),
        Cell::number(endpoint.tokens_per_request, format::tokens, "unknown"),
        Cell::words(facts.quantization.clone(), "not stated"),
        length(facts.context_length),
        length(endpoint.prompt_limit()),
        length(facts.max_completion_tokens),
        Cell::words(facts.region.clone(), "not stated"),
        Cell::words(prompts(endpoint).map(str::to_owned), "not stated"),
        Cell::words(Some(format::moment(endpoint.since())), ""),
    ]
}

/// The tag of an endpoint that the upstream will drop or has dropped, and the date.
pub fn ending(endpoint: &Endpoint) -> Option<(String, When)> {
    Some((endpoint.tag.to_string(), When::new(endpoint.facts.deprecation_date?)))
}

/// The tag of an endpoint with each of its conditional prices as text.
pub fn conditions(endpoint: &Endpoint) -> impl Iterator<Item = (String, String)> {
    endpoint.price_tiers.iter().map(|tier| (endpoint.tag.to_string(), condition(tier)))
}

/// `prompts over 128k tokens: input $0.72`; prices in USD per million tokens.
fn condition(tier: &PriceTier) -> String {
    let mut when: Vec<String> = Vec::new();
    if let Some(tokens) = tier.min_prompt_tokens {
        when.push(format!("prompts over {} tokens", format::context(tokens)));
    }
    when.extend(tier.times());
    let prices = [
        ("input", tier.input),
        ("cache read", tier.cache_read),
        ("cache write", tier.cache_write),
        ("cache write for 1 h", tier.cache_write_1h),
        ("output", tier.output),
    ];
    let prices: Vec<String> = prices
        .into_iter()
        .filter_map(|(name, price)| Some(format!("{name} {}", format::usd(price?.to_f64()))))
        .collect();
    let when = if when.is_empty() { "always".to_owned() } else { when.join(", ") };
    format!("{when}: {}", prices.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoint::Weekday;
    use crate::domain::units::UsdPerMtok;

    #[test]
    fn a_conditional_price_reads_as_a_sentence() {
        let price = |text: &str| Some(UsdPerMtok(text.parse().expect("a price")));
        let long = PriceTier {
            min_prompt_tokens: Some(128_000),
            input: price("0.72"),
            output: price("3"),
            ..PriceTier::default()
        };
        assert_eq!(condition(&long), "prompts over 128k tokens: input $0.72, output $3.00");
        let night = PriceTier {
            utc_start: Some(1630),
            utc_end: Some(30),
            input: price("0.1"),
            ..PriceTier::default()
        };
        assert_eq!(condition(&night), "16:30 to 00:30 UTC: input $0.10");
        let weekend = PriceTier {
            utc_days: vec![Weekday::Saturday, Weekday::Sunday],
            cache_write_1h: price("6"),
            ..PriceTier::default()
        };
        assert_eq!(condition(&weekend), "on Sat, Sun UTC: cache write for 1 h $6.00");
    }
}
