//! What a preference changes in speed, compared with what the traffic gets.

use super::judge::Judged;
use super::openrouter::ProviderObject;
use super::saving::{is_used, population};
use crate::domain::thresholds::SAVING_MIN_TRAFFIC;
use crate::snapshot::Endpoint;
use crate::wording::preferences::Pace;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How fast the endpoints of a preference answer, and how fast those of the traffic: means of the published medians,
/// weighted by traffic. A figure is null if it is not published for endpoints with enough of the traffic.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Speed {
    /// Time to first token with the preference, milliseconds.
    pub latency_ms: Option<f64>,
    /// Time to first token over the traffic of the model, milliseconds.
    pub traffic_latency_ms: Option<f64>,
    /// Output speed with the preference, tokens a second.
    pub throughput: Option<f64>,
    /// Output speed over the traffic of the model, tokens a second.
    pub traffic_throughput: Option<f64>,
    /// The comparison in words; null if nothing can be compared.
    pub text: Option<String>,
}

/// The speed of a preference within the same limits.
pub(super) fn speed(provider: &ProviderObject, judged: &[Judged]) -> Speed {
    let all: Vec<&Endpoint> = population(judged).into_iter().map(|j| j.endpoint).collect();
    let own: Vec<&Endpoint> = all.iter().copied().filter(|endpoint| is_used(provider, endpoint)).collect();
    let of = |figure: fn(&Endpoint) -> Option<f64>| (mean(&own, figure), mean(&all, figure));
    let latency = of(|endpoint| endpoint.latency_ms);
    let throughput = of(|endpoint| endpoint.throughput);
    let pair = |(own, traffic): (Option<f64>, Option<f64>)| own.zip(traffic);
    Speed {
        latency_ms: latency.0,
        traffic_latency_ms: latency.1,
        throughput: throughput.0,
        traffic_throughput: throughput.1,
        text: Pace::new(pair(latency), pair(throughput)).map(|pace| pace.to_string()),
    }
}

/// The mean of a figure, weighted by traffic; of a single endpoint, its own.
fn mean(endpoints: &[&Endpoint], figure: fn(&Endpoint) -> Option<f64>) -> Option<f64> {
    let known = |endpoint: &Endpoint| figure(endpoint).filter(|value| value.is_finite() && *value > 0.0);
    if let [only] = endpoints {
        return known(only);
    }
    let total: f64 = endpoints.iter().filter_map(|endpoint| endpoint.tokens_per_day).sum();
    let (mut tokens, mut sum) = (0.0, 0.0);
    for (value, weight) in endpoints.iter().filter_map(|one| known(one).zip(one.tokens_per_day)) {
        tokens += weight;
        sum += weight * value;
    }
    (tokens > 0.0 && tokens >= SAVING_MIN_TRAFFIC * total).then(|| sum / tokens)
}
