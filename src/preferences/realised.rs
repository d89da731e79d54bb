//! Counts what preferences were worth: each one is charged what its endpoints were paid on the day after and a week later,
//! and its expected saving and the intervals are compared with that.

use super::answer::preference;
use super::charge::{Choices, Paid, PaidDay, is_busy, price_of, traffic_average};
use super::saving::Compared;
use super::{Mode, Preference};
use crate::domain::backtest::Policy;
use crate::domain::thresholds::BACKTEST_MIN_TOKENS;
use crate::snapshot::{ModelEntry, Snapshot};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Requirement for the intervals of the saving against the traffic: the share that contains what was realised.
pub const INTERVAL_BOUNDS: (f64, f64) = (0.85, 0.95);

/// A share of fewer intervals than this is not compared with the requirement.
pub const INTERVAL_MIN_CASES: usize = 100;

/// A preference that cost more than this multiple of the traffic's average counts as more expensive.
const MORE_EXPENSIVE: f64 = 1.05;

/// How many intervals contain what was realised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Contained {
    /// Number of intervals. An interval without a width does not count: what it compares is the same on both sides.
    pub intervals: usize,
    /// Those that contain what was realised.
    pub contained: usize,
    /// `contained` divided by `intervals`; null without any.
    pub share: Option<f64>,
}

impl Contained {
    fn see(&mut self, interval: Option<(f64, f64)>, realised: Option<f64>) {
        let wide = interval.filter(|(low, high)| low < high);
        if let Some(((low, high), realised)) = wide.zip(realised) {
            self.intervals += 1;
            self.contained += usize::from((low..=high).contains(&realised));
            self.share = Some(self.contained as f64 / self.intervals as f64);
        }
    }
}

/// How many intervals contain what was realised, by the distance of the later day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Horizons {
    /// One day after the preference was made.
    pub day_after: Contained,
    /// Seven days after.
    pub week_later: Contained,
}

impl Horizons {
    fn see(&mut self, interval: Option<(f64, f64)>, [day_after, week_later]: [Option<f64>; 2]) {
        self.day_after.see(interval, day_after);
        self.week_later.see(interval, week_later);
    }
}

/// What the preferences of one mode were worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModeReport {
    /// The mode.
    pub mode: Mode,
    /// Model-days with a preference.
    pub given: usize,
    /// Model-days without one, because there is none or it is withheld.
    pub none: usize,
    /// Those of `given` whose endpoints have a price on the day after.
    pub charged: usize,
    /// Expected saving against the traffic's average: one minus the geometric mean of the cost ratios over `charged`.
    pub expected_saving: Option<f64>,
    /// The saving realised on the day after, likewise.
    pub realised_saving: Option<f64>,
    /// The same over all model-days; one without a preference costs what the traffic paid.
    pub realised_over_all: Option<f64>,
    /// Share of `charged` that cost over 5 % more than the traffic paid.
    pub over_5_percent: Option<f64>,
    /// The intervals of the saving against the traffic's average.
    pub against_traffic_average: Horizons,
    /// The intervals of the saving against the lowest list price.
    pub against_cheapest_list: Horizons,
}

/// What a way of choosing cost on the day after, relative to the cheapest of that day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChoiceCost {
    /// A mode of preferences, or a policy of the backtest.
    pub name: String,
    /// Model-days on which its cost is known and two endpoints with enough traffic have a price. A model-day without a
    /// preference costs what the traffic paid.
    pub model_days: usize,
    /// Geometric mean of its cost divided by that of the cheapest of these endpoints; null without any.
    pub cost: Option<f64>,
}

/// What preferences were worth on later days.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PreferenceReport {
    /// First day on which preferences were made; null without any.
    pub from: Option<NaiveDate>,
    /// Last such day; null without any.
    pub to: Option<NaiveDate>,
    /// Number of such days.
    pub days: usize,
    /// The workload that the preferences rank by.
    pub workload: String,
    /// Models of the standard variant with enough traffic, at least two endpoints with traffic, and prices on the day
    /// after; summed over the days.
    pub model_days: usize,
    /// Model-days that are left out because no endpoint has a price on the day after.
    pub unpriced: usize,
    /// One row per mode.
    pub modes: Vec<ModeReport>,
    /// One row per mode, then those of the lowest list price and of the traffic.
    pub relative_to_cheapest: Vec<ChoiceCost>,
    /// The intervals of the expected cost of endpoints with enough traffic for the backtest.
    pub expected_costs: Horizons,
    /// Whether the intervals against the traffic contain what was realised in 85 to 95 % of the cases, for every mode and
    /// distance with at least 100 cases; null if there is none.
    pub holds: Option<bool>,
}

