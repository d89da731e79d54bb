//! `hitrate study preferences`: what the preferences of the recorded days were worth on later days.

use super::super::tables::{Column, Report, Table, fixed, number, percent, text};
use super::super::{Common, advance, progress, running};
use super::{Output, bounds};
use crate::domain::format;
use crate::domain::thresholds::BACKTEST_MIN_TOKENS;
use crate::pipeline::realised_preferences;
use crate::preferences::{
    ChoiceCost, Contained, Horizons, INTERVAL_BOUNDS, INTERVAL_MIN_CASES, ModeReport, PreferenceReport,
    TRAFFIC,
};
use crate::table::{Cell, columns, tsv};
use anyhow::{Result, ensure};
use chrono::NaiveDate;
use clap::Args;

/// Arguments of `study preferences`.
#[derive(Debug, Args)]
pub struct PreferencesArgs {
    /// First day of preferences, UTC [default: the first day of the record].
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// Last day of preferences, UTC, inclusive [default: the last day of the record].
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
    /// Workload to rank by. Recorded prices are those of the traffic's mix, so every workload is charged that mix: only
    /// the savings of `traffic` can be verified.
    #[arg(long, default_value = TRAFFIC, value_name = "NAME")]
    workload: String,
    #[command(flatten)]
    pub output: Output,
}

/// Charges preferences over the store, through the running server if one holds it.
///
/// # Errors
/// If the store or the server cannot be read, the workload is unknown, or there is nothing to charge.
pub fn report(common: &Common, args: &PreferencesArgs) -> Result<PreferenceReport> {
    if let Some((from, to)) = args.from.zip(args.to) {
        ensure!(from <= to, "--from {from} is after --to {to}");
    }
    let bar = progress(0, "days");
    let path = path_of(args);
    let report: PreferenceReport =
        running::read_or_ask(common, ("a count of preferences", &path), |store| {
            let workloads = common.settings()?.workloads(common.data().path())?;
            let days = (args.from, args.to);
            Ok(realised_preferences(store, &workloads, days, &args.workload, &advance(&bar))?)
        })?;
    bar.finish_and_clear();
    ensure!(
        report.model_days > 0,
        "nothing to charge on these days: a preference needs closing prices of the day after it was made, and a model \
         with at least {:.0} M tokens a day and two endpoints with traffic; collect on two or more days in a row, or change \
         --from and --to",
        BACKTEST_MIN_TOKENS / 1e6
    );
    Ok(report)
}

/// The path of the count on the running server.
fn path_of(args: &PreferencesArgs) -> String {
    let workload = running::encode(&args.workload);
    format!("/local/preferences?workload={workload}{}", bounds((args.from, args.to)))
}

/// What each way of choosing cost.
pub fn choice_rows(report: &PreferenceReport) -> impl Iterator<Item = [String; 3]> {
    report
        .relative_to_cheapest
        .iter()
        .map(|row| [row.name.clone(), row.model_days.to_string(), fixed(row.cost, 4)])
}

/// What the preferences of each mode were worth.
pub fn worth_rows(report: &PreferenceReport) -> impl Iterator<Item = [String; 9]> {
    report.modes.iter().map(|row| {
        [
            row.mode.to_string(),
            report.model_days.to_string(),
            row.given.to_string(),
            row.none.to_string(),
            row.charged.to_string(),
            percent(row.expected_saving),
            percent(row.realised_saving),
            percent(row.realised_over_all),
            percent(row.over_5_percent),
        ]
    })
}

fn intervals(report: &PreferenceReport) -> impl Iterator<Item = Intervals> {
    let savings = report.modes.iter().flat_map(|row| {
        let of = format!("saving of {}", row.mode.as_str());
        let against = [
            ("the traffic's average", row.against_traffic_average),
            ("the lowest list price", row.against_cheapest_list),
        ];
        against.map(|(against, horizons)| Intervals { of: of.clone(), against, horizons })
    });
    let of = "expected cost of an endpoint".to_owned();
    savings.chain([Intervals { of, against: "-", horizons: report.expected_costs }])
}

/// How often the intervals contain what was realised: of the savings of each mode, and of expected costs.
pub fn interval_rows(report: &PreferenceReport) -> impl Iterator<Item = [String; 6]> {
    let share = |one: Contained| [one.intervals.to_string(), percent(one.share)];
    intervals(report).map(move |Intervals { of, against, horizons }| {
        let ([day, day_share], [week, week_share]) = (share(horizons.day_after), share(horizons.week_later));
        [of, against.to_owned(), day, day_share, week, week_share]
    })
}

