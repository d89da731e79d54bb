//! `hitrate traffic misses`.

use super::asked::{self, QuestionArgs};
use super::words::whole;
use crate::cli::tables::{Column, Report, Table, dash, name, number, percent, text, thousands, usd};
use crate::cli::{Common, exit};
use crate::domain::format::{counted, grouped};
use crate::table::{Cell, columns, tsv};
use crate::traffic::misses::{Cause, CauseLine, GapLine, Misses, lifetime, misses};
use crate::traffic::worth::Lifetimes;
use anyhow::Result;
use clap::Args;

/// Options of `hitrate traffic misses`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate traffic misses\n  \
hitrate traffic misses --model moonshotai/kimi-k2.6 --provider deepinfra --json")]
pub struct MissesArgs {
    #[command(flatten)]
    asked: QuestionArgs,
}

/// Runs `hitrate traffic misses`.
pub fn run(common: &Common, args: &MissesArgs) -> Result<u8> {
    let store = asked::store(common)?;
    let snapshot = asked::snapshot(common)?;
    let known = Lifetimes::shipped()?;
    let question = args.asked.question(&store, snapshot.as_ref())?;
    let found = misses(&store, snapshot.as_ref(), &question, &|provider, model, at| {
        lifetime(&known, provider, model, at)
    })?;
    common.report(&found, || describe(&found))?;
    Ok(exit::OK)
}

columns!(&CauseLine, |row| {
    "cause": Cell::text(row.cause.map_or("partial_hit", Cause::name)),
    "calls": Cell::Whole(whole(row.calls)),
    "unread_tokens": Cell::Whole(whole(row.unread_tokens)),
    "usd": Cell::Number(row.usd),
    "unpriced": Cell::Whole(whole(row.unpriced)),
});

fn describe(found: &Misses) -> Report {
    const COLUMNS: [Column; 4] =
        [text("cause", 1), number("calls", 1), number("unread tokens", 1), number("cost", 1)];
    let lines: Vec<CauseLine> = found.causes.iter().copied().chain([found.partial]).collect();
    let mut table = Table::new(&COLUMNS, tsv(&lines));
    for line in &lines {
        table.row([
            line.cause.map_or("partial hit (not a miss)", Cause::text).to_owned(),
            grouped(line.calls),
            thousands(line.unread_tokens as f64),
            dash(line.usd, usd),
        ]);
    }
    let mut report = Report::default();
    if found.judged > 0 {
        report = report.text(heading(found)).table(table);
        if found.gaps.iter().any(|gap| gap.calls > 0) {
            report =
                report.text("\n\nBy pause since the previous call of the session:").table(gaps(&found.gaps));
        }
        report = report.text("\n\nBy model and provider:").table(groups(found));
    }
    report.text(found.notes.join("\n"))
}

fn heading(found: &Misses) -> String {
    let misses = match found.misses {
        1 => "1 miss".to_owned(),
        misses => format!("{} misses", grouped(misses)),
    };
    let judged = counted(found.judged, "judged call");
    if found.reusable_tokens == 0 {
        return format!("{misses} in {judged}. No call had reusable tokens.");
    }
    let cost = match found.usd {
        Some(cost) => format!("they cost {} more than reads", usd(cost)),
        None => "what they cost is not known".to_owned(),
    };
    format!(
        "{misses} in {judged}. Of {} reusable tokens, {} were not read; {cost}.",
        thousands(found.reusable_tokens as f64),
        thousands(found.unread_tokens as f64),
    )
}

fn gaps(gaps: &[GapLine]) -> Table {
    const COLUMNS: [Column; 5] = [
        text("pause", 1),
        number("calls", 1),
        number("with a hit", 1),
        number("reusable tokens read", 2),
        number("misses", 2),
    ];
    let mut table = Table::new(&COLUMNS, None);
    for gap in gaps {
        let pause = match gap.to_minutes {
            Some(to) if gap.from_minutes == 0 => format!("under {to} min"),
            Some(to) => format!("{} to {to} min", gap.from_minutes),
            None => format!("over {} min", gap.from_minutes),
        };
        table.row([
            pause,
            grouped(gap.calls),
            percent(gap.hit_share),
            percent(gap.retention),
            grouped(gap.misses),
        ]);
    }
    table
}

fn groups(found: &Misses) -> Table {
    const COLUMNS: [Column; 7] = [
        name("model", 1),
        name("provider", 1),
        number("misses", 1),
        number("of calls", 2),
        number("unread tokens", 2),
        number("cost", 1),
        text("most common cause", 3),
    ];
    let mut table = Table::new(&COLUMNS, None);
    for group in found.groups.iter().take(20) {
        let most = group.causes.iter().max_by_key(|line| line.calls).and_then(|line| line.cause);
        table.row([
            group.model.clone().unwrap_or_else(|| "not recorded".to_owned()),
            group.provider.clone().unwrap_or_else(|| "not recorded".to_owned()),
            grouped(group.misses),
            grouped(group.judged),
            thousands(group.unread_tokens as f64),
            dash(group.usd, usd),
            most.map_or("-", Cause::text).to_owned(),
        ]);
    }
    table
}