/// A geometric mean of cost ratios.
#[derive(Debug, Clone, Copy, Default)]
struct Ratios {
    logs: f64,
    count: usize,
}

impl Ratios {
    fn see(&mut self, cost: Option<f64>, reference: Option<f64>) {
        if let Some((cost, reference)) = cost.zip(reference) {
            self.logs += (cost / reference).ln();
            self.count += 1;
        }
    }

    fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| (self.logs / self.count as f64).exp())
    }

    fn saving(self) -> Option<f64> {
        self.mean().map(|mean| 1.0 - mean)
    }
}

/// The counts of one mode.
#[derive(Debug, Clone, Copy, Default)]
struct ModeCount {
    given: usize,
    none: usize,
    more_expensive: usize,
    expected: Ratios,
    realised: Ratios,
    over_all: Ratios,
    to_cheapest: Ratios,
    against_traffic: Horizons,
    against_list: Horizons,
}

impl ModeCount {
    /// Adds a preference, given what was paid on the day after and a week later. Returns what following it cost on the day
    /// after; `None` if that is unknown.
    fn see(&mut self, made: &Preference, choices: &Choices<'_>, paid: [&[Paid]; 2]) -> Option<f64> {
        let traffic = paid.map(traffic_average);
        let Some(provider) = &made.provider else {
            self.none += 1;
            self.over_all.see(traffic[0], traffic[0]);
            return traffic[0];
        };
        self.given += 1;
        let own = paid.map(|paid| choices.preference(provider, paid));
        let lowest = paid.map(|paid| choices.lowest_list(paid));
        let saved = |other: [Option<f64>; 2]| {
            [0, 1].map(|at| own[at].zip(other[at]).map(|(own, other)| 1.0 - own / other))
        };
        let interval = |compared: &Compared| compared.low.zip(compared.high);
        let expected = &made.saving.against_traffic_average;
        self.against_traffic.see(interval(expected), saved(traffic));
        self.against_list.see(interval(&made.saving.against_cheapest_list), saved(lowest));
        let (own, traffic) = own[0].zip(traffic[0])?;
        self.realised.see(Some(own), Some(traffic));
        self.over_all.see(Some(own), Some(traffic));
        self.expected.see(expected.fraction.map(|fraction| 1.0 - fraction), Some(1.0));
        self.more_expensive += usize::from(own > MORE_EXPENSIVE * traffic);
        Some(own)
    }

    fn report(&self, mode: Mode) -> ModeReport {
        let charged = self.realised.count;
        ModeReport {
            mode,
            given: self.given,
            none: self.none,
            charged,
            expected_saving: self.expected.saving(),
            realised_saving: self.realised.saving(),
            realised_over_all: self.over_all.saving(),
            over_5_percent: (charged > 0).then(|| self.more_expensive as f64 / charged as f64),
            against_traffic_average: self.against_traffic,
            against_cheapest_list: self.against_list,
        }
    }
}

/// Counts day by day what preferences were worth.
#[derive(Debug, Clone)]
pub struct PreferenceCount {
    /// The days so far; the modes are added by [`PreferenceCount::report`].
    counted: PreferenceReport,
    modes: [ModeCount; Mode::OFFERED.len()],
    lowest_list: Ratios,
    traffic: Ratios,
}

impl PreferenceCount {
    /// Counts preferences that rank by a workload.
    pub fn of(workload: &str) -> Self {
        Self {
            counted: PreferenceReport { workload: workload.to_owned(), ..PreferenceReport::default() },
            modes: Default::default(),
            lowest_list: Ratios::default(),
            traffic: Ratios::default(),
        }
    }

    /// Adds the preferences of a snapshot, which is the last one of its UTC day; days must be in order. `week_later` is
    /// `None` as long as that day has no prices.
    pub fn see(&mut self, snapshot: &Snapshot, day_after: &PaidDay, week_later: Option<&PaidDay>) {
        let day = snapshot.as_of.date_naive();
        self.counted.from = self.counted.from.or(Some(day));
        self.counted.to = Some(day);
        self.counted.days += 1;
        for model in snapshot.models.iter().filter(|model| model.variant.is_standard()) {
            let paid =
                [Some(day_after), week_later].map(|day| day.map(|day| day.of(model)).unwrap_or_default());
            for endpoint in model.endpoints.iter().filter(|endpoint| is_busy(endpoint)) {
                let interval = endpoint.expected_cost.and_then(|expected| expected.low.zip(expected.high));
                self.counted.expected_costs.see(interval, paid.map(|paid| price_of(endpoint, paid)));
            }
            if has_choice(model) {
                self.model_day(snapshot, model, paid);
            }
        }
    }

