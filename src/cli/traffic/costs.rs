//! `hitrate traffic costs`.

use super::notes::{Notes, counted, left_out, names};
use super::own;
use crate::cli::tables::{Column, Report, Table, dash, line, name, number, usd};
use crate::cli::{Common, exit};
use crate::domain::format::{self, grouped};
use crate::table::{Cell, columns, tsv};
use crate::traffic::status::kind_text;
use crate::traffic::worth::{
    Change, Compared, Costs, Followed, HostCost, Lifetimes, ModelCosts, PaidSum, costs, followed,
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
    /// Show all endpoints of a model in the table for people, not only the cheapest ones and those that served you. A
    /// pipe and `--json` always have all of them.
    #[arg(long)]
    all: bool,
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
    common.report(&document, || describe(&document, args.all, snapshot.simulated))?;
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

/// Endpoints of a model that the table has without `--all`, besides those that served calls.
const BEST: usize = 5;

fn describe(document: &Document, all: bool, simulated: bool) -> Report {
    let costs = &document.costs;
    let heading = match (costs.calls, costs.from, costs.to) {
        (0, ..) => "No call can be priced.".to_owned(),
        (calls, Some(from), Some(to)) => {
            let calls = counted(calls, "call", "calls");
            format!("{calls} from {} to {}, USD", from.date_naive(), to.date_naive())
        }
        (calls, ..) => format!("{}, USD", counted(calls, "call", "calls")),
    };
    let mut report = Report::default().text(heading).simulated(simulated);
    if costs.calls > 0 {
        report = report.table(answer(&costs.models));
        let lines = [followed_lines(&document.followed), vec!["Cost at the endpoints:".to_owned()]].concat();
        report = report.text(lines.join("\n")).table(endpoints(&costs.models, all));
    }
    report.text(after(document, all).join("\n"))
}

/// What was paid for each model, and the endpoint at which it would have cost least.
fn answer(models: &[ModelCosts]) -> Table {
    const COLUMNS: [Column; 6] = [
        name("model", 1),
        number("calls", 3),
        number("paid", 1),
        name("cheapest endpoint", 1),
        number("cost there", 1),
        number("against paid", 1),
    ];
    let mut table = Table::new(&COLUMNS, None);
    for model in models {
        let host = model.hosts.first().filter(|host| host.usd.is_some());
        table.row([
            model.model_id.clone(),
            grouped(model.calls as u64),
            model.paid.iter().map(paid).collect::<Vec<_>>().join(" + "),
            dash(host, |host| host.tag.to_string()),
            dash(host.and_then(|host| host.usd), usd),
            dash(host.and_then(|host| host.against_paid), |change| {
                let of = match change.calls {
                    calls if calls < model.calls => format!(" for {}", counted(calls, "call", "calls")),
                    _ => String::new(),
                };
                with_interval(&change) + &of
            }),
        ]);
    }
    table
}

/// The endpoints of a model that the table has: the cheapest ones and those that served calls.
fn shown(model: &ModelCosts, all: bool) -> impl Iterator<Item = &HostCost> {
    let is_shown = move |(place, host): &(usize, &HostCost)| all || *place < BEST || host.own.is_some();
    model.hosts.iter().enumerate().filter(is_shown).map(|(_, host)| host)
}

/// The cost at each endpoint; a pipe receives all of them.
fn endpoints(models: &[ModelCosts], all: bool) -> Table {
    const COLUMNS: [Column; 8] = [
        name("model", 1),
        name("endpoint", 1),
        number("cost", 1),
        number("90 % interval", 2),
        number("with your hits", 3),
        number("against paid", 4),
        number("hit rate", 5),
        number("nothing cached", 6),
    ];
    let rows =
        models.iter().flat_map(|model| model.hosts.iter().map(|host| Row { model: &model.model_id, host }));
    let mut table = Table::new(&COLUMNS, tsv(rows));
    for model in models {
        for (place, host) in shown(model, all).enumerate() {
            table.row([
                if place == 0 { model.model_id.clone() } else { String::new() },
                host.tag.to_string(),
                dash(host.usd, usd),
                dash(host.low.zip(host.high), |(low, high)| format!("{} to {}", usd(low), usd(high))),
                dash(host.own, |own| usd(own.usd)),
                dash(host.against_paid, |change| with_interval(&change)),
                dash(host.hit_rate, |rate| format::percent(rate, 0)),
                usd(host.cold),
            ]);
        }
    }
    table
}

/// What follows the tables.
fn after(document: &Document, all: bool) -> Vec<String> {
    let costs = &document.costs;
    let hosts: usize = costs.models.iter().map(|model| model.hosts.len()).sum();
    let hidden = hosts - costs.models.iter().map(|model| shown(model, all).count()).sum::<usize>();
    let mut lines = Vec::new();
    if hidden > 0 {
        let endpoints = counted(hidden, "more expensive endpoint is", "more expensive endpoints are");
        lines.push(format!("{endpoints} not shown (--all shows all)."));
    }
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for (model, one) in
        costs.models.iter().flat_map(|model| model.not_priced.iter().map(move |one| (model, one)))
    {
        let endpoint = match costs.models.len() {
            1 => one.tag.to_string(),
            _ => format!("{} of {}", one.tag, model.model_id),
        };
        match reasons.iter_mut().find(|(why, _)| *why == one.why) {
            Some((_, endpoints)) => endpoints.push(endpoint),
            None => reasons.push((&one.why, vec![endpoint])),
        }
    }
    let reasons =
        reasons.iter().map(|(why, endpoints)| format!("Not priced: {} ({}).", names(endpoints), line(why)));
    lines.extend(reasons);
    lines.extend(left_out(&costs.left_out, 0));
    let mut notes = Notes::default();
    for host in costs.models.iter().flat_map(|model| shown(model, all)) {
        if host.turns_before_it_was_offered > 0 {
            let note = "not offered yet at the time of some calls; the cost is only a comparison";
            notes.add(note, Some(host.tag.as_str()));
        }
    }
    let changes = || costs.models.iter().filter_map(|model| model.hosts.first()?.against_paid);
    if changes().any(|change| change.low.is_none()) {
        notes.add("a difference has an interval only with five sessions or more", None);
    }
    costs.notes.iter().chain(&document.followed.notes).for_each(|note| notes.add(note, None));
    lines.extend(notes.lines());
    lines
}

fn paid(sum: &PaidSum) -> String {
    match (sum.usd, kind_text(sum.kind)) {
        (None, _) => "unknown".to_owned(),
        (Some(amount), "") => usd(amount),
        (Some(amount), kind) => format!("{} {kind}", usd(amount)),
    }
}

fn with_interval(change: &Change) -> String {
    let percent = |fraction| format::percent_change(fraction, 0);
    let ends = change.low.zip(change.high);
    let ends =
        ends.map_or_else(String::new, |(low, high)| format!(" ({} to {})", percent(low), percent(high)));
    dash(change.fraction, |fraction| percent(fraction) + &ends)
}

fn followed_lines(followed: &Followed) -> Vec<String> {
    let line = |what: &str, one: &Compared| {
        one.change.as_ref().map(|change| {
            format!(
                "If you had followed the recommendations of each day: {} instead of {} {what}, {}, over {}.",
                usd(change.usd),
                usd(change.against_usd),
                with_interval(change),
                counted(change.calls, "call", "calls")
            )
        })
    };
    let covered = followed.covered_share.filter(|share| *share > 0.0).map(|share| {
        format!("The record of recommendations covers {} of the prompt tokens.", format::percent(share, 0))
    });
    [
        line("paid", &followed.against_paid),
        line("at the lowest list price", &followed.against_cheapest_list),
        covered,
    ]
    .into_iter()
    .flatten()
    .collect()
}
