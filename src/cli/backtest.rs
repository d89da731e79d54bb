//! `hitrate backtest`: what each policy would have cost.

use super::tables::{Report, Table, number, text};
use super::{Common, advance, exit, progress, running};
use crate::domain::backtest::{Backtest, Decide, HourlyBacktest, PolicyCost, TestedDays};
use crate::domain::format;
use crate::domain::thresholds::{BACKTEST_MIN_TOKENS, HOURLY_CHOICE_CLOSE, HOURLY_CHOICE_MINUTES};
use crate::pipeline::{backtest_by_hour, backtest_record};
use crate::table::{Cell, columns, tsv};
use anyhow::{Context, Result, bail, ensure};
use chrono::NaiveDate;
use clap::Args;
use serde::Serialize;

/// Arguments of `backtest`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate backtest\n  \
hitrate backtest --decide hourly --from 2026-08-01 --to 2026-08-07")]
pub struct BacktestArgs {
    /// When the policies choose: `daily` at the end of each day, charged the whole next day, or `hourly` at 01, 04, …
    /// 22 UTC, charged the rest of the day.
    #[arg(long, default_value = "daily", value_name = "WHEN", value_parser = Decide::ALL.map(Decide::as_str))]
    decide: String,
    /// First day of choice, UTC [default: the first day of the record].
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// Last day of choice, UTC, inclusive [default: the last day of the record].
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
}

/// Runs the backtest, through the running server if one holds the store.
pub fn run(common: &Common, args: &BacktestArgs) -> Result<u8> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        bail!("--from {from} is after --to {to}");
    }
    let decide: Decide = args.decide.parse().map_err(anyhow::Error::msg)?;
    match decide {
        Decide::Daily => daily(common, args),
        Decide::Hourly => hourly(common, args),
    }
}

/// A daily backtest with the number of its choices under the name that it has by the hour.
#[derive(Serialize)]
struct Daily<'a> {
    decisions: usize,
    #[serde(flatten)]
    tested: &'a Backtest,
}

fn daily(common: &Common, args: &BacktestArgs) -> Result<u8> {
    let tested = running::read_or_ask(common, ("a backtest", &path(args)), |store| {
        Ok(backtest_record(store, args.from, args.to)?)
    })?;
    let tested = tested.context(
        "nothing to test on these days: a choice needs closing prices on two consecutive days, and a model with two \
         endpoints with enough traffic in a day-to-date reading; collect more days, or change --from and --to",
    )?;
    common.report(&Daily { decisions: tested.all.model_days, tested: &tested }, || describe(&tested))?;
    Ok(exit::OK)
}

fn hourly(common: &Common, args: &BacktestArgs) -> Result<u8> {
    let bar = progress(0, "days");
    let tested: HourlyBacktest =
        running::read_or_ask(common, ("a backtest by the hour", &path(args)), |store| {
            Ok(backtest_by_hour(store, args.from, args.to, &advance(&bar))?)
        })?;
    bar.finish_and_clear();
    ensure!(tested.decisions > 0, "nothing to test on these days: {}", nothing(&tested));
    common.report(&tested, || by_hour(&tested))?;
    Ok(exit::OK)
}

/// Why a backtest by the hour has no choice, and what to do.
fn nothing(tested: &HourlyBacktest) -> String {
    if tested.from > tested.to {
        return "the record has no run on them; change --from and --to".to_owned();
    }
    let (days, hours) = (format!("{} to {}", tested.from, tested.to), hours(tested));
    match tested.decision_hours {
        0 => format!(
            "from {days}, there is no day-to-date reading in the {HOURLY_CHOICE_MINUTES} minutes before any of {hours} UTC; \
             sweep every hour, change --from and --to, or use --decide daily"
        ),
        read => format!(
            "from {days}, no model had two eligible endpoints at any of {read} hours with readings. {}; collect more \
             days, or change --from and --to",
            left_out(tested)
        ),
    }
}

/// The hours of decision, as "01, 04 and 07".
fn hours(tested: &HourlyBacktest) -> String {
    let hours: Vec<String> = tested.hours.iter().map(|hour| format!("{hour:02}")).collect();
    match hours.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => hours.concat(),
    }
}

