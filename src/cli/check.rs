//! `hitrate check`: checks whether the stored numbers reproduce what is known to be true.

use super::tables::{Column, Report, Table, dash, fixed, number, percent, text};
use super::{Common, exit};
use crate::analysis::METHOD_VERSION;
use crate::analysis::numbers::{self, ListAgreement};
use crate::domain::format;
use crate::domain::statistics::median;
use crate::pipeline::open_store;
use crate::preferences::{Mode, NO_DIFFERENCE, TRAFFIC, preference};
use crate::snapshot::{self, Snapshot};
use crate::table::{Cell, columns, tsv};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;

/// Highest median absolute difference between our token-weighted hit rate of a model and the upstream's own.
const AGGREGATE_BOUND: f64 = 0.001;
/// Highest median relative error of the price identity against the effective price.
const IDENTITY_BOUND: f64 = 0.0005;

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
hitrate check numbers")]
pub struct CheckArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Compare hit rates with the upstream's own aggregate, and effective prices with the price identity, run by run.
    /// Check that letters, order and figures of the published lists agree, and that no published preference expects a
    /// loss.
    #[command(after_help = "Examples:\n  \
hitrate check numbers\n  \
hitrate check numbers --json")]
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
    /// What was published after the newest run.
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<Published>,
}

/// Whether the published lists and preferences agree with their own figures.
#[derive(Debug, Serialize)]
struct Published {
    /// Id of the snapshot.
    snapshot: String,
    lists: Vec<ListAgreement>,
    advice: Vec<ModeAdvice>,
    /// Whether all of them agree.
    holds: bool,
}

/// The preferences of one mode over all models, without limits.
#[derive(Debug, Serialize)]
struct ModeAdvice {
    mode: Mode,
    workload: String,
    /// Models with a preference.
    given: usize,
    /// Models without one.
    none: usize,
    /// Preferences that are given although they are expected to cost more than the traffic's average.
    expected_losses: usize,
    /// Median expected saving against the traffic's average, fraction.
    median_saving: Option<f64>,
}

/// Prints the acceptance numbers of every run; exit code 1 if one misses its bound.
pub fn run(common: &Common, args: &CheckArgs) -> Result<u8> {
    let What::Numbers = args.what;
    let data = common.recorded()?;
    let store = open_store(&common.settings()?, &data)?;
    let frame = store.numbers_frame()?;
    let identities = numbers::identities(&frame)?;
    let mut checked: Vec<CheckedRun> = numbers::aggregates(&frame)?
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
                published: None,
            }
        })
        .collect();
    if checked.is_empty() {
        bail!("there is no run with usage yet; run `hitrate collect` to create one");
    }
    if let Some(newest) = checked.last_mut() {
        newest.published = snapshot::store::load(&data.snapshots())?
            .filter(|snapshot| snapshot.method_version == METHOD_VERSION)
            .as_ref()
            .map(published);
    }
    common.report(&checked, || describe(&checked))?;
    let agrees =
        |run: &CheckedRun| run.holds && run.published.as_ref().is_none_or(|published| published.holds);
    Ok(if checked.iter().all(agrees) { exit::OK } else { exit::ERROR })
}

/// Checks the lists and the preferences of a snapshot.
fn published(snapshot: &Snapshot) -> Published {
    let lists: Vec<ListAgreement> = snapshot.tier_lists.iter().map(ListAgreement::of).collect();
    let workloads = [TRAFFIC, snapshot.default_workload()];
    let advice: Vec<ModeAdvice> = workloads
        .into_iter()
        .flat_map(|workload| Mode::OFFERED.map(|mode| advice(snapshot, mode, workload)))
        .collect();
    let no_loss = advice.iter().all(|advice| advice.expected_losses == 0);
    Published {
        snapshot: snapshot.id.clone(),
        holds: no_loss && lists.iter().all(ListAgreement::holds),
        lists,
        advice,
    }
}

fn advice(snapshot: &Snapshot, mode: Mode, workload: &str) -> ModeAdvice {
    let (mut given, mut none, mut savings) = (0, 0, Vec::new());
    for model in &snapshot.models {
        let preference = preference(snapshot, model, mode, workload, snapshot.as_of);
        if preference.provider.is_none() {
            none += 1;
            continue;
        }
        given += 1;
        savings.extend(preference.saving.against_traffic_average.fraction);
    }
    ModeAdvice {
        mode,
        workload: workload.to_owned(),
        given,
        none,
        expected_losses: savings.iter().filter(|saving| **saving < -NO_DIFFERENCE).count(),
        median_saving: median(savings),
    }
}

