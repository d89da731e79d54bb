//! `hitrate changes`: recent changes of prices, endpoints and tiers.

use super::tables::{Column, Report, Table, clean, name, text};
use super::{Common, exit, model};
use crate::domain::event::EventKind;
use crate::domain::window;
use crate::snapshot::{Event, Snapshot};
use crate::table::tsv;
use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use clap::Args;
use clap::builder::PossibleValuesParser;

/// Arguments of `changes`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate changes\n  \
hitrate changes --kind price_changed --since 2026-08-01\n  \
hitrate changes --model moonshotai/kimi-k2.6 --provider deepinfra")]
pub struct ChangesArgs {
    /// Only changes of this kind.
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(EventKind::ALL.map(EventKind::as_str)))]
    kind: Option<String>,
    /// Only changes of this model: a model id or canonical slug.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Only changes of this provider and its endpoints, by base slug.
    #[arg(long, value_name = "SLUG")]
    provider: Option<String>,
    /// Only changes from this time on: an RFC 3339 time, or a date for the start of that UTC day.
    #[arg(long, value_name = "TIME", value_parser = window::start)]
    since: Option<DateTime<Utc>>,
    /// Number of changes to print, also with --json; 0 means all.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// Prints the changes of the saved snapshot, newest first, with `--json` as `/api/v1/changes` does.
pub fn run(common: &Common, args: &ChangesArgs) -> Result<u8> {
    let snapshot = common.snapshot()?;
    let kind = args.kind.as_deref().and_then(EventKind::parse);
    let model = args.model.as_deref().map(|name| model::find(&snapshot, name)).transpose()?;
    let provider = args.provider.as_deref();
    if let Some(slug) = provider {
        known(&snapshot, slug)?;
    }
    let mut found: Vec<&Event> = snapshot
        .changes_of(kind, model, provider)
        .filter(|event| args.since.is_none_or(|since| event.at >= since))
        .collect();
    let all = found.len();
    if args.limit > 0 {
        found.truncate(args.limit);
    }
    common.report(&found, || describe(&found, all, &snapshot))?;
    Ok(exit::OK)
}

/// # Errors
/// If neither a provider nor a change has this slug; the error lists the nearest slugs.
fn known(snapshot: &Snapshot, slug: &str) -> Result<()> {
    let changed = || snapshot.changes_of(None, None, Some(slug)).next().is_some();
    if snapshot.provider(slug).is_some() || changed() {
        return Ok(());
    }
    match snapshot.nearest_providers(slug).as_slice() {
        [] => bail!("there is no provider `{slug}`; the site's /providers page lists all providers"),
        near => bail!("there is no provider `{slug}`; similar providers: {}", near.join(", ")),
    }
}

fn describe(changes: &[&Event], all: usize, snapshot: &Snapshot) -> Report {
    const COLUMNS: [Column; 5] =
        [text("time (UTC)", 2), text("change", 4), name("model", 1), name("endpoint", 3), name("detail", 1)];
    let mut table = Table::new(&COLUMNS, tsv(changes));
    for event in changes {
        let provider = event.provider.as_ref().map(ToString::to_string);
        table.row([
            event.at.format("%Y-%m-%d %H:%M").to_string(),
            event.kind.as_str().replace('_', " "),
            event.model_id.clone().unwrap_or_else(|| "-".to_owned()),
            event.tag.clone().or(provider).unwrap_or_else(|| "-".to_owned()),
            event.detail.clone(),
        ]);
    }
    let report = Report::default().simulated(snapshot.simulated);
    if all == 0 {
        let changes = snapshot.changes();
        let oldest = changes.last();
        let kept = oldest.map_or_else(
            || "no changes are recorded yet".to_owned(),
            |event| format!("the recorded changes begin on {}", event.at.format("%Y-%m-%d")),
        );
        return report.table(table).text(format!("No change matches; {kept}."));
    }
    let shown = changes.len();
    let more = if shown < all { " (--limit 0 prints all)" } else { "" };
    report.table(table).text(clean(&format!("{shown} of {all} changes{more}")))
}
