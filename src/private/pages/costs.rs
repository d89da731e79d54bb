//! The pages of costs elsewhere, plans and files.

use super::links::Links;
use super::sheet::{
    Answer, Cell, Line, Sheet, Table, cell, change, money, number, range, share, time, tokens,
};
use crate::domain::format::grouped;
use crate::private::answers::Elsewhere;
use crate::site::{percent_change_tenth, tokens_in_words, usd};
use crate::store::ImportedFile;
use crate::traffic::worth::{Change, Compared, Costs, HostCost, ModelCosts, PlanReport, PlansReport};

/// The endpoint of a model with the lowest cost, if its caching is known.
fn cheapest(model: &ModelCosts) -> Option<&HostCost> {
    model.hosts.iter().find(|host| Some(&host.tag) == model.cheapest.as_ref())
}

/// What the calls would have cost elsewhere, in short: none if no call with a known price can be compared.
pub fn elsewhere(found: &Elsewhere) -> Option<Answer> {
    let compared: Vec<_> = (found.costs.models.iter())
        .filter_map(|model| {
            let host = cheapest(model)?;
            Some((model, host, host.against_paid?))
        })
        .collect();
    let cost: f64 = compared.iter().map(|(.., change)| change.usd).sum();
    let paid: f64 = compared.iter().map(|(.., change)| change.against_usd).sum();
    let calls: usize = compared.iter().map(|(.., change)| change.calls).sum();
    let saved = |change: &Change| change.against_usd - change.usd;
    let (model, host, most) = compared.iter().max_by(|a, b| saved(&a.2).total_cmp(&saved(&b.2)))?;
    let mut lines = vec![
        Line::of(format!(
            "{} calls at the cheapest endpoint of each model, with its public hit rate.",
            grouped(calls as u64)
        )),
        Line::on(format!("{} at {}", model.model_id, host.tag), format!("{}.", change(most))),
    ];
    if let Some(followed) = &found.followed.against_paid.change {
        lines.push(Line::of(format!("At the endpoints recommended the day before: {}.", change(followed))));
    }
    Some(Answer {
        title: "Elsewhere",
        figure: usd(cost),
        beside: Some(format!("instead of {} paid", usd(paid))),
        lines,
        href: "/costs",
        more: "Every endpoint",
    })
}

/// What the calls would have cost elsewhere.
pub fn costs(found: &Elsewhere, links: &Links) -> Sheet {
    let Costs { calls, models, notes, .. } = &found.costs;
    let rows = models.iter().flat_map(|model| model.hosts.iter().map(move |host| row(model, host, links)));
    let columns = [
        "Model",
        "Endpoint",
        "#USD at its public hit rate",
        "#Against paid",
        "#Public hit rate",
        "#USD with your hits",
        "#USD without a cache",
    ];
    let table = Table::new("elsewhere", "Your calls at every endpoint", &columns).rows(rows).note(
        "Cheapest first, by the list prices of each day, with 90 % intervals. The tokens are those that you sent; only the cache reads differ by endpoint.",
    );
    let fact = |what: &str, Compared { change: compared }: &Compared| {
        let compared = compared.as_ref()?;
        let text = format!("{}: {}", range_of(compared.usd, compared.against_usd), change(compared));
        Some((format!("At the endpoints recommended the day before, instead of {what}"), text))
    };
    let facts = [
        Some(("Priced calls".to_owned(), grouped(*calls as u64))),
        Some(("Calls without a cost".to_owned(), grouped(found.costs.left_out.calls() as u64))),
        fact("what you paid", &found.followed.against_paid),
        fact("the cheapest list price", &found.followed.against_cheapest_list),
    ];
    let lede = "What your calls would have cost at every endpoint of their models.".to_owned();
    let notes = notes.iter().chain(&found.followed.notes).cloned().collect();
    if *calls == 0 {
        return Sheet { lede, is_empty: true, notes, ..Sheet::default() };
    }
    Sheet {
        lede,
        answers: elsewhere(found).map(|answer| Answer { href: "#elsewhere", ..answer }).into_iter().collect(),
        facts: facts.into_iter().flatten().collect(),
        tables: vec![table],
        notes,
        ..Sheet::default()
    }
}

fn range_of(cost: f64, instead: f64) -> String {
    format!("{} instead of {}", usd(cost), usd(instead))
}

fn row(model: &ModelCosts, host: &HostCost, links: &Links) -> Vec<Cell> {
    let interval = host.low.zip(host.high).map(|(low, high)| range(low, high, usd));
    let compared = host.against_paid.as_ref();
    let signed = compared.and_then(|change| change.fraction).map(percent_change_tenth);
    let signed_range = compared.and_then(|change| change.low.zip(change.high));
    vec![
        cell(&model.model_id).to(links.model(&model.model_id)),
        cell(host.tag.as_str()).to(links.endpoint(&model.model_id, host.tag.as_str())),
        money(host.usd).with(interval).or("caching unknown"),
        cell(signed.unwrap_or_default())
            .with(signed_range.map(|(low, high)| range(low, high, percent_change_tenth)))
            .or("no price paid known"),
        share(host.hit_rate).or("unknown"),
        money(host.own.map(|own| own.usd))
            .with(host.own.map(|own| format!("{} calls", own.calls)))
            .or("not used"),
        money(Some(host.cold)),
    ]
}

