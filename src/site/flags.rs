//! What the flags of an endpoint mean.

use crate::snapshot::Snapshot;
use std::collections::{BTreeSet, HashMap};

/// A flag with its explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// Its name in the API.
    pub name: &'static str,
    /// What stands on the chip.
    pub label: &'static str,
    /// What it means for who pays.
    pub meaning: &'static str,
}

const FLAGS: [Flag; 9] = [
    Flag {
        name: "phantom",
        label: "phantom cache",
        meaning: "A discount for cached tokens is listed, hits are reported, and the price that was paid hardly \
                  falls: the discount is not given.",
    },
    Flag {
        name: "no_discount",
        label: "no discount",
        meaning: "Hits are reported, but no cheaper price for them is listed: they are worth nothing to who pays.",
    },
    Flag {
        name: "identity_break",
        label: "price does not add up",
        meaning: "List prices and hit rate do not explain the price that was paid; read these numbers with care.",
    },
    Flag {
        name: "billed_writes",
        label: "billed writes",
        meaning: "Writing to the cache costs extra. The session costs here count it in.",
    },
    Flag {
        name: "price_tiers",
        label: "price tiers",
        meaning: "Prices change with the length of the prompt or the time of day; the conditions stand under the \
                  price table.",
    },
    Flag {
        name: "restricted",
        label: "restricted",
        meaning: "Not offered to everybody: hidden, private, or only with one's own key.",
    },
    Flag {
        name: "deranked",
        label: "de-ranked",
        meaning: "The router sends traffic here only when it is asked to.",
    },
    Flag { name: "down", label: "down", meaning: "Most requests of the last half hour failed." },
    Flag {
        name: "new",
        label: "new",
        meaning: "Seen for the first time less than a day ago; preferences do not name it yet.",
    },
];

/// The chip of a flag; a flag that this version does not know is shown as such.
pub fn label(name: &str) -> &'static str {
    FLAGS.iter().find(|f| f.name == name).map_or("other flag", |f| f.label)
}

/// The explanations of the flags that occur, each once, in the order of their weight.
pub fn explained<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Flag> {
    let present: BTreeSet<&str> = names.collect();
    FLAGS.into_iter().filter(|f| present.contains(f.name)).collect()
}

/// A flag and how many endpoints of a provider carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlagCount {
    /// Its name in the API; it is also the end of the id of its explanation.
    pub name: &'static str,
    /// What stands on the chip.
    pub label: &'static str,
    /// Endpoints that carry it.
    pub endpoints: usize,
}

/// Flags that say something is wrong with an endpoint, not merely particular about it.
const WRONG: [&str; 4] = ["phantom", "no_discount", "identity_break", "down"];

/// The flags that warn, counted by provider over the standard variants, in the order of their weight.
pub fn by_provider(snapshot: &Snapshot) -> HashMap<&str, Vec<FlagCount>> {
    let mut counts: HashMap<&str, [usize; FLAGS.len()]> = HashMap::new();
    for endpoint in snapshot.models.iter().filter(|m| m.variant.is_standard()).flat_map(|m| &m.endpoints) {
        let count = counts.entry(endpoint.provider.as_str()).or_default();
        for (index, flag) in FLAGS.iter().enumerate().filter(|(_, flag)| WRONG.contains(&flag.name)) {
            count[index] += usize::from(endpoint.flags.iter().any(|name| name == flag.name));
        }
    }
    let of = |count: [usize; FLAGS.len()]| {
        let all = FLAGS.iter().zip(count).filter(|(_, endpoints)| *endpoints > 0);
        all.map(|(f, endpoints)| FlagCount { name: f.name, label: f.label, endpoints }).collect()
    };
    counts.into_iter().map(|(provider, count)| (provider, of(count))).collect()
}
