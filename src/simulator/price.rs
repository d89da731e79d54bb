//! Prices in whole units of 10^-12 USD per token, so that the published decimal strings are exact.

use serde_json::{Map, Value, json};

/// One picodollar a token is 10^-6 USD per million tokens.
const UNITS_PER_USD_PER_MTOK: f64 = 1e6;

/// Share of the traffic with prompts above the threshold of a price tier.
const LONG_PROMPT_SHARE: f64 = 0.12;

/// Share of the traffic during weekday peak hours.
const PEAK_SHARE: f64 = 0.09;

/// Share of the uncached prompt tokens that is written to the cache if writes are billed.
const WRITE_SHARE: f64 = 0.55;

/// The days of the weekday peak, as the upstream names them.
const WEEKDAYS: [&str; 5] = ["monday", "tuesday", "wednesday", "thursday", "friday"];

/// How an endpoint caches and what it charges for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheKind {
    /// Hits are billed at the read price and writes have no surcharge: the price identity holds.
    Implicit,
    /// Writes are billed above the prompt price: the identity does not hold.
    WriteBilled,
    /// No cache product: no read price, hit rate exactly 0.
    None,
    /// Hits are reported but no read price is listed, so they save nothing.
    NoDiscount,
    /// A read price is listed but not applied: everything is billed at the prompt price.
    Phantom,
}

/// List prices of one endpoint before its discount, in 10^-12 USD per token.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Prices {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) read: Option<u64>,
    pub(super) write: Option<u64>,
    /// Price of cache writes with a lifetime of one hour. It is listed but not used.
    pub(super) write_1h: Option<u64>,
    /// Prompts above this many tokens cost twice as much.
    pub(super) tier_above: Option<u32>,
    /// Everything costs twice as much from 01:00 to 04:00 UTC on weekdays. Only used together with `tier_above`.
    pub(super) peak: bool,
    /// Discount on every price shown, in percent.
    pub(super) discount: u32,
    /// Whether the raw price sheet contains numbers instead of strings.
    pub(super) numeric_sheet: bool,
}

impl Prices {
    /// Prices from USD per million tokens, rounded to three significant digits.
    pub(super) fn new(input: f64, output: f64) -> Self {
        Self { input: units(input), output: units(output), ..Self::default() }
    }

    /// The same sheet with every price times `factor`, rounded to three significant digits.
    pub(super) fn scaled(&self, factor: f64) -> Self {
        let scale = |value: u64| units(value as f64 * factor / UNITS_PER_USD_PER_MTOK);
        Self {
            input: scale(self.input),
            output: scale(self.output),
            read: self.read.map(scale),
            write: self.write.map(scale),
            write_1h: self.write_1h.map(scale),
            ..self.clone()
        }
    }

    /// What is charged for one of its prices, in USD per million tokens.
    pub(super) fn usd(&self, price: u64) -> f64 {
        self.shown(price) as f64 / UNITS_PER_USD_PER_MTOK
    }

    /// The average cost of prompt tokens at hit rate `h`, in USD per million tokens; `error` is the relative
    /// error of the upstream's own arithmetic.
    pub(super) fn effective_input(&self, kind: CacheKind, h: f64, error: f64) -> f64 {
        let (input, read) = (self.usd(self.input), self.usd(self.read.unwrap_or(self.input)));
        let base = match kind {
            CacheKind::None | CacheKind::NoDiscount | CacheKind::Phantom => input,
            CacheKind::Implicit => ((1.0 - h) * input + h * read) * (1.0 + error),
            CacheKind::WriteBilled => {
                let written = (1.0 - h) * WRITE_SHARE;
                let write = self.usd(self.write.unwrap_or(self.input));
                ((1.0 - h - written) * input + h * read + written * write) * (1.0 + error)
            }
        };
        let dearer =
            self.tier_above.map_or(0.0, |_| LONG_PROMPT_SHARE) + if self.peak { PEAK_SHARE } else { 0.0 };
        base * (1.0 + dearer)
    }

    /// The `pricing` object: strings in USD per token after the discount, and the discount as a number.
    pub(super) fn wire(&self) -> Value {
        let mut object = self.wire_plain();
        object.insert("discount".to_owned(), discount(self.discount));
        Value::Object(object)
    }

