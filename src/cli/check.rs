//! `hitrate check`: checks whether the stored numbers reproduce what is known to be true.

use super::tables::{dash, fixed, percent, table};
use super::{Common, exit};
use crate::analysis::numbers;
use crate::domain::format;
use crate::pipeline::open_store;
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;

/// Highest median absolute difference between our token-weighted hit rate of a model and the upstream's own.
const AGGREGATE_BOUND: f64 = 0.001;
/// Highest median relative error of the price identity against the effective price.
const IDENTITY_BOUND: f64 = 0.0005;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Compare hit rates with the upstream's own aggregate, and effective prices with the price identity, run by run.
    Numbers,
}

/// The acceptance numbers of one run.
#[derive(Debug, Serialize)]
struct CheckedRun {
    run_id: String,
    /// Models compared with the upstream's aggregate.
    models: usize,
    /// Median absolute difference of the hit rates, as a fraction.
    aggregate_difference: Option<f64>,
    /// Endpoints that the price identity is checked on.
    endpoints: usize,
    /// Median relative error of the identity.
    identity_error: Option<f64>,
    /// Share of these endpoints within 1 %.
    identity_within_one_percent: Option<f64>,
    /// Whether both medians are within their bounds.
    holds: bool,
}

/// Prints the acceptance numbers of every run; exit code 1 if one misses its bound.
pub fn run(common: &Common, args: &CheckArgs) -> Result<u8> {
    let What::Numbers = args.what;
    let data = common.recorded()?;
    let store = open_store(&common.settings()?, &data)?;
    let frame = store.numbers_frame()?;
    let identities = numbers::identities(&frame)?;
    let checked: Vec<CheckedRun> = numbers::aggregates(&frame)?
        .into_iter()
        .map(|aggregate| {
            let identity = identities.iter().find(|identity| identity.run_id == aggregate.run_id);
            let error = identity.and_then(|identity| identity.median_error);
            let within = |value: Option<f64>, bound: f64| value.is_some_and(|value| value <= bound);
            CheckedRun {
                holds: within(aggregate.median_difference, AGGREGATE_BOUND) && within(error, IDENTITY_BOUND),
                run_id: aggregate.run_id,
                models: aggregate.models,
                aggregate_difference: aggregate.median_difference,
                endpoints: identity.map_or(0, |identity| identity.endpoints),
                identity_error: error,
                identity_within_one_percent: identity.and_then(|identity| identity.within_one_percent),
            }
        })
        .collect();
    if checked.is_empty() {
        bail!("there is no run with usage yet; run `hitrate collect` to create one");
    }
    common.print(&checked, || describe(&checked))?;
    Ok(if checked.iter().all(|run| run.holds) { exit::OK } else { exit::ERROR })
}

/// The acceptance numbers run by run.
fn describe(runs: &[CheckedRun]) -> String {
    let header = ["run", "", "models", "hit rate vs upstream", "endpoints", "identity error", "within 1 %"];
    let mut table = table(&header, 2);
    for run in runs {
        table.add_row([
            run.run_id.clone(),
            if run.holds { "ok".into() } else { "MISSED".to_owned() },
            run.models.to_string(),
            fixed(run.aggregate_difference, 6),
            run.endpoints.to_string(),
            dash(run.identity_error, |error| format::percent(error, 4)),
            percent(run.identity_within_one_percent),
        ]);
    }
    format!(
        "Medians. Bounds: {AGGREGATE_BOUND} for the hit rate, {} for the price\n{table}",
        format::percent(IDENTITY_BOUND, 2)
    )
}
