//! The expected cost of a session at an endpoint, which preferences rank by.

use crate::domain::thresholds::{ENDPOINT_MIN_TOKENS, POLICY_THIN_CHARGE, POLICY_UNCHARGED_TOKENS};
use crate::snapshot::Endpoint;

/// Name of the workload that represents an endpoint's actual traffic: the mix that the backtest charges, a million
/// prompt tokens with their output. Its cost is the one that the policy `hitrate` expects from what is known now.
pub const TRAFFIC: &str = "traffic";

/// However rarely requests succeed, a session counts as paid at most this many times.
const MOST_ATTEMPTS: f64 = 2.0;

/// Cost of a session without charges, at the list prices of now, USD; at the usual ones if that of now is unknown. Under
/// [`TRAFFIC`], of a million prompt tokens with their output.
pub(super) fn session_cost(endpoint: &Endpoint, workload: &str) -> Option<f64> {
    let now = endpoint.session_cost_now.get(workload).copied().filter(|_| workload != TRAFFIC);
    now.filter(|cost| is_cost(*cost)).or_else(|| usual_cost(endpoint, workload))
}

/// The same at the usual list prices, which tiers are based on; under [`TRAFFIC`], that of now.
pub(super) fn usual_cost(endpoint: &Endpoint, workload: &str) -> Option<f64> {
    let cost = match workload {
        TRAFFIC => endpoint.expected_cost.map(|expected| expected.usd_per_mtok),
        _ => endpoint.session_cost.get(workload).copied(),
    };
    cost.filter(|cost| is_cost(*cost))
}

fn is_cost(cost: f64) -> bool {
    cost.is_finite() && cost >= 0.0
}

/// The cost that preferences rank by, USD per session, lowest first: cost x thin x attempts.
///
/// - *cost* is the cost of the session under the workload, at the list prices of now; under [`TRAFFIC`], the policy's
///   expectation from what is known now.
/// - *thin* is the policy's charge for uncertainty (`chosen_by` over the expectation): endpoints with little traffic,
///   whose past predicts the future least well, must be cheaper to win. Without an expectation, the traffic counts as
///   `endpoint_min_tokens`.
/// - *attempts* applies under [`TRAFFIC`]. It is 1 divided by the published uptime of a day, at most 2, because a
///   failed request is paid again. The cost of a workload already includes its failures. If no uptime is published,
///   there is no charge.
///
/// Under [`TRAFFIC`], with all endpoints up, the order is the policy's own. `None` if the cost is unknown.
pub fn expected_cost(endpoint: &Endpoint, workload: &str) -> Option<f64> {
    let thin = endpoint.expected_cost.map(|expected| expected.chosen_by / expected.usd_per_mtok);
    let unknown = (POLICY_THIN_CHARGE * (POLICY_UNCHARGED_TOKENS / ENDPOINT_MIN_TOKENS).ln()).exp();
    let thin = thin.filter(|thin| thin.is_finite() && *thin > 0.0).unwrap_or(unknown);
    let up = endpoint.uptime_1d.or(endpoint.uptime_30m).filter(|_| workload == TRAFFIC);
    let attempts = up.map_or(1.0, |up| (1.0 / up.max(0.0)).clamp(1.0, MOST_ATTEMPTS));
    session_cost(endpoint, workload).map(|cost| cost * thin * attempts)
}
