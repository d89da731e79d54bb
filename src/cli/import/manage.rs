//! `hitrate import list` and `hitrate import forget`.

use super::super::running::{encode, post, read_or_ask};
use super::super::tables::{Column, Report, Table, clean, name, number, text};
use super::super::{Common, exit};
use crate::domain::imported::ImportSummary;
use crate::pipeline::{Pipeline, PipelineError};
use crate::store::StoreError;
use crate::table::{Cell, columns, tsv};
use anyhow::{Context, Result};
use clap::Args;

/// Arguments of `import list`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate import list\n  \
hitrate import list --json")]
pub struct ListArgs {}

/// Arguments of `import forget`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
hitrate import forget series-1f2e3d4c")]
pub struct ForgetArgs {
    /// Name of the source, as `import list` prints it.
    source: String,
}

/// A row of the table for a pipe.
struct Listed<'a>(&'a ImportSummary);

columns!(Listed<'_>, |row| {
    "source": Cell::text(&row.0.name),
    "kind": Cell::text(row.0.kind),
    "origin": Cell::text(&row.0.origin),
    "fetched_at": Cell::Time(Some(row.0.fetched_at)),
    "stored": Cell::Whole(Some(row.0.report.stored as i64)),
    "known": Cell::Whole(Some(row.0.report.known as i64)),
    "disagreements": Cell::Whole(Some(row.0.report.disagreements as i64)),
    "unmatched": Cell::Whole(Some(row.0.report.unmatched as i64)),
    "refused": Cell::Whole(Some(row.0.report.refused as i64)),
});

/// Lists the imported sources.
pub fn list(common: &Common, _: &ListArgs) -> Result<u8> {
    let sources: Vec<ImportSummary> =
        read_or_ask(common, ("a list of sources", "/local/imports"), |store| Ok(store.import_sources()?))?;
    common.report(&sources, || describe(&sources))?;
    Ok(exit::OK)
}

fn describe(sources: &[ImportSummary]) -> Report {
    const COLUMNS: [Column; 9] = [
        name("source", 1),
        text("kind", 4),
        name("origin", 3),
        text("fetched (UTC)", 5),
        number("stored", 1),
        number("known", 2),
        number("disagreements", 1),
        number("unmatched", 3),
        number("refused", 2),
    ];
    let mut table = Table::new(&COLUMNS, tsv(sources.iter().map(Listed)));
    for source in sources {
        let report = &source.report;
        table.row([
            source.name.clone(),
            source.kind.to_string(),
            source.origin.clone(),
            source.fetched_at.format("%Y-%m-%d %H:%M").to_string(),
            report.stored.to_string(),
            report.known.to_string(),
            report.disagreements.to_string(),
            report.unmatched.to_string(),
            report.refused.to_string(),
        ]);
    }
    if sources.is_empty() {
        return Report::default()
            .table(table)
            .text("Nothing is imported; `hitrate import file PATH` imports files.");
    }
    Report::default().table(table)
}

/// Removes an imported source.
pub fn forget(common: &Common, args: &ForgetArgs) -> Result<u8> {
    let data = common.recorded()?;
    let removed = match Pipeline::open(common.settings()?, data.clone(), Common::clock()) {
        Ok(pipeline) => pipeline.forget_import(&args.source)?,
        Err(PipelineError::Store(StoreError::Locked { .. })) => {
            let body = post(&data, &format!("/local/imports/forget?source={}", encode(&args.source)))?;
            serde_json::from_slice(&body).context("cannot read the server's response")?
        }
        Err(error) => return Err(error.into()),
    };
    let removed: ImportSummary = removed.with_context(|| {
        format!("there is no imported source `{}`; `hitrate import list` prints their names", args.source)
    })?;
    common.print(&removed, || {
        let rows = removed.report.stored + removed.report.disagreements;
        format!("removed {} ({rows} rows)", clean(&removed.name))
    })?;
    Ok(exit::OK)
}
