//! The report and the page of models.

use super::links::{Links, report_on};
use super::sheet::{
    Answer, Cell, Line, Sheet, Table, cell, duration, failures, money, named, number, paid, range, rate,
    share, time, tokens,
};
use super::{costs, sessions};
use crate::domain::format::{counted, grouped};
use crate::private::answers::Elsewhere;
use crate::site::{percent, tokens_in_words};
use crate::traffic::misses::Misses;
use crate::traffic::models::Models;
use crate::traffic::report::{Group, Report, Spend, SpendLine};

/// The report; the answers about misses and other endpoints stand on its first screen, if they are known.
pub fn report(
    report: &Report,
    misses: Option<&Misses>,
    elsewhere: Option<&Elsewhere>,
    links: &Links,
) -> Sheet {
    let total = &report.total;
    let model = report.question.model.as_ref().map(|model| format!(" of {model}")).unwrap_or_default();
    let lede = match (report.first, report.last) {
        (Some(first), Some(last)) => {
            format!(
                "Your {} calls{model} from {} to {}, UTC.",
                grouped(total.calls),
                first.format("%Y-%m-%d"),
                last.format("%Y-%m-%d")
            )
        }
        _ => format!("Your {} calls{model}.", grouped(total.calls)),
    };
    let notes = report.notes.clone();
    if total.calls == 0 && report.aggregates.is_empty() {
        return Sheet {
            lede: "Your calls by model and provider.".to_owned(),
            is_empty: true,
            notes,
            ..Sheet::default()
        };
    }
    let answers = [
        Some(own_rate(report)),
        misses.and_then(sessions::misses_in_short),
        elsewhere.and_then(costs::elsewhere),
    ];
    let tables = [dropped(report, links), groups(&report.groups, links), times(total), spend(&report.spend)];
    Sheet {
        lede,
        answers: answers.into_iter().flatten().collect(),
        facts: facts(report),
        tables: tables.into_iter().chain([sources(report)]).filter(|table| !table.rows.is_empty()).collect(),
        notes,
        ..Sheet::default()
    }
}

fn facts(report: &Report) -> Vec<(String, String)> {
    let total = &report.total;
    let recorded = |count: Option<u64>| {
        count.map_or_else(|| "not recorded".to_owned(), |count| tokens_in_words(count as f64))
    };
    let mut facts = vec![
        ("Paid".to_owned(), with_small(&paid(&report.spend.total))),
        ("Failures".to_owned(), with_small(&failures(&total.failures))),
        ("Prompt tokens".to_owned(), recorded(total.tokens.prompt)),
        ("Output tokens".to_owned(), recorded(total.tokens.output)),
        ("Sessions".to_owned(), grouped(total.sessions)),
    ];
    if total.replays > 0 {
        facts.push(("Replies replayed by a gateway".to_owned(), total.replays.to_string()));
    }
    facts
}

fn with_small(cell: &Cell) -> String {
    let text = if cell.text.is_empty() { "not recorded" } else { &cell.text };
    match &cell.small {
        Some(small) => format!("{text} · {small}"),
        None => text.to_owned(),
    }
}

/// The own hit rate beside the public one of the same endpoints and days, and what the largest difference means.
fn own_rate(report: &Report) -> Answer {
    let own = &report.total.hit_rate;
    let interval = match &own.no_interval {
        Some(why) => format!("No interval: {why}. {}.", counted(own.calls, "call")),
        None => format!("{}, {}.", rate(own).small.unwrap_or_default(), counted(own.calls, "call")),
    };
    let beside = beside_public(&report.groups);
    let basis = beside.as_ref().map(|beside| match beside.covered {
        covered if covered > 0.995 => {
            " Public: the same endpoints and days, weighted by your tokens.".to_owned()
        }
        covered => format!(
            " Public: the same endpoints and days, known for {} of your tokens; there your rate is {}.",
            percent(covered),
            percent(beside.own)
        ),
    });
    let mut lines = vec![Line::of(format!("{interval}{}", basis.unwrap_or_default()))];
    lines.extend(largest_difference(&report.groups));
    if let Some(kept) = own.retention {
        lines.push(Line::of(format!("{} of the reusable tokens were read (retention).", percent(kept))));
    }
    Answer {
        title: "Hit rate",
        figure: own.rate.map_or_else(|| "not recorded".to_owned(), percent),
        beside: beside.map(|beside| format!("public: {}", percent(beside.public))),
        lines,
        href: "/models",
        more: "Every model",
    }
}

