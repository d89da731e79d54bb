//! Coverage study: do the intervals contain the true value as often as claimed, and is the order correct?
//!
//! Each seed generates a world without events. The days of its endpoints go directly to the analysis, without an
//! upstream and without prices. Effects are comparable only up to a shift, so truth and estimate are first shifted to a
//! common centre: the mean over the compared providers.

use super::{cache_list, parameters, window};
use crate::analysis::{AnalysisError, Frames, Tuning, UsageDay, analyse_with};
use crate::domain::statistics::spearman;
use crate::domain::thresholds::LENS_WINDOW_DAYS;
use crate::domain::tier::Tier;
use crate::domain::tier_list::ProviderTier;
use crate::domain::window::midnight;
use crate::simulator::{EndpointTruth, Simulator, SimulatorConfig, SimulatorError};
use chrono::{Days, Duration, NaiveDate};
use serde::Serialize;

/// Providers with this many shared models or fewer are thin; with fewer than three they are not rated at all.
const THIN_MODELS: usize = 4;

/// Requirement of the study: coverage within these bounds, for all providers and for thin ones.
pub const COVERAGE_BOUNDS: (f64, f64) = (0.85, 0.95);

/// Requirement of the study: minimum mean rank correlation of the adjusted effect with the truth.
pub const SPEARMAN_BOUND: f64 = 0.9;

/// Errors of a study.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// No seeds were given.
    #[error("a study of 0 seeds shows nothing; ask for 1 or more")]
    NoSeeds,
    /// A world could not be generated.
    #[error(transparent)]
    Simulator(#[from] SimulatorError),
    /// The analysis of a world failed.
    #[error("the analysis of a simulated world failed: {0}")]
    Analysis(#[from] AnalysisError),
    /// The shipped workloads cannot be read.
    #[error("the shipped workloads do not read: {0}")]
    Workloads(String),
}

/// Parameters of the study.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoverageStudy {
    /// First seed; the others are consecutive.
    pub first_seed: u64,
    /// Number of worlds.
    pub seeds: u64,
    /// Ridge on the provider effects, in mean weights of a (model, provider) pair.
    pub ridge: f64,
}

/// A group of providers over all worlds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Group {
    /// Number of intervals that were compared with the truth.
    pub intervals: usize,
    /// Share of them that contain the true value; null without intervals.
    pub coverage: Option<f64>,
    /// Mean half-width, as a fraction of hit rate; null without intervals.
    pub half_width: Option<f64>,
}

/// Rank correlations with the truth over the worlds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Correlation {
    /// Mean over the worlds; null if no world has one.
    pub mean: Option<f64>,
    /// The worst world; null if no world has one.
    pub worst: Option<f64>,
}

/// Results of the study.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CoverageReport {
    /// First seed.
    pub first_seed: u64,
    /// Number of worlds.
    pub seeds: u64,
    /// Ridge used.
    pub ridge: f64,
    /// All rated providers that have a cache.
    pub all: Group,
    /// Providers with three or four shared models.
    pub thin: Group,
    /// Spearman rank correlation of the adjusted effect with the truth.
    pub adjusted: Correlation,
    /// Spearman rank correlation of the plain mean over models with the truth, which is the usual method for such
    /// lists.
    pub model_mean: Correlation,
    /// Whether coverage and rank correlation are within their bounds.
    pub holds: bool,
}

/// One interval compared with the truth.
#[derive(Debug, Clone, Copy)]
struct Held {
    thin: bool,
    holds: bool,
    half_width: f64,
}

struct World {
    held: Vec<Held>,
    adjusted: Option<f64>,
    model_mean: Option<f64>,
}

/// Runs the study; `done` is called after each world.
///
/// # Errors
/// [`StudyError`]: no seeds, or the first world that fails.
pub fn run(study: &CoverageStudy, done: &(dyn Fn() + Sync)) -> Result<CoverageReport, StudyError> {
    let worlds = super::worlds((study.first_seed, study.seeds), done, |seed| world(seed, study.ridge))?;
    Ok(report(study, &worlds))
}

