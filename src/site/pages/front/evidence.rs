//! The table under the tier list: what each tier is based on, and further facts about each provider.

use crate::domain::ids::ProviderSlug;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::Reliability;
use crate::site::charts::spark::{DayAxis, Spark};
use crate::site::parts::flags::{self, FlagCount};
use crate::site::parts::{Badge, Bar, Cell, effect, format, held, lens, link, on_scale};
use crate::snapshot::price_gap::{PriceGap, price_gaps};
use crate::snapshot::{ProviderTier, Snapshot, TierList};
use std::collections::HashMap;

/// The table of a list. Columns without any value are left out.
#[derive(Default)]
pub struct Table<'a> {
    /// Left end of the bars.
    pub worse_left: &'static str,
    /// Right end of the bars.
    pub better_right: &'static str,
    /// The headings of the cells, in their order.
    pub headings: Vec<Heading>,
    /// The titles of the columns that are left out.
    pub without: Vec<&'static str>,
    /// Heading of the sparklines, with the number of days.
    pub days: String,
    /// The rated providers, the best first.
    pub rows: Vec<Evidence<'a>>,
}

/// The heading of a column of numbers.
pub struct Heading {
    pub title: &'static str,
    /// The quantity or unit, below the title; may be empty.
    pub unit: &'static str,
}

pub struct Evidence<'a> {
    pub of: &'a ProviderTier,
    /// The id of the row, if the name of the provider can be part of an address.
    pub id: Option<String>,
    pub badge: Badge,
    /// Orders the tiers, 0 for S.
    pub rank: usize,
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
    /// Notable findings about its endpoints, counted.
    pub flags: Vec<FlagCount>,
}

/// The names of the ends of the bars under a lens.
fn ends(lens: Lens) -> (&'static str, &'static str) {
    match lens {
        Lens::Cost => ("cheaper", "costlier"),
        Lens::Speed => ("slower", "faster"),
        Lens::Cache | Lens::Reliability | Lens::Overall => ("worse", "better"),
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

/// The table of a list.
pub fn table<'a>(snapshot: &Snapshot, list: &'a TierList) -> Table<'a> {
    let sources = Sources {
        snapshot,
        lens: list.lens,
        axis: DayAxis::of_providers(snapshot),
        gaps: price_gaps(snapshot),
        flags: flags::by_provider(snapshot),
    };
    let reach = reach(list);
    let rated = list.providers.iter().filter(|row| row.tier != Tier::Unrated);
    let mut rows: Vec<Evidence<'a>> = rated.map(|row| sources.row(row, reach)).collect();
    let all = sources.headings();
    let is_kept = |at: usize| rows.iter().any(|row| row.cells.get(at).is_some_and(|cell| !cell.is_absent()));
    let kept: Vec<bool> = (0..all.len()).map(is_kept).collect();
    for row in &mut rows {
        let mut at = kept.iter();
        row.cells.retain(|_| at.next().copied().unwrap_or(true));
    }
    let (with, without): (Vec<_>, Vec<_>) = all.into_iter().zip(kept).partition(|(_, kept)| *kept);
    let (worse_left, better_right) = ends(list.lens);
    Table {
        worse_left,
        better_right,
        headings: with.into_iter().map(|(heading, _)| heading).collect(),
        without: without.into_iter().map(|(heading, _)| heading.title).collect(),
        days: format!("Hit rate, {} days", sources.axis.map_or(0, DayAxis::days)),
        rows,
    }
}

impl Sources<'_> {
    fn row<'a>(&self, row: &'a ProviderTier, reach: f64) -> Evidence<'a> {
        let (lens, slug) = (self.lens, row.provider.as_str());
        Evidence {
            of: row,
            id: link::row_id("p", slug),
            badge: Badge::new(row.tier),
            rank: Tier::RATED.iter().position(|tier| *tier == row.tier).unwrap_or(Tier::RATED.len()),
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

    /// The headings of [`Self::cells`].
    fn headings(&self) -> Vec<Heading> {
        let (value, traffic) = match self.lens {
            Lens::Cache => ("Points", "hit rate"),
            Lens::Cost => ("Cost", "session cost"),
            Lens::Reliability => ("Score", "requests answered"),
            Lens::Speed => ("Score", "tokens per second"),
            Lens::Overall => ("Score", "score"),
        };
        let heading = |title, unit| Heading { title, unit };
        let mut all = vec![
            heading(value, "against peers"),
            heading("Traffic mean", traffic),
            heading("Effective price", "of input, against peers"),
        ];
        if self.lens != Lens::Reliability {
            all.push(heading("Answered", answered(self.snapshot)));
        }
        if self.lens != Lens::Speed {
            all.push(heading("Speed", "tokens per second"));
        }
        all.extend([heading("Models", ""), heading("Share", "of traffic")]);
        all
    }

    /// Value, traffic mean, effective price, requests answered, speed, models, share.
    fn cells(&self, row: &ProviderTier) -> Vec<Cell> {
        let (lens, total) = (self.lens, self.snapshot.summary.tokens_per_day);
        let mean = |lens: Lens| self.snapshot.tier_of(&row.provider, lens)?.traffic_mean;
        let measure = if lens == Lens::Cache { format::percent_whole } else { lens::measure(lens) };
        let gap = self.gaps.get(&row.provider).map(|gap| gap.gap);
        let share = (total > 0.0).then(|| row.tokens_per_day / total);
        let mut cells = vec![
            Cell::number(row.adjusted, |value| effect(lens, value), "–").labelled("against peers"),
            Cell::number(row.traffic_mean, measure, "–").labelled("traffic mean"),
            Cell::number(gap, format::percent_change, "–").labelled("input price"),
        ];
        if lens != Lens::Reliability {
            let answered = mean(Lens::Reliability);
            cells.push(Cell::number(answered, format::percent_tenths, "–").labelled("answered"));
        }
        if lens != Lens::Speed {
            let speed = mean(Lens::Speed);
            cells.push(Cell::number(speed, |v| format!("{v:.0}"), "–").labelled("tokens/s"));
        }
        cells.push(Cell::count(row.models).labelled("models"));
        cells.push(Cell::number(share, format::percent_tenths, "–").labelled("of traffic"));
        cells
    }
}