/// Rates over the groups with both an own and a public rate, weighted by the own tokens.
struct Beside {
    own: f64,
    public: f64,
    /// Their share of the tokens with an own rate, 0..1.
    covered: f64,
}

fn beside_public(groups: &[Group]) -> Option<Beside> {
    let weight = |group: &Group| group.hit_rate.prompt_tokens as f64;
    let both: Vec<(f64, f64, f64)> = (groups.iter())
        .filter_map(|group| Some((group.hit_rate.rate?, group.public.as_ref()?.rate?, weight(group))))
        .collect();
    let covered: f64 = both.iter().map(|(.., weight)| weight).sum();
    let all: f64 = groups.iter().filter(|group| group.hit_rate.rate.is_some()).map(weight).sum();
    (covered > 0.0).then(|| Beside {
        own: both.iter().map(|(own, _, weight)| own * weight).sum::<f64>() / covered,
        public: both.iter().map(|(_, public, weight)| public * weight).sum::<f64>() / covered,
        covered: covered / all,
    })
}

/// The group whose rate is surely below or above the public one and weighs most.
fn largest_difference(groups: &[Group]) -> Option<Line> {
    let distance = |group: &Group| {
        let (public, interval) = (group.public.as_ref()?, group.hit_rate.interval?);
        let (low, high) = (public.low?, public.high?);
        let outside = (low - interval.high).max(interval.low - high);
        (outside > 0.0).then_some(outside * group.hit_rate.prompt_tokens as f64)
    };
    let found = groups.iter().filter_map(|group| Some((distance(group)?, group)));
    let (_, group) = found.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let names = [group.model.as_deref(), group.provider.as_deref()];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    Some(Line::on(names.join(" at "), group.difference.clone()?))
}

fn dropped(report: &Report, links: &Links) -> Table {
    let rows = report.regressions.iter().map(|one| {
        vec![
            cell(&one.model).to(Some(report_on(&one.model))),
            cell(&one.provider).public(links.endpoint(&one.model, &one.provider)),
            share(Some(one.recent)).with(Some(counted(one.recent_calls, "call"))),
            share(Some(one.baseline)).with(Some(counted(one.baseline_calls, "call"))),
            cell(one.since.to_string()),
        ]
    });
    let columns = ["Model", "Provider", "#Recent hit rate", "#Before", "Since, UTC"];
    Table::new("regressions", "Hit rates that dropped", &columns).rows(rows)
}

fn sources(report: &Report) -> Table {
    let rows = report.sources.iter().map(|one| {
        let states = if one.states_failures { "stated" } else { "not recorded" };
        vec![cell(&one.source), cell(&one.format), number(one.files), number(one.calls), cell(states)]
    });
    Table::new("sources", "Sources", &["Source", "Format", "#Files", "#Calls", "Failures"]).rows(rows)
}

