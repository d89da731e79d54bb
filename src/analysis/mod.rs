//! The analysis of the readings: cells, adjusted effects, session costs, tier lists, verdicts. The only module that
//! uses polars. Pure: data frames and parameters in, typed results out; no SQL, no clock, no I/O. One file per task.
//! `docs/method.md` describes the method; its thresholds are in [`crate::domain::thresholds`].

pub mod backtest;
mod cells;
mod derive;
mod discovery;
mod effects;
mod equations;
mod field;
mod flags;
pub mod flips;
mod frames;
mod hysteresis;
mod intervals;
mod lenses;
mod linear;
mod newest;
mod next_week;
pub mod numbers;
mod overall;
mod ranking;
mod rating;
mod reference;
mod resample;
mod scatter;
pub mod schedules;
pub mod seasons;
pub mod sensitivity;
pub mod share;
pub mod shifts;
mod sized;
mod standing;
mod statistics;
mod tier_lists;
mod usage;
mod verdicts;

pub use cells::{Cell, cells, observed_days};
pub use derive::{efficiency, identity_error, inverted_hit_rate, realised_discount};
pub use effects::solve;
pub use equations::{Effects, Observation};
pub use frames::{ColumnKind, ColumnSpec, DAYS, Frames, NEWEST};
pub use hysteresis::apply_hysteresis;
pub use intervals::student_t;
pub use reference::ModelReference;
pub(crate) use resample::in_parallel;
pub use statistics::{Share, model_mean, traffic_mean, weighted_quantile};
pub use usage::UsageDay;

use crate::domain::endpoint::ListWindow;
use crate::domain::flag::Flag;
use crate::domain::hourly::RequestSize;
use crate::domain::session::CostBasis;
use crate::domain::thresholds;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::{DayRange, TierList, Verdict};
use crate::domain::workload::Workload;
use crate::wording::verdicts::{self as wording, Gate};
use chrono::{DateTime, Utc};
use overall::GATED;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Version of the method, incremented whenever a number could change.
pub const METHOD_VERSION: u32 = 4;

/// Parameters of [`analyse`] besides the frames.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// When the newest reading was taken.
    pub as_of: DateTime<Utc>,
    /// The days covered, both ends inclusive.
    pub window: DayRange,
    /// Workloads to price sessions under; the first is the default.
    pub workloads: Vec<Workload>,
    /// Display names by provider slug; a provider without one is shown by its slug.
    pub provider_names: BTreeMap<String, String>,
    /// How much the requests of an endpoint carry, as far as it is known.
    pub prompt_sizes: BTreeMap<Uuid, RequestSize>,
}

/// Settings of the method that a study can vary; all published results use the defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tuning {
    /// Ridge on the provider effects, in mean weights of a (model, provider) pair.
    pub ridge: f64,
    /// Resamples of whole models for rank intervals and tier probabilities; with 0, neither is computed.
    pub resamples: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { ridge: thresholds::EFFECT_RIDGE, resamples: thresholds::RESAMPLES }
    }
}

/// All results computed from the record at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// One list per lens; for `cost` and `overall`, one per workload.
    pub tier_lists: Vec<TierList>,
    /// The endpoints of the newest run.
    pub endpoints: BTreeMap<Uuid, EndpointVerdicts>,
    /// The hit rate that counts as full retention, by model; sorted by slug.
    pub references: Vec<ModelReference>,
}

/// The verdicts on one endpoint of the newest run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EndpointVerdicts {
    /// Primary verdict: lens `cost` under the default workload.
    pub tier: Tier,
    /// The reason, in one sentence.
    pub why: String,
    /// Verdicts within its model by lens, under the default workload.
    pub verdicts: BTreeMap<Lens, Verdict>,
    /// The lenses whose tiers the sentence of the `overall` verdict names; none if it is unrated.
    pub named: Vec<Lens>,
    /// Why `overall` is capped.
    pub gate: Option<Gate>,
    /// Session cost by workload name at the usual list prices, USD; a workload is missing if its cost is unknown.
    pub session_cost: BTreeMap<String, f64>,
    /// The same at the list prices of now.
    pub session_cost_now: BTreeMap<String, f64>,
    /// Its list prices over the lens window.
    pub list_window: Option<ListWindow>,
    /// Effective input price divided by list input price in the newest reading.
    pub realised_discount: Option<f64>,
    /// Share of the listed discount that was applied to its hits, over the lens window or else in the newest reading.
    pub efficiency: Option<f64>,
    /// Hit rate among the prompts that use the cache over the lens window; null unless billed writes show it.
    pub hit_rate_used: Option<f64>,
    /// Share of the prompt tokens that were not found and that were written to the cache; null unless prices show it.
    pub written_share: Option<f64>,
    /// Relative error of the price identity in the newest reading; null if it does not apply.
    pub identity_error: Option<f64>,
    /// Its flags with the numbers behind them, most important first.
    pub flags: Vec<Flag>,
    /// Mean tokens a day over the lens window, or else the newest reading's tokens.
    pub tokens_per_day: Option<f64>,
    /// The basis for pricing its sessions.
    pub cost_basis: CostBasis,
}

