//! The charts: what they show, and their addresses as files.

pub mod cost_bars;
pub mod day_chart;
pub mod hours;
pub mod session_bars;
pub mod shares;
pub mod spark;

use self::day_chart::{DayChart, Point, Series, Subject};
use crate::domain::change::ChangeKind;
use crate::domain::window::Basis;
use crate::site::parts::{format, link};
use crate::snapshot::{Endpoint, EndpointDay, ImportedPoint, ModelEntry, ProviderEntry, Snapshot};
use chrono::NaiveDate;

/// Number of lines of a model's chart, if the reader does not choose them.
pub const LINES: usize = 4;

/// The days that a chart shows: up to the day of the newest data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    last: NaiveDate,
    days: i64,
}

impl Window {
    pub fn new(snapshot: &Snapshot, days: i64) -> Self {
        Self { last: snapshot.as_of.date_naive(), days }
    }

    /// All days of the record.
    pub fn all() -> Self {
        Self { last: NaiveDate::MAX, days: i64::MAX }
    }

    fn contains(self, day: NaiveDate) -> bool {
        day <= self.last && (self.last - day).num_days() < self.days
    }
}

/// A row of the table under a drawing: its day or hour, and one cell per column.
#[derive(Debug, Clone)]
struct TableRow {
    head: String,
    cells: Vec<String>,
}

/// What a chart of endpoints shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfModel {
    HitRate,
    EffectivePrice,
    ListPrice,
    Uptime,
    Throughput,
    FirstToken,
}

impl OfModel {
    /// The name of its file; only hit rate and effective price have one.
    pub fn file(self) -> &'static str {
        match self {
            Self::HitRate => "hit-rate.svg",
            Self::EffectivePrice => "effective-price.svg",
            Self::ListPrice => "list-price.svg",
            Self::Uptime => "uptime.svg",
            Self::Throughput => "throughput.svg",
            Self::FirstToken => "first-token.svg",
        }
    }

    /// Its name in a title.
    pub fn title(self) -> &'static str {
        match self {
            Self::HitRate => "Hit rate by day",
            Self::EffectivePrice => "Effective input price by day",
            Self::ListPrice => "List input price by day",
            Self::Uptime => "Uptime by day",
            Self::Throughput => "Output speed by day",
            Self::FirstToken => "Time to first token by day",
        }
    }

    fn subject(self, title: String) -> Subject {
        let (id, unit, top, format): (_, _, _, fn(f64) -> String) = match self {
            Self::HitRate => ("chart-hit-rate", "cached share of prompt tokens", Some(1.0), format::percent),
            Self::EffectivePrice => ("chart-price", "USD per million prompt tokens", None, format::usd),
            Self::ListPrice => ("chart-list", "USD per million prompt tokens", None, format::usd),
            Self::Uptime => ("chart-uptime", "as published", Some(1.0), format::percent_fine),
            Self::Throughput => ("chart-speed", "tokens per second, median", None, |v| format!("{v:.0}")),
            Self::FirstToken => ("chart-first-token", "median", None, format::milliseconds),
        };
        Subject { mark: day_chart::PRICE_MOVE, id, title, unit, top, format }
    }

    /// Prices in charts are observed, even on days whose hit rate had to be derived from them.
    fn point(self, of: &EndpointDay) -> Point {
        let value = match self {
            Self::HitRate => of.hit_rate,
            Self::EffectivePrice => of.effective_input,
            Self::ListPrice => of.list_input,
            Self::Uptime => of.uptime,
            Self::Throughput => of.throughput,
            Self::FirstToken => of.latency_ms,
        };
        let derived = self == Self::HitRate && of.basis == Some(Basis::Derived);
        Point { day: of.day, value, derived, imported: None }
    }

    fn imported_point(self, of: &ImportedPoint) -> Point {
        let value = match self {
            Self::HitRate => of.hit_rate,
            Self::EffectivePrice => of.effective_input,
            Self::ListPrice => None,
            Self::Uptime => of.uptime,
            Self::Throughput => of.throughput,
            Self::FirstToken => of.latency_ms,
        };
        let derived = self == Self::HitRate && of.basis == Some(Basis::Derived);
        Point { day: of.day, value, derived, imported: Some(of.kind) }
    }

    /// The days of the record, and imported values of days that it has no value of; oldest first.
    fn points(self, snapshot: &Snapshot, endpoint: &Endpoint, window: Window) -> Vec<Point> {
        let days = endpoint.days.iter().filter(|day| window.contains(day.day));
        let mut points: Vec<Point> = days.map(|day| self.point(day)).collect();
        let imported = snapshot.imports.of(endpoint.endpoint_id).iter();
        for point in imported.filter(|day| window.contains(day.day)).map(|day| self.imported_point(day)) {
            match points.iter_mut().find(|own| own.day == point.day) {
                Some(own) if own.value.is_none() => *own = point,
                Some(_) => {}
                None if point.value.is_some() => points.push(point),
                None => {}
            }
        }
        points.sort_by_key(|point| point.day);
        points
    }
}

