//! `hitrate import list` and `hitrate import forget`.

use super::super::running::{encode, has_server, post, read_or_ask};
use super::super::tables::{Column, Report, Table, clean, name, number, text};
use super::super::{Common, exit};
use crate::domain::imported::{ImportKind, ImportReport, ImportSummary};
use crate::pipeline::{Pipeline, PipelineError};
use crate::store::StoreError;
use crate::table::{Cell, columns, tsv};
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use clap::Args;
use std::collections::HashMap;

/// Arguments of `import list`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate import list\n  \
hitrate import list --all\n  \
hitrate import list --json")]
pub struct ListArgs {
    /// List each batch from the upstream on its own, with the name that `import forget` takes; `--json` always does.
    #[arg(long)]
    all: bool,
}

/// Arguments of `import forget`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
hitrate import forget series-1f2e3d4c")]
pub struct ForgetArgs {
    /// Name of the source, as `import list` prints it.
    source: String,
}

/// A line of the list: a file, or all batches of one kind from one upstream.
struct Line {
    name: Option<String>,
    sources: usize,
    kind: ImportKind,
    origin: String,
    fetched_at: DateTime<Utc>,
    stored: usize,
    known: usize,
    disagreements: usize,
    unmatched: usize,
    refused: usize,
}

impl Line {
    fn of(source: &ImportSummary) -> Self {
        let ImportReport { stored, known, disagreements, unmatched, refused, .. } = source.report;
        Self {
            name: Some(source.name.clone()),
            sources: 1,
            kind: source.kind,
            origin: source.origin.clone(),
            fetched_at: source.fetched_at,
            stored,
            known,
            disagreements,
            unmatched,
            refused,
        }
    }

    /// Adds a further batch. The line has the time of the newest one.
    fn add(&mut self, source: &ImportSummary, origin: &str) {
        let report = &source.report;
        self.name = None;
        self.sources += 1;
        self.origin = origin.to_owned();
        self.fetched_at = self.fetched_at.max(source.fetched_at);
        self.stored += report.stored;
        self.known += report.known;
        self.disagreements += report.disagreements;
        self.unmatched += report.unmatched;
        self.refused += report.refused;
    }
}

columns!(Line, |row| {
    "source": Cell::maybe(row.name.as_ref()),
    "sources": Cell::Whole(Some(row.sources as i64)),
    "kind": Cell::text(row.kind),
    "origin": Cell::text(&row.origin),
    "fetched_at": Cell::Time(Some(row.fetched_at)),
    "stored": Cell::Whole(Some(row.stored as i64)),
    "known": Cell::Whole(Some(row.known as i64)),
    "disagreements": Cell::Whole(Some(row.disagreements as i64)),
    "unmatched": Cell::Whole(Some(row.unmatched as i64)),
    "refused": Cell::Whole(Some(row.refused as i64)),
});

/// The lines of a list, newest first; without `all`, the batches of one kind from one upstream are one line.
fn lines(sources: &[ImportSummary], all: bool) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut places: HashMap<(ImportKind, &str), usize> = HashMap::new();
    for source in sources {
        let Some(origin) = source.upstream().filter(|_| !all) else {
            lines.push(Line::of(source));
            continue;
        };
        let place = *places.entry((source.kind, origin)).or_insert(lines.len());
        match lines.get_mut(place) {
            Some(line) => line.add(source, origin),
            None => lines.push(Line::of(source)),
        }
    }
    lines
}

/// Lists the imported sources.
pub fn list(common: &Common, args: &ListArgs) -> Result<u8> {
    let sources: Vec<ImportSummary> =
        read_or_ask(common, ("a list of sources", "/local/imports"), |store| Ok(store.import_sources()?))?;
    common.report(&sources, || describe(lines(&sources, args.all)))?;
    Ok(exit::OK)
}

fn describe(lines: Vec<Line>) -> Report {
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
    let mut cells = Vec::with_capacity(lines.len());
    let mut is_grouped = false;
    for line in &lines {
        is_grouped |= line.name.is_none();
        cells.push([
            line.name.clone().unwrap_or_else(|| format!("({} batches)", line.sources)),
            line.kind.to_string(),
            line.origin.clone(),
            line.fetched_at.format("%Y-%m-%d %H:%M").to_string(),
            line.stored.to_string(),
            line.known.to_string(),
            line.disagreements.to_string(),
            line.unmatched.to_string(),
            line.refused.to_string(),
        ]);
    }
    let is_empty = lines.is_empty();
    let mut table = Table::new(&COLUMNS, tsv(lines));
    for row in cells {
        table.row(row);
    }
    let report = Report::default().table(table);
    if is_empty {
        return report.text("Nothing is imported; `hitrate import file PATH` imports files.");
    }
    if is_grouped { report.text("`--all` lists each batch with its name.") } else { report }
}

/// Removes an imported source.
pub fn forget(common: &Common, args: &ForgetArgs) -> Result<u8> {
    let data = common.recorded()?;
    let removed = match Pipeline::open(common.settings()?, data.clone(), Common::clock()) {
        Ok(pipeline) => pipeline.forget_import(&args.source)?,
        Err(PipelineError::Store(StoreError::Locked { .. })) if has_server(&data) => {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, kind: ImportKind, origin: &str) -> ImportSummary {
        ImportSummary {
            name: name.to_owned(),
            kind,
            origin: origin.to_owned(),
            sha256: name.to_owned(),
            fetched_at: "2026-08-08T12:00:00Z".parse().expect("a time"),
            report: ImportReport { stored: 3, refused: 1, ..ImportReport::default() },
        }
    }

    #[test]
    fn batches_of_one_kind_and_upstream_are_one_line() {
        let sources = [
            source("a", ImportKind::PriceCharts, "https://one.example/api/x?m=1 and 15 more"),
            source("b", ImportKind::Series, "https://one.example"),
            source("c", ImportKind::PriceCharts, "https://one.example/api/x?m=2"),
            source("d", ImportKind::ListedPrices, "https://one.example/api/y"),
            source("e", ImportKind::PriceCharts, "https://other.example"),
        ];
        let short: Vec<_> = lines(&sources, false)
            .into_iter()
            .map(|line| (line.name, line.sources, line.origin, line.stored, line.refused))
            .collect();
        let alone = |name: &str, origin: &str| (Some(name.to_owned()), 1, origin.to_owned(), 3, 1);
        assert_eq!(
            short,
            [
                (None, 2, "https://one.example".to_owned(), 6, 2),
                alone("b", "https://one.example"),
                alone("d", "https://one.example/api/y"),
                alone("e", "https://other.example"),
            ]
        );
        assert_eq!(lines(&sources, true).len(), 5);
    }
}
