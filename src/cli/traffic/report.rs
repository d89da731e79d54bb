//! `hitrate traffic report`.

use super::asked::{self, QuestionArgs};
use super::words::{NO_INTERVAL, clean_line, failures, interval, interval_cell, money, whole};
use crate::cli::tables::{Column, Report as Printed, Table, dash, name, number, percent, text, thousands};
use crate::cli::{Common, exit};
use crate::domain::format::{counted, grouped, moment, usd};
use crate::table::{Cell, columns, tsv};
use crate::traffic::report::{By, Group, Percentiles, PublicRate, Report, SpendLine, report};
use anyhow::Result;
use clap::Args;

/// Options of `hitrate traffic report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate traffic report\n  \
hitrate traffic report --by month --from 2026-10-01\n  \
hitrate traffic report --model moonshotai/kimi-k2.6 --json")]
pub struct ReportArgs {
    #[command(flatten)]
    asked: QuestionArgs,
    /// What to group the calls by: endpoint (model and provider), model, provider, platform, key, app, source, month or day.
    #[arg(long, value_name = "WHAT", default_value = "endpoint")]
    by: By,
}

/// Runs `hitrate traffic report`.
pub fn run(common: &Common, args: &ReportArgs) -> Result<u8> {
    let store = asked::store(common)?;
    let snapshot = asked::snapshot(common)?;
    let found = report(&store, snapshot.as_ref(), &args.asked.question(&store, snapshot.as_ref())?, args.by)?;
    common.report(&found, || describe(&found))?;
    Ok(exit::OK)
}

columns!(&Group, |row| {
    "model": Cell::maybe(row.model.as_deref()),
    "provider": Cell::maybe(row.provider.as_deref()),
    "value": Cell::maybe(row.value.as_deref()),
    "calls": Cell::Whole(whole(row.calls)),
    "failures": Cell::Whole(row.failures.all.and_then(whole)),
    "hit_rate": Cell::Number(row.hit_rate.rate),
    "hit_rate_low": Cell::Number(row.hit_rate.interval.map(|interval| interval.low)),
    "hit_rate_high": Cell::Number(row.hit_rate.interval.map(|interval| interval.high)),
    "without_first": Cell::Number(row.hit_rate.without_first),
    "public_hit_rate": Cell::Number(row.public.as_ref().and_then(|public| public.rate)),
    "retention": Cell::Number(row.hit_rate.retention),
    "sessions": Cell::Whole(whole(row.sessions)),
    "prompt_tokens": Cell::Whole(row.tokens.prompt.and_then(whole)),
    "output_tokens": Cell::Whole(row.tokens.output.and_then(whole)),
});

fn describe(found: &Report) -> Printed {
    let mut printed = Printed::default().text(heading(found));
    if !found.groups.is_empty() {
        printed = printed.table(groups(found));
    }
    let differences = found.groups.iter().filter_map(|group| {
        let at = group.provider.as_deref().unwrap_or("an unknown provider");
        Some(clean_line(&format!("{} at {at}: {}", group.model.as_deref()?, group.difference.as_deref()?)))
    });
    let mut lines: Vec<String> = differences.take(10).collect();
    lines.extend(found.regressions.iter().map(|one| clean_line(&one.text)));
    printed = printed.text(paragraph("What the differences may mean", lines));
    let timed = found.groups.iter().any(|group| !group.times.is_empty());
    if timed {
        printed =
            printed.text("\n\nLatency and time to first token by size of the prompt:").table(times(found));
    }
    printed = printed.text(paragraph("Cost of successful outputs", costs(found)));
    printed = printed.text(paragraph("Spend", spend(found)));
    printed = printed.text(paragraph("Routing overhead", overheads(found)));
    printed = printed.text(paragraph("Answers", quality(&found.total)));
    let jumps = found.jumps.iter().map(|jump| {
        let at = jump.provider.as_deref().map_or_else(String::new, |provider| format!(" at {provider}"));
        clean_line(&format!(
            "{}: the typical {} of {}{at} changed from {} to {} tokens ({})",
            jump.day,
            jump.what,
            jump.model,
            thousands(jump.before),
            thousands(jump.after),
            counted(jump.calls, "call")
        ))
    });
    printed = printed.text(paragraph("Jumps in size", jumps.collect()));
    let sums = found.aggregates.iter().map(|sum| {
        clean_line(&format!(
            "{}: {} of {} over {}, {}, {}",
            sum.source,
            counted(sum.rows, "row"),
            sum.model.as_deref().unwrap_or("unknown models"),
            sum.requests.map_or_else(
                || "an unknown number of requests".to_owned(),
                |requests| counted(requests, "request")
            ),
            sum.tokens.prompt.map_or_else(
                || "prompt tokens not recorded".to_owned(),
                |tokens| counted(tokens, "prompt token")
            ),
            money(sum.kind, sum.usd),
        ))
    });
    printed = printed.text(paragraph("Sums over requests (never counted as calls)", sums.collect()));
    let mut notes = found.notes.clone();
    if found.groups.iter().any(|group| group.hit_rate.rate.is_some() && group.hit_rate.interval.is_none()) {
        notes.push(NO_INTERVAL.to_owned());
    }
    printed.text(paragraph("Notes", notes))
}

