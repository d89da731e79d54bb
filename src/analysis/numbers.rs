//! Acceptance checks for `hitrate check numbers`: does the record reproduce the upstream's own numbers?

use super::flips::wrong_pairs;
use super::frames::{ColumnKind, ColumnSpec, check, may, must, rows};
use super::statistics::{Share, traffic_mean};
use super::{AnalysisError, identity_error};
use crate::domain::endpoint::PriceTier;
use crate::domain::session::Pricing;
use crate::domain::statistics::median;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::{ProviderTier, TierList};
use polars::prelude::DataFrame;
use serde::{Deserialize, Serialize};
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

/// Whether the letters, the order and the figures of a tier list agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListAgreement {
    /// Lens.
    pub lens: Lens,
    /// Workload, for `cost` and `overall`.
    pub workload: Option<String>,
    /// Number of rated providers.
    pub rated: usize,
    /// Providers whose letter is not that of their published figure, although no gate caps it.
    pub contradicting: usize,
    /// Pairs of providers in which the better letter has the worse published figure.
    pub wrong_pairs: usize,
    /// Largest distance between a published and a measured figure, without capped providers, in bands of the lens: up
    /// to 1 is expected.
    pub held_bands: f64,
}

impl ListAgreement {
    /// Compares the providers of a list.
    pub fn of(list: &TierList) -> Self {
        let lens = list.lens;
        let rated = || list.providers.iter().filter(|row| row.tier != Tier::Unrated);
        let letters: Vec<(Tier, f64)> = rated().filter_map(|row| Some((row.tier, row.adjusted?))).collect();
        let uncapped = || rated().filter(|row| row.cap != Some(row.tier));
        let contradicts =
            |row: &&ProviderTier| row.adjusted.is_none_or(|figure| lens.tier(figure) != row.tier);
        let held = uncapped().filter_map(|row| Some(lens.apart(row.adjusted?, row.measured?) / lens.band()));
        Self {
            lens,
            workload: list.workload.clone(),
            rated: rated().count(),
            contradicting: uncapped().filter(contradicts).count(),
            wrong_pairs: wrong_pairs(lens, &letters),
            held_bands: held.fold(0.0, f64::max),
        }
    }

    /// Whether nothing contradicts. A figure may be held by the band and one printed step.
    pub fn holds(&self) -> bool {
        self.contradicting == 0 && self.wrong_pairs == 0 && self.held_bands <= 1.1
    }
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
    let mut groups: BTreeMap<(&str, &str, &str), Group<'_>> = BTreeMap::new();
    let mut runs: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for row in rows(frame) {
        let (run, model) = (row.text("run_id")?, row.text("model")?);
        runs.entry(run).or_default();
        let group = groups.entry((run, model, row.text("variant")?)).or_default();
        group.upstream = group.upstream.or(row.float("upstream_hit_rate")?);
        let tokens = row.integer("tokens")?.filter(|tokens| *tokens > 0);
        if let (Some(value), Some(tokens)) = (row.float("hit_rate")?, tokens) {
            group.shares.push(Share { model, value, tokens: tokens as f64 });
        }
    }
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
    let mut runs: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for row in rows(frame) {
        let pricing = Pricing {
            input: row.float("list_input")?,
            cache_read: row.float("list_cache_read")?,
            cache_write: row.float("list_cache_write")?,
            tiers: if row.flag("price_tiers")? { vec![PriceTier::default()] } else { Vec::new() },
            ..Pricing::default()
        };
        let (hits, tokens) = (row.float("hit_rate")?, row.integer("tokens")?);
        let error = identity_error(hits, tokens, row.float("effective_input")?, &pricing);
        runs.entry(row.text("run_id")?).or_default().extend(error);
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
