//! Small pieces of markup that several pages share. Each is a template that escapes its own values and is therefore
//! marked as safe to include in others.

pub mod assets;
pub mod basis;
pub mod choice;
pub mod clean;
pub mod facts;
pub mod flags;
pub mod format;
pub mod lens;
pub mod lens_table;
pub mod link;
pub mod picks;
pub mod preference;
pub mod record;
pub mod seasons;
pub mod shares;
pub mod shell;
pub mod table;
pub mod tested;
pub mod week;

use crate::domain::tier::{Lens, Tier};
use crate::snapshot::{Endpoint, ProviderTier};
use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};

/// A tier's letter in its colour.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/badge.html")]
pub struct Badge {
    class: &'static str,
    label: String,
    spoken: String,
}
impl HtmlSafe for Badge {}

impl Badge {
    /// The badge of a tier.
    pub fn new(tier: Tier) -> Self {
        let spoken = match tier {
            Tier::Unrated => "unrated".to_owned(),
            rated => format!("tier {rated}"),
        };
        let label = if tier == Tier::Unrated { "–".to_owned() } else { tier.to_string() };
        Self { class: class(tier), label, spoken }
    }

    /// The badge of an endpoint within its model.
    pub fn of_endpoint(endpoint: &Endpoint) -> Self {
        Self::new(endpoint.tier)
    }

    /// The badge of a provider that a tier list may lack.
    pub fn of_any(row: Option<&ProviderTier>) -> Self {
        Self::new(row.map_or(Tier::Unrated, |row| row.tier))
    }
}

/// The class that carries a tier's colour.
pub fn class(tier: Tier) -> &'static str {
    match tier {
        Tier::Unrated => "U",
        rated => rated.as_str(),
    }
}

/// A table cell with a number, or with a text if the number is absent: absent is not zero.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/cell.html")]
pub struct Cell {
    text: String,
    sort: Option<f64>,
    class: &'static str,
    label: &'static str,
    /// A further class, with a leading space.
    extra: &'static str,
    /// The amount at the prices of now, if it is stated below the usual one, and its text.
    now: Option<(f64, String)>,
    /// A smaller second line.
    below: Option<String>,
}
impl HtmlSafe for Cell {}

impl Cell {
    /// A number formatted by `format`, or the text `absent`.
    pub fn number(value: Option<f64>, format: impl Fn(f64) -> String, absent: &str) -> Self {
        match value.filter(|v| v.is_finite()) {
            Some(value) => Self::of(format(value), Some(value), "n"),
            None => Self::of(absent.to_owned(), None, "n na"),
        }
    }
    fn of(text: String, sort: Option<f64>, class: &'static str) -> Self {
        Self { text, sort, class, label: "", extra: "", now: None, below: None }
    }
    /// A text, or the text `absent`.
    pub fn words(text: Option<String>, absent: &str) -> Self {
        match text {
            Some(text) => Self::of(text, None, "words"),
            None => Self::of(absent.to_owned(), None, "na"),
        }
    }
    /// Whether the value is absent, of a number or of a text.
    pub fn lacks_value(&self) -> bool {
        matches!(self.class, "n na" | "na")
    }
    /// The same cell with a smaller second line.
    #[must_use]
    pub fn with_below(mut self, below: Option<String>) -> Self {
        self.below = below;
        self
    }
    /// The same cell with a further class, written with a leading space.
    #[must_use]
    pub fn classed(mut self, extra: &'static str) -> Self {
        self.extra = extra;
        self
    }
    /// Writes the amounts in dollars of a column with the same decimals.
    pub fn align_usd<'a>(column: impl Iterator<Item = &'a mut Self>) {
        let cells: Vec<&mut Self> = column.collect();
        let now = |cell: &Self| cell.now.as_ref().map(|(amount, _)| *amount);
        let amounts: Vec<f64> = cells.iter().flat_map(|cell| [cell.sort, now(cell)]).flatten().collect();
        let usd = format::usd_column(amounts.into_iter());
        for cell in cells {
            if let Some(amount) = cell.sort {
                cell.text = usd(amount);
            }
            if let Some((amount, text)) = &mut cell.now {
                *text = usd(*amount);
            }
        }
    }
    pub fn count(count: usize) -> Self {
        let text = format::grouped(count as u64);
        Self::of(text, Some(count as f64), "n")
    }
    /// The same cell with the amount at the prices of now below the usual one, USD.
    #[must_use]
    pub fn with_now(mut self, now: Option<f64>) -> Self {
        self.now = now.filter(|amount| amount.is_finite()).map(|amount| (amount, format::usd(amount)));
        self
    }
    /// Tokens a day; `no traffic` if there are none.
    pub fn traffic(tokens: f64) -> Self {
        Self::number(Some(tokens).filter(|tokens| *tokens > 0.0), format::tokens, "no traffic")
    }
    /// The same cell with the name of its column, for narrow screens that show a row as a card.
    #[must_use]
    pub fn labelled(mut self, label: &'static str) -> Self {
        self.label = label;
        self
    }
    /// The same cell, left out on narrow screens.
    #[must_use]
    pub fn wide(mut self) -> Self {
        self.class = if self.is_absent() { "n na wide" } else { "n wide" };
        self
    }
    /// Whether the cell has no value.
    pub fn is_absent(&self) -> bool {
        self.sort.is_none()
    }
    /// The same cell, highlighted as the best of its column.
    #[must_use]
    pub fn best(mut self) -> Self {
        self.class = "n best";
        self
    }
}

/// A moment, as text and in machine-readable form.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/when.html")]
pub struct When {
    iso: String,
    text: String,
}
impl HtmlSafe for When {}

