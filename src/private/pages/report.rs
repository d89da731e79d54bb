//! The report and the page of models.

use super::sheet::{
    Sheet, Table, cell, duration, failures, money, named, number, paid, rate, share, time, tokens,
};
use crate::site::{percent, tokens_in_words};
use crate::traffic::models::Models;
use crate::traffic::report::{Group, Report, Spend, SpendLine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The address of the report on one model.
fn of_model(model: &str) -> String {
    format!("/?model={}", utf8_percent_encode(model, NON_ALPHANUMERIC))
}

/// The report.
pub fn report(report: &Report) -> Sheet {
    let total = &report.total;
    let model = report.question.model.as_ref().map(|model| format!(" of {model}")).unwrap_or_default();
    let mut facts = vec![
        ("Calls".to_owned(), total.calls.to_string()),
        ("Own hit rate".to_owned(), with_small(&rate(&total.hit_rate))),
        ("Failures".to_owned(), with_small(&failures(&total.failures))),
        (
            "Prompt tokens".to_owned(),
            total.tokens.prompt.map_or_else(unrecorded, |n| tokens_in_words(n as f64)),
        ),
        (
            "Output tokens".to_owned(),
            total.tokens.output.map_or_else(unrecorded, |n| tokens_in_words(n as f64)),
        ),
        ("Paid".to_owned(), with_small(&paid(&report.spend.total))),
    ];
    if total.replays > 0 {
        facts.push(("Replies replayed by a gateway".to_owned(), total.replays.to_string()));
    }
    let is_empty = total.calls == 0 && report.aggregates.is_empty();
    let mut tables = vec![groups(&report.groups), times(total)];
    if !report.regressions.is_empty() {
        let rows = report.regressions.iter().map(|one| {
            vec![
                cell(&one.model).to(of_model(&one.model)),
                cell(&one.provider),
                share(Some(one.recent)).with(Some(format!("{} calls", one.recent_calls))),
                share(Some(one.baseline)).with(Some(format!("{} calls", one.baseline_calls))),
                cell(one.since.to_string()),
            ]
        });
        let columns = ["Model", "Provider", "#Recent hit rate", "#Before", "Since"];
        tables.insert(0, Table::new("regressions", "Hit rates that dropped", &columns).rows(rows));
    }
    tables.extend(spend(&report.spend));
    let rows = report.sources.iter().map(|one| {
        let states = if one.states_failures { "stated" } else { "not recorded" };
        vec![cell(&one.source), cell(&one.format), number(one.files), number(one.calls), cell(states)]
    });
    tables.push(
        Table::new("sources", "Sources", &["Source", "Format", "#Files", "#Calls", "Failures"]).rows(rows),
    );
    if is_empty {
        tables.clear();
        facts.clear();
    }
    let lede = match (report.first, report.last) {
        (Some(first), Some(last)) => {
            format!(
                "Your calls{model} from {} to {}, UTC.",
                first.format("%Y-%m-%d"),
                last.format("%Y-%m-%d")
            )
        }
        _ => format!("Your calls{model} by model and provider."),
    };
    Sheet { lede, is_empty, facts, tables, notes: report.notes.clone(), ..Sheet::default() }
}

fn unrecorded() -> String {
    "not recorded".to_owned()
}

fn with_small(cell: &super::sheet::Cell) -> String {
    let text = if cell.text.is_empty() { unrecorded() } else { cell.text.clone() };
    match &cell.small {
        Some(small) => format!("{text} · {small}"),
        None => text,
    }
}

fn groups(groups: &[Group]) -> Table {
    let rows = groups.iter().map(|group| {
        let model = group.model.as_deref();
        let public = group.public.as_ref();
        let range =
            public.and_then(|public| Some(format!("{} to {}", percent(public.low?), percent(public.high?))));
        let heading = group.value.as_deref().or(model);
        let first = match model.filter(|_| group.value.is_none()) {
            Some(model) => named(heading).to(of_model(model)),
            None => named(heading),
        };
        vec![
            first,
            named(group.provider.as_deref()),
            number(group.calls),
            failures(&group.failures),
            rate(&group.hit_rate),
            share(public.and_then(|public| public.rate))
                .with(range.or_else(|| public.and_then(|public| public.why.clone()))),
            tokens(group.tokens.prompt),
            tokens(group.tokens.output),
            paid(&group.paid),
            money(group.cost.first().and_then(|cost| cost.usd_per_success)),
        ]
    });
    let columns = [
        "Model",
        "Provider",
        "#Calls",
        "#Failures",
        "#Own hit rate",
        "#Public, same days",
        "#Prompt tokens",
        "#Output tokens",
        "Paid",
        "#USD per successful output",
    ];
    let note = "The public rate mixes short and long sessions; compare the retention of sessions before you blame a provider.";
    Table::new("groups", "By model and provider", &columns).rows(rows).note(note)
}

fn times(total: &Group) -> Table {
    let rows = total.times.iter().map(|times| {
        let class = match times.to_tokens {
            Some(to) => {
                format!("{} to {}", tokens_in_words(times.from_tokens as f64), tokens_in_words(to as f64))
            }
            None => format!("{} and more", tokens_in_words(times.from_tokens as f64)),
        };
        vec![
            cell(class),
            number(times.latency.calls),
            duration(times.latency.p50_ms),
            duration(times.latency.p95_ms),
            duration(times.ttft.p50_ms),
            duration(times.ttft.p95_ms),
        ]
    });
    let columns =
        ["Prompt tokens", "#Calls", "#Latency p50", "#Latency p95", "#First token p50", "#First token p95"];
    Table::new("times", "Latency by size of the prompt", &columns).rows(rows)
}

fn spend(spend: &Spend) -> Vec<Table> {
    let table = |id, title, lines: &[SpendLine]| {
        let rows = lines.iter().map(|line| {
            vec![
                named(line.value.as_deref()),
                cell(super::sheet::kind(line.kind)),
                money(line.usd),
                number(line.calls),
                number(line.unpriced),
            ]
        });
        Table::new(id, title, &["Spend by", "Kind of money", "#USD", "#Calls", "#Without an amount"])
            .rows(rows)
    };
    let lists = [
        ("spend-platform", "Spend by platform", &spend.by_platform),
        ("spend-model", "Spend by model", &spend.by_model),
        ("spend-month", "Spend by month", &spend.by_month),
        ("spend-key", "Spend by key", &spend.by_key),
        ("spend-app", "Spend by app", &spend.by_app),
    ];
    lists
        .into_iter()
        .filter(|(.., lines)| !lines.is_empty())
        .map(|(id, title, lines)| table(id, title, lines))
        .collect()
}

/// The models.
pub fn models(models: &Models) -> Sheet {
    let rows = models.models.iter().map(|line| {
        let providers: Vec<&str> =
            line.providers.iter().filter_map(|one| one.provider.as_deref()).take(3).collect();
        let first = match line.model.as_deref() {
            Some(model) => cell(model).to(of_model(model)),
            None => named(None),
        };
        let unknown = (!line.is_known).then(|| "not in the public catalogue".to_owned());
        vec![
            first.with(unknown),
            cell(providers.join(", ")),
            number(line.calls),
            number(line.sessions),
            failures(&line.failures),
            rate(&line.hit_rate),
            tokens(line.tokens.prompt),
            tokens(line.tokens.output),
            paid(&line.paid),
            time(line.last),
        ]
    });
    let columns = [
        "Model",
        "Providers",
        "#Calls",
        "#Sessions",
        "#Failures",
        "#Own hit rate",
        "#Prompt tokens",
        "#Output tokens",
        "Paid",
        "Last call",
    ];
    let is_empty = models.models.is_empty();
    let table = Table::new("models", "Models", &columns).rows(rows);
    Sheet {
        lede: "Your models, most prompt tokens first.".to_owned(),
        is_empty,
        tables: if is_empty { Vec::new() } else { vec![table] },
        notes: models.notes.clone(),
        ..Sheet::default()
    }
}
