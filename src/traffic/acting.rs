//! Acting on own traffic: a workload fitted to it, and a snapshot whose endpoints keep what they kept for the user.

use super::estimate::Sums;
use super::report::public::candidates;
use super::report::{By, Question, count, scope, served};
use crate::domain::format::percent;
use crate::domain::session::{Pricing, session_cost};
use crate::domain::workload::Workload;
use crate::request_log::{Fit, FitError, Request, SessionKind, fit};
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::store::answers::RateRow;
use crate::store::{OwnCall, StoreError, TrafficStore};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

/// Name of the workload that is fitted to own traffic.
pub const MINE: &str = "mine";

/// The public retention counts as much as this many sessions of the user.
const PRIOR_SESSIONS: f64 = 20.0;
/// With fewer sessions at an endpoint, its public retention is used.
const FEWEST_SESSIONS: f64 = 5.0;

/// The key of a model in the store: its slug, for a variant other than `standard` its id.
pub fn model_key(model: &ModelEntry) -> String {
    if model.variant.is_standard() { model.slug.to_string() } else { model.model_id.clone() }
}

/// Fits the workload `mine` to the user's calls.
///
/// # Errors
/// [`FitError::Nothing`] if no call was answered with prompt tokens.
pub fn fit_mine(calls: &[OwnCall]) -> Result<Fit, FitError> {
    let requests: Vec<Request> =
        calls.iter().enumerate().filter_map(|(place, call)| request(place, call)).collect();
    fit(&requests, MINE)
}

fn request(place: usize, call: &OwnCall) -> Option<Request> {
    let is_answered = !call.gateway_cache_hit && !call.status.is_failure();
    let prompt = call.tokens.prompt().filter(|prompt| *prompt > 0 && is_answered)?;
    let is_session =
        matches!(call.session_kind, SessionKind::Given | SessionKind::File | SessionKind::Guessed);
    Some(Request {
        line: place as u64 + 1,
        session: call.session.clone().filter(|_| is_session),
        has_own_session: call.session_kind == SessionKind::GivenPerRequest,
        at: call.at,
        model: call.model_key.clone().or_else(|| call.model.clone()),
        prompt: prompt as f64,
        cached: call.tokens.read.map(|read| read as f64),
        output: call.tokens.output().unwrap_or(0) as f64,
        cost: call.paid,
    })
}

/// Adds a workload to a snapshot, with the session costs of one model's endpoints under it.
pub fn add_workload(snapshot: &mut Snapshot, model_id: &str, workload: &Workload) {
    let as_of = snapshot.as_of;
    snapshot.workloads.retain(|known| known.name != workload.name);
    snapshot.workloads.push(workload.clone());
    let model = snapshot.models.iter_mut().find(|model| model.model_id == model_id);
    for endpoint in model.into_iter().flat_map(|model| &mut model.endpoints) {
        price(endpoint, workload, as_of);
    }
}

/// Sets the session costs of an endpoint under a workload, at the usual list prices and at those of now.
fn price(endpoint: &mut Endpoint, workload: &Workload, as_of: chrono::DateTime<chrono::Utc>) {
    let cost = |list| {
        let pricing = Pricing::listed(list, endpoint.price_tiers.clone());
        session_cost(&pricing, workload, &endpoint.cost_basis, as_of).map(|cost| cost.total())
    };
    let (usual, now) = (cost(endpoint.usual_list()), cost(&endpoint.list));
    for (costs, cost) in [(&mut endpoint.session_cost, usual), (&mut endpoint.session_cost_now, now)] {
        match cost {
            Some(cost) => drop(costs.insert(workload.name.clone(), cost)),
            None => drop(costs.remove(&workload.name)),
        }
    }
}

/// How the retention of an endpoint was mixed from the own and the public one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shrunk {
    /// Tag of the endpoint.
    pub tag: String,
    /// Own retention, 0..1.
    pub own: f64,
    /// Sessions of equal size that it is based on.
    pub sessions: f64,
    /// Public retention, 0..1.
    pub public: f64,
    /// Weight of the own retention, 0..1.
    pub weight: f64,
    /// The retention that endpoints are ranked by, 0..1.
    pub used: f64,
}

impl Shrunk {
    /// The mix as a sentence.
    pub fn text(&self) -> String {
        format!(
            "{}: retention {} = {} of yours ({} over {:.1} sessions of equal size) and {} of the public one ({})",
            self.tag,
            percent(self.used, 1),
            percent(self.weight, 0),
            percent(self.own, 1),
            self.sessions,
            percent(1.0 - self.weight, 0),
            percent(self.public, 1)
        )
    }
}

