//! `hitrate traffic costs`.

use super::own;
use super::words::clean_line;
use crate::cli::tables::{Report, Table, clean, dash, name, number, thousands, usd};
use crate::cli::{Common, exit};
use crate::domain::format::{self, counted};
use crate::table::{Cell, columns, tsv};
use crate::traffic::worth::{
    Change, Compared, Costs, Followed, HostCost, Lifetimes, ModelCosts, NOT_PRICED, PaidSum, costs, followed,
};
use anyhow::Result;
use clap::Args;
use serde::Serialize;

/// Options of `hitrate traffic costs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate traffic costs\n  \
hitrate traffic costs --model moonshotai/kimi-k2.6 --from 2026-11-01 --json")]
pub struct CostsArgs {
    #[command(flatten)]
    which: own::Which,
}

/// The document: what the calls would have cost at every endpoint, and at the recommended ones.
#[derive(Debug, Serialize)]
struct Document {
    #[serde(flatten)]
    costs: Costs,
    /// What following the recommendations of each day would have cost.
    followed: Followed,
}

/// Runs `hitrate traffic costs`.
pub fn run(common: &Common, args: &CostsArgs) -> Result<u8> {
    let snapshot = common.snapshot()?;
    let calls = own::calls(common, &snapshot, &args.which)?;
    let record = own::record(common, &snapshot, &calls)?;
    let lifetimes = Lifetimes::shipped()?;
    let document = Document {
        costs: costs(&calls, &snapshot, &record.lists, &lifetimes),
        followed: followed(&calls, &snapshot, &record, &lifetimes),
    };
    common.report(&document, || describe(&document, snapshot.simulated))?;
    Ok(exit::OK)
}

/// An endpoint of a model in one table over all models.
struct Row<'a> {
    model: &'a str,
    host: &'a HostCost,
}

columns!(Row<'_>, |row| {
    "model_id": Cell::text(row.model),
    "tag": Cell::text(&row.host.tag),
    "provider": Cell::text(&row.host.provider),
    "usd": Cell::Number(row.host.usd),
    "low": Cell::Number(row.host.low),
    "high": Cell::Number(row.host.high),
    "cold": Cell::Number(Some(row.host.cold)),
    "own_hits_usd": Cell::Number(row.host.own.map(|own| own.usd)),
    "own_hits_calls": Cell::Number(row.host.own.map(|own| own.calls as f64)),
    "change": Cell::Number(row.host.against_paid.and_then(|change| change.fraction)),
    "change_low": Cell::Number(row.host.against_paid.and_then(|change| change.low)),
    "change_high": Cell::Number(row.host.against_paid.and_then(|change| change.high)),
    "retention": Cell::Number(row.host.retention),
    "hit_rate": Cell::Number(row.host.hit_rate),
});

fn describe(document: &Document, simulated: bool) -> Report {
    const COLUMNS: [crate::cli::tables::Column; 8] = [
        name("model", 1),
        name("endpoint", 1),
        number("public rate", 1),
        number("90 % interval", 3),
        number("cold", 4),
        number("own hits", 2),
        number("against paid", 2),
        number("hit rate", 5),
    ];
    let costs = &document.costs;
    let rows = || {
        costs
            .models
            .iter()
            .flat_map(|model| model.hosts.iter().map(|host| Row { model: &model.model_id, host }))
    };
    let mut table = Table::new(&COLUMNS, tsv(rows()));
    for row in rows() {
        let host = row.host;
        table.row([
            row.model.to_owned(),
            host.tag.to_string(),
            dash(host.usd, usd),
            dash(host.low.zip(host.high), |(low, high)| format!("{} to {}", usd(low), usd(high))),
            usd(host.cold),
            dash(host.own, |own| usd(own.usd)),
            dash(host.against_paid, |change| with_interval(&change)),
            dash(host.hit_rate, |rate| format::percent(rate, 0)),
        ]);
    }
    let heading = match (costs.calls, costs.from, costs.to) {
        (0, ..) if costs.left_out.calls() == 0 => {
            "No call can be priced. `hitrate traffic files` lists what is imported, `hitrate traffic import PATH` reads your logs."
                .to_owned()
        }
        (0, ..) => "No call can be priced.".to_owned(),
        (calls, Some(from), Some(to)) => {
            format!(
                "{} from {} to {}, USD",
                counted(calls as u64, "call"),
                from.date_naive(),
                to.date_naive()
            )
        }
        (calls, ..) => format!("{}, USD", counted(calls as u64, "call")),
    };
    let mut report = Report::default().text(heading).simulated(simulated);
    if costs.calls > 0 {
        report = report.table(table);
    }
    report.text(after(document))
}

/// What follows the table.
fn after(document: &Document) -> String {
    let mut lines: Vec<String> = document.costs.models.iter().map(summary).collect();
    for model in &document.costs.models {
        for one in &model.not_priced {
            lines.push(format!(
                "Not priced: {} at {}: {}.",
                clean(&model.model_id),
                clean(one.tag.as_str()),
                clean_line(&one.why)
            ));
        }
    }
    lines.extend(follow_lines(&document.followed));
    let left = &document.costs.left_out;
    if left.calls() > 0 {
        lines.push(format!("Left out: {}.", own::left_out(left, 0)));
    }
    // The line above gives the number and the reasons.
    let notes = document.costs.notes.iter().filter(|note| !note.starts_with(NOT_PRICED));
    let notes = notes.chain(&document.followed.notes);
    lines.extend(notes.map(|note| format!("Note: {note}.")));
    lines.join("\n")
}

fn summary(model: &ModelCosts) -> String {
    let paid: Vec<String> = model.paid.iter().map(paid).collect();
    format!(
        "{}: {} in {}, {} prompt tokens, {} of them reusable; paid {}.",
        clean(&model.model_id),
        counted(model.calls as u64, "call"),
        counted(model.sessions as u64, "session"),
        thousands(model.prompt_tokens),
        thousands(model.reusable_tokens),
        paid.join(", ")
    )
}

fn paid(sum: &PaidSum) -> String {
    let kind = serde_json::to_value(sum.kind).ok();
    let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or("unknown").replace('_', " ");
    match sum.usd {
        Some(amount) => format!("{} ({kind})", usd(amount)),
        None => format!("an unknown amount ({kind})"),
    }
}

fn with_interval(change: &Change) -> String {
    let percent = |fraction| format::percent_change(fraction, 0);
    let ends = change.low.zip(change.high);
    let ends =
        ends.map_or_else(String::new, |(low, high)| format!(" ({} to {})", percent(low), percent(high)));
    dash(change.fraction, |fraction| percent(fraction) + &ends)
}

fn follow_lines(followed: &Followed) -> Vec<String> {
    let line = |what: &str, one: &Compared| {
        one.change.as_ref().map(|change| {
            format!(
                "If you had followed the recommendations of each day: {} instead of {} {what}, {} over {}.",
                usd(change.usd),
                usd(change.against_usd),
                with_interval(change),
                counted(change.calls as u64, "call")
            )
        })
    };
    let covered = followed.covered_share.map(|share| {
        format!("The record of recommendations covers {} of the prompt tokens.", format::percent(share, 0))
    });
    [
        covered,
        line("paid", &followed.against_paid),
        line("at the lowest list price", &followed.against_cheapest_list),
    ]
    .into_iter()
    .flatten()
    .collect()
}
