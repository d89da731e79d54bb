//! What the readings mean: cells, adjusted effects, session costs, tier lists, verdicts. The only module that names
//! polars. Pure: data frames and parameters in, typed results out; no SQL, no clock, no I/O. One file a job; the method
//! is told in `docs/method.md`, its thresholds are in [`crate::domain::thresholds`].

pub mod backtest;
mod cells;
mod derive;
mod effects;
mod equations;
mod flags;
mod frames;
mod hysteresis;
mod intervals;
mod lenses;
mod linear;
mod newest;
pub mod numbers;
mod overall;
mod rating;
mod reference;
mod resample;
mod scatter;
mod standing;
mod statistics;
mod tier_lists;
mod usage;
mod verdicts;

pub use cells::{Cell, cells, observed_days};
pub use derive::{efficiency, identity_error, realised_discount};
pub use effects::{Effects, Observation, solve};
pub use frames::{ColumnKind, ColumnSpec, DAYS, Frames, NEWEST};
pub use hysteresis::{Figures, next, steady};
pub use reference::ModelReference;
pub use statistics::{Share, model_mean, traffic_mean, weighted_quantile};
pub use usage::UsageDay;

use crate::domain::flag::Flag;
use crate::domain::session::CostBasis;
use crate::domain::thresholds;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::{DayRange, TierList, Verdict};
use crate::domain::workload::Workload;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Version of the method: goes up whenever a number could come out differently.
pub const METHOD_VERSION: u32 = 3;

/// What [`analyse`] needs besides the frames.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// When the newest reading was taken.
    pub as_of: DateTime<Utc>,
    /// The days looked at, both inclusive.
    pub window: DayRange,
    /// Workloads to price sessions under; the first is the default.
    pub workloads: Vec<Workload>,
    /// Names for people by provider slug; a missing one is shown by its slug.
    pub provider_names: BTreeMap<String, String>,
}

/// Settings of the method that a study varies; everything that is published uses the default ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tuning {
    /// Ridge on the provider effects, in mean weights of a (model, provider) pair.
    pub ridge: f64,
    /// Resamples of whole models behind rank intervals and tier probabilities; with 0 there are none of either.
    pub resamples: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { ridge: thresholds::EFFECT_RIDGE, resamples: thresholds::RESAMPLES }
    }
}

/// Everything that is computed from the record at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// One list a lens; `cost` and `overall` one a workload.
    pub tier_lists: Vec<TierList>,
    /// The endpoints of the newest run.
    pub endpoints: BTreeMap<Uuid, EndpointVerdicts>,
    /// What counts as full retention, by model; sorted by slug.
    pub references: Vec<ModelReference>,
}

/// What is said about one endpoint of the newest run.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointVerdicts {
    /// Primary verdict: lens `cost` under the default workload.
    pub tier: Tier,
    /// Why, in one sentence.
    pub why: String,
    /// Verdicts within its model by lens, under the default workload.
    pub verdicts: BTreeMap<Lens, Verdict>,
    /// Session cost by workload name, USD; a workload is missing where the cost cannot be known.
    pub session_cost: BTreeMap<String, f64>,
    /// Effective over list input price of the newest reading.
    pub realised_discount: Option<f64>,
    /// Share of the listed discount that its hits gave, over the lens window, else in the newest reading.
    pub efficiency: Option<f64>,
    /// Relative miss of the price identity in the newest reading; null where it does not apply.
    pub identity_error: Option<f64>,
    /// What is odd about it, with the numbers that show it; in the order of their weight.
    pub flags: Vec<Flag>,
    /// Mean tokens a day over the lens window, else the newest reading's tokens.
    pub tokens_per_day: Option<f64>,
    /// What its sessions are priced from.
    pub cost_basis: CostBasis,
}

/// What can go wrong in an analysis: always a fault of whoever made the frames.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// A column of the contract is missing.
    #[error(
        "the frame `{frame}` has no column `{column}` ({wanted}); the query that makes it must select it"
    )]
    MissingColumn {
        /// Which frame.
        frame: &'static str,
        /// Which column.
        column: &'static str,
        /// What it should hold.
        wanted: &'static str,
    },
    /// A column has another type than the contract says.
    #[error("column `{column}` of the frame `{frame}` is {found}, wanted is {wanted}; cast it in the query")]
    WrongType {
        /// Which frame.
        frame: &'static str,
        /// Which column.
        column: &'static str,
        /// What it should hold.
        wanted: &'static str,
        /// What it holds.
        found: String,
    },
    /// A null where the contract allows none.
    #[error("column `{column}` of the frame `{frame}` has {nulls} null rows; it must have a value in each")]
    UnexpectedNull {
        /// Which frame.
        frame: &'static str,
        /// Which column.
        column: &'static str,
        /// How many.
        nulls: usize,
    },
    /// An endpoint id that is no UUID.
    #[error("`{value}` in column `endpoint_id` of the frame `{frame}` is no UUID")]
    BadEndpointId {
        /// Which frame.
        frame: &'static str,
        /// What stands there.
        value: String,
    },
    /// Price tiers that do not read back.
    #[error(
        "`price_tiers_json` of endpoint {endpoint} in the frame `newest` is not a list of price tiers: {source}"
    )]
    BadPriceTiers {
        /// Which endpoint.
        endpoint: Uuid,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// No workload was given.
    #[error(
        "no workload to price sessions under: the first one is the default of every verdict, give at least one"
    )]
    NoWorkload,
    /// The equations of the effects have no unique solution.
    #[error(
        "the equations of the provider effects cannot be solved (pivot {pivot} of {size} is not positive)"
    )]
    Singular {
        /// Which pivot.
        pivot: usize,
        /// How many unknowns.
        size: usize,
    },
    /// Polars refused an operation.
    #[error("data frame operation failed: {0}")]
    Polars(#[from] polars::error::PolarsError),
}

/// Computes everything published from the record: `frames` as [`DAYS`] and [`NEWEST`] describe them.
///
/// # Errors
/// Where a frame breaks its contract, price tiers or ids do not read, or no workload is given.
pub fn analyse(frames: &Frames, parameters: &Parameters) -> Result<Analysis, AnalysisError> {
    analyse_with(frames, parameters, &Tuning::default())
}

/// As [`analyse`], with other settings of the method.
///
/// # Errors
/// As [`analyse`].
pub fn analyse_with(
    frames: &Frames,
    parameters: &Parameters,
    tuning: &Tuning,
) -> Result<Analysis, AnalysisError> {
    let default = parameters.workloads.first().ok_or(AnalysisError::NoWorkload)?;
    frames.check()?;
    let latest = newest::read(&frames.newest)?;
    let record = cells::record(&frames.days, &latest)?;
    let field = standing::Field::build(&record, latest, parameters);
    let tier_lists = tier_lists::all(&field, parameters, tuning)?;
    let endpoints = verdicts::all(&field, default, &parameters.workloads);
    Ok(Analysis { tier_lists, endpoints, references: field.references })
}
