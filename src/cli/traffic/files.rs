//! `hitrate traffic files`: lists the imported files.

use crate::cli::tables::{Column, Report, Table, dash, name, number, text};
use crate::cli::{Common, exit};
use crate::pipeline::traffic_options;
use crate::store::{ImportedFile, TrafficStore};
use crate::table::{Cell, columns, tsv};
use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::Args;

/// Options of `hitrate traffic files`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate traffic files\n  \
hitrate traffic files --json")]
pub struct FilesArgs {}

/// Runs `hitrate traffic files`.
pub fn run(common: &Common, _args: &FilesArgs) -> Result<u8> {
    let options = traffic_options(&common.settings()?, &common.data());
    let files = match TrafficStore::open_existing(options)? {
        Some(store) => store.files()?,
        None => Vec::new(),
    };
    common.report(&files, || describe(&files))?;
    Ok(exit::OK)
}

/// A row of the table for a pipe.
struct Listed<'a>(&'a ImportedFile);

columns!(Listed<'_>, |row| {
    "source": Cell::text(&row.0.source),
    "format": Cell::text(&row.0.format),
    "path": Cell::text(&row.0.path),
    "calls": Cell::Whole(Some(row.0.calls)),
    "duplicates": Cell::Whole(Some(row.0.duplicates)),
    "unread": Cell::Whole(Some(row.0.unread_entries())),
    "first_at": Cell::Time(row.0.first_at),
    "last_at": Cell::Time(row.0.last_at),
    "imported_at": Cell::Time(Some(row.0.imported_at)),
    "bytes": Cell::Whole(Some(row.0.bytes)),
});

fn describe(files: &[ImportedFile]) -> Report {
    const COLUMNS: [Column; 8] = [
        name("source", 1),
        text("format", 4),
        name("path", 1),
        number("calls", 1),
        number("repeated", 5),
        number("not read", 3),
        text("calls from (UTC)", 2),
        text("to", 2),
    ];
    let mut table = Table::new(&COLUMNS, tsv(files.iter().map(Listed)));
    let minute = |at: Option<DateTime<Utc>>| dash(at, |at| at.format("%Y-%m-%d %H:%M").to_string());
    for file in files {
        table.row([
            file.source.clone(),
            file.format.clone(),
            file.path.clone(),
            file.calls.to_string(),
            file.duplicates.to_string(),
            file.unread_entries().to_string(),
            minute(file.first_at),
            minute(file.last_at),
        ]);
    }
    if files.is_empty() {
        return Report::default()
            .table(table)
            .text("Nothing is imported; `hitrate traffic import PATH` imports logs.");
    }
    Report::default().table(table)
}
