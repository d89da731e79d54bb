//! What the flags of an endpoint mean, and the endpoints that show them.

use crate::domain::flag::{Flag, FlagKind};
use crate::snapshot::{Endpoint, Snapshot};
use std::collections::HashMap;

/// What stands on the chip.
pub fn label(kind: FlagKind) -> &'static str {
    match kind {
        FlagKind::Phantom => "phantom cache",
        FlagKind::NoDiscount => "no discount",
        FlagKind::IdentityBreak => "price does not add up",
        FlagKind::ImpossiblePrice => "impossible price",
        FlagKind::BilledWrites => "billed writes",
        FlagKind::PriceTiers => "price tiers",
        FlagKind::Restricted => "restricted",
        FlagKind::Deranked => "de-ranked",
        FlagKind::Down => "down",
        FlagKind::New => "new",
    }
}

/// What it means for who pays.
fn meaning(kind: FlagKind) -> &'static str {
    match kind {
        FlagKind::Phantom => {
            "A discount for cached tokens is listed, hits are reported, and the price that was paid hardly falls: the \
             discount is not given."
        }
        FlagKind::NoDiscount => {
            "Hits are reported, but no cheaper price for them is listed: they are worth nothing to who pays."
        }
        FlagKind::IdentityBreak => {
            "List prices and hit rate do not explain the price that was paid; read these numbers with care."
        }
        FlagKind::ImpossiblePrice => {
            "The price that was paid is below or above every list price of a prompt token. Costs leave it out."
        }
        FlagKind::BilledWrites => "Writing to the cache costs extra. The session costs here count it in.",
        FlagKind::PriceTiers => {
            "Prices change with the length of the prompt, the time of day or the day of the week."
        }
        FlagKind::Restricted => "Not offered to everybody: hidden, private, or only with one's own key.",
        FlagKind::Deranked => "The router sends traffic here only when it is asked to.",
        FlagKind::Down => {
            "Out of order in the newest run: most requests of the last half hour failed, or it is switched off."
        }
        FlagKind::New => "Offered for less than a day; preferences do not name it yet.",
    }
}

/// A flag on an endpoint's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// Its name in the API; it is also the end of the id of its explanation.
    pub name: &'static str,
    /// What stands on it.
    pub label: &'static str,
    /// The numbers in a sentence.
    pub why: String,
}

/// The chips of an endpoint, in the order of their weight.
pub fn chips(endpoint: &Endpoint) -> Vec<Chip> {
    let chip = |flag: &Flag| Chip {
        name: flag.kind().as_str(),
        label: label(flag.kind()),
        why: flag.why().to_owned(),
    };
    endpoint.flags.iter().map(chip).collect()
}

/// All flags of an endpoint with their numbers, in words.
pub fn told(endpoint: &Endpoint) -> String {
    let one = |flag: &Flag| format!("{} ({})", label(flag.kind()), flag.why());
    endpoint.flags.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A flag with its explanation and the endpoints that show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Its name in the API.
    pub name: &'static str,
    /// What stands on the chip.
    pub label: &'static str,
    /// What it means for who pays.
    pub meaning: &'static str,
    /// Who carries it, each with its numbers in a sentence.
    pub shown: Vec<(String, String)>,
}

/// The flags of endpoints, each once with all that carry it, in the order of their weight.
pub fn explained<'a>(endpoints: impl Iterator<Item = (String, &'a Endpoint)>) -> Vec<Explained> {
    let mut shown: HashMap<FlagKind, Vec<(String, String)>> = HashMap::new();
    for (name, endpoint) in endpoints {
        for flag in &endpoint.flags {
            shown.entry(flag.kind()).or_default().push((name.clone(), flag.why().to_owned()));
        }
    }
    let all = FlagKind::ALL.into_iter();
    all.filter_map(|kind| shown.remove(&kind).map(|shown| explanation(kind, shown))).collect()
}

fn explanation(kind: FlagKind, shown: Vec<(String, String)>) -> Explained {
    Explained { name: kind.as_str(), label: label(kind), meaning: meaning(kind), shown }
}

/// The explanations of the flags that are counted, each once, in the order of their weight.
pub fn meanings<'a>(counts: impl Iterator<Item = &'a FlagCount>) -> Vec<Explained> {
    let present: Vec<FlagKind> = counts.map(|count| count.kind).collect();
    let all = FlagKind::ALL.into_iter().filter(|kind| present.contains(kind));
    all.map(|kind| explanation(kind, Vec::new())).collect()
}

/// A flag and how many endpoints of a provider carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlagCount {
    /// Which flag.
    pub kind: FlagKind,
    /// Its name in the API; it is also the end of the id of its explanation.
    pub name: &'static str,
    /// What stands on the chip.
    pub label: &'static str,
    /// Endpoints that carry it.
    pub endpoints: usize,
}

/// Flags that say something is wrong with an endpoint, not merely particular about it.
const WRONG: [FlagKind; 5] = [
    FlagKind::Phantom,
    FlagKind::NoDiscount,
    FlagKind::IdentityBreak,
    FlagKind::ImpossiblePrice,
    FlagKind::Down,
];

/// The flags that warn, counted by provider over the standard variants, in the order of their weight.
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
        all.map(|(kind, endpoints)| FlagCount { kind, name: kind.as_str(), label: label(kind), endpoints })
            .collect()
    };
    counts.into_iter().map(|(provider, count)| (provider, of(count))).collect()
}