/// Columns of [`choice_rows`].
pub const CHOICE_HEADER: [&str; 3] = ["choice", "model-days", "cost"];
/// Columns of [`worth_rows`].
pub const WORTH_HEADER: [&str; 9] = [
    "preference",
    "model-days",
    "given",
    "none",
    "charged",
    "expected",
    "realised",
    "realised over all",
    "over 5 % more expensive",
];
/// Columns of [`interval_rows`].
pub const INTERVAL_HEADER: [&str; 6] =
    ["interval", "against", "day after", "contain it", "a week later", "contain it"];

columns!(ChoiceCost, |row| {
    "choice": Cell::text(&row.name),
    "model_days": Cell::count(row.model_days),
    "cost": Cell::Number(row.cost),
});

columns!(ModeReport, |row| {
    "mode": Cell::text(row.mode),
    "given": Cell::count(row.given),
    "none": Cell::count(row.none),
    "charged": Cell::count(row.charged),
    "expected_saving": Cell::Number(row.expected_saving),
    "realised_saving": Cell::Number(row.realised_saving),
    "realised_over_all": Cell::Number(row.realised_over_all),
    "over_5_percent": Cell::Number(row.over_5_percent),
});

/// The intervals of one kind: their name, what they compare with, and how many contain what was realised.
struct Intervals {
    of: String,
    against: &'static str,
    horizons: Horizons,
}

columns!(Intervals, |row| {
    "interval": Cell::text(&row.of),
    "against": Cell::text(row.against),
    "day_after": Cell::count(row.horizons.day_after.intervals),
    "day_after_contained": Cell::Number(row.horizons.day_after.share),
    "week_later": Cell::count(row.horizons.week_later.intervals),
    "week_later_contained": Cell::Number(row.horizons.week_later.share),
});

/// Columns with their priorities: the first `texts` are texts, the others numbers.
fn columns_of<const N: usize>(headers: [&'static str; N], texts: usize, priorities: [u8; N]) -> Vec<Column> {
    let of = |(at, (header, priority))| {
        if at < texts { text(header, priority) } else { number(header, priority) }
    };
    headers.into_iter().zip(priorities).enumerate().map(of).collect()
}

/// What preferences were worth.
pub fn describe(report: &PreferenceReport) -> Report {
    let mut choices = Table::new(&columns_of(CHOICE_HEADER, 1, [1, 2, 1]), tsv(&report.relative_to_cheapest));
    let mut worth = Table::new(&columns_of(WORTH_HEADER, 1, [1, 6, 5, 5, 4, 2, 1, 2, 3]), tsv(&report.modes));
    let mut intervals =
        Table::new(&columns_of(INTERVAL_HEADER, 2, [1, 1, 3, 1, 3, 2]), tsv(intervals(report)));
    choices.rows(choice_rows(report));
    worth.rows(worth_rows(report));
    intervals.rows(interval_rows(report));
    let range = report.from.zip(report.to).map_or_else(String::new, |(from, to)| format!(", {from} to {to}"));
    let verdict = match report.holds {
        Some(true) => "holds",
        Some(false) => "does not hold",
        None => "too few intervals to compare yet",
    };
    let (low, high) = INTERVAL_BOUNDS;
    let heading = format!(
        "{} days{range}, workload {}: {} model-days of models with at least {:.0} M tokens a day ({} more have no price on the day after)\n\
         Cost on the day after, relative to the cheapest endpoint with enough traffic (geometric mean); without a preference, the traffic's average",
        report.days,
        report.workload,
        report.model_days,
        BACKTEST_MIN_TOKENS / 1e6,
        report.unpriced
    );
    Report::default()
        .text(heading)
        .table(choices)
        .text("Saving against what the traffic paid on the day after; without a preference, 0")
        .table(worth)
        .text("90 % intervals that contain what was realised")
        .table(intervals)
        .text(format!(
            "{verdict}: the target is {} to {} of the intervals of the saving against the traffic's average, for every mode and day with at least {INTERVAL_MIN_CASES} of them",
            format::percent(low, 0),
            format::percent(high, 0)
        ))
}
