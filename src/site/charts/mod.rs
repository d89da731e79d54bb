//! The charts: what they show, and their addresses as files.

pub mod cost_bars;
pub mod day_chart;
pub mod hours;
pub mod session_bars;
pub mod spark;

use self::day_chart::{DayChart, Point, Series, Subject};
use crate::domain::event::EventKind;
use crate::domain::window::Basis;
use crate::site::parts::{format, link};
use crate::snapshot::{Endpoint, EndpointDay, ModelEntry, ProviderEntry, Snapshot};
use chrono::NaiveDate;

/// Maximum number of lines in a chart; more could not be distinguished.
pub const LINES: usize = 5;

/// Number of days that the range of a hit rate covers.
pub const RANGE_DAYS: usize = 7;

/// A row of the table under a drawing: its day or hour, and one cell per column.
#[derive(Debug, Clone)]
struct TableRow {
    head: String,
    cells: Vec<String>,
}

/// What a chart of a model shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfModel {
    HitRate,
    EffectivePrice,
}

impl OfModel {
    pub fn file(self) -> &'static str {
        match self {
            Self::HitRate => "hit-rate.svg",
            Self::EffectivePrice => "effective-price.svg",
        }
    }

    fn subject(self, title: String) -> Subject {
        match self {
            Self::HitRate => Subject {
                id: "chart-hit-rate",
                title,
                unit: "cached share of prompt tokens",
                top: Some(1.0),
                format: format::percent,
            },
            Self::EffectivePrice => Subject {
                id: "chart-price",
                title,
                unit: "USD per million prompt tokens",
                top: None,
                format: format::usd,
            },
        }
    }

    /// Prices in charts are observed, even on days whose hit rate had to be derived from them.
    fn point(self, of: &EndpointDay) -> Point {
        let (value, derived) = match self {
            Self::HitRate => (of.hit_rate, of.basis == Some(Basis::Derived)),
            Self::EffectivePrice => (of.effective_input, false),
        };
        Point { day: of.day, value, derived }
    }
}

/// The days on which a change of an endpoint's list price was observed.
fn steps(snapshot: &Snapshot, model: &ModelEntry, endpoint: &Endpoint) -> Vec<(NaiveDate, String)> {
    let its = snapshot.status.events.iter().filter(|e| {
        e.kind == EventKind::PriceChanged
            && e.model_id.as_deref() == Some(model.model_id.as_str())
            && e.tag.as_deref() == Some(endpoint.tag.as_str())
    });
    its.map(|e| (e.at.date_naive(), e.detail.clone())).collect()
}

/// A chart of endpoints, each with its name and its model; `None` if no day has a value.
pub fn of_endpoints<'a>(
    snapshot: &Snapshot,
    what: OfModel,
    title: String,
    shown: impl Iterator<Item = (String, &'a ModelEntry, &'a Endpoint)>,
) -> Option<DayChart> {
    let series = shown.map(|(name, model, endpoint)| Series {
        name,
        points: endpoint.days.iter().map(|day| what.point(day)).collect(),
        steps: match what {
            OfModel::HitRate => Vec::new(),
            OfModel::EffectivePrice => steps(snapshot, model, endpoint),
        },
    });
    DayChart::new(what.subject(title), &series.collect::<Vec<_>>())
}

/// A chart of a model's busiest endpoints; `None` if no day has a value.
pub fn of_model(snapshot: &Snapshot, model: &ModelEntry, what: OfModel) -> Option<DayChart> {
    let quantity = match what {
        OfModel::HitRate => "hit rate",
        OfModel::EffectivePrice => "effective input price",
    };
    // By their tags, because several endpoints may share a name.
    let shown = model.busiest().into_iter().take(LINES).map(|e| (e.tag.to_string(), model, e));
    let chart = of_endpoints(snapshot, what, format!("{}: {quantity} by day", model.name), shown);
    chart.map(|chart| chart.at(link::model_chart(&model.model_id, what.file())))
}

/// The hit rates of providers by day; `None` if no day has a hit rate.
pub fn of_providers(title: String, shown: &[&ProviderEntry]) -> Option<DayChart> {
    let one = |p: &&ProviderEntry| Series {
        name: p.name.clone(),
        points: p.days.iter().map(|d| Point { day: d.day, value: d.hit_rate, derived: false }).collect(),
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

/// Lowest, mean and highest hit rate of the newest observed days (at most `most`), and the number of those days; `None`
/// with fewer than two.
pub fn range_of_days(days: &[EndpointDay], most: usize) -> Option<(f64, f64, f64, usize)> {
    let rates: Vec<f64> = days
        .iter()
        .rev()
        .filter(|d| d.basis != Some(Basis::Derived))
        .filter_map(|d| d.hit_rate)
        .take(most)
        .collect();
    let low = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let high = rates.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mean = rates.iter().sum::<f64>() / rates.len() as f64;
    (rates.len() >= 2).then_some((low, mean, high, rates.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_of_observed_days_only() {
        let day = |n: u32, hit_rate: Option<f64>, basis: Basis| EndpointDay {
            day: NaiveDate::from_ymd_opt(2026, 8, n).expect("a day"),
            hit_rate,
            basis: Some(basis),
            tokens: None,
            effective_input: None,
            effective_output: None,
            coverage: None,
        };
        let days = [
            day(1, Some(0.1), Basis::Derived),
            day(2, Some(0.4), Basis::Observed),
            day(3, None, Basis::Observed),
            day(4, Some(0.6), Basis::Comparison),
        ];
        assert_eq!(range_of_days(&days, 7), Some((0.4, 0.5, 0.6, 2)));
        assert_eq!(range_of_days(&days[..2], 7), None);
    }
}
