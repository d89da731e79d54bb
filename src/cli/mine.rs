//! The workload `mine`: fitted to the user's own traffic.

use super::Common;
use crate::clock::Clock;
use crate::domain::workload::Workload;
use crate::domain::workload_file;
use crate::pipeline::traffic_options;
use crate::snapshot::ModelEntry;
use crate::store::{CallFilter, TrafficStore};
use crate::traffic::acting::{fit_mine, model_key};
use anyhow::{Context, Result, bail};
use chrono::Days;

/// The workload is fitted to the calls of this many days.
const FITTED_DAYS: u64 = 90;

/// The store of own traffic.
///
/// # Errors
/// If nothing is imported yet: the error says how to import.
pub(super) fn store(common: &Common) -> Result<TrafficStore> {
    let data = common.data();
    match TrafficStore::open_existing(traffic_options(&common.settings()?, &data))? {
        Some(store) => Ok(store),
        None => bail!(
            "no traffic is imported in {} yet; run `hitrate traffic import PATH` with a log or a folder of logs",
            data.path().display()
        ),
    }
}

/// The workload fitted to the user's own calls of a model, or of all models. What it was fitted to goes to standard error.
///
/// # Errors
/// If there are no such calls.
pub(super) fn workload(common: &Common, model: Option<&ModelEntry>) -> Result<Workload> {
    let from = Common::clock().now() - Days::new(FITTED_DAYS);
    let filter = CallFilter { from: Some(from), model: model.map(model_key), ..CallFilter::default() };
    let calls = store(common)?.calls(&filter)?;
    let of = model.map_or_else(String::new, |model| format!(" of {}", model.model_id));
    let fit = fit_mine(&calls).with_context(|| {
        format!(
            "your own traffic has no answered calls{of} of the last {FITTED_DAYS} days; `hitrate traffic models` lists what it has"
        )
    })?;
    workload_file::check(&fit.workload, "own traffic")?;
    let sessions = if fit.sessions == 1 { "session" } else { "sessions" };
    eprintln!(
        "workload mine: fitted to {} requests{of} in {} {sessions} of your own traffic",
        fit.requests, fit.sessions
    );
    Ok(fit.workload)
}
