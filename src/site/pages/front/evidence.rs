//! The table under the tier list: what each tier is based on, and further facts about each provider.

use crate::domain::ids::ProviderSlug;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::Reliability;
use crate::site::charts::spark::{DayAxis, Spark};
use crate::site::parts::flags::{self, FlagCount};
use crate::site::parts::{Badge, Bar, Cell, effect, format, lens, link, on_scale};
use crate::snapshot::price_gap::{PriceGap, price_gaps};
use crate::snapshot::{ProviderEntry, ProviderTier, Snapshot, TierList};
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

pub struct Evidence {
    pub href: String,
    /// Display name, untrusted.
    pub name: String,
    /// Tier or span.
    pub badge: Badge,
    /// "S since 3 Aug": the start of the published tier.
    pub since: Option<String>,
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
    let days = axis(snapshot).map_or(0, DayAxis::days);
    Columns {
        worse_left,
        better_right,
        value,
        traffic,
        answered: answered(snapshot),
        days: format!("Hit rate, {days} days"),
    }
}

fn axis(snapshot: &Snapshot) -> Option<DayAxis> {
    DayAxis::over(snapshot.providers.iter().flat_map(|p| p.days.iter().map(|d| d.day)))
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

/// A provider's row in the list of another lens.
type Others<'a> = HashMap<&'a str, &'a ProviderTier>;

fn others(snapshot: &Snapshot, lens: Lens) -> Others<'_> {
    let rows = snapshot.tier_list(lens, None).into_iter().flat_map(|list| &list.providers);
    rows.map(|row| (row.provider.as_str(), row)).collect()
}

/// The sources of the rows in addition to the list itself.
struct Sources<'a> {
    list: &'a TierList,
    total: f64,
    axis: Option<DayAxis>,
    providers: HashMap<&'a str, &'a ProviderEntry>,
    gaps: HashMap<ProviderSlug, PriceGap>,
    reliability: Others<'a>,
    speed: Others<'a>,
    flags: HashMap<&'a str, Vec<FlagCount>>,
}

/// The rows of the rated providers, the best first.
pub fn evidence(snapshot: &Snapshot, list: &TierList) -> Vec<Evidence> {
    let sources = Sources {
        list,
        total: snapshot.summary.tokens_per_day,
        axis: axis(snapshot),
        providers: snapshot.providers.iter().map(|p| (p.provider.as_str(), p)).collect(),
        gaps: price_gaps(snapshot),
        reliability: others(snapshot, Lens::Reliability),
        speed: others(snapshot, Lens::Speed),
        flags: flags::by_provider(snapshot),
    };
    let reach = reach(list);
    let rated = list.providers.iter().filter(|row| row.tier != Tier::Unrated);
    rated.map(|row| sources.row(row, reach)).collect()
}

impl Sources<'_> {
    fn row(&self, row: &ProviderTier, reach: f64) -> Evidence {
        let slug = row.provider.as_str();
        let lens = self.list.lens;
        Evidence {
            href: link::provider(slug),
            name: row.name.clone(),
            badge: Badge::of(row),
            since: row.since.map(|since| format!("{} since {}", row.tier, format::short_day(since))),
            bar: Bar::new(row, lens, reach),
            interval: row
                .low
                .zip(row.high)
                .map(|(l, h)| format!("{} to {}", effect(lens, l), effect(lens, h))),
            cells: self.cells(row),
            spark: self.axis.and_then(|axis| Spark::new(&self.providers.get(slug)?.days, axis)),
            // The heading of the column states the measure once.
            reason: row.reason.clone().filter(|reason| Reliability::parse(reason).is_none()),
            flags: self.flags.get(slug).cloned().unwrap_or_default(),
        }
    }

    /// Value, traffic mean, effective price, requests answered, speed, models, share.
    fn cells(&self, row: &ProviderTier) -> Vec<Cell> {
        let (lens, slug) = (self.list.lens, row.provider.as_str());
        let of = |others: &Others, what: fn(&ProviderTier) -> Option<f64>| {
            others.get(slug).and_then(|row| what(row))
        };
        let gap = self.gaps.get(&row.provider).map(|gap| gap.gap);
        let share = (self.total > 0.0).then(|| row.tokens_per_day / self.total);
        let mut cells = vec![
            Cell::number(row.adjusted, |value| effect(lens, value), "none").labelled("against peers"),
            Cell::number(row.traffic_mean, lens::measure(lens), "none").labelled("traffic mean"),
            Cell::number(gap, format::percent_change, "too few models").labelled("price to peers"),
        ];
        if lens != Lens::Reliability {
            let answered = of(&self.reliability, |row| row.traffic_mean);
            cells.push(Cell::number(answered, format::percent_fine, "not published").labelled("answered"));
        }
        if lens != Lens::Speed {
            let speed = of(&self.speed, |row| row.traffic_mean);
            cells.push(Cell::number(speed, |v| format!("{v:.0}"), "not measured").labelled("tokens/s"));
        }
        cells.push(Cell::count(row.models).labelled("models"));
        cells.push(Cell::number(share, format::percent, "none").labelled("of traffic"));
        cells
    }
}
