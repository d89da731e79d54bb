//! The interval of a provider's figure a week later on the same models, from how far its effect moved within the window.
//!
//! The usual equations are solved for the change of each cell from the first to the last days of the window. One change
//! is a poor estimate of a provider's own pace, so it is mixed with the mean square over all rated providers.

use super::AnalysisError;
use super::frames::{Row, rows};
use super::intervals::NORMAL_95;
use super::lenses::Gauge;
use super::newest::Latest;
use super::rating::Scale;
use super::standing::Standing;
use super::statistics::mean;
use crate::domain::session::{CostBasis, Pricing};
use crate::domain::thresholds::{LAUNCH_DAYS, NEXT_WEEK_PART_DAYS, NEXT_WEEK_PRIOR};
use crate::domain::tier::Tier;
use crate::domain::tier_list::{DayRange, ProviderTier};
use polars::prelude::DataFrame;
use std::collections::BTreeMap;
use uuid::Uuid;

/// For rates that move like a random walk from day to day: the variance of the difference of two means over 7 days a
/// week apart, 14/3 daily steps, divided by that of two means over 3 days that are four days apart, 3 daily steps.
const STRETCH: f64 = 14.0 / 9.0;

/// An endpoint in one part of the window: means over its observed days, and its last list prices.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    hit_rate: Option<f64>,
    uptime: Option<f64>,
    availability: Option<f64>,
    throughput: Option<f64>,
    latency_ms: Option<f64>,
    /// `None` if conditional prices apply, which the frame does not contain.
    pricing: Option<Pricing>,
}

impl Part {
    /// From the rows of its days, in order; `None` without any.
    fn of(days: &BTreeMap<i64, Row<'_>>) -> Result<Option<Self>, AnalysisError> {
        let Some(last) = days.values().next_back() else { return Ok(None) };
        let over = |name| -> Result<Option<f64>, AnalysisError> {
            let values = days.values().map(|row| row.float(name)).collect::<Result<Vec<_>, _>>()?;
            Ok(mean(values.into_iter().flatten()))
        };
        Ok(Some(Self {
            hit_rate: over("hit_rate")?,
            uptime: over("uptime_1d")?,
            availability: over("availability_1d")?,
            throughput: over("throughput")?,
            latency_ms: over("latency_ms")?,
            pricing: if last.flag("price_tiers")? { None } else { Some(last.pricing()?) },
        }))
    }

    /// The endpoint as it was in this part; what the lenses do not measure is that of the whole window.
    fn standing(&self, whole: &Standing) -> Standing {
        let full = whole.basis.reference.filter(|full| *full > 0.0);
        let retained = |hits: f64| full.map_or(0.0, |full| (hits / full).min(1.0));
        let has_tiers = whole.pricing.as_ref().is_some_and(|pricing| !pricing.tiers.is_empty());
        Standing {
            hit_rate: self.hit_rate,
            uptime: self.uptime,
            availability: self.availability,
            throughput: self.throughput,
            latency_ms: self.latency_ms,
            pricing: self.pricing.clone().filter(|_| !has_tiers).or_else(|| whole.pricing.clone()),
            basis: CostBasis { retention: self.hit_rate.map(retained), ..whole.basis.clone() },
            ..Standing::default()
        }
    }
}

/// The endpoints with observed days in both parts of the window.
pub(super) struct Parts(BTreeMap<Uuid, [Part; 2]>);

impl Parts {
    /// The first and the last [`NEXT_WEEK_PART_DAYS`] of the window; the first days of a model do not count.
    pub fn of(days: &DataFrame, latest: &[Latest], window: DayRange) -> Result<Self, AnalysisError> {
        let [from, to] = [window.from, window.to].map(|day| i64::from(day.to_epoch_days()));
        let parts = [from..from + NEXT_WEEK_PART_DAYS, to + 1 - NEXT_WEEK_PART_DAYS..to + 1];
        if parts[0].end > parts[1].start {
            return Ok(Self(BTreeMap::new()));
        }
        let settled = |l: &Latest| l.model_created_s.map(|at| at.div_euclid(86_400) + LAUNCH_DAYS);
        let settled: BTreeMap<&str, i64> =
            latest.iter().filter_map(|l| Some((l.model.as_str(), settled(l)?))).collect();
        let mut found: BTreeMap<Uuid, [BTreeMap<i64, Row<'_>>; 2]> = BTreeMap::new();
        for row in rows(days) {
            let Some(day) = row.integer("day")? else { continue };
            let Some(part) = parts.iter().position(|part| part.contains(&day)) else { continue };
            let is_new = settled.get(row.text("model")?).is_some_and(|first| day < *first);
            if !is_new && !row.flag("derived")? && row.float("hit_rate")?.is_some() {
                found.entry(row.endpoint("days")?).or_default()[part].insert(day, row);
            }
        }
        let mut both = BTreeMap::new();
        for (endpoint, [first, last]) in &found {
            if let (Some(first), Some(last)) = (Part::of(first)?, Part::of(last)?) {
                both.insert(*endpoint, [first, last]);
            }
        }
        Ok(Self(both))
    }

    /// How far an endpoint moved on the additive scale of a lens; `None` if a part lacks its measure.
    pub fn moved(&self, gauge: &Gauge<'_>, standing: &Standing) -> Option<f64> {
        let read = |part: &Part| gauge.read(&part.standing(standing)).map(|(_, y)| y);
        let [first, last] = self.0.get(&standing.id)?;
        Some(read(last)? - read(first)?)
    }
}

/// The half-width of each interval on the scale of the effects, from how far the effects of the rated providers moved.
fn half_widths(moves: &[Option<f64>]) -> Vec<Option<f64>> {
    let pool = mean(moves.iter().flatten().map(|moved| moved * moved)).unwrap_or(0.0);
    let half = |moved: f64| {
        let square = (NEXT_WEEK_PRIOR * pool + moved * moved) / (NEXT_WEEK_PRIOR + 1.0);
        NORMAL_95 * (STRETCH * square).sqrt()
    };
    moves.iter().map(|moved| moved.map(half)).collect()
}

/// Writes the intervals into the rated rows. `points` are the effects, `moves` how far they moved within the window; all
/// three are in the same order.
pub(super) fn fill_rows(
    rows: &mut [ProviderTier],
    points: &[Option<f64>],
    moves: &[Option<f64>],
    scale: Scale,
) {
    for ((row, point), half) in rows.iter_mut().zip(points).zip(half_widths(moves)) {
        if let Some((point, half)) = point.zip(half).filter(|_| row.tier != Tier::Unrated) {
            (row.next_low, row.next_high) = (scale.value(point - half), scale.value(point + half));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_half_width_is_the_one_worked_out_by_hand() {
        let half = half_widths(&[Some(0.04), None, Some(-0.02)]);
        // The mean square of the moves is 0.001.
        let wanted = |moved: f64| 1.644_854 * (14.0 / 9.0 * (0.003 + moved * moved) / 4.0_f64).sqrt();
        assert!((half[0].expect("moved") - wanted(0.04)).abs() < 1e-6, "{half:?}");
        assert!((half[2].expect("moved") - wanted(0.02)).abs() < 1e-6, "{half:?}");
        assert_eq!(half[1], None);
        assert_eq!(half_widths(&[None, None]), [None, None]);
    }
}
