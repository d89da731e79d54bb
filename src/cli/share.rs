//! `hitrate share`: who serves the traffic.

use super::tables::{Column, Report, Table, dash, name, number, percent, thousands};
use super::{Common, exit, model};
use crate::domain::share::{ShareReport, ShareRow};
use crate::table::tsv;
use crate::wording::share as wording;
use anyhow::Result;
use clap::Args;

/// Number of jumps that are printed.
const JUMPS: usize = 10;

/// Arguments of `share`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate share\n  \
hitrate share --model moonshotai/kimi-k2.6")]
pub struct ShareArgs {
    /// Divide the traffic of this model by endpoint: a model id or canonical slug [default: all traffic by provider].
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
}

/// Prints the shares of the saved snapshot, with `--json` as `/api/v1/share` does.
pub fn run(common: &Common, args: &ShareArgs) -> Result<u8> {
    let snapshot = common.snapshot()?;
    let found = args.model.as_deref().map(|name| model::find(&snapshot, name)).transpose()?;
    let report = match found {
        Some(model) => snapshot.share.of_model(&model.model_id, &model.slug, &model.variant),
        None => snapshot.share.of_providers(),
    };
    common.report(&report, || describe(&report, snapshot.simulated))?;
    Ok(exit::OK)
}

fn describe(found: &ShareReport, simulated: bool) -> Report {
    const COLUMNS: [Column; 4] =
        [name("whose", 1), number("share", 1), number("before", 2), number("tokens a day", 3)];
    let mut table = Table::new(&COLUMNS, tsv(&found.shares));
    for row in &found.shares {
        let tokens = dash(row.tokens_per_day, |tokens| format!("{} M", thousands(tokens / 1e6)));
        table.row([whose(row), percent(row.share), percent(row.share_before), tokens]);
    }
    let heading = match &found.model_id {
        Some(model) => format!("Tokens of {model} by endpoint, last 7 complete days against the 7 before"),
        None => "Tokens of all models by provider, last 7 complete days against the 7 before".to_owned(),
    };
    let mut report = Report::default().text(heading).simulated(simulated).table(table);
    let (one, many) =
        if found.model_id.is_some() { ("endpoint", "endpoints") } else { ("provider", "providers") };
    report = match &found.concentration {
        Some(concentration) => report.text(wording::concentration(concentration, one, many)),
        None => report.text("No complete day with traffic is recorded yet."),
    };
    for jump in found.jumps.iter().take(JUMPS) {
        let tag = jump.tag.as_ref().map_or_else(|| jump.provider.to_string(), ToString::to_string);
        report = report.text(format!("{} {} at {tag}: {}.", jump.day, jump.slug, wording::jump(jump)));
    }
    report.text(found.caution)
}

/// The tag of an endpoint, or its provider with the beginning of its id if the endpoint is gone.
fn whose(row: &ShareRow) -> String {
    match (&row.tag, row.endpoint_id) {
        (Some(tag), _) => tag.to_string(),
        (None, Some(_)) => format!("{} (gone)", row.provider),
        (None, None) => row.provider.to_string(),
    }
}
