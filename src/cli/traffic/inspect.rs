//! `hitrate traffic inspect`: what a log contains, without storing anything.

use crate::cli::tables::{Report, Table, dash, line, name, number, percent, text, usd};
use crate::cli::{Common, exit, logs};
use crate::domain::format::grouped;
use crate::request_log::{Decision, Evidence, Format, Inspection, format, inspect, inspect_all};
use crate::table::{Cell, columns, tsv};
use anyhow::Result;
use clap::Args;

/// Options of `hitrate traffic inspect`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate traffic inspect spend_logs.jsonl\n  \
hitrate traffic inspect activity.csv --json\n  \
hitrate traffic inspect ~/.claude/projects")]
pub struct InspectArgs {
    /// Path of a log or of a folder with logs; `-` reads standard input.
    path: String,
    /// Format of the log, instead of the one that its first entries show.
    #[arg(long, value_name = "ID", value_parser = logs::known_format)]
    format: Option<&'static Format>,
}

/// Runs `hitrate traffic inspect`.
pub fn run(common: &Common, args: &InspectArgs) -> Result<u8> {
    let logs = logs::read(&args.path, args.format)?;
    let found = match logs.files.as_slice() {
        [file] if !logs.has_folder => inspect(file),
        files => Inspection { skipped: logs.skipped, ..inspect_all(Some(args.path.clone()), files) },
    };
    common.report(&found, || describe(&found))?;
    Ok(exit::OK)
}

struct FileRow<'a>(&'a Inspection);

columns!(FileRow<'_>, |row| {
    "path": Cell::text(row.0.path.as_deref().unwrap_or_default()),
    "format": Cell::text(&row.0.format),
    "calls": Cell::Whole(whole(Some(row.0.calls))),
    "prompt_tokens": Cell::Whole(whole(row.0.prompt_tokens)),
    "hit_rate": Cell::Number(row.0.hit_rate),
    "paid_usd": Cell::Number(row.0.paid_usd),
    "unread": Cell::Whole(whole(Some(row.0.unread.values().sum()))),
});

fn whole(count: Option<u64>) -> Option<i64> {
    count.and_then(|count| i64::try_from(count).ok())
}

fn describe(found: &Inspection) -> Report {
    let report = Report::default();
    let report = if found.files.is_empty() { report } else { report.table(files(found)) };
    let mut lines = vec![heading(found), counts(found), tokens(found), paid(found), sessions(found)];
    lines.extend(found.rule.iter().filter(|one| one.evidence != Evidence::Irrelevant).map(rule));
    if !found.rule.is_empty() && found.rule.iter().all(|one| one.evidence == Evidence::Irrelevant) {
        lines.push(
            "Rule: no record has cached, written or reasoning tokens, so there is nothing to count twice."
                .to_owned(),
        );
    }
    lines.extend(found.unread.iter().map(|(why, entries)| {
        let first = found.unread_lines.get(why).map_or(&[][..], Vec::as_slice);
        unread(why, *entries, first)
    }));
    lines.extend(found.notes.iter().map(|(note, entries)| format!("Note ({entries}): {}.", line(note))));
    lines.extend(found.skipped.iter().map(|(why, paths)| {
        let first: Vec<String> = paths.iter().take(3).map(|path| line(path)).collect();
        let more = if paths.len() > first.len() { ", …" } else { "" };
        format!("Skipped {} ({}{more}): {}.", paths.len(), first.join(", "), line(why))
    }));
    report.aside(lines.join("\n"))
}

fn files(found: &Inspection) -> Table {
    let columns = [
        name("file", 1),
        text("format", 2),
        number("calls", 1),
        number("prompt tokens", 3),
        number("hit rate", 1),
        number("paid", 2),
        number("unread", 4),
    ];
    let mut table = Table::new(&columns, tsv(found.files.iter().map(FileRow)));
    table.rows(found.files.iter().map(|file| {
        [
            file.path.clone().unwrap_or_default(),
            file.format.clone(),
            grouped(file.calls),
            dash(file.prompt_tokens, grouped),
            percent(file.hit_rate),
            dash(file.paid_usd, usd),
            grouped(file.unread.values().sum()),
        ]
    }));
    table
}

