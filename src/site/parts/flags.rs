//! The flags of endpoints: labels, explanations, and the endpoints that carry them.

use crate::domain::flag::{Flag, FlagKind};
use crate::snapshot::{Endpoint, Snapshot};
use std::collections::HashMap;

pub fn label(kind: &FlagKind) -> &'static str {
    match kind {
        FlagKind::Phantom => "phantom cache",
        FlagKind::NoDiscount => "no discount",
        FlagKind::IdentityBreak => "billed ≠ listed",
        FlagKind::ImpossiblePrice => "impossible price",
        FlagKind::Constant => "constant rate",
        FlagKind::BilledWrites => "billed writes",
        FlagKind::MarkedByClient => "marked by client",
        FlagKind::PriceTiers => "price tiers",
        FlagKind::ScheduledPrice => "unusual price now",
        FlagKind::Restricted => "restricted",
        FlagKind::Deranked => "de-ranked",
        FlagKind::Down => "down",
        FlagKind::New => "new",
    }
}

/// What the flag means for the person who pays.
pub fn meaning(kind: &FlagKind) -> &'static str {
    match kind {
        FlagKind::Phantom => {
            "A discount for cached tokens is listed and hits are reported, but the price that was paid hardly falls: \
             the discount is not given."
        }
        FlagKind::NoDiscount => {
            "Cache hits are reported, but cached tokens cost full price: no saving for you."
        }
        FlagKind::IdentityBreak => {
            "List prices and hit rate do not explain the price that was paid; treat these numbers with caution."
        }
        FlagKind::ImpossiblePrice => {
            "The price that was paid is below or above every list price of a prompt token. It is left out of the costs."
        }
        FlagKind::Constant => {
            "The hit rate hardly moves from day to day, as no measured rate does. Treat it with caution."
        }
        FlagKind::MarkedByClient => {
            "Only prompts that the client marks use the cache: set cache_control on the part that repeats. Session costs \
             assume that you do."
        }
        FlagKind::BilledWrites => "Writing to the cache costs extra. The session costs here include it.",
        FlagKind::PriceTiers => {
            "Prices change with the length of the prompt, the time of day or the day of the week."
        }
        FlagKind::ScheduledPrice => {
            "The list price changes by hour or weekday and is not the usual one now. Session costs use its mean over the \
             window."
        }
        FlagKind::Restricted => "Not available to everyone: hidden, private, or only with your own key.",
        FlagKind::Deranked => "The router sends traffic here only on request.",
        FlagKind::Down => {
            "Down in the newest run: most requests of the last half hour failed, or the endpoint is switched off."
        }
        FlagKind::New => "Offered for less than a day; preferences do not include it yet.",
    }
}

/// All flags of an endpoint with their numbers, as text.
pub fn describe(endpoint: &Endpoint) -> String {
    let one = |flag: &Flag| format!("{} ({})", label(&flag.kind()), flag.why());
    endpoint.flags.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A flag to be explained, and the endpoints that carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Its name in the API is also the end of the id of its explanation.
    pub kind: FlagKind,
    /// The endpoints that carry it, each with its numbers in a sentence.
    pub shown: Vec<(String, String)>,
}

/// The flags of endpoints, each once with all endpoints that carry it, in order of importance.
pub fn explained<'a>(endpoints: impl Iterator<Item = (String, &'a Endpoint)>) -> Vec<Explained> {
    let mut shown: HashMap<FlagKind, Vec<(String, String)>> = HashMap::new();
    for (name, endpoint) in endpoints {
        for flag in &endpoint.flags {
            shown.entry(flag.kind()).or_default().push((name.clone(), flag.why().to_owned()));
        }
    }
    let all = FlagKind::ALL.into_iter();
    all.filter_map(|kind| Some(Explained { kind, shown: shown.remove(&kind)? })).collect()
}

/// The explanations of the counted flags, each once, in order of importance.
pub fn meanings<'a>(counts: impl Iterator<Item = &'a FlagCount>) -> Vec<Explained> {
    let present: Vec<FlagKind> = counts.map(|count| count.kind).collect();
    let all = FlagKind::ALL.into_iter().filter(|kind| present.contains(kind));
    all.map(|kind| Explained { kind, shown: Vec::new() }).collect()
}

/// A flag and how many endpoints of a provider carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlagCount {
    pub kind: FlagKind,
    /// Endpoints that carry it.
    pub endpoints: usize,
}

/// Flags that mean something is wrong with an endpoint, not merely unusual.
const WRONG: [FlagKind; 5] = [
    FlagKind::Phantom,
    FlagKind::NoDiscount,
    FlagKind::IdentityBreak,
    FlagKind::ImpossiblePrice,
    FlagKind::Down,
];

/// The warning flags, counted by provider over the standard variants, in order of importance.
pub fn by_provider(snapshot: &Snapshot) -> HashMap<&str, Vec<FlagCount>> {
    let mut counts: HashMap<&str, [usize; WRONG.len()]> = HashMap::new();
    for endpoint in snapshot.models.iter().filter(|m| m.variant.is_standard()).flat_map(|m| &m.endpoints) {
        let count = counts.entry(endpoint.provider.as_str()).or_default();
        for (count, kind) in count.iter_mut().zip(WRONG) {
            *count += usize::from(endpoint.is_flagged(kind));
        }
    }
    let of = |count: [usize; WRONG.len()]| {
        let all = WRONG.into_iter().zip(count).filter(|(_, endpoints)| *endpoints > 0);
        all.map(|(kind, endpoints)| FlagCount { kind, endpoints }).collect()
    };
    counts.into_iter().map(|(provider, count)| (provider, of(count))).collect()
}
