//! Acceptance checks for `hitrate check numbers`: does the record reproduce the upstream's own numbers?

use super::frames::{ColumnKind, ColumnSpec, check, flags, floats, integers, may, must, texts};
use super::statistics::{Share, traffic_mean};
use super::{AnalysisError, identity_error};
use crate::domain::endpoint::PriceTier;
use crate::domain::session::Pricing;
use crate::domain::statistics::median;
use polars::prelude::DataFrame;
use std::collections::BTreeMap;

/// Columns of [`aggregates`]: one row per run and endpoint. `upstream_hit_rate` is the upstream's aggregate for the
/// model, repeated in each of its rows.
pub const AGGREGATES: &[ColumnSpec] = &[
    must("run_id", ColumnKind::Text),
    must("model", ColumnKind::Text),
    must("variant", ColumnKind::Text),
    may("hit_rate", ColumnKind::Float),
    may("tokens", ColumnKind::Integer),
    may("upstream_hit_rate", ColumnKind::Float),
];

/// Columns of [`identities`]: one row per run and endpoint.
pub const IDENTITIES: &[ColumnSpec] = &[
    must("run_id", ColumnKind::Text),
    may("hit_rate", ColumnKind::Float),
    may("tokens", ColumnKind::Integer),
    may("effective_input", ColumnKind::Float),
    may("list_input", ColumnKind::Float),
    may("list_cache_read", ColumnKind::Float),
    may("list_cache_write", ColumnKind::Float),
    must("price_tiers", ColumnKind::Flag),
];

/// How well the token-weighted hit rates of a run reproduce the upstream's aggregates.
#[derive(Debug, Clone, PartialEq)]
pub struct RunAggregate {
    /// Run.
    pub run_id: String,
    /// Number of models with an aggregate and at least two endpoints with traffic.
    pub models: usize,
    /// Median absolute difference of hit rates, fraction; `None` without such models.
    pub median_difference: Option<f64>,
}

/// How well the effective prices of a run satisfy the price identity.
#[derive(Debug, Clone, PartialEq)]
pub struct RunIdentity {
    /// Run.
    pub run_id: String,
    /// Number of endpoints to which the identity applies.
    pub endpoints: usize,
    /// Median relative error; `None` without such endpoints.
    pub median_error: Option<f64>,
    /// Share of those endpoints within 1 %; `None` without such endpoints.
    pub within_one_percent: Option<f64>,
}

#[derive(Default)]
struct Group<'a> {
    shares: Vec<Share<'a>>,
    upstream: Option<f64>,
}

/// Compares each (run, model, variant) with the upstream's aggregate; one row per run, sorted by run id. Columns:
/// [`AGGREGATES`].
///
/// # Errors
/// A column that is missing or has a different type.
pub fn aggregates(frame: &DataFrame) -> Result<Vec<RunAggregate>, AnalysisError> {
    check("aggregates", frame, AGGREGATES)?;
    let (run, model, variant) = (texts(frame, "run_id")?, texts(frame, "model")?, texts(frame, "variant")?);
    let (hits, tokens) = (floats(frame, "hit_rate")?, integers(frame, "tokens")?);
    let upstream = floats(frame, "upstream_hit_rate")?;
    let mut groups: BTreeMap<(&str, &str, &str), Group<'_>> = BTreeMap::new();
    for row in 0..frame.height() {
        let group = groups.entry((&run[row], &model[row], &variant[row])).or_default();
        group.upstream = group.upstream.or(upstream[row]);
        if let (Some(value), Some(tokens)) = (hits[row], tokens[row].filter(|t| *t > 0)) {
            group.shares.push(Share { model: &model[row], value, tokens: tokens as f64 });
        }
    }
    let mut runs: BTreeMap<&str, Vec<f64>> = run.iter().map(|run| (run.as_str(), Vec::new())).collect();
    for ((run, _, _), group) in &groups {
        let ours = traffic_mean(&group.shares).filter(|_| group.shares.len() > 1);
        if let (Some(ours), Some(theirs)) = (ours, group.upstream) {
            runs.entry(run).or_default().push((ours - theirs).abs());
        }
    }
    let row = |(run, differences): (&str, Vec<f64>)| RunAggregate {
        run_id: run.to_owned(),
        models: differences.len(),
        median_difference: median(differences),
    };
    Ok(runs.into_iter().map(row).collect())
}

/// Checks the price identity for every endpoint to which it applies; one row per run, sorted by run id. Columns:
/// [`IDENTITIES`].
///
/// # Errors
/// A column that is missing or has a different type.
pub fn identities(frame: &DataFrame) -> Result<Vec<RunIdentity>, AnalysisError> {
    check("identities", frame, IDENTITIES)?;
    let run = texts(frame, "run_id")?;
    let (hits, tokens) = (floats(frame, "hit_rate")?, integers(frame, "tokens")?);
    let (effective, input) = (floats(frame, "effective_input")?, floats(frame, "list_input")?);
    let (read, write) = (floats(frame, "list_cache_read")?, floats(frame, "list_cache_write")?);
    let tiered = flags(frame, "price_tiers")?;
    let mut runs: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for row in 0..frame.height() {
        let tiers = if tiered[row] { vec![PriceTier::default()] } else { Vec::new() };
        let (cache_read, cache_write) = (read[row], write[row]);
        let pricing = Pricing { input: input[row], cache_read, cache_write, tiers, ..Pricing::default() };
        let errors = runs.entry(&run[row]).or_default();
        errors.extend(identity_error(hits[row], tokens[row], effective[row], &pricing));
    }
    let row = |(run, errors): (&str, Vec<f64>)| {
        let close = errors.iter().filter(|error| **error <= 0.01).count() as f64;
        RunIdentity {
            run_id: run.to_owned(),
            endpoints: errors.len(),
            within_one_percent: (!errors.is_empty()).then(|| close / errors.len() as f64),
            median_error: median(errors),
        }
    };
    Ok(runs.into_iter().map(row).collect())
}