columns!(CheckedRun, |row| {
    "run_id": Cell::text(&row.run_id),
    "holds": Cell::Flag(Some(row.holds)),
    "models": Cell::count(row.models),
    "aggregate_difference": Cell::Number(row.aggregate_difference),
    "endpoints": Cell::count(row.endpoints),
    "identity_error": Cell::Number(row.identity_error),
    "identity_within_one_percent": Cell::Number(row.identity_within_one_percent),
});

columns!(ListAgreement, |row| {
    "lens": Cell::text(row.lens),
    "workload": Cell::maybe(row.workload.as_ref()),
    "rated": Cell::count(row.rated),
    "contradicting": Cell::count(row.contradicting),
    "wrong_pairs": Cell::count(row.wrong_pairs),
    "held_bands": Cell::Number(Some(row.held_bands)),
});

columns!(ModeAdvice, |row| {
    "mode": Cell::text(row.mode),
    "workload": Cell::text(&row.workload),
    "given": Cell::count(row.given),
    "none": Cell::count(row.none),
    "expected_losses": Cell::count(row.expected_losses),
    "median_saving": Cell::Number(row.median_saving),
});

/// The acceptance numbers run by run.
fn describe(runs: &[CheckedRun]) -> Report {
    const COLUMNS: [Column; 7] = [
        text("run", 1),
        text("result", 1),
        number("models", 4),
        number("hit rate vs upstream", 2),
        number("endpoints", 5),
        number("identity error", 2),
        number("within 1 %", 3),
    ];
    let mut table = Table::new(&COLUMNS, tsv(runs));
    for run in runs {
        table.row([
            run.run_id.clone(),
            if run.holds { "ok".into() } else { "MISSED".to_owned() },
            run.models.to_string(),
            fixed(run.aggregate_difference, 6),
            run.endpoints.to_string(),
            dash(run.identity_error, |error| format::percent(error, 4)),
            percent(run.identity_within_one_percent),
        ]);
    }
    let bounds = format!(
        "Medians. Bounds: {AGGREGATE_BOUND} for the hit rate, {} for the price",
        format::percent(IDENTITY_BOUND, 2)
    );
    let report = Report::default().text(bounds).table(table);
    match runs.last().and_then(|run| run.published.as_ref()) {
        Some(published) => with_published(report, published),
        None => report,
    }
}

/// The agreement of the published lists and preferences.
fn with_published(report: Report, published: &Published) -> Report {
    const LISTS: [Column; 6] = [
        text("lens", 1),
        text("workload", 1),
        number("rated", 4),
        number("letters off", 2),
        number("wrong pairs", 2),
        number("held by", 3),
    ];
    const ADVICE: [Column; 6] = [
        text("mode", 1),
        text("workload", 1),
        number("given", 3),
        number("none", 4),
        number("expected losses", 2),
        number("median saving", 2),
    ];
    let mut lists = Table::new(&LISTS, tsv(&published.lists));
    for list in &published.lists {
        lists.row([
            list.lens.to_string(),
            list.workload.clone().unwrap_or_else(|| "-".to_owned()),
            list.rated.to_string(),
            list.contradicting.to_string(),
            list.wrong_pairs.to_string(),
            format!("{:.2} bands", list.held_bands),
        ]);
    }
    let mut advice = Table::new(&ADVICE, tsv(&published.advice));
    for mode in &published.advice {
        advice.row([
            mode.mode.to_string(),
            mode.workload.clone(),
            mode.given.to_string(),
            mode.none.to_string(),
            mode.expected_losses.to_string(),
            percent(mode.median_saving),
        ]);
    }
    let verdict = if published.holds { "ok" } else { "MISSED" };
    report
        .text(format!(
            "\n\nSnapshot {}: {verdict}\nLetters, order and published figures of the lists; a figure may be held at the \
             edge of its row by one band",
            published.snapshot
        ))
        .table(lists)
        .text("Preferences without limits, compared with the average of the traffic")
        .table(advice)
}
