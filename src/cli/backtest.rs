//! `hitrate backtest`: what each policy would have cost.

use super::{Common, exit, print_json, print_text, running, tables};
use crate::domain::backtest::Backtest;
use crate::pipeline::{backtest_record, open_store};
use crate::store::StoreError;
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
    let data = common.data();
    if !data.store().exists() {
        bail!("there is no store in {} yet; run `hitrate collect` to create one", data.path().display());
    }
    let tested = match open_store(&common.settings()?, &data) {
        Ok(store) => backtest_record(&store, args.from, args.to)?,
        Err(StoreError::Locked { .. }) => ask_server(common, args)?,
        Err(error) => return Err(error.into()),
    };
    let tested = tested.context(
        "nothing to test on these days: a choice needs closing prices on two consecutive days, and a model with two \
         endpoints with enough traffic in a day-to-date reading; collect more days, or change --from and --to",
    )?;
    if common.json {
        print_json(&tested)?;
    } else {
        print_text(&tables::backtest(&tested))?;
    }
    Ok(exit::OK)
}

fn ask_server(common: &Common, args: &BacktestArgs) -> Result<Option<Backtest>> {
    let bound = |name: &str, day: Option<NaiveDate>| day.map(|day| format!("{name}={day}"));
    let query: Vec<String> = [bound("from", args.from), bound("to", args.to)].into_iter().flatten().collect();
    let path = match query.is_empty() {
        true => "/local/backtest".to_owned(),
        false => format!("/local/backtest?{}", query.join("&")),
    };
    let body = running::ask(&common.data(), &path)?;
    serde_json::from_slice(&body).context("the server's response is not a backtest")
}
