//! Session costs against the cost at the start or at the last notice.

use super::matching::watches_endpoint;
use super::state::{Level, RuleState};
use super::write::{Found, model_path};
use crate::config::Rule;
use crate::domain::format::usd;
use crate::snapshot::Snapshot;
use crate::wording::following::movement;

/// What a cost does against a level.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// It is not worth a notice.
    Quiet,
    /// It rose by the threshold over this cost.
    Rose(f64),
}

impl Level {
    /// The level at the start.
    pub fn at(cost: f64) -> Self {
        Self { base: cost, reported: None }
    }

    /// Compares a cost with the level, and remembers it. A rise by `percent` over the base is reported once. After that, a
    /// further rise by `percent` over the reported cost is reported, or, once the cost has fallen back to at most half of
    /// the threshold above the base, a new rise over the base.
    pub fn step(&mut self, cost: f64, percent: f64) -> Step {
        const ROUNDING: f64 = 1e-9;
        if self.reported.is_some() && cost <= self.base * (1.0 + percent / 200.0) {
            self.reported = None;
        }
        let against = self.reported.unwrap_or(self.base);
        // A percentage of nothing is nothing.
        if against > 0.0 && cost >= against * (1.0 + percent / 100.0) - ROUNDING * against {
            self.reported = Some(cost);
            return Step::Rose(against);
        }
        Step::Quiet
    }
}

/// The rises of session costs in a snapshot. An endpoint that is seen for the first time sets its level; an endpoint
/// without a cost keeps the level that it had. `is_start` sets levels only.
pub fn rises(rule: &Rule, snapshot: &Snapshot, state: &mut RuleState, is_start: bool) -> Vec<Found> {
    let Some(percent) = rule.session_cost_rise else { return Vec::new() };
    let workload = rule.workload();
    let mut found = Vec::new();
    for model in &snapshot.models {
        for endpoint in &model.endpoints {
            let id = endpoint.endpoint_id.to_string();
            let names = (model.model_id.as_str(), model.slug.as_str());
            let own = (endpoint.provider.as_str(), endpoint.tag.as_str(), id.as_str());
            let Some(cost) = endpoint.session_cost.get(workload).copied().filter(|cost| cost.is_finite())
            else {
                continue;
            };
            if !watches_endpoint(rule, names, own) {
                continue;
            }
            let key = format!("{}@{id}", model.model_id);
            let known = state.costs.contains_key(&key) && !is_start;
            let level = state.costs.entry(key.clone()).or_insert_with(|| Level::at(cost));
            if !known {
                *level = Level::at(cost);
                continue;
            }
            if let Step::Rose(against) = level.step(cost, percent) {
                let about = format!("{} at {}", model.model_id, endpoint.tag);
                let change = (cost / against - 1.0) * 100.0;
                found.push(Found {
                    key: format!("session {workload} {key} {against:.9} {cost:.9}"),
                    title: format!("Session cost of {about} {}: {} → {}", movement(None, change), usd(against), usd(cost)),
                    lines: vec![
                        format!(
                            "A session of the workload {workload} cost {} at the start or at the last notice, and costs {} at the usual list prices now.",
                            usd(against),
                            usd(cost)
                        ),
                        format!("The rule reports rises by {percent} %; the next one is a rise above {}.", usd(cost * (1.0 + percent / 100.0))),
                    ],
                    path: Some(model_path(&model.model_id)),
                    changes: Vec::new(),
                    is_worse: true,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_is_reported_once_and_again_only_after_recovery_or_a_further_rise() {
        let mut level = Level::at(1.0);
        let mut steps = Vec::new();
        for cost in [1.0, 1.19, 1.2, 1.25, 1.3, 1.2, 1.11, 1.22, 1.10, 1.21, 1.46, 1.0, 1.2] {
            if let Step::Rose(against) = level.step(cost, 20.0) {
                steps.push((cost, against));
            }
        }
        assert_eq!(steps, [(1.2, 1.0), (1.21, 1.0), (1.46, 1.21), (1.2, 1.0)]);
        let mut free = Level::at(0.0);
        assert_eq!(free.step(5.0, 20.0), Step::Quiet);
    }
}
