//! The tier list in the familiar layout: one row per letter.

use crate::domain::tier::{Lens, Tier};
use crate::site::parts::{class, effect, format, link};
use crate::snapshot::{ProviderTier, TierList};

/// A letter with the providers that have it.
pub struct TierRow {
    /// Class that carries the colour.
    pub class: &'static str,
    pub letter: &'static str,
    /// The cut of this row.
    pub bound: String,
    /// The providers in this row, the best first.
    pub chips: Vec<Chip>,
}

pub struct Chip {
    pub href: String,
    /// Display name, untrusted.
    pub name: String,
    /// Its effect in the unit of the lens.
    pub value: String,
    /// Set if the newest figures imply another tier than the published one.
    pub held: Option<Held>,
}

/// The tier that the newest figures imply while another tier is still held.
pub struct Held {
    /// An arrow towards that tier.
    pub arrow: &'static str,
    pub naive: &'static str,
}

fn held(row: &ProviderTier) -> Option<Held> {
    let arrow = if row.naive < row.tier { "▲" } else { "▼" };
    (row.naive != row.tier && row.naive != Tier::Unrated).then(|| Held { arrow, naive: row.naive.as_str() })
}

pub struct Unrated {
    pub href: String,
    /// Display name, untrusted.
    pub name: String,
    /// Why it has none.
    pub reason: String,
}

/// The cut of a row in the unit of the lens: `≤ −25 %`.
fn bound(lens: Lens, rank: usize) -> String {
    let cuts = lens.cuts();
    let (reached, missed) = if cuts.higher_is_better { ("≥", "<") } else { ("≤", ">") };
    match cuts.at.get(rank) {
        Some(cut) => format!("{reached}\u{202f}{}", bound_value(lens, *cut)),
        None => format!("{missed}\u{202f}{}", bound_value(lens, cuts.at[4])),
    }
}

fn bound_value(lens: Lens, cut: f64) -> String {
    match lens {
        Lens::Cache | Lens::Cost => effect(lens, cut),
        // The cuts of the scores have two decimals.
        Lens::Reliability | Lens::Speed | Lens::Overall => format::signed(cut, 2),
    }
}

/// The six rows of a list, including empty ones.
pub fn tier_rows(list: &TierList) -> Vec<TierRow> {
    let chip = |row: &ProviderTier| Chip {
        href: link::provider(row.provider.as_str()),
        name: row.name.clone(),
        value: row.adjusted.map(|v| effect(list.lens, v)).unwrap_or_default(),
        held: held(row),
    };
    let of = |(rank, tier): (usize, Tier)| TierRow {
        class: class(tier),
        letter: tier.as_str(),
        bound: bound(list.lens, rank),
        chips: list.providers.iter().filter(|row| row.tier == tier).map(chip).collect(),
    };
    Tier::RATED.into_iter().enumerate().map(of).collect()
}

/// The providers without a tier, with the reasons.
pub fn unrated(list: &TierList) -> Vec<Unrated> {
    let row = |row: &ProviderTier| Unrated {
        href: link::provider(row.provider.as_str()),
        name: row.name.clone(),
        reason: row.reason.clone().unwrap_or_else(|| "no reason was recorded".to_owned()),
    };
    list.providers.iter().filter(|r| r.tier == Tier::Unrated).map(row).collect()
}