fn world(seed: u64, ridge: f64) -> Result<World, StudyError> {
    let start = SimulatorConfig::default().start;
    let config = SimulatorConfig::recorded_size(seed, start, 30);
    let simulator = Simulator::new(config)?;
    let window = window(start.date_naive() + Days::new(LENS_WINDOW_DAYS.unsigned_abs() - 1));
    let days = window.from.iter_days().take_while(|day| *day <= window.to);
    let usage: Vec<UsageDay> = days.flat_map(|day| usage_of(&simulator, day)).collect();
    let frames = Frames::of_usage(&usage)?;
    let analysis = analyse_with(&frames, &parameters(window)?, &Tuning { ridge, resamples: 0 })?;
    Ok(compare(cache_list(&analysis), &simulator))
}

/// The usage of each endpoint on one day, as a perfect upstream would publish it.
pub(super) fn usage_of(simulator: &Simulator, day: NaiveDate) -> Vec<UsageDay> {
    let (truth, from) = (simulator.truth(), midnight(day));
    let counted = |endpoint: EndpointTruth| {
        let counters = truth.counters(endpoint.id, from, from + Duration::days(1))?;
        Some(UsageDay {
            endpoint: endpoint.id,
            hit_rate: counters.hit_rate(),
            tokens: i64::try_from(counters.tokens()).unwrap_or(i64::MAX),
            model: endpoint.model,
            variant: endpoint.variant.to_owned(),
            provider: endpoint.provider,
            day,
        })
    };
    truth.endpoints().into_iter().filter_map(counted).collect()
}

/// A rated provider with its true effect.
struct Compared {
    shared_models: usize,
    truth: f64,
    adjusted: f64,
    low: f64,
    high: f64,
    model_mean: f64,
}

fn compare(providers: &[ProviderTier], simulator: &Simulator) -> World {
    let truth = simulator.truth();
    let known = |row: &ProviderTier| {
        Some(Compared {
            shared_models: row.shared_models,
            truth: truth.theta(row.provider.as_str())?,
            adjusted: row.adjusted?,
            low: row.low?,
            high: row.high?,
            model_mean: row.model_mean?,
        })
    };
    let known: Vec<_> = providers.iter().filter(|row| row.tier != Tier::Unrated).filter_map(known).collect();
    let shift = known.iter().map(|row| row.truth - row.adjusted).sum::<f64>() / known.len().max(1) as f64;
    let held = |row: &Compared| Held {
        thin: row.shared_models <= THIN_MODELS,
        holds: (row.low + shift..=row.high + shift).contains(&row.truth),
        half_width: (row.high - row.low) / 2.0,
    };
    let with_truth = |value: fn(&Compared) -> f64| {
        spearman(&known.iter().map(|row| (value(row), row.truth)).collect::<Vec<_>>())
    };
    World {
        held: known.iter().map(held).collect(),
        adjusted: with_truth(|row| row.adjusted),
        model_mean: with_truth(|row| row.model_mean),
    }
}

fn report(study: &CoverageStudy, worlds: &[World]) -> CoverageReport {
    let held: Vec<Held> = worlds.iter().flat_map(|world| world.held.iter().copied()).collect();
    let all = group(&held);
    let thin = group(&held.iter().copied().filter(|held| held.thin).collect::<Vec<_>>());
    let adjusted = correlation(worlds.iter().filter_map(|world| world.adjusted));
    let model_mean = correlation(worlds.iter().filter_map(|world| world.model_mean));
    let (low, high) = COVERAGE_BOUNDS;
    let covers = |group: &Group| group.coverage.is_some_and(|share| (low..=high).contains(&share));
    let holds = covers(&all) && covers(&thin) && adjusted.mean.is_some_and(|mean| mean >= SPEARMAN_BOUND);
    let CoverageStudy { first_seed, seeds, ridge } = *study;
    CoverageReport { first_seed, seeds, ridge, all, thin, adjusted, model_mean, holds }
}

fn group(held: &[Held]) -> Group {
    let count = held.len() as f64;
    let share = |sum: f64| (!held.is_empty()).then(|| sum / count);
    Group {
        intervals: held.len(),
        coverage: share(held.iter().filter(|held| held.holds).count() as f64),
        half_width: share(held.iter().map(|held| held.half_width).sum()),
    }
}

fn correlation(values: impl Iterator<Item = f64>) -> Correlation {
    let values: Vec<f64> = values.collect();
    let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    Correlation { mean, worst: values.into_iter().reduce(f64::min) }
}
