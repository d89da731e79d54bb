//! All endpoints of the record that the tier lists and verdicts compare, with the references of their models.

use super::Parameters;
use super::cells::Record;
use super::derive::used_hit_rate;
use super::newest::Latest;
use super::reference::{ModelReference, references};
use super::scatter::Scatter;
use super::standing::{Standing, from_cell, from_latest};
use crate::domain::session::CostBasis;
use crate::domain::thresholds::FULL_RECORD_DAYS;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

/// All endpoints of the window and of the newest run.
pub(super) struct Field {
    /// Ordered by endpoint.
    pub standings: Vec<Standing>,
    /// The places of the endpoints of the newest run in `standings`, by model and variant.
    offers: BTreeMap<(String, String), Vec<usize>>,
    /// By canonical slug.
    pub references: Vec<ModelReference>,
    pub as_of: DateTime<Utc>,
    pub observed_days: usize,
    pub provisional: bool,
    /// Whether the newest run's usage covers the UTC day so far.
    pub day_to_date: bool,
    pub record_began_s: i64,
}

impl Field {
    /// Joins the record with the newest run.
    pub fn build(record: &Record, latest: Vec<Latest>, parameters: &Parameters) -> Self {
        let record_began_s = latest.iter().map(|l| l.first_seen_s).min().unwrap_or_default();
        let day_to_date = latest.iter().any(|l| l.day_to_date);
        let mut newest: BTreeMap<Uuid, Latest> = latest.into_iter().map(|l| (l.id, l)).collect();
        let days_needed = if record.provisional { 1 } else { FULL_RECORD_DAYS };
        let seen =
            record.cells.iter().map(|cell| from_cell(cell, newest.remove(&cell.endpoint), days_needed));
        let mut standings: Vec<_> = seen.collect();
        standings.extend(newest.into_values().map(|latest| from_latest(latest, days_needed)));
        standings.sort_by_key(|s| s.id);
        let references = references(&standings);
        set_basis(&mut standings, &references);
        let (observed_days, provisional) = (record.observed_days, record.provisional);
        let as_of = parameters.as_of;
        let mut offers: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (number, one) in standings.iter().enumerate().filter(|(_, one)| one.latest.is_some()) {
            offers.entry((one.model.clone(), one.variant.clone())).or_default().push(number);
        }
        Self { standings, offers, references, as_of, observed_days, provisional, day_to_date, record_began_s }
    }

    /// The reference of a model.
    pub fn reference(&self, model: &str) -> Option<&ModelReference> {
        let found = self.references.binary_search_by(|r| r.model.as_str().cmp(model)).ok()?;
        self.references.get(found)
    }

    /// The endpoints of the newest run with the same model and variant, itself included.
    pub fn rivals(&self, standing: &Standing) -> impl Iterator<Item = &Standing> {
        let at = self.offers.get(&(standing.model.clone(), standing.variant.clone()));
        at.into_iter().flatten().filter_map(|number| self.standings.get(*number))
    }

    /// The cells of the provider lists.
    pub fn cells(&self) -> impl Iterator<Item = &Standing> {
        self.standings.iter().filter(|s| s.counts)
    }
}

fn set_basis(standings: &mut [Standing], references: &[ModelReference]) {
    let by_model: BTreeMap<&str, &ModelReference> =
        references.iter().map(|r| (r.model.as_str(), r)).collect();
    let scatter = Scatter::over(standings.iter().filter_map(|s| s.days.as_ref()));
    for standing in standings {
        let reference = by_model.get(standing.model.as_str());
        let full = reference.map_or(0.0, |r| r.hit_rate);
        let retained = |hits: f64| if full > 0.0 { (hits / full).min(1.0) } else { 0.0 };
        let used = |hits: f64| standing.written.and_then(|w| used_hit_rate(hits, w)).unwrap_or(hits);
        let interval = standing.days.as_ref().and_then(|days| scatter.interval(days));
        standing.basis = CostBasis {
            retention: standing.caching_rate().map(retained),
            retention_low: interval.map(|(low, _)| retained(used(low))),
            retention_high: interval.map(|(_, high)| retained(used(high))),
            reference: reference.map(|r| r.hit_rate),
            reference_basis: reference.map(|r| r.basis),
            efficiency: standing.priced_efficiency(),
            uptime: standing.uptime,
            availability: standing.availability,
        };
    }
}
