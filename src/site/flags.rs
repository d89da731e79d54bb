//! What the flags of an endpoint mean.

use std::collections::BTreeSet;

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
pub fn explained<'a>(names: impl Iterator<Item = &'a String>) -> Vec<Flag> {
    let present: BTreeSet<&str> = names.map(String::as_str).collect();
    FLAGS.into_iter().filter(|f| present.contains(f.name)).collect()
}