/// The mean of the posterior of a retention: a Beta prior with the public retention as its mean and the strength of 20
/// sessions, updated with the own sessions (Gelman et al. 2013, *Bayesian Data Analysis*, section 2.4). The weight of the
/// own retention is n / (n + 20), where n counts sessions of equal size, because calls of a session are alike. `None` with
/// fewer than 5 such sessions.
pub fn shrink(own: f64, sessions: f64, public: f64) -> Option<(f64, f64)> {
    if sessions < FEWEST_SESSIONS - 1e-9 {
        return None;
    }
    let weight = sessions / (sessions + PRIOR_SESSIONS);
    Some((weight, (weight * own + (1.0 - weight) * public).clamp(0.0, 1.0)))
}

/// Replaces the retention of a model's endpoints with that of the user's own sessions, shrunk towards the public one, and
/// the session costs that follow from it. Endpoints without enough own sessions, or without a public retention, are
/// unchanged.
///
/// # Errors
/// See [`TrafficStore`].
pub fn with_own_rates(
    store: &TrafficStore,
    snapshot: &mut Snapshot,
    model_id: &str,
) -> Result<Vec<Shrunk>, StoreError> {
    let Some(model) = snapshot.models.iter().find(|model| model.model_id == model_id) else {
        return Ok(Vec::new());
    };
    let question = Question { model: Some(model_key(model)), ..Question::default() };
    let answers = store.answers(scope(&question, By::Endpoint));
    let rates: HashMap<i64, RateRow> =
        answers.rates()?.into_iter().filter_map(|row| row.g.map(|g| (g, row))).collect();
    let mut found: HashMap<Uuid, Shrunk> = HashMap::new();
    for row in answers.groups()? {
        let endpoints = candidates(snapshot, &served(&row));
        let ([endpoint], Some(rate)) = (endpoints.as_slice(), rates.get(&row.g)) else { continue };
        let Some(public) = endpoint.cost_basis.retention.filter(|_| rate.reusable > 0) else { continue };
        let own = rate.reused as f64 / rate.reusable as f64;
        let sums = Sums {
            clusters: count(rate.clusters),
            denominator: rate.prompt as f64,
            denominator_squared: rate.prompt_prompt,
            ..Sums::default()
        };
        // A call without a session is a cluster of its own, but says nothing about retention.
        let sessions = sums.equal_clusters().min(rate.sessions as f64);
        if let Some((weight, used)) = shrink(own, sessions, public) {
            let tag = endpoint.tag.to_string();
            let _ = found.insert(endpoint.endpoint_id, Shrunk { tag, own, sessions, public, weight, used });
        }
    }
    let (workloads, as_of) = (snapshot.workloads.clone(), snapshot.as_of);
    let model = snapshot.models.iter_mut().find(|model| model.model_id == model_id);
    for endpoint in model.into_iter().flat_map(|model| &mut model.endpoints) {
        if let Some(shrunk) = found.get(&endpoint.endpoint_id) {
            endpoint.cost_basis = endpoint.cost_basis.at(shrunk.used);
            workloads.iter().for_each(|workload| price(endpoint, workload, as_of));
        }
    }
    let mut found: Vec<Shrunk> = found.into_values().collect();
    found.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.tag.cmp(&b.tag)));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_log::Tokens;

    #[test]
    fn few_sessions_leave_the_public_retention_and_many_replace_it() {
        assert_eq!(shrink(0.2, 4.9, 0.8), None);
        assert_eq!(shrink(0.2, 20.0, 0.8), Some((0.5, 0.5)));
        let (weight, used) = shrink(0.2, 180.0, 0.8).expect("enough");
        assert!((weight - 0.9).abs() < 1e-12 && (used - 0.26).abs() < 1e-12);
    }

    #[test]
    fn the_workload_is_fitted_to_answered_calls() {
        let call = |session: &str, prompt: u64, read: u64| OwnCall {
            session: Some(session.into()),
            session_kind: SessionKind::Given,
            tokens: Tokens {
                uncached: Some(prompt - read),
                read: Some(read),
                output_text: Some(10),
                ..Tokens::default()
            },
            ..OwnCall::default()
        };
        let mut calls =
            vec![call("a", 1000, 0), call("a", 2000, 1000), call("b", 1000, 0), call("b", 2000, 1000)];
        calls.push(OwnCall { gateway_cache_hit: true, ..call("b", 9000, 0) });
        let fit = fit_mine(&calls).expect("a fit");
        assert_eq!((fit.requests, fit.sessions, fit.workload.turns), (4, 2, 2));
        assert_eq!(fit.workload.name, MINE);
        assert_eq!(fit_mine(&[]).expect_err("no call"), FitError::Nothing);
    }
}
