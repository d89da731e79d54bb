//! How far the adjusted effects depend on two choices of the method: the weights of the cells, and that the size of the
//! prompts is left out. For studies; no published figure uses it.

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
use std::collections::BTreeMap;
use uuid::Uuid;

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

/// Solves the effects with other weights, and with the size of the prompts. `sizes` are tokens a request by endpoint; the
/// lens `cost` is that of the first workload.
///
/// # Errors
/// As [`super::analyse`].
pub fn sensitivity(
    frames: &Frames,
    parameters: &Parameters,
    sizes: &BTreeMap<Uuid, f64>,
) -> Result<SensitivityReport, AnalysisError> {
    let workload = parameters.workloads.first().ok_or(AnalysisError::NoWorkload)?;
    let (field, parts) = compared(frames, parameters)?;
    let tuning = Tuning { resamples: 0, ..Tuning::default() };
    let ground = Ground::new(&field, &parts, &parameters.provider_names, &tuning);
    let reliability = Reliability::of(&field);
    let gauge = |lens| Gauge { lens, workload, reliability, as_of: field.as_of };
    let mut weightings = Vec::new();
    for lens in LENSES {
        weightings.extend(weighting::shifts(&gauge(lens), &ground)?);
    }
    let prompt_size = prompt_size::measure(&gauge(Lens::Cache), &ground, sizes)?;
    let (from, to) = (parameters.window.from, parameters.window.to);
    Ok(SensitivityReport { from, to, weightings, prompt_size })
}