    /// The `pricing` object as `/models` shows it: without the discount.
    pub(super) fn wire_plain(&self) -> Map<String, Value> {
        let mut object = self.wire_times(1);
        if let Some(above) = self.tier_above {
            let mut tier = self.wire_times(2);
            tier.insert("min_prompt_tokens".to_owned(), json!(above));
            let mut tiers = vec![tier];
            if self.peak {
                let mut peak = self.wire_times(2);
                peak.insert("utc_days".to_owned(), json!(WEEKDAYS));
                peak.insert("utc_start".to_owned(), json!(100));
                peak.insert("utc_end".to_owned(), json!(400));
                tiers.push(peak);
            }
            object.insert("overrides".to_owned(), json!(tiers));
        }
        object
    }

    /// The undiscounted sheet: strings or numbers, depending on the provider.
    pub(super) fn wire_sheet(&self) -> Value {
        let value = |units: u64| match self.numeric_sheet {
            true => json!(units as f64 * 1e-12),
            false => json!(decimal(units)),
        };
        let prices = [
            ("openai:prompt_tokens", Some(self.input)),
            ("openai:completion_tokens", Some(self.output)),
            ("openai:cached_prompt_tokens", self.read),
        ];
        Value::Object(listed(&prices, value))
    }

    fn wire_times(&self, factor: u64) -> Map<String, Value> {
        let prices = [
            ("prompt", Some(self.input)),
            ("completion", Some(self.output)),
            ("input_cache_read", self.read),
            ("input_cache_write", self.write),
            ("input_cache_write_1h", self.write_1h),
        ];
        listed(&prices, |value| json!(decimal(self.shown(value) * factor)))
    }

    fn shown(&self, units: u64) -> u64 {
        (units * u64::from(100 - self.discount) + 50) / 100
    }
}

/// The prices that there are, by name.
fn listed(prices: &[(&str, Option<u64>)], value: impl Fn(u64) -> Value) -> Map<String, Value> {
    prices.iter().filter_map(|(name, price)| Some(((*name).to_owned(), value((*price)?)))).collect()
}

/// The upstream writes 0 as an integer and other discounts as fractions.
fn discount(percent: u32) -> Value {
    match percent {
        0 => json!(0),
        other => json!(f64::from(other) / 100.0),
    }
}

/// Converts USD per million tokens to units, rounded to three significant digits.
fn units(usd_per_mtok: f64) -> u64 {
    let raw = usd_per_mtok * UNITS_PER_USD_PER_MTOK;
    if raw < 1.0 {
        return 0;
    }
    let step = 10f64.powi((raw.log10().floor() as i32 - 2).max(0));
    ((raw / step).round() * step) as u64
}

/// Formats `580000` as `"0.00000058"`: a plain decimal without trailing zeros.
fn decimal(units: u64) -> String {
    let text = format!("{}.{:012}", units / 1_000_000_000_000, units % 1_000_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_written_as_the_upstream_writes_them() {
        assert_eq!(decimal(580_000), "0.00000058");
        assert_eq!(decimal(0), "0");
        assert_eq!(units(0.123_456), 123_000);
        let mut prices = Prices::new(0.95, 4.0);
        prices.read = Some(units(0.16));
        prices.discount = 39;
        let wire = prices.wire();
        assert_eq!(wire["prompt"], "0.0000005795");
        assert_eq!(wire["input_cache_read"], "0.0000000976");
        assert_eq!(wire["discount"], 0.39);
        assert_eq!(prices.wire_sheet()["openai:prompt_tokens"], "0.00000095");
    }

    #[test]
    fn a_phantom_and_a_missing_read_price_bill_in_full() {
        let mut prices = Prices::new(1.0, 4.0);
        prices.read = Some(units(0.1));
        assert_eq!(prices.effective_input(CacheKind::Phantom, 0.6, 0.0), 1.0);
        assert_eq!(prices.effective_input(CacheKind::NoDiscount, 0.6, 0.0), 1.0);
        assert!((prices.effective_input(CacheKind::Implicit, 0.5, 0.0) - 0.55).abs() < 1e-12);
    }
}
