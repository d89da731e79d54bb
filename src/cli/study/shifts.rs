//! `hitrate study shifts`: its arguments and how it prints its result.

use super::super::tables::{Column, Report, Table, dash, fixed, number, percent};
use super::super::{Common, exit, progress};
use super::{Output, markdown, print};
use crate::study::shifts::{
    BOUNDED_SIZE, FALSE_ALARM_BOUND, RECALL_BOUND, ShiftReport, ShiftStudy, SizeRow, run as study,
};
use crate::table::{Cell, columns, tsv};
use anyhow::Result;
use clap::Args;

/// Arguments of `study shifts`.
#[derive(Debug, Args)]
pub(super) struct ShiftsArgs {
    /// Number of simulated worlds.
    #[arg(long, default_value_t = 5, value_name = "N")]
    seeds: u64,
    /// Seed of the first world.
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    first_seed: u64,
    /// The upstream caches its responses for minutes, and a sweep takes minutes.
    #[arg(long)]
    observed: bool,
    /// Levels also change from day to day, as in recorded cells; there is no bound for such worlds.
    #[arg(long)]
    restless: bool,
    #[command(flatten)]
    output: Output,
}

/// Runs the study; exit code 1 if a figure misses its bound in worlds with steady levels.
pub(super) fn run(common: &Common, args: &ShiftsArgs) -> Result<u8> {
    let bar = progress(usize::try_from(args.seeds)?, "worlds");
    let asked = ShiftStudy::of_recorded_size(args.first_seed, args.seeds, args.observed, args.restless);
    let report = study(&asked, &|| bar.inc(1))?;
    bar.finish_and_clear();
    print(common, &args.output, &report, markdown::shifts, describe)?;
    Ok(if report.holds || args.restless { exit::OK } else { exit::ERROR })
}

columns!(SizeRow, |row| {
    "size": Cell::Number(Some(row.size)),
    "planned": Cell::count(row.planned),
    "in_time": Cell::count(row.in_time),
    "later": Cell::count(row.later),
    "recall": Cell::Number(row.recall),
});

fn describe(report: &ShiftReport) -> Report {
    const COLUMNS: [Column; 5] = [
        number("size, points", 1),
        number("shifts", 2),
        number("in two days", 1),
        number("later", 3),
        number("recall", 1),
    ];
    let mut table = Table::new(&COLUMNS, tsv(&report.sizes));
    for row in &report.sizes {
        table.row([
            format!("{:.0}", row.size * 100.0),
            row.planned.to_string(),
            row.in_time.to_string(),
            row.later.to_string(),
            percent(row.recall),
        ]);
    }
    let hours = |value: Option<f64>| dash(value, |value| format!("{value:.0} hours"));
    let heading = format!(
        "{} worlds from seed {}: lasting shifts of the hit rate of single endpoints that are reported within two days",
        report.seeds, report.first_seed
    );
    Report::default().text(heading).table(table).text(format!(
        "reported after a median of {}, with a start that is off by a median of {}\n\
         false alarms: {} in {} endpoint-days, {} in 1,000; reported shifts that were not planned: {}\n\
         {}: the target is a recall of {} for shifts of {:.0} points and at most {FALSE_ALARM_BOUND} false alarm in 1,000 endpoint-days",
        hours(report.median_delay_hours),
        hours(report.median_error_hours),
        report.false_alarms,
        report.endpoint_days,
        fixed(report.false_alarms_per_1000, 2),
        report.unplanned,
        if report.holds { "holds" } else { "does not hold" },
        percent(Some(RECALL_BOUND)),
        BOUNDED_SIZE * 100.0,
    ))
}