    fn model_day(&mut self, snapshot: &Snapshot, model: &ModelEntry, paid: [&[Paid]; 2]) {
        let Some(traffic) = traffic_average(paid[0]) else {
            self.counted.unpriced += 1;
            return;
        };
        self.counted.model_days += 1;
        let workload = self.counted.workload.as_str();
        let choices = Choices::of(snapshot, model, workload);
        let cheapest = choices.cheapest(paid[0]);
        for (mode, count) in Mode::OFFERED.into_iter().zip(&mut self.modes) {
            let made = preference(snapshot, model, mode, workload, snapshot.as_of);
            let own = count.see(&made, &choices, paid);
            count.to_cheapest.see(own, cheapest);
        }
        self.lowest_list.see(choices.lowest_list(paid[0]), cheapest);
        self.traffic.see(Some(traffic), cheapest);
    }

    /// The result of the count.
    pub fn report(&self) -> PreferenceReport {
        let counts = || Mode::OFFERED.into_iter().zip(&self.modes);
        let modes: Vec<ModeReport> = counts().map(|(mode, count)| count.report(mode)).collect();
        let cost = |(name, ratios): (&str, Ratios)| ChoiceCost {
            name: name.to_owned(),
            model_days: ratios.count,
            cost: ratios.mean(),
        };
        let policies = [(Policy::CheapestList, self.lowest_list), (Policy::TrafficAverage, self.traffic)];
        let preferences = counts().map(|(mode, count)| (mode.as_str(), count.to_cheapest));
        let choices = preferences.chain(policies.map(|(policy, ratios)| (policy.as_str(), ratios)));
        PreferenceReport {
            holds: holds(&modes),
            relative_to_cheapest: choices.map(cost).collect(),
            modes,
            ..self.counted.clone()
        }
    }
}

/// Whether a model counts: it has the traffic, and two endpoints with some of it.
fn has_choice(model: &ModelEntry) -> bool {
    let used = model.endpoints.iter().filter(|one| one.tokens_per_day.is_some_and(|tokens| tokens > 0.0));
    model.tokens_per_day >= BACKTEST_MIN_TOKENS && used.count() > 1
}

fn holds(modes: &[ModeReport]) -> Option<bool> {
    let (low, high) = INTERVAL_BOUNDS;
    let of =
        |mode: &ModeReport| [mode.against_traffic_average.day_after, mode.against_traffic_average.week_later];
    let enough = modes.iter().flat_map(of).filter(|one| one.intervals >= INTERVAL_MIN_CASES);
    let shares: Vec<f64> = enough.filter_map(|one| one.share).collect();
    (!shares.is_empty()).then(|| shares.iter().all(|share| (low..=high).contains(share)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contained(intervals: usize, contained: usize) -> Contained {
        Contained { intervals, contained, share: Some(contained as f64 / intervals as f64) }
    }

    #[test]
    fn an_interval_contains_its_ends_and_counts_only_with_a_width_and_a_price() {
        let mut found = Contained::default();
        for realised in [0.1, 0.2, 0.3, 0.31] {
            found.see(Some((0.1, 0.3)), Some(realised));
        }
        assert_eq!(found, contained(4, 3));
        found.see(Some((0.1, 0.1)), Some(0.1));
        found.see(None, Some(0.1));
        found.see(Some((0.1, 0.3)), None);
        assert_eq!(found.intervals, 4);
    }

    #[test]
    fn a_share_is_compared_with_the_requirement_from_enough_cases_on() {
        let mode = |day_after, week_later| ModeReport {
            against_traffic_average: Horizons { day_after, week_later },
            ..ModeCount::default().report(Mode::Pin)
        };
        let (few, none) = (contained(INTERVAL_MIN_CASES - 1, 0), Contained::default());
        assert_eq!(holds(&[mode(few, none)]), None);
        assert_eq!(holds(&[mode(contained(100, 85), few)]), Some(true));
        assert_eq!(holds(&[mode(contained(100, 95), none), mode(contained(200, 180), none)]), Some(true));
        assert_eq!(holds(&[mode(contained(100, 90), contained(100, 84))]), Some(false));
        assert_eq!(holds(&[mode(contained(100, 96), none)]), Some(false));
    }

    #[test]
    fn the_mean_of_ratios_is_geometric() {
        let mut ratios = Ratios::default();
        ratios.see(Some(1.0), Some(2.0));
        ratios.see(Some(4.0), Some(2.0));
        ratios.see(None, Some(2.0));
        assert!(ratios.count == 2 && ratios.mean().is_some_and(|mean| (mean - 1.0).abs() < 1e-12));
        assert_eq!(Ratios::default().saving(), None);
    }
}