/// A heading with lines; nothing without lines.
fn paragraph(heading: &str, lines: Vec<String>) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = lines.into_iter().map(|line| format!("  {line}")).collect();
    format!("\n\n{heading}:\n{}", lines.join("\n"))
}

fn heading(found: &Report) -> String {
    let total = &found.total;
    let span = match found.first.zip(found.last) {
        Some((first, last)) => format!(" from {} to {}", moment(first), moment(last)),
        None => String::new(),
    };
    let rate = &total.hit_rate;
    format!(
        "{} in {}{span}. Hit rate {}{}. Failures: {}.",
        counted(total.calls, "call"),
        counted(total.sessions, "session"),
        percent(rate.rate),
        interval(rate),
        failures(&total.failures)
    )
}

fn groups(found: &Report) -> Table {
    const FIGURES: [Column; 9] = [
        number("calls", 1),
        number("failed", 3),
        number("hit rate", 1),
        text("90 % interval", 2),
        number("public", 2),
        number("later calls", 5),
        number("retention", 4),
        number("sessions", 6),
        number("prompt", 7),
    ];
    let columns = [labels(found.by), FIGURES.to_vec()].concat();
    let mut table = Table::new(&columns, tsv(&found.groups));
    for group in &found.groups {
        let figures = [
            grouped(group.calls),
            failures(&group.failures),
            percent(group.hit_rate.rate),
            interval_cell(&group.hit_rate),
            group.public.as_ref().map_or_else(|| "-".to_owned(), public),
            percent(group.hit_rate.without_first),
            percent(group.hit_rate.retention),
            grouped(group.sessions),
            dash(group.tokens.prompt, |tokens| thousands(tokens as f64)),
        ];
        table.row([label(found.by, group), figures.to_vec()].concat());
    }
    table
}

/// The columns that name a group.
fn labels(by: By) -> Vec<Column> {
    match by {
        By::Endpoint => vec![name("model", 1), name("provider", 1)],
        _ => vec![name(by.name(), 1)],
    }
}

/// The name of a group, one part for each column.
fn label(by: By, group: &Group) -> Vec<String> {
    let written = |name: Option<&str>| name.unwrap_or("not recorded").to_owned();
    match by {
        By::Endpoint => {
            vec![written(group.model.as_deref()), group.provider.clone().unwrap_or_else(|| "-".to_owned())]
        }
        _ => vec![written(group.model.as_deref().or(group.provider.as_deref()).or(group.value.as_deref()))],
    }
}

fn public(public: &PublicRate) -> String {
    match (public.is_ambiguous, public.low.zip(public.high)) {
        (true, Some((low, high))) if low < high => format!("{:.1}–{:.1} %", low * 100.0, high * 100.0),
        _ => percent(public.rate),
    }
}

fn times(found: &Report) -> Table {
    const FIGURES: [Column; 6] = [
        text("prompt tokens", 1),
        number("calls", 2),
        number("latency p50", 1),
        number("latency p95", 2),
        number("first token p50", 1),
        number("first token p95", 2),
    ];
    let columns = [labels(found.by), FIGURES.to_vec()].concat();
    let mut table = Table::new(&columns, None);
    let seconds = |ms: Option<f64>| dash(ms, |ms| format!("{:.1} s", ms / 1000.0));
    for group in &found.groups {
        for times in &group.times {
            let size = match times.to_tokens {
                Some(to) => format!("{}–{}", grouped(times.from_tokens), grouped(to)),
                None => format!("{} or more", grouped(times.from_tokens)),
            };
            let Percentiles { calls, p50_ms, p95_ms } = times.latency;
            let figures = [
                size,
                grouped(calls.max(times.ttft.calls)),
                seconds(p50_ms),
                seconds(p95_ms),
                seconds(times.ttft.p50_ms),
                seconds(times.ttft.p95_ms),
            ];
            table.row([label(found.by, group), figures.to_vec()].concat());
        }
    }
    table
}