/// Flat plans.
pub fn plans(report: &PlansReport) -> Sheet {
    let lede = "Flat plans against paying per token, for your calls.".to_owned();
    if report.calls == 0 {
        return Sheet { lede, is_empty: true, ..Sheet::default() };
    }
    let columns = [
        "Plan",
        "#USD a month",
        "#Saving, USD a month",
        "#Your calls that it offers",
        "#Per token at the best endpoints, USD a month",
        "#Per token at present, USD a month",
        "#Worth its price from, tokens a month",
    ];
    let table = Table::new("plans", "Plans", &columns).rows(report.plans.iter().map(plan_row)).note(
        "A saving is against paying per token at the best endpoints. It is unknown if the plan does not publish its limits, or offers none of your calls.",
    );
    Sheet {
        lede,
        answers: best_plan(report).into_iter().collect(),
        tables: vec![table],
        notes: plan_notes(report),
        ..Sheet::default()
    }
}

/// The notes on the plans, each once with the plans that it is about.
fn plan_notes(report: &PlansReport) -> Vec<String> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in &report.plans {
        for note in &one.notes {
            match found.iter_mut().find(|(known, _)| known == note) {
                Some((_, plans)) => plans.push(&one.plan.name),
                None => found.push((note, vec![&one.plan.name])),
            }
        }
    }
    found.into_iter().map(|(note, plans)| format!("{}: {note}", plans.join(", "))).collect()
}

fn plan_row(one: &PlanReport) -> Vec<Cell> {
    let even = one.break_even.as_ref();
    let reached = even.map(|even| if even.reached { "reached" } else { "not reached" }.to_owned());
    let left_out: usize = one.excluded.iter().map(|excluded| excluded.calls).sum();
    let left_out = (left_out > 0).then(|| format!("{left_out} left out"));
    vec![
        cell(&one.plan.name),
        money(Some(one.plan.usd_month)),
        money(one.saving_usd_month).or("unknown"),
        number(one.offered_calls as u64).with(left_out),
        money(one.metered_best_usd_month).or("unknown"),
        money(one.present_usd_month).or("unknown"),
        tokens(even.map(|even| even.tokens_month as u64)).with(reached).or("unknown"),
    ]
}

/// Which plan saves most, or how far the calls are from the first one that would be worth its price.
fn best_plan(report: &PlansReport) -> Option<Answer> {
    let saving = |one: &&PlanReport| one.saving_usd_month.unwrap_or(f64::NEG_INFINITY);
    let best = report.plans.iter().max_by(|a, b| saving(a).total_cmp(&saving(b)))?;
    let days =
        format!("Scaled to a month from {} calls of {:.0} days.", grouped(report.calls as u64), report.days);
    let answer =
        Answer { title: "Is a plan worth it?", href: "#plans", more: "All plans", ..Answer::default() };
    if let Some(saved) = best.saving_usd_month.filter(|saved| *saved > 0.0) {
        return Some(Answer {
            figure: usd(saved),
            beside: Some("saved a month".to_owned()),
            lines: vec![
                Line::on(&best.plan.name, "saves most against the best endpoints per token."),
                Line::of(days),
            ],
            ..answer
        });
    }
    let even = report.plans.iter().filter_map(|one| Some((one, one.break_even?)));
    let nearest = even.min_by(|a, b| a.1.tokens_month.total_cmp(&b.1.tokens_month));
    let per_token = report.plans.iter().filter_map(|one| one.metered_best_usd_month).reduce(f64::max)?;
    let mut lines = Vec::new();
    if let Some((one, even)) = nearest {
        let price = usd(one.plan.usd_month);
        let text = format!("{price} a month, worth it from {} tokens.", tokens_in_words(even.tokens_month));
        lines.push(Line::on(&one.plan.name, text));
    }
    lines.push(Line::of(days));
    Some(Answer {
        figure: usd(per_token),
        beside: Some("a month per token at the best endpoints; no plan is known to be cheaper".to_owned()),
        lines,
        ..answer
    })
}

/// The imported files.
pub fn files(files: &[ImportedFile]) -> Sheet {
    let count = |count: i64| number(u64::try_from(count).unwrap_or(0));
    let rows: Vec<Vec<Cell>> = (files.iter())
        .map(|file| {
            vec![
                cell(&file.source).with(Some(file.path.clone())),
                cell(&file.format),
                count(file.calls),
                count(file.duplicates),
                count(file.unread_entries()),
                time(file.first_at),
                time(file.last_at),
                time(Some(file.imported_at)),
            ]
        })
        .collect();
    let columns = [
        "Source",
        "Format",
        "#Calls",
        "#Repeated",
        "#Unreadable",
        "First call, UTC",
        "Last call, UTC",
        "Imported, UTC",
    ];
    let is_empty = rows.is_empty();
    let table = Table::new("files", "Files", &columns)
        .rows(rows)
        .note("Repeated records are counted once. `hitrate traffic forget` removes a source.");
    Sheet {
        lede: "Imported files, and what arrived live as the source “receiver”.".to_owned(),
        is_empty,
        tables: if is_empty { Vec::new() } else { vec![table] },
        ..Sheet::default()
    }
}
