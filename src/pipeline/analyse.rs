//! The analysis of the record at one moment, and the days that it and the pages cover.

use super::PipelineError;
use crate::analysis::sensitivity::SensitivityReport;
use crate::analysis::{self, Analysis, Frames, Parameters};
use crate::domain::thresholds;
use crate::domain::tier_list::DayRange;
use crate::domain::window::midnight;
use crate::domain::workload::Workload;
use crate::store::{Answer, EndpointDayRow, EndpointNow, Store, StoreError};
use chrono::{DateTime, Days, Duration, Utc};
use std::collections::BTreeMap;

/// Number of days that the pages show.
const SHOWN_DAYS: u64 = 30;

/// What was known at one moment: the days of the lens window and the endpoints of the newest run.
pub(super) struct Known {
    pub days: Answer<EndpointDayRow>,
    pub endpoints: Answer<EndpointNow>,
}

impl Known {
    fn at(store: &Store, as_of: DateTime<Utc>) -> Result<Self, StoreError> {
        let window = window(as_of);
        Ok(Self { days: store.days(window.from, window.to, as_of)?, endpoints: store.endpoints(as_of)? })
    }

    fn frames(&self) -> Result<Frames, StoreError> {
        Ok(Frames { days: self.days.frame()?, newest: self.endpoints.frame()? })
    }
}

/// An analysis and what it was made from.
pub(super) struct Analysed {
    pub analysis: Analysis,
    pub known: Known,
}

/// The analysis of the run at `as_of` from what was known then, without hysteresis: every tier follows from the figures
/// alone.
pub(super) fn analysed_at(
    store: &Store,
    workloads: &[Workload],
    as_of: DateTime<Utc>,
) -> Result<Analysed, PipelineError> {
    let known = Known::at(store, as_of)?;
    Ok(Analysed { analysis: analysis_of(store, workloads, as_of, known.frames()?)?, known })
}

/// The same from frames that are already read; their days may reach further back than the lens window.
pub(super) fn analysis_of(
    store: &Store,
    workloads: &[Workload],
    as_of: DateTime<Utc>,
    frames: Frames,
) -> Result<Analysis, PipelineError> {
    let parameters = parameters(store, workloads, as_of)?;
    Ok(analysis::analyse(&frames.within(parameters.window)?, &parameters)?)
}

/// How far the effects of the newest lens window depend on the weights of the cells and on the size of the prompts.
///
/// # Errors
/// [`PipelineError::NoRun`] if the record is empty; otherwise the error of the store or the analysis.
pub fn sensitivity(store: &Store, workloads: &[Workload]) -> Result<SensitivityReport, PipelineError> {
    let newest = store.newest_run(None)?.ok_or_else(|| PipelineError::NoRun(String::new()))?;
    let as_of = newest.run.observed_at;
    let parameters = parameters(store, workloads, as_of)?;
    Ok(analysis::sensitivity::sensitivity(&Known::at(store, as_of)?.frames()?, &parameters)?)
}

/// The parameters of an analysis of the lens window.
fn parameters(
    store: &Store,
    workloads: &[Workload],
    as_of: DateTime<Utc>,
) -> Result<Parameters, PipelineError> {
    let provider_names: BTreeMap<String, String> =
        store.providers(as_of)?.iter().map(|p| (p.provider.to_string(), p.name.clone())).collect();
    let hourly = store.hourly(first_hour(as_of), as_of + Duration::seconds(1))?;
    let prompt_sizes = hourly.request_sizes.into_iter().collect();
    Ok(Parameters {
        as_of,
        window: window(as_of),
        workloads: workloads.to_vec(),
        provider_names,
        prompt_sizes,
    })
}

/// The lens window that ends with the UTC day of `as_of`.
fn window(as_of: DateTime<Utc>) -> DayRange {
    days_until(as_of, u64::try_from(thresholds::LENS_WINDOW_DAYS).unwrap_or(1))
}

/// The midnight at which the published hourly rates begin.
pub(super) fn first_hour(as_of: DateTime<Utc>) -> DateTime<Utc> {
    midnight(days_until(as_of, thresholds::HOURLY_DAYS).from)
}

/// The days that the pages show.
pub(super) fn shown_days(as_of: DateTime<Utc>) -> DayRange {
    days_until(as_of, SHOWN_DAYS)
}

/// `count` UTC days, the last of them that of `as_of`.
fn days_until(as_of: DateTime<Utc>, count: u64) -> DayRange {
    let to = as_of.date_naive();
    DayRange { from: to.checked_sub_days(Days::new(count - 1)).unwrap_or(to), to }
}
