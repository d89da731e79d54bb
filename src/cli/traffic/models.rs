//! `hitrate traffic models`.

use super::asked::{self, QuestionArgs};
use super::words::{NO_INTERVAL, failures, interval_cell, paid, whole};
use crate::cli::tables::{Column, Report, Table, dash, name, number, percent, text, thousands};
use crate::cli::{Common, exit};
use crate::domain::format::grouped;
use crate::table::{Cell, columns, tsv};
use crate::traffic::models::{ModelLine, Models, models};
use anyhow::Result;
use clap::Args;

/// Options of `hitrate traffic models`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate traffic models\n  \
hitrate traffic models --from 2026-11-01 --json")]
pub struct ModelsArgs {
    #[command(flatten)]
    asked: QuestionArgs,
}

/// Runs `hitrate traffic models`.
pub fn run(common: &Common, args: &ModelsArgs) -> Result<u8> {
    let store = asked::store(common)?;
    let snapshot = asked::snapshot(common)?;
    let found = models(&store, &args.asked.question(&store, snapshot.as_ref())?)?;
    common.report(&found, || describe(&found))?;
    Ok(exit::OK)
}

columns!(&ModelLine, |row| {
    "model": Cell::maybe(row.model.as_deref()),
    "is_known": Cell::Flag(Some(row.is_known)),
    "calls": Cell::Whole(whole(row.calls)),
    "sessions": Cell::Whole(whole(row.sessions)),
    "failures": Cell::Whole(row.failures.all.and_then(whole)),
    "hit_rate": Cell::Number(row.hit_rate.rate),
    "prompt_tokens": Cell::Whole(row.tokens.prompt.and_then(whole)),
    "output_tokens": Cell::Whole(row.tokens.output.and_then(whole)),
    "providers": Cell::Whole(whole(row.providers.len() as u64)),
});

fn describe(found: &Models) -> Report {
    const COLUMNS: [Column; 9] = [
        name("model", 1),
        number("calls", 1),
        number("sessions", 4),
        number("failed", 3),
        number("hit rate", 1),
        text("90 % interval", 3),
        number("prompt", 2),
        text("paid", 2),
        name("providers", 5),
    ];
    let mut table = Table::new(&COLUMNS, tsv(&found.models));
    for model in &found.models {
        let providers = model.providers.iter().map(|one| one.provider.as_deref().unwrap_or("not recorded"));
        table.row([
            model.model.clone().unwrap_or_else(|| "not recorded".to_owned()),
            grouped(model.calls),
            grouped(model.sessions),
            failures(&model.failures),
            percent(model.hit_rate.rate),
            interval_cell(&model.hit_rate),
            dash(model.tokens.prompt, |tokens| thousands(tokens as f64)),
            paid(&model.paid),
            providers.collect::<Vec<_>>().join(", "),
        ]);
    }
    let report = Report::default();
    let report = if found.models.is_empty() { report } else { report.table(table) };
    let mut notes = found.notes.clone();
    if found.models.iter().any(|model| model.hit_rate.rate.is_some() && model.hit_rate.interval.is_none()) {
        notes.push(NO_INTERVAL.to_owned());
    }
    report.text(notes.join("\n"))
}
