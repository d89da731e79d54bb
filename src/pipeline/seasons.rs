//! What follows the clock at each endpoint: read from the record up to the day before, and combined with the published
//! prices.

use crate::analysis::seasons::{ListStep, by_hour, by_weekday, observed};
use crate::domain::season::{PriceSchedule, PriceSource, RateSeason, Seasons, published};
use crate::domain::thresholds::{SEASON_HOUR_DAYS, SEASON_WEEKS};
use crate::domain::window::midnight;
use crate::domain::workload::Workload;
use crate::snapshot::Endpoint;
use crate::store::{Store, StoreError};
use chrono::{DateTime, Days, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What the record shows, by endpoint.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    by_hour: BTreeMap<Uuid, RateSeason>,
    by_weekday: BTreeMap<Uuid, RateSeason>,
    schedules: BTreeMap<Uuid, PriceSchedule>,
}

impl Recorded {
    /// Tests the UTC days before that of `as_of`, with what was known then.
    pub fn read(store: &Store, as_of: DateTime<Utc>) -> Result<Self, StoreError> {
        let today = as_of.date_naive();
        let before = |days: u64| today.checked_sub_days(Days::new(days)).unwrap_or(today);
        let from = before(SEASON_HOUR_DAYS);
        let hourly = store.hourly(midnight(from), midnight(today))?;
        let rates = store.daily_rates(before(7 * SEASON_WEEKS), today, as_of)?;
        let steps = store.list_steps(from, as_of)?;
        let runs = if steps.is_empty() { Vec::new() } else { store.run_times(from, as_of)? };
        let schedule = |(id, steps): (Uuid, Vec<_>)| {
            let steps: Vec<ListStep> =
                steps.into_iter().map(|(from, list)| ListStep { from, list }).collect();
            Some((id, observed(&steps, &runs, as_of)?))
        };
        Ok(Self {
            by_hour: by_hour(&hourly.stretches),
            by_weekday: by_weekday(&rates),
            schedules: steps.into_iter().filter_map(schedule).collect(),
        })
    }

    /// What follows the clock at an endpoint of the snapshot, with the costs of sessions; `None` if nothing does.
    pub fn of(
        &mut self,
        endpoint: &Endpoint,
        workloads: &[Workload],
        as_of: DateTime<Utc>,
    ) -> Option<Seasons> {
        let id = &endpoint.endpoint_id;
        let usual = endpoint.usual_list();
        let of_tiers = published(usual, &endpoint.price_tiers, as_of);
        let mut price_by_time = of_tiers.or_else(|| self.schedules.remove(id));
        if let Some(schedule) = &mut price_by_time {
            if schedule.source != PriceSource::Published {
                // The price of now may be another than that of its period.
                schedule.periods.iter_mut().for_each(|period| period.now &= period.list == endpoint.list);
            }
            for workload in workloads {
                let costs =
                    schedule.costs((usual, &endpoint.price_tiers), workload, &endpoint.cost_basis, as_of);
                for (period, cost) in schedule.periods.iter_mut().zip(costs) {
                    period.session_cost.extend(cost.map(|cost| (workload.name.clone(), cost)));
                }
            }
        }
        let seasons = Seasons {
            by_hour: self.by_hour.remove(id),
            by_weekday: self.by_weekday.remove(id),
            price_by_time,
        };
        (!seasons.is_empty()).then_some(seasons)
    }
}