impl EndpointVerdicts {
    /// Writes the sentence of a rated `overall` verdict, which names the present tiers of the other lenses.
    fn explain_overall(&mut self) {
        let tier = |lens: &Lens| self.verdicts.get(lens).map_or(Tier::Unrated, |verdict| verdict.tier);
        let parts: Vec<(Lens, Tier)> = self.named.iter().map(|lens| (*lens, tier(lens))).collect();
        if let Some(overall) = self.verdicts.get_mut(&Lens::Overall).filter(|_| !parts.is_empty()) {
            overall.why = wording::overall(&parts, self.gate.map(|gate| (GATED, gate)));
        }
    }
}

/// Errors of an analysis: always a fault in the input frames or parameters.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum AnalysisError {
    /// A column of the contract is missing.
    #[error(
        "the frame `{frame}` has no column `{column}` ({wanted}); the query that makes it must select it"
    )]
    MissingColumn { frame: &'static str, column: &'static str, wanted: &'static str },
    /// A column has a type that violates the contract.
    #[error("column `{column}` of the frame `{frame}` is {found}, wanted is {wanted}; cast it in the query")]
    WrongType { frame: &'static str, column: &'static str, wanted: &'static str, found: String },
    /// A null where the contract does not allow one.
    #[error("column `{column}` of the frame `{frame}` has {nulls} null rows; it must have a value in each")]
    UnexpectedNull { frame: &'static str, column: &'static str, nulls: usize },
    /// An endpoint id that is not a UUID.
    #[error("`{value}` in column `endpoint_id` of the frame `{frame}` is not a UUID")]
    BadEndpointId { frame: &'static str, value: String },
    /// Price tiers that cannot be parsed.
    #[error(
        "`price_tiers_json` of endpoint {endpoint} in the frame `newest` is not a list of price tiers: {source}"
    )]
    BadPriceTiers { endpoint: Uuid, source: serde_json::Error },
    /// No workload was given.
    #[error(
        "no workload to price sessions under: pass at least one (the first is the default of every verdict)"
    )]
    NoWorkload,
    /// The equations of the effects have no unique solution.
    #[error(
        "the equations of the provider effects cannot be solved (pivot {pivot} of {size} is not positive)"
    )]
    Singular { pivot: usize, size: usize },
    /// A polars operation failed.
    #[error("data frame operation failed: {0}")]
    Polars(#[from] polars::error::PolarsError),
}

/// Computes all published results from the record; [`DAYS`] and [`NEWEST`] describe the `frames`.
///
/// # Errors
/// If a frame violates its contract, price tiers or ids cannot be parsed, or no workload is given.
pub fn analyse(frames: &Frames, parameters: &Parameters) -> Result<Analysis, AnalysisError> {
    analyse_with(frames, parameters, &Tuning::default())
}

/// Like [`analyse`], with different settings of the method.
///
/// # Errors
/// As [`analyse`].
pub fn analyse_with(
    frames: &Frames,
    parameters: &Parameters,
    tuning: &Tuning,
) -> Result<Analysis, AnalysisError> {
    let default = parameters.workloads.first().ok_or(AnalysisError::NoWorkload)?;
    let (field, parts) = compared(frames, parameters)?;
    let tier_lists = tier_lists::all(&field, &parts, parameters, tuning)?;
    let endpoints = verdicts::all(&field, default, &parameters.workloads);
    Ok(Analysis { tier_lists, endpoints, references: field.references })
}

/// All endpoints that are compared, and those with observed days in both parts of the window.
fn compared(
    frames: &Frames,
    parameters: &Parameters,
) -> Result<(field::Field, next_week::Parts), AnalysisError> {
    frames.check()?;
    let latest = frames::rows(&frames.newest).map(newest::read).collect::<Result<Vec<_>, _>>()?;
    let record = cells::record(&frames.days, &latest)?;
    let parts = next_week::Parts::of(&frames.days, &latest, parameters.window)?;
    Ok((field::Field::build(&record, latest, parameters), parts))
}