/// The path of the backtest on the running server.
fn path(args: &BacktestArgs) -> String {
    let bound = |name: &str, day: Option<NaiveDate>| day.map(|day| format!("{name}={day}"));
    let decide = (args.decide != Decide::Daily.as_str()).then(|| format!("decide={}", args.decide));
    let query: Vec<String> =
        [decide, bound("from", args.from), bound("to", args.to)].into_iter().flatten().collect();
    match query.is_empty() {
        true => "/local/backtest".to_owned(),
        false => format!("/local/backtest?{}", query.join("&")),
    }
}

/// A backtest: over all its days, and over the days that our policy was not tuned on.
fn describe(tested: &Backtest) -> Report {
    let report = with_days(Report::default().text("All days"), "all", &tested.all);
    let Some(days) = &tested.reported_on else { return report };
    let tuned = tested.tuned_on;
    let heading = format!("\n\nDays that hitrate was not tuned on (tuned on {} to {})", tuned.from, tuned.to);
    with_days(report.text(heading), "not_tuned_on", days)
}

/// The cost of a policy on some days of the record.
struct Charged<'a> {
    days: &'a str,
    cost: PolicyCost,
}

columns!(Charged<'_>, |row| {
    "days": Cell::text(row.days),
    "policy": Cell::text(row.cost.policy),
    "equal": Cell::Number(Some(row.cost.equal)),
    "sqrt_tokens": Cell::Number(Some(row.cost.sqrt_tokens)),
    "tokens": Cell::Number(Some(row.cost.tokens)),
});

fn policies(days: &str, rows: &[PolicyCost]) -> Table {
    let charged = rows.iter().map(|cost| Charged { days, cost: *cost });
    let columns =
        [text("policy", 1), number("equal", 1), number("by sqrt(tokens)", 3), number("by tokens", 2)];
    let mut table = Table::new(&columns, tsv(charged));
    for row in rows {
        let over = |ratio: f64| format::percent_change(ratio - 1.0, 2);
        table.row([row.policy.to_string(), over(row.equal), over(row.sqrt_tokens), over(row.tokens)]);
    }
    table
}

fn with_days(report: Report, name: &str, days: &TestedDays) -> Report {
    report.table(policies(name, &days.policies)).text(format!(
        "Cost above the oracle's cost, geometric mean over {} choices ({} models) from {} to {}, each charged the price of the next day.\n\
         Excluded: {} endpoint-days without a price on the next day, {} model-days with only one endpoint.",
        days.model_days,
        days.models,
        days.from,
        days.to,
        days.exclusions.gone_next_day,
        days.exclusions.lone_endpoint
    ))
}

fn by_hour(tested: &HourlyBacktest) -> Report {
    Report::default().table(policies("all", &tested.policies)).text(format!(
        "Cost above the oracle's cost, geometric mean over {} choices ({} models) at {} UTC from {} to {} ({} hours with readings), each charged the rest of the day.\n\
         Eligible: endpoints of the standard variant with at least {:.0} M tokens yesterday, a price of yesterday, and at least {:.0} M tokens in the rest of the day, on models with two or more of them.\n{}.",
        tested.decisions,
        tested.models,
        hours(tested),
        tested.from,
        tested.to,
        tested.decision_hours,
        BACKTEST_MIN_TOKENS / 1e6,
        tested.rest_floor / 1e6,
        left_out(tested)
    ))
}

/// What a backtest by the hour skipped and left out, without a full stop.
fn left_out(tested: &HourlyBacktest) -> String {
    let skipped = &tested.skipped;
    format!(
        "Skipped: {} hours without a reading in the {HOURLY_CHOICE_MINUTES} minutes before, {} choices for models without one, {} choices with only one endpoint. \
         Left out, over all choices: {} endpoints with a smaller rest, {} without a price, {} with an impossible price, {} without a reading after {HOURLY_CHOICE_CLOSE}:00",
        skipped.hours_without_readings,
        skipped.unread_models,
        skipped.lone_endpoint,
        skipped.idle_endpoints,
        skipped.unpriced_endpoints,
        skipped.impossible_endpoints,
        skipped.unclosed_endpoints
    )
}