fn groups(groups: &[Group], links: &Links) -> Table {
    let rows = groups.iter().map(|group| {
        let model = group.model.as_deref();
        let public = group.public.as_ref();
        let ends = public.filter(|public| public.is_ambiguous).and_then(|public| public.low.zip(public.high));
        let ends = ends.map(|(low, high)| range(low, high, percent));
        let tag = public.and_then(|public| public.endpoints.first());
        let page = model.zip(tag).and_then(|(model, tag)| links.endpoint(model, tag));
        let first = named(group.value.as_deref().or(model));
        vec![
            first.to(model.filter(|_| group.value.is_none()).map(report_on)),
            named(group.provider.as_deref()).public(page),
            rate(&group.hit_rate),
            share(public.and_then(|public| public.rate))
                .with(ends.or_else(|| public.and_then(|public| public.why.clone())))
                .or("unknown"),
            cell(group.difference.clone().unwrap_or_default()).or("no comparison"),
            share(group.hit_rate.retention),
            number(group.calls),
            failures(&group.failures),
            tokens(group.tokens.prompt),
            tokens(group.tokens.output),
            paid(&group.paid),
            money(group.cost.first().and_then(|cost| cost.usd_per_success)),
        ]
    });
    let columns = [
        "Model",
        "Provider",
        "#Own hit rate",
        "#Public, same days",
        "~What the difference means",
        "#Retention",
        "#Calls",
        "#Failures",
        "#Prompt tokens",
        "#Output tokens",
        "Paid",
        "#USD per successful output",
    ];
    let note = "The public rate mixes short and long sessions; compare the retention, the share of the reusable tokens that was read, before you blame a provider.";
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

fn spend(spend: &Spend) -> Table {
    let lists = [
        ("platform", &spend.by_platform),
        ("model", &spend.by_model),
        ("month", &spend.by_month),
        ("key", &spend.by_key),
        ("app", &spend.by_app),
    ];
    let row = |by: &'static str, line: &SpendLine| {
        vec![
            named(line.value.as_deref()),
            cell(by),
            cell(super::sheet::kind(line.kind)),
            money(line.usd),
            number(line.calls),
            number(line.unpriced),
        ]
    };
    let rows = lists.into_iter().flat_map(|(by, lines)| lines.iter().map(move |line| row(by, line)));
    let columns = ["Spend", "By", "Kind of money", "#USD", "#Calls", "#Without an amount"];
    Table::new("spend", "Spend", &columns).rows(rows)
}

/// The models.
pub fn models(models: &Models, links: &Links) -> Sheet {
    let rows = models.models.iter().map(|line| {
        let providers: Vec<&str> =
            line.providers.iter().filter_map(|one| one.provider.as_deref()).take(3).collect();
        let model = line.model.as_deref();
        let unknown = (!line.is_known).then(|| "not in the public catalogue".to_owned());
        vec![
            named(model)
                .with(unknown)
                .to(model.map(report_on))
                .public(model.and_then(|model| links.model(model))),
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
        "Last call, UTC",
    ];
    let is_empty = models.models.is_empty();
    let table = Table::new("models", "Models", &columns).rows(rows);
    Sheet {
        lede: "Your models, most prompt tokens first. Each leads to the report on its calls.".to_owned(),
        is_empty,
        tables: if is_empty { Vec::new() } else { vec![table] },
        notes: models.notes.clone(),
        ..Sheet::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::report::{Interval, OwnRate, PublicRate};

    /// A group with an own rate, half the width of its interval, and a public rate.
    fn group(name: &str, tokens: u64, own: f64, width: f64, public: Option<f64>) -> Group {
        Group {
            model: Some(name.to_owned()),
            provider: Some("p".to_owned()),
            hit_rate: OwnRate {
                rate: Some(own),
                interval: Some(Interval { low: own - width, high: own + width, coverage: 0.9 }),
                prompt_tokens: tokens,
                ..OwnRate::default()
            },
            public: public.map(|rate| PublicRate {
                rate: Some(rate),
                low: Some(rate),
                high: Some(rate),
                ..PublicRate::default()
            }),
            difference: Some(format!("about {name}")),
            ..Group::default()
        }
    }

    #[test]
    fn the_public_rate_is_weighted_by_the_own_tokens_where_both_are_known() {
        let groups = [
            group("a", 300, 0.6, 0.0, Some(0.8)),
            group("b", 100, 0.2, 0.0, Some(0.4)),
            group("c", 600, 0.9, 0.0, None),
        ];
        let beside = beside_public(&groups).expect("two groups have both");
        assert!((beside.public - 0.7).abs() < 1e-9 && (beside.own - 0.5).abs() < 1e-9);
        assert!((beside.covered - 0.4).abs() < 1e-9);
        assert!(beside_public(&groups[2..]).is_none());
    }

    #[test]
    fn the_largest_difference_is_beyond_its_uncertainty_and_weighs_most() {
        let groups = [
            group("unsure", 900, 0.5, 0.4, Some(0.8)),
            group("small", 10, 0.2, 0.05, Some(0.8)),
            group("large", 500, 0.9, 0.05, Some(0.7)),
        ];
        let line = largest_difference(&groups).expect("one is sure");
        assert_eq!((line.name.as_deref(), line.text.as_str()), (Some("large at p"), "about large"));
        assert!(largest_difference(&groups[..1]).is_none());
    }
}
