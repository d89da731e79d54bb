//! How far the adjusted effects depend on two choices of the method: the weights of the cells, and that hit rates are
//! compared at the same size of the prompts. For studies; no published figure uses it.

mod prompt_size;
mod shift;
mod weighting;

pub use prompt_size::PromptSize;
pub use shift::Shift;
pub use weighting::{Weighting, WeightingShift};

use super::lenses::Gauge;
use super::ranking::Ground;
use super::{AnalysisError, Frames, Parameters, Tuning, compared};
use crate::domain::tier::Lens;
use crate::domain::tier_list::Reliability;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The lenses whose weights are varied.
const LENSES: [Lens; 2] = [Lens::Cache, Lens::Cost];

/// How far the effects depend on these choices.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SensitivityReport {
    /// First day of the lens window.
    pub from: NaiveDate,
    /// Last day of the lens window.
    pub to: NaiveDate,
    /// Each lens under each weighting, compared with the published one.
    pub weightings: Vec<WeightingShift>,
    /// The size of the prompts as one more term of the equations of the lens `cache`.
    pub prompt_size: PromptSize,
}

/// Solves the effects with other weights, and without and with the size of the prompts. The lens `cost` is that of the
/// first workload.
///
/// # Errors
/// As [`super::analyse`].
pub fn sensitivity(frames: &Frames, parameters: &Parameters) -> Result<SensitivityReport, AnalysisError> {
    let workload = parameters.workloads.first().ok_or(AnalysisError::NoWorkload)?;
    let (field, parts) = compared(frames, parameters)?;
    let tuning = Tuning { resamples: 0, ..Tuning::default() };
    let ground = Ground::new(&field, &parts, parameters, &tuning);
    let reliability = Reliability::of(&field);
    let gauge = |lens| Gauge { lens, workload, reliability, as_of: field.as_of };
    let mut weightings = Vec::new();
    for lens in LENSES {
        weightings.extend(weighting::shifts(&gauge(lens), &ground)?);
    }
    let prompt_size = prompt_size::measure(&gauge(Lens::Cache), &ground)?;
    let (from, to) = (parameters.window.from, parameters.window.to);
    Ok(SensitivityReport { from, to, weightings, prompt_size })
}
