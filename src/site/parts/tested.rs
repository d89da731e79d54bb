//! What following the numbers saved in the backtest, and how often the price list misleads.

use super::format;
use super::picks::{self, Misled};
use crate::domain::thresholds::{BACKTEST_TOLD_FROM, LIST_MISLEADS_FROM};
use crate::snapshot::{Policy, Snapshot, TestedDays};

/// The result of the backtest, as numbers for a sentence.
pub struct Tested<'a> {
    pub days: &'a TestedDays,
    /// Number of choices.
    pub choices: String,
    /// The share of the bill that our choices saved compared with what the traffic paid on average; `None` if they saved
    /// nothing.
    pub saved: Option<String>,
    /// The costs compared with perfect hindsight, ours first.
    pub costs: Vec<Cost>,
}

/// A way to choose, and its cost.
pub struct Cost {
    /// The choice, in words.
    pub choice: &'static str,
    /// The extra cost compared with perfect hindsight.
    pub over: String,
    /// The share of that bill that our choices saved; `None` for our own.
    pub saved: Option<String>,
}

/// How often the price list misleads.
pub struct ListErrors {
    pub of: Misled,
    /// Median surcharge over those models.
    pub surcharge: String,
    /// The least surcharge that counts.
    pub least: String,
    /// Title of the workload.
    pub workload: String,
}

/// The policies that the method page compares, ours first.
const COMPARED: [(Policy, &str); 4] = [
    (Policy::Hitrate, "choosing by these numbers"),
    (Policy::Yesterday, "the cheapest host of the day before"),
    (Policy::CheapestList, "the lowest list price"),
    (Policy::TrafficAverage, "what the traffic paid on average"),
];

/// `None` if there were too few choices to report.
pub fn tested(days: &TestedDays) -> Option<Tested<'_>> {
    (days.model_days >= BACKTEST_TOLD_FROM).then_some(())?;
    let cost = |policy: Policy| Some(days.of(policy)?.equal).filter(|cost| *cost > 0.0);
    let ours = cost(Policy::Hitrate)?;
    let saved = |other: f64| 1.0 - ours / other;
    let row = |(policy, choice): (Policy, &'static str)| {
        let other = cost(policy)?;
        let saved = (policy != Policy::Hitrate).then(|| format::percent_tenth(saved(other)));
        Some(Cost { choice, over: format::percent_tenth(other - 1.0), saved })
    };
    let traffic = cost(Policy::TrafficAverage).map(saved);
    Some(Tested {
        days,
        choices: format::grouped(u64::try_from(days.model_days).unwrap_or(u64::MAX)),
        saved: traffic.filter(|saved| *saved > 0.0).map(format::percent_tenth),
        costs: COMPARED.into_iter().filter_map(row).collect(),
    })
}

/// `None` if no model has a choice or none misleads.
pub fn list_errors(snapshot: &Snapshot) -> Option<ListErrors> {
    let of = picks::misled(snapshot)?;
    let [surcharge, least] = [of.median_surcharge, LIST_MISLEADS_FROM].map(format::percent);
    Some(ListErrors { of, surcharge, least, workload: snapshot.default_title() })
}
