//! `hitrate share`: who serves the traffic.

use super::tables::{Column, Report, Table, clean, dash, name, number, percent};
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
        let tokens = dash(row.tokens_per_day, |tokens| format!("{:.0} M", tokens / 1e6));
        table.row([whose(row), percent(row.share), percent(row.share_before), tokens]);
    }
    let what = found.model_id.as_ref().map_or_else(
        || "Tokens of all models by provider".to_owned(),
        |model| format!("Tokens of {} by endpoint", clean(model)),
    );
    let against = if found.partial { "" } else { " against the 7 before" };
    let heading = format!("{what}, {}{against}", wording::recent_days(found));
    let mut report = Report::default().text(heading).simulated(simulated).table(table);
    let (one, many) =
        if found.model_id.is_some() { ("endpoint", "endpoints") } else { ("provider", "providers") };
    report = match wording::concentration(found, one, many) {
        Some(concentration) => report.text(concentration),
        None => report.text("No traffic is recorded on these days."),
    };
    if let Some(partial) = wording::partial(found) {
        report = report.text(partial);
    }
    for jump in found.jumps.iter().take(JUMPS) {
        let tag = clean(&jump.tag.as_ref().map_or_else(|| jump.provider.to_string(), ToString::to_string));
        let model = clean(jump.slug.as_str());
        report = report.text(format!("{} {model} at {tag}: {}.", jump.day, wording::jump(jump)));
    }
    report.text(found.caution)
}

/// The tag of an endpoint, or its provider if the endpoint is gone.
fn whose(row: &ShareRow) -> String {
    match (&row.tag, row.endpoint_id) {
        (Some(tag), _) => tag.to_string(),
        (None, Some(_)) => format!("{} (gone)", row.provider),
        (None, None) => row.provider.to_string(),
    }
}