fn costs(found: &Report) -> Vec<String> {
    let line = |who: &str, cost: &crate::traffic::report::OutputCost| {
        let each = cost
            .usd_per_success
            .map_or_else(|| "no successful output".to_owned(), |each| format!("{} each", usd(each)));
        let per = cost
            .usd_per_1000_tokens
            .map_or_else(String::new, |per| format!(", {} per 1,000 output tokens", usd(per)));
        clean_line(&format!(
            "{who}: {}, {} successful: {each}{per}",
            money(cost.kind, Some(cost.usd)),
            grouped(cost.successes)
        ))
    };
    let total = found.total.cost.iter().map(|cost| line("all calls", cost));
    // A single group has the costs of all calls.
    let groups = found.groups.iter().take(if found.groups.len() > 1 { 10 } else { 0 }).flat_map(|group| {
        let who = [group.model.as_deref(), group.provider.as_deref(), group.value.as_deref()];
        let who: Vec<&str> = who.into_iter().flatten().collect();
        let who = if who.is_empty() { "not recorded".to_owned() } else { who.join(" at ") };
        group.cost.iter().map(move |cost| line(&who, cost)).collect::<Vec<_>>()
    });
    total.chain(groups).collect()
}

fn spend(found: &Report) -> Vec<String> {
    let lists = [
        ("by platform", &found.spend.by_platform),
        ("by model", &found.spend.by_model),
        ("by month", &found.spend.by_month),
        ("by key", &found.spend.by_key),
        ("by app", &found.spend.by_app),
    ];
    let total = found.spend.total.iter().map(|paid| {
        format!("in all: {} ({})", money(paid.kind, Some(paid.usd)), counted(paid.calls, "call"))
    });
    let line = |line: &SpendLine| {
        let without = if line.usd.is_none() && line.unpriced > 0 {
            format!(" ({})", counted(line.unpriced, "call"))
        } else if line.unpriced > 0 {
            format!(" ({} without an amount)", counted(line.unpriced, "call"))
        } else {
            String::new()
        };
        format!("{} {}{without}", line.value.as_deref().unwrap_or("not recorded"), money(line.kind, line.usd))
    };
    let lists = lists.into_iter().filter(|(_, lines)| lines.iter().any(|line| line.value.is_some())).map(
        |(what, lines)| {
            let shown: Vec<String> = lines.iter().take(8).map(line).collect();
            let more = lines.len().saturating_sub(8);
            let more = if more > 0 { format!("; {more} more with --json") } else { String::new() };
            clean_line(&format!("{what}: {}{more}", shown.join("; ")))
        },
    );
    total.chain(lists).collect()
}

fn overheads(found: &Report) -> Vec<String> {
    let line = |one: &crate::traffic::report::Overhead| {
        let interval = one
            .interval
            .map_or_else(String::new, |i| format!(" (90 % interval {:.0} to {:.0} ms)", i.low, i.high));
        let p95 = one.p95_ms.map_or_else(String::new, |p95| format!(", p95 {p95:.0} ms"));
        let share = one
            .share_of_latency
            .map_or_else(String::new, |share| format!(", {} of the latency", percent(Some(share))));
        clean_line(&format!(
            "{} {}: mean {:.0} ms{interval}, p50 {:.0} ms{p95}{share}, {}",
            one.platform.as_deref().unwrap_or("platform not recorded"),
            if one.measure == "router_ms" { "router" } else { "gateway in all" },
            one.mean_ms,
            one.p50_ms,
            counted(one.calls, "call")
        ))
    };
    found.overheads.iter().map(line).collect()
}

fn quality(total: &Group) -> Vec<String> {
    let answers = &total.answers;
    if answers.answered == 0 {
        return Vec::new();
    }
    vec![format!(
        "{} of {} successful; {} empty, {} reasoning only, {} cut off, {} frozen (the same output size four times in a row)",
        grouped(answers.successful),
        counted(answers.answered, "answered call"),
        grouped(answers.empty),
        grouped(answers.reasoning_only),
        grouped(answers.cut_off),
        grouped(answers.frozen)
    )]
}
