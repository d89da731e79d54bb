//! What each policy's choice of an endpoint costs, compared with the best choice.

use crate::domain::backtest::{Policy, PolicyCost};

/// Scores within this relative difference count as equal: the choice between them is random, so their mean is charged.
const EQUAL: f64 = 1e-9;

/// An endpoint that can be chosen.
pub(super) struct Candidate {
    /// Its weight in the traffic, tokens.
    pub tokens: f64,
    /// What choosing it costs, USD per million prompt tokens with their output.
    pub charged: f64,
    /// Its score under each policy, lowest is best; infinite if the policy knows nothing of it.
    pub scores: Vec<f64>,
}

/// What the policies paid for one choice, relative to the oracle.
#[derive(Debug, PartialEq)]
pub(super) struct Paid {
    /// Tokens of all candidates.
    pub tokens: f64,
    log_ratios: Vec<f64>,
}

/// What each policy pays for its choice.
pub(super) fn choose(policies: &[Policy], candidates: &[Candidate]) -> Paid {
    let oracle = candidates.iter().map(|candidate| candidate.charged.ln()).fold(f64::INFINITY, f64::min);
    let total: f64 = candidates.iter().map(|candidate| candidate.tokens).sum();
    let paid = |(at, policy): (usize, &Policy)| match policy {
        Policy::Oracle => oracle,
        Policy::TrafficAverage => {
            let sum: f64 = candidates.iter().map(|candidate| candidate.charged * candidate.tokens).sum();
            (sum / total).ln()
        }
        _ => chosen(candidates, at),
    };
    let log_ratios = policies.iter().enumerate().map(|each| paid(each) - oracle).collect();
    Paid { tokens: total, log_ratios }
}

/// Log cost of the endpoint that the policy at a position chooses. If endpoints are equal or the policy knows nothing
/// about any, their mean.
fn chosen(candidates: &[Candidate], at: usize) -> f64 {
    let score = |candidate: &Candidate| candidate.scores.get(at).copied().unwrap_or(f64::INFINITY);
    let best = candidates.iter().map(score).fold(f64::INFINITY, f64::min);
    let limit = best + EQUAL * best.abs();
    let equal = candidates.iter().filter(|candidate| score(candidate) <= limit || best.is_infinite());
    let (sum, count) =
        equal.fold((0.0, 0.0), |(sum, count), candidate| (sum + candidate.charged.ln(), count + 1.0));
    sum / count
}

/// The cost of each policy over all choices.
pub(super) fn costs(policies: &[Policy], choices: &[&Paid]) -> Vec<PolicyCost> {
    let mean = |at: usize, weight: fn(f64) -> f64| {
        let (sum, weights) = choices.iter().fold((0.0, 0.0), |(sum, weights), choice| {
            let weight = weight(choice.tokens);
            (sum + weight * choice.log_ratios[at], weights + weight)
        });
        (sum / weights).exp()
    };
    let row = |(at, policy): (usize, &Policy)| PolicyCost {
        policy: *policy,
        equal: mean(at, |_| 1.0),
        sqrt_tokens: mean(at, f64::sqrt),
        tokens: mean(at, |tokens| tokens),
    };
    policies.iter().enumerate().map(row).collect()
}
