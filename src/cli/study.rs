//! `hitrate study`: checks the method on simulated worlds with a known truth and on the record.

mod markdown;

use super::{Common, exit, print_json, print_text, progress, running, tables};
use crate::domain::thresholds::EFFECT_RIDGE;
use crate::pipeline::{flips as count_flips, open_store};
use crate::store::StoreError;
use crate::study::coverage::{
    COVERAGE_BOUNDS, CoverageReport, CoverageStudy, Group, SPEARMAN_BOUND, run as study,
};
use crate::study::lag::{LagStudy, run as follow};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

/// Arguments of `study`.
#[derive(Debug, Args)]
pub struct StudyArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Measure how often the 90 % intervals contain the truth, and how well the ranking matches it.
    Coverage(CoverageArgs),
    /// Count how often the tiers of the collected record change from day to day, with and without hysteresis.
    Flips(Output),
    /// Measure how soon the published tier follows a provider that gets worse, on simulated worlds.
    Lag(LagArgs),
}

#[derive(Debug, Args)]
struct Output {
    /// Print the result as a Markdown table, as docs/evidence.md contains it.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

#[derive(Debug, Args)]
struct LagArgs {
    /// Number of simulated worlds.
    #[arg(long, default_value_t = 20, value_name = "N")]
    seeds: u64,
    /// Seed of the first world.
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    first_seed: u64,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct CoverageArgs {
    /// Number of simulated worlds.
    #[arg(long, default_value_t = 200, value_name = "N")]
    seeds: u64,
    /// Seed of the first world.
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    first_seed: u64,
    /// Ridge on the provider effects [default: the one that the published tiers use].
    #[arg(long, value_name = "R")]
    ridge: Option<f64>,
    #[command(flatten)]
    output: Output,
}

/// Runs a study; exit code 1 if a figure misses its bound.
pub fn run(common: &Common, args: &StudyArgs) -> Result<u8> {
    match &args.what {
        What::Coverage(args) => coverage(common, args),
        What::Flips(output) => flips(common, output),
        What::Lag(args) => lag(common, args),
    }
}

/// Prints a report as JSON, as Markdown or for the terminal.
fn print<T: serde::Serialize>(
    common: &Common,
    output: &Output,
    report: &T,
    markdown: impl Fn(&T) -> String,
    text: impl Fn(&T) -> String,
) -> Result<()> {
    match (common.json, output.markdown) {
        (true, _) => print_json(report),
        (false, true) => print_text(&markdown(report)),
        (false, false) => print_text(&text(report)),
    }
}

fn coverage(common: &Common, args: &CoverageArgs) -> Result<u8> {
    let ridge = args.ridge.unwrap_or(EFFECT_RIDGE);
    anyhow::ensure!(
        ridge.is_finite() && ridge >= 0.0,
        "invalid ridge {ridge}; expected a number of at least 0"
    );
    let bar = progress(usize::try_from(args.seeds)?, "worlds");
    let asked = CoverageStudy { first_seed: args.first_seed, seeds: args.seeds, ridge };
    let report = study(&asked, &|| bar.inc(1))?;
    bar.finish_and_clear();
    print(common, &args.output, &report, markdown::coverage, describe)?;
    Ok(if report.holds { exit::OK } else { exit::ERROR })
}

/// Counts over the store, through the running server if one holds it.
fn flips(common: &Common, output: &Output) -> Result<u8> {
    let data = common.data();
    if !data.store().exists() {
        bail!("there is no store in {} yet; run `hitrate collect` to create one", data.path().display());
    }
    let config = common.settings()?;
    let report = match open_store(&config, &data) {
        Ok(store) => count_flips(&store, &config.workloads(data.path())?)?,
        Err(StoreError::Locked { .. }) => serde_json::from_slice(&running::ask(&data, "/local/flips")?)
            .context("the server's response is not a count of changes")?,
        Err(error) => return Err(error.into()),
    };
    print(common, output, &report, markdown::flips, tables::flips)?;
    Ok(if report.holds == Some(false) { exit::ERROR } else { exit::OK })
}

/// Runs the study of the lag.
fn lag(common: &Common, args: &LagArgs) -> Result<u8> {
    let bar = progress(usize::try_from(args.seeds)?, "worlds");
    let report = follow(&LagStudy::of_recorded_size(args.first_seed, args.seeds), &|| bar.inc(1))?;
    bar.finish_and_clear();
    print(common, &args.output, &report, markdown::lag, tables::lag)?;
    Ok(exit::OK)
}

fn describe(report: &CoverageReport) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    let percent =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{:.1}", value * 100.0));
    let group = |name: &str, group: &Group| {
        format!(
            "{name}: {} % of {} intervals contain the truth, mean half-width {} points\n",
            percent(group.coverage),
            group.intervals,
            percent(group.half_width)
        )
    };
    format!(
        "{} worlds from seed {}, ridge {}\n{}{}rank correlation with the truth: adjusted {} (worst {}), plain mean over models {} (worst {})\n{}: the target is {:.0} to {:.0} % for both groups and a mean rank correlation of {SPEARMAN_BOUND}",
        report.seeds,
        report.first_seed,
        report.ridge,
        group("all providers", &report.all),
        group("thin providers (3 or 4 shared models)", &report.thin),
        number(report.adjusted.mean),
        number(report.adjusted.worst),
        number(report.model_mean.mean),
        number(report.model_mean.worst),
        if report.holds { "holds" } else { "does not hold" },
        COVERAGE_BOUNDS.0 * 100.0,
        COVERAGE_BOUNDS.1 * 100.0,
    )
}