/// The days on which a change of an endpoint's list price was observed.
fn steps(snapshot: &Snapshot, model: &ModelEntry, endpoint: &Endpoint) -> Vec<(NaiveDate, String)> {
    let its = snapshot.changes.iter().filter(|change| {
        change.kind == ChangeKind::PriceChanged
            && change.model_id.as_deref() == Some(model.model_id.as_str())
            && change.tag.as_ref() == Some(&endpoint.tag)
    });
    let mut steps: Vec<(NaiveDate, String)> = Vec::new();
    for change in its {
        let day = change.at.date_naive();
        match steps.last_mut() {
            Some((last, text)) if *last == day => *text = format!("{text}; {}", change.why),
            _ => steps.push((day, change.why.clone())),
        }
    }
    steps
}

/// A chart of endpoints, each with its name and its model; `None` if no day has a value.
pub fn of_endpoints<'a>(
    snapshot: &Snapshot,
    what: OfModel,
    title: String,
    window: Window,
    shown: impl Iterator<Item = (String, &'a ModelEntry, &'a Endpoint)>,
) -> Option<DayChart> {
    let series = shown.map(|(name, model, endpoint)| Series {
        name,
        points: what.points(snapshot, endpoint, window),
        steps: match what {
            OfModel::EffectivePrice => steps(snapshot, model, endpoint),
            _ => Vec::new(),
        },
    });
    DayChart::new(what.subject(title), &series.collect::<Vec<_>>())
}

/// What was paid for a million prompt tokens at an endpoint, and its list price; `None` if no day has a value.
pub fn of_prices(
    snapshot: &Snapshot,
    model: &ModelEntry,
    endpoint: &Endpoint,
    window: Window,
) -> Option<DayChart> {
    let line = |name: &str, what: OfModel| Series {
        name: name.to_owned(),
        points: what.points(snapshot, endpoint, window),
        steps: Vec::new(),
    };
    let paid = Series {
        steps: steps(snapshot, model, endpoint),
        ..line("paid after caching", OfModel::EffectivePrice)
    };
    let title = "Input price by day, paid and listed".to_owned();
    DayChart::new(OfModel::EffectivePrice.subject(title), &[paid, line("list price", OfModel::ListPrice)])
}

/// The endpoints that a model's charts show by default: the recommended one, then those with the most traffic.
pub fn shown<'a>(model: &'a ModelEntry, recommended: Option<&'a Endpoint>) -> Vec<&'a Endpoint> {
    let is_other = |e: &&Endpoint| recommended.is_none_or(|first| first.endpoint_id != e.endpoint_id);
    recommended.into_iter().chain(model.busiest().into_iter().filter(is_other)).take(LINES).collect()
}

/// A chart of endpoints of a model; `None` if no day has a value. The first one is the recommended one, if `recommended`
/// says so.
pub fn of_model(
    snapshot: &Snapshot,
    model: &ModelEntry,
    what: OfModel,
    window: Window,
    (shown, recommended): (&[&Endpoint], Option<&Endpoint>),
) -> Option<DayChart> {
    // By their tags, because several endpoints may share a name.
    let name = |e: &Endpoint| match recommended.is_some_and(|first| first.endpoint_id == e.endpoint_id) {
        true => format!("{} (recommended)", e.tag),
        false => e.tag.to_string(),
    };
    let shown = shown.iter().map(|e| (name(e), model, *e));
    let title = format!("{}: {}", model.name, what.title().to_lowercase());
    let chart = of_endpoints(snapshot, what, title, window, shown);
    chart.map(|chart| chart.at(link::model_chart(&model.model_id, what.file())))
}

/// The hit rates of providers by day; `None` if no day has a hit rate.
pub fn of_providers(title: String, shown: &[&ProviderEntry]) -> Option<DayChart> {
    let one = |p: &&ProviderEntry| Series {
        name: p.name.clone(),
        points: p
            .days
            .iter()
            .map(|d| Point { day: d.day, value: d.hit_rate, derived: false, imported: None })
            .collect(),
        steps: Vec::new(),
    };
    DayChart::new(OfModel::HitRate.subject(title), &shown.iter().map(one).collect::<Vec<_>>())
}

/// The hit rate of a provider by day; `None` if no day has a hit rate.
pub fn of_provider(provider: &ProviderEntry) -> Option<DayChart> {
    let title = format!("{}: hit rate by day, over all its traffic", provider.name);
    let chart = of_providers(title, &[provider]);
    chart.map(|chart| chart.at(link::provider_chart(provider.provider.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_with_the_newest_day() {
        let day = |n: u32| NaiveDate::from_ymd_opt(2026, 8, n).expect("a day");
        let window = Window { last: day(14), days: 7 };
        assert!(window.contains(day(14)) && window.contains(day(8)));
        assert!(!window.contains(day(7)) && !window.contains(day(15)));
        assert!(Window::all().contains(day(1)));
    }
}
