//! What a session at an endpoint is expected to cost, which is what preferences rank by.

use crate::domain::thresholds::{ENDPOINT_MIN_TOKENS, POLICY_THIN_CHARGE};
use crate::snapshot::Endpoint;

/// Name of the workload "what its traffic is": the mix that the backtest charges, a million prompt tokens with their
/// output. Its cost is what the policy `hitrate` expects of tomorrow.
pub const TRAFFIC: &str = "traffic";

/// Where the policy's charge for thin traffic is nothing, tokens a day.
const UNCHARGED_TOKENS: f64 = 1e9;

/// However seldom a request gets through, its session is not counted as more often paid than this.
const MOST_ATTEMPTS: f64 = 2.0;

/// Cost of a session, USD, nothing charged; of a million prompt tokens with their output under [`TRAFFIC`].
pub(super) fn session_cost(endpoint: &Endpoint, workload: &str) -> Option<f64> {
    let cost = match workload {
        TRAFFIC => endpoint.expected_cost.map(|expected| expected.usd_per_mtok),
        _ => endpoint.session_cost.get(workload).copied(),
    };
    cost.filter(|cost| cost.is_finite() && *cost >= 0.0)
}

/// What preferences rank by, USD a session, lowest first: cost x thin x attempts.
///
/// - *cost* is that of the session under the workload; under [`TRAFFIC`] the policy's expectation of tomorrow.
/// - *thin* is the policy's charge for uncertainty (`chosen_by` over the expectation): endpoints with little traffic,
///   whose past says least about tomorrow, must be cheaper to win. Without an expectation the traffic counts as
///   `endpoint_min_tokens`.
/// - *attempts* is 1 over the published uptime of a day, at most 2, under [`TRAFFIC`]: a failed request is paid again.
///   The cost of a workload holds its failures already. Where no uptime is published nothing is charged.
///
/// Under [`TRAFFIC`], with all endpoints up, the order is the policy's own. `None` where the cost is not known.
pub fn expected_cost(endpoint: &Endpoint, workload: &str) -> Option<f64> {
    let thin = endpoint.expected_cost.map(|expected| expected.chosen_by / expected.usd_per_mtok);
    let unknown = (POLICY_THIN_CHARGE * (UNCHARGED_TOKENS / ENDPOINT_MIN_TOKENS).ln()).exp();
    let thin = thin.filter(|thin| thin.is_finite() && *thin > 0.0).unwrap_or(unknown);
    let up = endpoint.uptime_1d.or(endpoint.uptime_30m).filter(|_| workload == TRAFFIC);
    let attempts = up.map_or(1.0, |up| (1.0 / up.max(0.0)).clamp(1.0, MOST_ATTEMPTS));
    session_cost(endpoint, workload).map(|cost| cost * thin * attempts)
}