fn heading(found: &Inspection) -> String {
    let title = format(&found.format).map_or(found.format.as_str(), |format| format.title);
    let path = found.path.as_deref().unwrap_or("standard input");
    match found.files.len() {
        0 => format!("{}: {title}.", line(path)),
        1 => format!("{}: 1 file, {title}.", line(path)),
        files => format!("{}: {files} files, {title}.", line(path)),
    }
}

fn counts(found: &Inspection) -> String {
    let failures = found
        .failures
        .map_or("failures not recorded".to_owned(), |failures| format!("{} failed", grouped(failures)));
    let mut parts = vec![format!("{} answered", grouped(found.calls)), failures];
    for (count, one, many) in [
        (
            found.replays.unwrap_or(0),
            "replayed from a gateway's own cache",
            "replayed from a gateway's own cache",
        ),
        (found.aggregates.unwrap_or(0), "sum over several calls", "sums over several calls"),
        (found.duplicates, "repeated record, counted once", "repeated records, counted once"),
    ] {
        if count > 0 {
            parts.push(format!("{} {}", grouped(count), if count == 1 { one } else { many }));
        }
    }
    format!("Calls: {}.", parts.join(", "))
}

fn tokens(found: &Inspection) -> String {
    let count = |value: Option<u64>| value.map_or("not recorded".to_owned(), grouped);
    let tokens = &found.tokens;
    let rate = found.hit_rate.map_or("unknown".to_owned(), |rate| percent(Some(rate)));
    format!(
        "Prompt tokens: {} (uncached {}, read {}, written {}); hit rate {rate}.\nOutput tokens: {} (reasoning {}).",
        count(found.prompt_tokens),
        count(tokens.uncached),
        count(tokens.read),
        count(tokens.write),
        count(tokens.output),
        count(tokens.reasoning)
    )
}

fn paid(found: &Inspection) -> String {
    let kind = found.paid_kind.as_deref().unwrap_or("unknown").replace('_', " ");
    found.paid_usd.map_or("Paid: not recorded.".to_owned(), |paid| format!("Paid: {} ({kind}).", usd(paid)))
}

fn sessions(found: &Inspection) -> String {
    match found.sessions {
        Some(sessions) => format!("Sessions: {}.", grouped(sessions)),
        None => "Sessions: not recorded; they can be guessed from times and growing prompts.".to_owned(),
    }
}

/// The rule of a model and what it is based on.
fn rule(decision: &Decision) -> String {
    let of = decision.model.as_deref().map_or(String::new(), |model| format!(" for {}", line(model)));
    let records = grouped(decision.records);
    let evidence = match decision.evidence {
        Evidence::Totals => format!("shown by the totals of the {records} records"),
        Evidence::Contradiction => format!(
            "shown by cached, written or reasoning tokens that exceed their whole, in {records} records"
        ),
        Evidence::EachRecord => format!(
            "in most of the {records} records; {} follow another rule, each by its own values",
            grouped(decision.against)
        ),
        Evidence::Assumed => "assumed from the format, because no record decides".to_owned(),
        Evidence::Irrelevant => "without effect".to_owned(),
    };
    format!("Rule{of}: {} ({evidence}).", decision.rule)
}

/// `Not read: 3 entries (4, 9, 12): not valid JSON.`
fn unread(why: &str, entries: u64, first: &[u64]) -> String {
    let noun = if entries == 1 { "entry" } else { "entries" };
    let lines: Vec<String> = first.iter().map(ToString::to_string).collect();
    let more = if entries > first.len() as u64 { ", …" } else { "" };
    let lines = if lines.is_empty() { String::new() } else { format!(" (line {}{more})", lines.join(", ")) };
    format!("Not read: {} {noun}{lines}: {}.", grouped(entries), line(why))
}
