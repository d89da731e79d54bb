//! The tier list in the familiar layout: one row per letter.

use crate::domain::tier::{Lens, Tier};
use crate::site::parts::{effect, format};
use crate::snapshot::{ProviderTier, TierList};

/// A letter with the providers that have it.
pub struct TierRow<'a> {
    /// Also the class that carries the colour.
    pub letter: &'static str,
    /// The cut of this row.
    pub bound: String,
    /// The providers in this row, the best first.
    pub chips: Vec<Chip<'a>>,
}

pub struct Chip<'a> {
    pub of: &'a ProviderTier,
    /// Its effect in the unit of the lens.
    pub value: String,
    /// An arrow towards the tier that the newest figures imply, if it is not the published one.
    pub held: Option<&'static str>,
}

fn held(row: &ProviderTier) -> Option<&'static str> {
    let arrow = if row.naive < row.tier { "▲" } else { "▼" };
    (row.naive != row.tier && row.naive != Tier::Unrated).then_some(arrow)
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
pub fn tier_rows(list: &TierList) -> Vec<TierRow<'_>> {
    let chip = |row| Chip {
        of: row,
        value: row.adjusted.map(|v| effect(list.lens, v)).unwrap_or_default(),
        held: held(row),
    };
    let of = |(rank, tier): (usize, Tier)| TierRow {
        letter: tier.as_str(),
        bound: bound(list.lens, rank),
        chips: list.providers.iter().filter(|row| row.tier == tier).map(chip).collect(),
    };
    Tier::RATED.into_iter().enumerate().map(of).collect()
}
