//! `hitrate traffic sessions`.

use super::asked::{self, QuestionArgs};
use super::words::{paid, whole};
use crate::cli::tables::{Column, Report, Table, dash, name, number, percent, text, thousands};
use crate::cli::{Common, exit};
use crate::domain::format::{counted, grouped};
use crate::table::{Cell, columns, tsv};
use crate::traffic::sessions::{SessionLine, Sessions, sessions};
use anyhow::Result;
use clap::Args;

/// Options of `hitrate traffic sessions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate traffic sessions\n  \
hitrate traffic sessions --top 50 --from 2026-11-01 --json")]
pub struct SessionsArgs {
    #[command(flatten)]
    asked: QuestionArgs,
    /// Number of sessions to print, the ones with the most prompt tokens first.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    top: u32,
}

/// Runs `hitrate traffic sessions`.
pub fn run(common: &Common, args: &SessionsArgs) -> Result<u8> {
    let store = asked::store(common)?;
    let snapshot = asked::snapshot(common)?;
    let found = sessions(&store, &args.asked.question(&store, snapshot.as_ref())?, args.top)?;
    common.report(&found, || describe(&found))?;
    Ok(exit::OK)
}

columns!(&SessionLine, |row| {
    "session": Cell::text(&row.session),
    "source": Cell::text(&row.source),
    "start": Cell::Time(row.start),
    "end": Cell::Time(row.end),
    "turns": Cell::Whole(whole(row.turns)),
    "failures": Cell::Whole(whole(row.failures)),
    "prompt_tokens": Cell::Whole(row.prompt_tokens.and_then(whole)),
    "hit_rate": Cell::Number(row.hit_rate),
    "retention": Cell::Number(row.retention),
    "longest_pause_seconds": Cell::Number(row.longest_pause_seconds),
    "provider_changes": Cell::Whole(whole(row.provider_changes)),
    "model_changes": Cell::Whole(whole(row.model_changes)),
    "compactions": Cell::Whole(whole(row.compactions)),
    "misses": Cell::Whole(whole(row.misses)),
});

fn describe(found: &Sessions) -> Report {
    const COLUMNS: [Column; 11] = [
        text("start (UTC)", 2),
        name("session", 3),
        name("model", 2),
        number("turns", 1),
        number("prompt", 1),
        number("hit rate", 1),
        number("misses", 2),
        number("longest pause", 4),
        number("provider changes", 4),
        number("compactions", 5),
        text("paid", 2),
    ];
    let mut table = Table::new(&COLUMNS, tsv(&found.largest));
    for line in &found.largest {
        table.row([
            dash(line.start, |start| start.format("%Y-%m-%d %H:%M").to_string()),
            line.session.clone(),
            line.models.join(", "),
            grouped(line.turns),
            dash(line.prompt_tokens, |tokens| thousands(tokens as f64)),
            percent(line.hit_rate),
            grouped(line.misses),
            dash(line.longest_pause_seconds, length),
            grouped(line.provider_changes),
            grouped(line.compactions),
            paid(&line.paid),
        ]);
    }
    let typical = &found.typical;
    let report = Report::default();
    let report = match found.largest.is_empty() {
        true => report,
        false => report.table(table).text(format!(
            "{} of {}. Median of a session: turns {}, prompt tokens {}, length {}, hit rate {}.",
            found.largest.len(),
            counted(found.sessions, "session"),
            dash(typical.turns, |turns| format!("{turns:.0}")),
            dash(typical.prompt_tokens, thousands),
            dash(typical.seconds, length),
            percent(typical.hit_rate),
        )),
    };
    report.text(found.notes.join("\n"))
}

/// A length of time: seconds up to two minutes, then minutes.
fn length(seconds: f64) -> String {
    if seconds < 120.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) }
}
