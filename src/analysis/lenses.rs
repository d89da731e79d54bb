//! The measure of each lens, and the scale on which its effects are additive.

use super::field::Field;
use super::standing::Standing;
use crate::domain::tier::Lens;
use crate::domain::tier_list::Reliability;
use crate::domain::workload::{Room, Workload};
use chrono::{DateTime, Utc};

/// Bounds for log-odds: a day without a failure is not infinitely good.
const RELIABILITY_BOUNDS: (f64, f64) = (0.0005, 0.9995);

impl Reliability {
    /// Depends on what the newest run publishes for any endpoint, so that no list mixes two measures.
    pub(super) fn of(field: &Field) -> Self {
        let published = |has: fn(&super::newest::Latest) -> bool| {
            field.standings.iter().filter_map(|s| s.latest.as_ref()).any(has)
        };
        if published(|l| l.availability_1d.is_some()) {
            Self::Availability
        } else if published(|l| l.uptime_1d.is_some()) {
            Self::Uptime
        } else {
            Self::NotPublished
        }
    }

    /// The measure of an endpoint, fraction.
    pub(super) fn measure(self, standing: &Standing) -> Option<f64> {
        match self {
            Self::Availability => standing.availability,
            Self::Uptime => standing.uptime,
            Self::NotPublished => None,
        }
    }
}

/// A lens with the parameters of its measure.
pub(super) struct Gauge<'a> {
    pub lens: Lens,
    pub workload: &'a Workload,
    pub reliability: Reliability,
    pub as_of: DateTime<Utc>,
}

impl Gauge<'_> {
    /// The lengths that an endpoint has to accept; only `cost` requires any.
    pub fn room(&self) -> Room {
        if self.lens == Lens::Cost { Room::of(self.workload) } else { Room::default() }
    }

    /// The lens's raw measure and its value `y` on the additive scale; `None` if the endpoint has no data for it.
    /// Always `None` for `overall`, which combines the other lenses.
    pub fn read(&self, standing: &Standing) -> Option<(f64, f64)> {
        match self.lens {
            Lens::Cache => standing.hit_rate.map(|h| (h, h)),
            Lens::Cost => positive(standing.cost(self.workload, self.as_of)).map(|cost| (cost, cost.ln())),
            Lens::Reliability => self.reliability.measure(standing).map(|share| (share, log_odds(share))),
            Lens::Speed => {
                let (speed, wait) = (positive(standing.throughput)?, positive(standing.latency_ms)?);
                Some((speed, 0.5 * speed.ln() - 0.5 * wait.ln()))
            }
            Lens::Overall => None,
        }
    }
}

fn positive(value: Option<f64>) -> Option<f64> {
    value.filter(|v| *v > 0.0)
}

fn log_odds(share: f64) -> f64 {
    let share = share.clamp(RELIABILITY_BOUNDS.0, RELIABILITY_BOUNDS.1);
    (share / (1.0 - share)).ln()
}
