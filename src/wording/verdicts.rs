//! Why an endpoint has its tier under a lens, why it has none, and what caps it.

use crate::domain::format::{percent, usd_fixed};
use crate::domain::session::ReferenceBasis;
use crate::domain::thresholds::ENDPOINT_MIN_TOKENS;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::Reliability;
use crate::domain::workload::TooShort;
use std::fmt;

/// Why an endpoint has no tier under a lens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unrated {
    /// All its prices are zero.
    Free,
    /// A batch variant, whose prices are not published.
    BatchPrices,
    /// It lists no price for input or output.
    NoFixedPrice,
    /// It had no traffic.
    NoTraffic,
    /// It had less traffic than [`ENDPOINT_MIN_TOKENS`].
    LittleTraffic,
    /// It does not accept the longest turn of the workload, while another endpoint of the model does.
    TooShort(TooShort),
    /// Its measure under the lens is not published; overall has no measure of its own.
    NoMeasure(Lens),
    /// No other endpoint of its model can be compared with it.
    NoPeers,
    /// All endpoints are alike.
    NoDifference,
}

impl fmt::Display for Unrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Free => "free",
            Self::BatchPrices => "batch prices are not published",
            Self::NoFixedPrice => "no fixed price",
            Self::NoTraffic => "no traffic",
            Self::LittleTraffic => {
                return write!(f, "fewer than {} M tokens a day", ENDPOINT_MIN_TOKENS / 1e6);
            }
            Self::TooShort(short) => return write!(f, "{short}"),
            Self::NoMeasure(Lens::Reliability) => "no uptime published",
            Self::NoMeasure(Lens::Speed) => "no speed published",
            Self::NoMeasure(_) => "no hit rate published",
            Self::NoPeers => "no peers",
            Self::NoDifference => "no endpoint differs from its peers",
        })
    }
}

/// Why an endpoint's overall tier is capped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gate {
    /// Its listed discount is not applied.
    PhantomCache,
    /// It is down in the newest run.
    Down,
    /// Too few of its requests succeed: their share under the measure.
    Share(f64, Reliability),
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PhantomCache => f.write_str("a phantom cache"),
            Self::Down => f.write_str("down in the newest run"),
            Self::Share(share, measure) => write!(f, "{} {measure}", percent(*share, 1)),
        }
    }
}

/// The lens `cost`: what a session costs, USD, and how far that is from the model's median, as a fraction.
pub fn cost(
    workload: &str,
    usd: f64,
    relative: f64,
    hit_rate: Option<f64>,
    reference: Option<ReferenceBasis>,
) -> String {
    let hits = hit_rate.map_or_else(String::new, |h| format!("; hit rate {}", percent(h, 0)));
    let assumed = match reference {
        Some(ReferenceBasis::Author) => "; full retention assumed from the author's models",
        Some(ReferenceBasis::All) => "; full retention assumed from all models",
        _ => "",
    };
    let against = match (relative * 1000.0).round() / 10.0 {
        p if p > 0.0 => format!("{p:.1} % above the model's median"),
        p if p < 0.0 => format!("{:.1} % below the model's median", -p),
        _ => "at the model's median".to_owned(),
    };
    format!("a {workload} session costs {}, {against}{hits}{assumed}", usd_fixed(usd, 2))
}

/// The lens `cache`: the hit rate, and its difference from that of the model's other endpoints; fractions.
pub fn cache(hit_rate: f64, difference: f64) -> String {
    let points = difference * 100.0;
    let side = if points >= 0.0 { "above" } else { "below" };
    let (rate, points) = (percent(hit_rate, 0), points.abs());
    format!("hit rate {rate}, {points:.1} points {side} the model's other endpoints")
}

/// The lens `reliability`: the share of requests that succeed under the measure, and the distance from the model's
/// other endpoints in spreads.
pub fn reliability(share: f64, measure: Reliability, spreads: Option<f64>) -> String {
    format!("{} {measure}{}", percent(share, 2), distance(spreads))
}

/// The lens `speed`: tokens a second, milliseconds to the first token, and the distance from the model's other
/// endpoints in spreads.
pub fn speed(rate: f64, latency_ms: Option<f64>, spreads: Option<f64>) -> String {
    let wait = latency_ms.map_or_else(String::new, |ms| format!(", first token after {ms:.0} ms"));
    format!("{rate:.0} tokens a second{wait}{}", distance(spreads))
}

fn distance(spreads: Option<f64>) -> String {
    let Some(spreads) = spreads else { return format!("; {}", Unrated::NoDifference) };
    let side = if spreads >= 0.0 { "better" } else { "worse" };
    format!("; {side} than the model's other endpoints by {:.2} times the usual spread", spreads.abs())
}

/// The lens `overall`: the tiers that it combines, and what caps it.
pub fn overall(parts: &[(Lens, Tier)], cap: Option<(Tier, Gate)>) -> String {
    let parts: Vec<String> = parts.iter().map(|(lens, tier)| format!("{lens} {tier}")).collect();
    let cap = cap.map_or_else(String::new, |(tier, gate)| format!("; capped at {tier}: {gate}"));
    format!("{}{cap}", parts.join(", "))
}
