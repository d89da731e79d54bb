//! What a session costs by time of the week, if list prices follow it.

use crate::domain::season::WeekSpan;
use crate::domain::workload::Workload;
use crate::snapshot::Endpoint;
use crate::wording::seasons;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// The cost of a session in one period of a price schedule.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PeriodCost {
    /// When the period is.
    pub times: Vec<WeekSpan>,
    /// Cost of the session at the list prices of the period and the usual hit rate, USD; null if prices or caching are
    /// unknown.
    pub cost: Option<f64>,
    /// Whether it is now.
    pub now: bool,
}

/// The periods of an endpoint, cheapest input price first; empty if its list prices do not follow the clock.
pub(super) fn by_time(endpoint: &Endpoint, workload: &Workload, as_of: DateTime<Utc>) -> Vec<PeriodCost> {
    let schedule = endpoint.seasons.as_ref().and_then(|seasons| seasons.price_by_time.as_ref());
    let Some(schedule) = schedule else { return Vec::new() };
    let prices = (endpoint.usual_list(), endpoint.price_tiers.as_slice());
    let costs = schedule.costs(prices, workload, &endpoint.cost_basis, as_of);
    let period = |(period, cost): (&crate::domain::season::PricePeriod, Option<f64>)| PeriodCost {
        times: period.times.clone(),
        cost,
        now: period.now,
    };
    schedule.periods.iter().zip(costs).map(period).collect()
}

/// The costs of the periods of an endpoint in words; `None` if they do not differ.
pub fn in_words(periods: &[PeriodCost]) -> Option<String> {
    let words = |times: &[WeekSpan]| times.iter().map(WeekSpan::words).collect::<Vec<_>>().join("; ");
    let known = periods.iter().filter_map(|one| Some((one.cost?, words(&one.times), one.now)));
    seasons::session_by_time(&known.collect::<Vec<_>>())
}

/// The periods of an endpoint as a note; `None` if their costs do not differ.
pub(super) fn note(endpoint: &Endpoint, workload: &Workload, as_of: DateTime<Utc>) -> Option<String> {
    let costs = in_words(&by_time(endpoint, workload, as_of))?;
    Some(format!("a session at {} costs {costs}", endpoint.tag))
}
