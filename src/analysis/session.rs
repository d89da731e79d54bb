//! What a session costs at an endpoint (method 4).

use crate::domain::endpoint::PriceTier;
use crate::domain::workload::Workload;
use chrono::{DateTime, Timelike, Utc};

/// The list prices of an endpoint, USD per million tokens.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pricing {
    /// Prompt tokens.
    pub input: Option<f64>,
    /// Completion tokens.
    pub output: Option<f64>,
    /// Prompt tokens found in the cache.
    pub cache_read: Option<f64>,
    /// Prompt tokens written to the cache.
    pub cache_write: Option<f64>,
    /// Whether writes are billed.
    pub billed_writes: bool,
    /// Conditional prices; later entries win key by key.
    pub tiers: Vec<PriceTier>,
}

/// Prices of one turn.
struct Turn {
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
}

impl Pricing {
    /// Whether both prices are 0.
    pub fn is_free(&self) -> bool {
        self.input == Some(0.0) && self.output == Some(0.0)
    }

    fn turn(&self, prompt: f64, as_of: DateTime<Utc>) -> Option<Turn> {
        let (mut input, mut output) = (self.input?, self.output?);
        let (mut cache_read, mut cache_write) = (self.cache_read, self.cache_write);
        for tier in self.tiers.iter().filter(|tier| holds(tier, prompt, as_of)) {
            input = tier.input.map_or(input, |p| p.to_f64());
            output = tier.output.map_or(output, |p| p.to_f64());
            cache_read = tier.cache_read.map(|p| p.to_f64()).or(cache_read);
            cache_write = tier.cache_write.map(|p| p.to_f64()).or(cache_write);
        }
        Some(Turn { input, output, cache_read, cache_write })
    }
}

/// Whether a price tier applies: the prompt strictly longer than its bound, and the time of day within its hours.
fn holds(tier: &PriceTier, prompt: f64, as_of: DateTime<Utc>) -> bool {
    let long_enough = tier.min_prompt_tokens.is_none_or(|bound| prompt > bound as f64);
    let clock = i32::try_from(as_of.hour() * 100 + as_of.minute()).unwrap_or(0);
    let in_hours = match (tier.utc_start, tier.utc_end) {
        (None, None) => true,
        (start, end) => {
            let (start, end) = (start.unwrap_or(0), end.unwrap_or(2400));
            if start <= end { (start..end).contains(&clock) } else { clock >= start || clock < end }
        }
    };
    long_enough && in_hours
}

/// Cost of one session, USD, priced turn by turn. `retention`: share of the reusable prefix that is found, 0..1.
/// `efficiency`: share of the listed discount that a hit gives, clipped to 0..1. Where writes are billed and a write
/// price is listed, what is not reused is billed at the write price instead of the input price. `None` where the input
/// or output price is not listed.
pub fn session_cost(
    pricing: &Pricing,
    workload: &Workload,
    retention: f64,
    efficiency: f64,
    as_of: DateTime<Utc>,
) -> Option<f64> {
    let efficiency = efficiency.clamp(0.0, 1.0);
    let mut total = 0.0;
    for turn in 1..=workload.turns {
        let prompt = workload.prompt_of_turn(turn);
        let price = pricing.turn(prompt, as_of)?;
        let read =
            price.cache_read.map_or(price.input, |read| price.input - efficiency * (price.input - read));
        let fresh =
            if pricing.billed_writes { price.cache_write.unwrap_or(price.input) } else { price.input };
        let found = retention.clamp(0.0, 1.0) * reusable(workload, turn, prompt);
        total += found * read + (prompt - found) * fresh + workload.output * price.output;
    }
    Some(total / 1e6)
}

/// Tokens of a turn's prompt that stood in the turn before: all but the new input, and the last answer where the cache
/// does not keep outputs. Summed over the turns this is `h_max * P`.
fn reusable(workload: &Workload, turn: u32, prompt: f64) -> f64 {
    if turn == 1 {
        return 0.0;
    }
    let lost = if workload.output_cached { 0.0 } else { workload.output };
    (prompt - workload.new_input - lost).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::units::UsdPerMtok;
    use rust_decimal::Decimal;

    fn noon() -> DateTime<Utc> {
        "2026-07-21T12:00:00Z".parse().expect("a time")
    }

    fn pricing() -> Pricing {
        Pricing { input: Some(1.0), output: Some(4.0), cache_read: Some(0.1), ..Pricing::default() }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs().max(1.0)
    }

    #[test]
    fn turn_by_turn_is_the_closed_form() {
        for mut workload in Workload::shipped().expect("shipped workloads") {
            for output_cached in [true, false] {
                workload.output_cached = output_cached;
                let (q, eta) = (0.8, 0.5);
                let read = 1.0 - eta * 0.9;
                let found = q * workload.reusable_share();
                let closed =
                    workload.prompt_tokens() * (found * read + 1.0 - found) + workload.output_tokens() * 4.0;
                let cost = session_cost(&pricing(), &workload, q, eta, noon()).expect("priced");
                assert!(close(cost, closed / 1e6), "{} {cost} {closed}", workload.name);
            }
        }
    }

    #[test]
    fn price_tiers_begin_strictly_above_their_bound_and_later_ones_win() {
        let usd = |n: i64| Some(UsdPerMtok(Decimal::from(n)));
        let mut workload = Workload::shipped().expect("shipped workloads").remove(3);
        (workload.turns, workload.first_prompt, workload.new_input, workload.output) = (1, 0.0, 1000.0, 0.0);
        let above =
            |bound, input| PriceTier { min_prompt_tokens: Some(bound), input, ..PriceTier::default() };
        let cost = |tiers| {
            let pricing = Pricing { tiers, ..pricing() };
            session_cost(&pricing, &workload, 1.0, 1.0, noon()).expect("priced") * 1000.0
        };
        assert!(close(cost(vec![above(1000, usd(5))]), 1.0), "not strictly longer");
        assert!(close(cost(vec![above(999, usd(5))]), 5.0));
        assert!(close(cost(vec![above(10, usd(5)), above(20, usd(7)), above(30, None)]), 7.0));
        let night =
            PriceTier { utc_start: Some(2200), utc_end: Some(600), input: usd(9), ..PriceTier::default() };
        assert!(close(cost(vec![night]), 1.0), "noon is not night");
        let day =
            PriceTier { utc_start: Some(1200), utc_end: Some(1300), input: usd(9), ..PriceTier::default() };
        assert!(close(cost(vec![day]), 9.0));
    }

    #[test]
    fn billed_writes_replace_the_input_price_of_what_is_not_reused() {
        let workload = Workload::shipped().expect("shipped workloads").remove(3);
        let billed = Pricing { cache_write: Some(1.25), billed_writes: true, ..pricing() };
        let cost = session_cost(&billed, &workload, 1.0, 1.0, noon()).expect("priced");
        assert!(close(cost, (3000.0 * 1.25 + 500.0 * 4.0) / 1e6));
        let unlisted = Pricing { cache_write: None, ..billed };
        let cost = session_cost(&unlisted, &workload, 1.0, 1.0, noon()).expect("priced");
        assert!(close(cost, (3000.0 + 500.0 * 4.0) / 1e6));
        let unpriced = Pricing { output: None, ..unlisted };
        assert_eq!(session_cost(&unpriced, &workload, 1.0, 1.0, noon()), None);
    }
}
