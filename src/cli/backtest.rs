//! `hitrate backtest`: what each policy would have cost.

use super::tables::table;
use super::{Common, exit, running};
use crate::domain::backtest::{Backtest, TestedDays};
use crate::pipeline::backtest_record;
use anyhow::{Context, Result, bail};
use chrono::NaiveDate;
use clap::Args;

/// Arguments of `backtest`.
#[derive(Debug, Args)]
pub struct BacktestArgs {
    /// First day of choice, UTC [default: the first day of the record].
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// Last day of choice, UTC, inclusive; each choice is charged the price of the next day [default: the last day].
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
    let tested = running::read_or_ask(common, ("a backtest", &path(args)), |store| {
        Ok(backtest_record(store, args.from, args.to)?)
    })?;
    let tested = tested.context(
        "nothing to test on these days: a choice needs closing prices on two consecutive days, and a model with two \
         endpoints with enough traffic in a day-to-date reading; collect more days, or change --from and --to",
    )?;
    common.print(&tested, || describe(&tested))?;
    Ok(exit::OK)
}

/// The path of the backtest on the running server.
fn path(args: &BacktestArgs) -> String {
    let bound = |name: &str, day: Option<NaiveDate>| day.map(|day| format!("{name}={day}"));
    let query: Vec<String> = [bound("from", args.from), bound("to", args.to)].into_iter().flatten().collect();
    match query.is_empty() {
        true => "/local/backtest".to_owned(),
        false => format!("/local/backtest?{}", query.join("&")),
    }
}

/// A backtest: over all its days, and over the days that our policy was not tuned on.
fn describe(tested: &Backtest) -> String {
    let mut text = format!("All days\n{}", tested_days(&tested.all));
    if let Some(days) = &tested.reported_on {
        let tuned = tested.tuned_on;
        text.push_str(&format!(
            "\n\nDays that hitrate was not tuned on (tuned on {} to {})\n{}",
            tuned.from,
            tuned.to,
            tested_days(days)
        ));
    }
    text
}

fn tested_days(days: &TestedDays) -> String {
    let mut table = table(&["policy", "equal", "by sqrt(tokens)", "by tokens"], 1);
    for row in &days.policies {
        let over = |ratio: f64| format!("{:+.2} %", (ratio - 1.0) * 100.0);
        table.add_row([row.policy.to_string(), over(row.equal), over(row.sqrt_tokens), over(row.tokens)]);
    }
    format!(
        "{table}\nCost above the oracle's cost, geometric mean over {} choices ({} models) from {} to {}, each charged the price of the next day.\n\
         Excluded: {} endpoint-days without a price on the next day, {} model-days with only one endpoint.",
        days.model_days,
        days.models,
        days.from,
        days.to,
        days.exclusions.gone_next_day,
        days.exclusions.lone_endpoint
    )
}