impl When {
    /// To the minute, UTC.
    pub fn new(at: DateTime<Utc>) -> Self {
        Self { iso: at.format("%Y-%m-%dT%H:%M:%SZ").to_string(), text: format::moment(at) }
    }

    /// The time of the day to the minute, UTC, below a heading with the day.
    pub fn of_day(at: DateTime<Utc>) -> Self {
        Self { text: at.format("%H:%M UTC").to_string(), ..Self::new(at) }
    }
}

/// A provider relative to its peers: a dot on a line with zero in the middle, and its interval if known.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/bar.html")]
pub struct Bar {
    class: &'static str,
    label: String,
    /// Left and right end of the stem from zero to the value.
    stem: (String, String),
    dot: String,
    interval: Option<(String, String)>,
}
impl HtmlSafe for Bar {}

/// The position of zero, the middle of the drawing.
const BAR_MIDDLE: f64 = 80.0;
/// The distance from zero to either end.
const BAR_REACH: f64 = 74.0;

impl Bar {
    /// Draws `row` on a scale that ends at `reach` (see [`on_scale`]) on either side; `None` without a value.
    pub fn new(row: &ProviderTier, lens: Lens, reach: f64) -> Option<Self> {
        let value = row.adjusted?;
        let at = |v: f64| BAR_MIDDLE + (on_scale(lens, v) / reach).clamp(-1.0, 1.0) * BAR_REACH;
        let text = |x: f64| format!("{x:.1}");
        let (left, right) = (at(value).min(BAR_MIDDLE), at(value).max(BAR_MIDDLE));
        let interval = row.low.zip(row.high).map(|(low, high)| (text(at(low)), text(at(high))));
        let label = match row.low.zip(row.high) {
            Some((low, high)) => {
                format!(
                    "{}, 90 % interval {} to {}",
                    effect(lens, value),
                    effect(lens, low),
                    effect(lens, high)
                )
            }
            None => format!("{} against peers", effect(lens, value)),
        };
        Some(Self {
            class: class(row.tier),
            label,
            stem: (text(left), text(right)),
            dot: text(at(value)),
            interval,
        })
    }
}

/// An adjusted effect on the scale of the bars. Costs are ratios, so half and double are equally far from zero.
pub fn on_scale(lens: Lens, value: f64) -> f64 {
    if lens == Lens::Cost { value.max(-0.99).ln_1p() } else { value }
}

/// An adjusted effect in the unit of the lens (points, percent of cost, or a score), with the decimals that its tier is
/// based on.
pub fn effect(lens: Lens, value: f64) -> String {
    match lens {
        Lens::Cache => format::signed(value * 100.0, 1),
        Lens::Cost => format::percent_change_tenth(value),
        Lens::Reliability | Lens::Speed | Lens::Overall => format::signed(value, 2),
    }
}

/// An adjusted effect as [`effect`], with the word for points.
pub fn effect_with_unit(lens: Lens, value: f64) -> String {
    let unit = if lens == Lens::Cache { " points" } else { "" };
    effect(lens, value) + unit
}

/// What the published figure of a provider hides: "held at the edge; measured +5.5", or "capped by a gate; measured
/// +0.90". `None` if it is the measured figure.
pub fn held(row: &ProviderTier, lens: Lens) -> Option<String> {
    let why = match row.cap {
        Some(cap) if cap == row.tier => "capped by a gate",
        _ => "held at the edge",
    };
    row.measured_outside().map(|measured| format!("{why}; measured {}", effect(lens, measured)))
}

/// A link in a tab bar or in the navigation.
#[derive(Debug, Clone)]
pub struct Tab {
    pub href: String,
    pub label: String,
    pub current: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ProviderSlug;

    fn row(tier: Tier, adjusted: Option<f64>, ends: Option<(f64, f64)>) -> ProviderTier {
        ProviderTier {
            tier,
            adjusted,
            low: ends.map(|e| e.0),
            high: ends.map(|e| e.1),
            ..ProviderTier::unrated(ProviderSlug::new("p"), "P".to_owned())
        }
    }

    #[test]
    fn an_effect_has_the_decimals_of_its_tier() {
        assert_eq!(effect(Lens::Cache, 0.066), "+6.6");
        assert_eq!(effect(Lens::Cost, -0.25), "−25.0\u{202f}%");
        assert_eq!(effect(Lens::Overall, 1.244), "+1.24");
    }

    #[test]
    fn a_bar_never_leaves_its_drawing() {
        let bar = Bar::new(&row(Tier::F, Some(9.0), None), Lens::Cost, 1.0).expect("it has a value");
        assert_eq!(bar.dot, "154.0");
        assert!(Bar::new(&row(Tier::Unrated, None, None), Lens::Cost, 1.0).is_none());
    }

    #[test]
    fn an_absent_number_is_words() {
        let cell = Cell::number(None, format::usd, "not listed").to_string();
        assert!(cell.contains("not listed") && !cell.contains("data-sort"), "{cell}");
    }

    #[test]
    fn a_column_of_dollars_has_the_same_decimals_also_for_the_amounts_of_now() {
        let cell = |usd| Cell::number(Some(usd), format::usd, "not listed");
        let mut column = [cell(1.5), cell(0.31).with_now(Some(0.12)), cell(2.0).with_now(None)];
        Cell::align_usd(column.iter_mut());
        let html = column.map(|cell| cell.to_string());
        assert!(html[0].contains(">$1.500</td>") && html[2].contains(">$2.000</td>"), "{html:?}");
        assert!(html[1].contains(">$0.310<small>now $0.120</small></td>"), "{html:?}");
    }
}
