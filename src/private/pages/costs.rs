//! The pages of costs elsewhere, plans and files.

use super::links::Links;
use super::sheet::{
    Answer, Cell, Line, Sheet, Table, cell, change, money, number, range, share, time, tokens,
};
use crate::domain::format::{counted, grouped};
use crate::private::answers::Elsewhere;
use crate::site::{percent_change_tenth, tokens_in_words, usd};
use crate::store::ImportedFile;
use crate::traffic::worth::{Change, Compared, Costs, HostCost, ModelCosts, PlanReport, PlansReport};

/// The endpoint of a model with the lowest cost, if its caching is known.
fn cheapest(model: &ModelCosts) -> Option<&HostCost> {
    model.hosts.iter().find(|host| Some(&host.tag) == model.cheapest.as_ref())
}

/// What the calls would have cost elsewhere, in short: none if no cost is known.
pub fn elsewhere(found: &Elsewhere) -> Option<Answer> {
    let hosts: Vec<(&ModelCosts, &HostCost)> =
        found.costs.models.iter().filter_map(|model| Some((model, cheapest(model)?))).collect();
    let compared: Vec<_> =
        hosts.iter().filter_map(|(model, host)| Some((*model, *host, host.against_paid?))).collect();
    let answer = Answer { title: "Elsewhere", href: "/costs", more: "Every endpoint", ..Answer::default() };
    let basis = |calls: usize| {
        let calls = grouped(calls as u64);
        Line::of(format!("{calls} calls at the cheapest endpoint of each model, with its public hit rate."))
    };
    let saved = |change: &Change| change.against_usd - change.usd;
    let most = compared.iter().max_by(|a, b| saved(&a.2).total_cmp(&saved(&b.2)));
    let Some((model, host, most)) = most else {
        let costs: Vec<f64> = hosts.iter().filter_map(|(_, host)| host.usd).collect();
        return (!costs.is_empty()).then(|| Answer {
            figure: usd(costs.iter().sum()),
            beside: Some("per token; what you paid is not known".to_owned()),
            lines: vec![basis(hosts.iter().map(|(model, _)| model.calls).sum())],
            ..answer
        });
    };
    let sum = |amount: fn(&Change) -> f64| compared.iter().map(|(.., change)| amount(change)).sum::<f64>();
    let mut lines = vec![
        basis(compared.iter().map(|(.., change)| change.calls).sum()),
        Line::on(format!("{} at {}", model.model_id, host.tag), format!("{}.", change(most))),
    ];
    if let Some(followed) = &found.followed.against_paid.change {
        lines.push(Line::of(format!("At the endpoints recommended the day before: {}.", change(followed))));
    }
    Some(Answer {
        figure: usd(sum(|change| change.usd)),
        beside: Some(format!("instead of {} paid", usd(sum(|change| change.against_usd)))),
        lines,
        ..answer
    })
}

/// What the calls would have cost elsewhere.
pub fn costs(found: &Elsewhere, links: &Links) -> Sheet {
    let Costs { calls, models, notes, .. } = &found.costs;
    let mut by_size: Vec<&ModelCosts> = models.iter().collect();
    by_size.sort_by(|a, b| b.prompt_tokens.total_cmp(&a.prompt_tokens));
    let rows =
        by_size.into_iter().flat_map(|model| model.hosts.iter().map(move |host| row(model, host, links)));
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
            .by(compared.and_then(|change| change.fraction))
            .with(signed_range.map(|(low, high)| range(low, high, percent_change_tenth)))
            .or("no price paid known"),
        share(host.hit_rate).or("unknown"),
        money(host.own.map(|own| own.usd))
            .with(host.own.map(|own| counted(own.calls as u64, "call")))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ModelSlug, ProviderSlug, Tag};
    use crate::traffic::worth::{Followed, LeftOut};

    fn change_of(usd: f64, against_usd: f64) -> Change {
        let fraction = Some(usd / against_usd - 1.0);
        Change { calls: 10, usd, against_usd, fraction, low: None, high: None }
    }

    fn model(id: &str, hosts: &[(&str, Option<f64>, Option<Change>)]) -> ModelCosts {
        let host = |(tag, usd, against_paid): &(&str, Option<f64>, Option<Change>)| HostCost {
            endpoint_id: uuid::Uuid::nil(),
            tag: Tag::new(*tag),
            provider: ProviderSlug::new(*tag),
            name: (*tag).to_owned(),
            usd: *usd,
            low: None,
            high: None,
            cold: 9.0,
            warm: 1.0,
            own: None,
            against_paid: *against_paid,
            retention: None,
            hit_rate: None,
            assumed: false,
            lifetime_seconds: None,
            lifetime_known: false,
            expired_turns: 0,
            turns_at_prices_of_the_day: 0,
            turns_at_present_prices: 10,
            turns_before_it_was_offered: 0,
        };
        ModelCosts {
            model_id: id.to_owned(),
            slug: ModelSlug::new(id),
            calls: 10,
            sessions: 1,
            guessed_sessions: 0,
            prompt_tokens: 1.0,
            reusable_tokens: 1.0,
            read_tokens: 0.0,
            output_tokens: 1.0,
            paid: Vec::new(),
            hosts: hosts.iter().map(host).collect(),
            cheapest: hosts.first().filter(|host| host.1.is_some()).map(|host| Tag::new(host.0)),
            not_priced: Vec::new(),
        }
    }

    fn of(models: Vec<ModelCosts>) -> Elsewhere {
        let costs = Costs {
            from: None,
            to: None,
            calls: 10,
            models,
            left_out: LeftOut::default(),
            notes: Vec::new(),
        };
        let followed = Followed {
            covered_share: None,
            against_paid: Compared::default(),
            against_cheapest_list: Compared::default(),
            models: Vec::new(),
            notes: Vec::new(),
        };
        Elsewhere { costs, followed }
    }

    #[test]
    fn the_cheapest_endpoints_are_compared_with_what_was_paid() {
        let models = vec![
            model("m/a", &[("x", Some(2.0), Some(change_of(2.0, 3.0))), ("y", Some(4.0), None)]),
            model("m/b", &[("z", Some(5.0), Some(change_of(5.0, 9.0)))]),
        ];
        let answer = elsewhere(&of(models)).expect("an answer");
        assert_eq!(
            (answer.figure.as_str(), answer.beside.as_deref()),
            ("$7.00", Some("instead of $12.00 paid"))
        );
        assert!(answer.lines[0].text.starts_with("20 calls"), "{:?}", answer.lines);
        assert_eq!(answer.lines[1].name.as_deref(), Some("m/b at z"), "it saves most");
    }

    #[test]
    fn without_a_price_paid_the_cost_stands_alone() {
        let answer = elsewhere(&of(vec![model("m/a", &[("x", Some(2.0), None)])])).expect("an answer");
        assert_eq!(answer.figure, "$2.00");
        assert!(answer.beside.is_some_and(|beside| beside.contains("not known")));
        assert!(elsewhere(&of(vec![model("m/a", &[("x", None, None)])])).is_none());
    }
}
