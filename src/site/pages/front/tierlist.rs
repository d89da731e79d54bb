//! The tier list in the familiar layout: one row per letter.

use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::Span;
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
    /// The tiers that its interval reaches, if there are several.
    pub reach: Option<Reach>,
}

/// A thin line as wide as the six tiers, S at the left, and the part of it that an interval covers.
pub struct Reach {
    pub span: Span,
    /// The ends of that part.
    pub ends: (usize, usize),
}

/// The width of a tier on that line.
const STEP: usize = 6;

impl Reach {
    fn new(span: Span) -> Self {
        Self { span, ends: (span.best as usize * STEP, (span.worst as usize + 1) * STEP) }
    }
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
        // These cuts are whole points and percent.
        Lens::Cache => format::points(cut),
        Lens::Cost => format::percent_change(cut),
        Lens::Reliability | Lens::Speed | Lens::Overall => effect(lens, cut),
    }
}

/// The six rows of a list, including empty ones.
pub fn tier_rows(list: &TierList) -> Vec<TierRow<'_>> {
    let chip = |row| Chip {
        of: row,
        value: row.adjusted.map(|v| effect(list.lens, v)).unwrap_or_default(),
        reach: row.span.map(Reach::new),
    };
    let of = |(rank, tier): (usize, Tier)| TierRow {
        letter: tier.as_str(),
        bound: bound(list.lens, rank),
        chips: list.providers.iter().filter(|row| row.tier == tier).map(chip).collect(),
    };
    Tier::RATED.into_iter().enumerate().map(of).collect()
}
