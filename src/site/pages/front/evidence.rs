//! The table under the tier list: what each tier is based on, and further facts about each provider.

use crate::domain::ids::ProviderSlug;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::Reliability;
use crate::site::charts::spark::{DayAxis, Spark};
use crate::site::parts::flags::{self, FlagCount};
use crate::site::parts::{Badge, Bar, Cell, effect, format, held, lens, on_scale};
use crate::snapshot::price_gap::{PriceGap, price_gaps};
use crate::snapshot::{ProviderTier, Snapshot, TierList};
use std::collections::HashMap;

pub struct Columns {
    /// Left end of the bars.
    pub worse_left: &'static str,
    /// Right end of the bars.
    pub better_right: &'static str,
    /// The value that determines the tiers.
    pub value: &'static str,
    /// The quantity of the traffic mean.
    pub traffic: &'static str,
    /// Whether the reliability list is based on published uptime or on availability.
    pub answered: &'static str,
    /// Heading of the sparklines, with the number of days.
    pub days: String,
}

pub struct Evidence<'a> {
    pub of: &'a ProviderTier,
    pub badge: Badge,
    /// "S since 3 Aug": the start of the published tier.
    pub since: Option<String>,
    /// "held at the edge; measured +5.5", if the value is not the measured one.
    pub held: Option<String>,
    /// The value and its interval as a drawing.
    pub bar: Option<Bar>,
    /// The interval in numbers.
    pub interval: Option<String>,
    /// The following cells, in the order of the columns.
    pub cells: Vec<Cell>,
    /// Its hit rate by day.
    pub spark: Option<Spark>,
    /// What the tier is based on.
    pub reason: Option<String>,
    /// Flags of its endpoints, counted.
    pub flags: Vec<FlagCount>,
}

pub fn columns(lens: Lens, snapshot: &Snapshot) -> Columns {
    let (worse_left, better_right) = match lens {
        Lens::Cost => ("cheaper", "costlier"),
        Lens::Speed => ("slower", "faster"),
        Lens::Cache | Lens::Reliability | Lens::Overall => ("worse", "better"),
    };
    let (value, traffic) = match lens {
        Lens::Cache => ("Points", "hit rate"),
        Lens::Cost => ("Cost", "session cost"),
        Lens::Reliability => ("Score", "requests answered"),
        Lens::Speed => ("Score", "tokens per second"),
        Lens::Overall => ("Score", "score"),
    };
    let days = DayAxis::of_providers(snapshot).map_or(0, DayAxis::days);
    Columns {
        worse_left,
        better_right,
        value,
        traffic,
        answered: answered(snapshot),
        days: format!("Hit rate, {days} days"),
    }
}

/// Availability counts requests rejected by rate limits, published uptime does not; the column states which it shows.
fn answered(snapshot: &Snapshot) -> &'static str {
    let rated = snapshot.tier_list(Lens::Reliability, None).into_iter().flat_map(|list| &list.providers);
    let mut rated = rated.filter(|row| row.tier != Tier::Unrated);
    match rated.find_map(|row| Reliability::parse(row.reason.as_deref()?)) {
        Some(Reliability::Availability) => "availability",
        Some(Reliability::Uptime) => "published uptime",
        Some(Reliability::NotPublished) | None => "not published",
    }
}

/// The end of the scale of the bars: the largest effect, limited to 1.3 times the outermost cut.
fn reach(list: &TierList) -> f64 {
    let cuts = list.lens.cuts();
    let far = |most: f64, value: f64| most.max(on_scale(list.lens, value).abs());
    let limit = cuts.at.into_iter().fold(0.0_f64, far) * 1.3;
    let ends = |row: &ProviderTier| [row.adjusted, row.low, row.high];
    let largest = list.providers.iter().flat_map(ends).flatten().fold(0.0_f64, far);
    let reach = largest.min(limit);
    if reach > 0.0 { reach } else { 1.0 }
}

/// The sources of the rows in addition to the list itself.
struct Sources<'a> {
    snapshot: &'a Snapshot,
    lens: Lens,
    axis: Option<DayAxis>,
    gaps: HashMap<ProviderSlug, PriceGap>,
    flags: HashMap<&'a str, Vec<FlagCount>>,
}

/// The rows of the rated providers, the best first.
pub fn evidence<'a>(snapshot: &Snapshot, list: &'a TierList) -> Vec<Evidence<'a>> {
    let sources = Sources {
        snapshot,
        lens: list.lens,
        axis: DayAxis::of_providers(snapshot),
        gaps: price_gaps(snapshot),
        flags: flags::by_provider(snapshot),
    };
    let reach = reach(list);
    let rated = list.providers.iter().filter(|row| row.tier != Tier::Unrated);
    rated.map(|row| sources.row(row, reach)).collect()
}

impl Sources<'_> {
    fn row<'a>(&self, row: &'a ProviderTier, reach: f64) -> Evidence<'a> {
        let (lens, slug) = (self.lens, row.provider.as_str());
        Evidence {
            of: row,
            badge: Badge::new(row.tier),
            since: row.since.map(|since| format!("{} since {}", row.tier, format::short_day(since))),
            held: held(row, lens),
            bar: Bar::new(row, lens, reach),
            interval: row
                .low
                .zip(row.high)
                .map(|(l, h)| format!("{} to {}", effect(lens, l), effect(lens, h))),
            cells: self.cells(row),
            spark: self.axis.and_then(|axis| Spark::new(&self.snapshot.provider(slug)?.days, axis)),
            // The heading of the column states the measure once.
            reason: row.reason.clone().filter(|reason| Reliability::parse(reason).is_none()),
            flags: self.flags.get(slug).cloned().unwrap_or_default(),
        }
    }

    /// Value, traffic mean, effective price, requests answered, speed, models, share.
    fn cells(&self, row: &ProviderTier) -> Vec<Cell> {
        let (lens, total) = (self.lens, self.snapshot.summary.tokens_per_day);
        let mean = |lens: Lens| self.snapshot.tier_of(&row.provider, lens)?.traffic_mean;
        let gap = self.gaps.get(&row.provider).map(|gap| gap.gap);
        let share = (total > 0.0).then(|| row.tokens_per_day / total);
        let mut cells = vec![
            Cell::number(row.adjusted, |value| effect(lens, value), "none").labelled("against peers"),
            Cell::number(row.traffic_mean, lens::measure(lens), "none").labelled("traffic mean"),
            Cell::number(gap, format::percent_change, "too few models").labelled("price to peers"),
        ];
        if lens != Lens::Reliability {
            let answered = mean(Lens::Reliability);
            cells.push(Cell::number(answered, format::percent_fine, "not published").labelled("answered"));
        }
        if lens != Lens::Speed {
            let speed = mean(Lens::Speed);
            cells.push(Cell::number(speed, |v| format!("{v:.0}"), "not measured").labelled("tokens/s"));
        }
        cells.push(Cell::count(row.models).labelled("models"));
        cells.push(Cell::number(share, format::percent, "none").labelled("of traffic"));
        cells
    }
}
