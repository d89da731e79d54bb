//! The pages of sessions and misses.

use super::links::{Links, report_on};
use super::sheet::{
    Answer, Line, Sheet, Table, cell, money, named, number, paid, pause, share, time, tokens,
};
use crate::domain::format::grouped;
use crate::site::{percent, tokens_in_words, usd};
use crate::traffic::misses::{Cause, CauseLine, Misses};
use crate::traffic::sessions::Sessions;
use std::cmp::Ordering;

/// The sessions.
pub fn sessions(sessions: &Sessions) -> Sheet {
    let rows = sessions.largest.iter().map(|line| {
        let changes = [
            (line.provider_changes, "provider"),
            (line.model_changes, "model"),
            (line.compactions, "compaction"),
        ];
        let changes = changes.iter().filter(|(count, _)| *count > 0);
        let changes: Vec<String> = changes.map(|(count, what)| format!("{what} {count}×")).collect();
        vec![
            cell(&line.session).with(line.agent.clone()),
            time(line.start),
            number(line.turns).with((line.failures > 0).then(|| format!("{} failed", line.failures))),
            cell(line.models.join(", "))
                .with(Some(line.providers.join(", ")).filter(|names| !names.is_empty())),
            tokens(line.prompt_tokens),
            tokens(line.output_tokens),
            share(line.hit_rate)
                .with(line.retention.map(|retention| format!("retention {}", percent(retention)))),
            number(line.misses),
            pause(line.longest_pause_seconds),
            cell(changes.join(", ")).or("none"),
            paid(&line.paid),
        ]
    });
    let columns = [
        "Session",
        "Start, UTC",
        "#Calls",
        "Models",
        "#Prompt tokens",
        "#Output tokens",
        "#Hit rate",
        "#Misses",
        "#Longest pause",
        "Changes",
        "Paid",
    ];
    let typical = &sessions.typical;
    let mut facts = vec![("Sessions".to_owned(), grouped(sessions.sessions))];
    let figures = [
        ("Calls of a typical session", typical.turns.map(|turns| format!("{turns:.0}"))),
        ("Its hit rate", typical.hit_rate.map(percent)),
    ];
    facts.extend(figures.into_iter().filter_map(|(name, figure)| Some((name.to_owned(), figure?))));
    if sessions.without_session > 0 {
        facts.push(("Calls without a session".to_owned(), grouped(sessions.without_session)));
    }
    let is_empty = sessions.sessions == 0 && sessions.without_session == 0;
    let table = Table::new("sessions", "Largest sessions", &columns).rows(rows);
    Sheet {
        lede: "Your sessions, most prompt tokens first.".to_owned(),
        is_empty,
        facts: if is_empty { Vec::new() } else { facts },
        tables: if is_empty { Vec::new() } else { vec![table] },
        notes: sessions.notes.clone(),
        ..Sheet::default()
    }
}

/// What the misses cost and why, in short: none if no call could be judged.
pub fn misses_in_short(misses: &Misses) -> Option<Answer> {
    if misses.judged == 0 {
        return None;
    }
    let first = misses.causes.iter().find(|line| line.cause == Some(Cause::FirstCall));
    let first = grouped(first.map_or(0, |line| line.calls));
    let mut lines = vec![Line::of(format!(
        "{} of {} judged calls missed; {first} are the first call of a session, which cannot hit.",
        grouped(misses.misses),
        grouped(misses.judged)
    ))];
    let rank = |line: &&CauseLine| (line.usd.unwrap_or(0.0), line.unread_tokens as f64);
    let causes = misses.causes.iter().filter(|line| line.unread_tokens > 0);
    let main = causes.max_by(|a, b| rank(a).partial_cmp(&rank(b)).unwrap_or(Ordering::Equal));
    if let Some((line, cause)) = main.and_then(|line| Some((line, line.cause?))) {
        let usd = line.usd.map(|amount| format!("{}, ", usd(amount))).unwrap_or_default();
        lines.push(Line::of(format!("Most expensive cause: {} ({usd}{} calls).", cause.text(), line.calls)));
        lines.push(Line::of(advice(cause)));
    }
    Some(Answer {
        title: "Misses",
        figure: misses.usd.map_or_else(|| tokens_in_words(misses.unread_tokens as f64), usd),
        beside: Some(match misses.usd {
            Some(_) => "more than with hits".to_owned(),
            None => "tokens not read; their price is unknown".to_owned(),
        }),
        lines,
        href: "/misses",
        more: "Causes and examples",
    })
}

/// What helps against a cause.
const fn advice(cause: Cause) -> &'static str {
    match cause {
        Cause::FirstCall => "Nothing: no earlier call could have filled the cache.",
        Cause::BelowMinimum => "Nothing, unless another endpoint caches shorter prompts.",
        Cause::ModelChanged => "Keep one model for a session: each model has a cache of its own.",
        Cause::ProviderChanged => "Pin the provider for a session: each provider has a cache of its own.",
        Cause::Idle => "Shorter pauses, or an endpoint with a longer lifetime of its cache.",
        Cause::PrefixChanged => "Append to the prompt instead of changing its beginning.",
        Cause::Unknown => "An endpoint that loses fewer entries: compare the retention of the endpoints.",
    }
}

/// The misses.
pub fn misses(misses: &Misses, links: &Links) -> Sheet {
    let facts = vec![
        ("Judged calls".to_owned(), grouped(misses.judged)),
        ("Not judged".to_owned(), grouped(misses.not_judged)),
        ("Reusable tokens".to_owned(), tokens_in_words(misses.reusable_tokens as f64)),
        ("Not read".to_owned(), tokens_in_words(misses.unread_tokens as f64)),
    ];
    let of_cause = |name: &str, helps: &str, line: &CauseLine| {
        let unpriced = (line.unpriced > 0).then(|| format!("{} without a price", line.unpriced));
        vec![
            cell(name),
            number(line.calls),
            tokens(Some(line.unread_tokens)),
            money(line.usd).with(unpriced).or(if line.unread_tokens == 0 {
                "nothing unread"
            } else {
                "no price known"
            }),
            cell(helps),
        ]
    };
    let causes = misses.causes.iter().filter_map(|line| {
        let cause = line.cause?;
        Some(of_cause(cause.text(), advice(cause), line))
    });
    let partial =
        of_cause("partly read (not a miss)", "Nothing: most of the prompt was read.", &misses.partial);
    let columns = ["Cause", "#Calls", "#Unread tokens", "#USD above the price of a read", "~What helps"];
    let causes = Table::new("causes", "Causes", &columns).rows(causes.chain([partial]));
    let gaps = misses.gaps.iter().map(|gap| {
        let class = match gap.to_minutes {
            Some(to) => format!("{} to {to} min", gap.from_minutes),
            None => format!("{} min and more", gap.from_minutes),
        };
        vec![
            cell(class),
            number(gap.calls),
            share(gap.hit_share).or("no calls"),
            share(gap.retention).or("nothing reusable"),
            number(gap.misses),
        ]
    });
    let columns = ["Pause", "#Calls", "#Read anything", "#Retention", "#Misses"];
    let gaps = Table::new("gaps", "By pause since the previous call", &columns).rows(gaps);
    let groups = misses.groups.iter().map(|group| {
        let (model, provider) = (group.model.as_deref(), group.provider.as_deref());
        let lifetime = if group.lifetime_is_known { "known" } else { "assumed" };
        vec![
            named(model).to(model.map(report_on)),
            named(provider).public(model.zip(provider).and_then(|(model, tag)| links.endpoint(model, tag))),
            number(group.judged),
            number(group.misses),
            tokens(Some(group.unread_tokens)),
            money(group.usd).or("no price known"),
            cell(format!("{:.0} min", group.lifetime_minutes))
                .by(Some(group.lifetime_minutes))
                .with(Some(lifetime.to_owned())),
        ]
    });
    let columns =
        ["Model", "Provider", "#Judged calls", "#Misses", "#Unread tokens", "#USD", "#Lifetime of the cache"];
    let groups = Table::new("groups", "By model and provider", &columns).rows(groups);
    let examples = misses.examples.iter().map(|example| {
        vec![
            cell(&example.session),
            time(example.at),
            named(example.model.as_deref()),
            named(example.provider.as_deref()),
            cell(example.cause.text()),
            pause(example.pause_seconds).or("first call"),
            tokens(Some(example.unread_tokens)),
            money(example.usd),
        ]
    });
    let columns = ["Session", "Time, UTC", "Model", "Provider", "Cause", "#Pause", "#Unread tokens", "#USD"];
    let examples = Table::new("examples", "Most expensive misses", &columns).rows(examples);
    let is_empty = misses.judged == 0 && misses.not_judged == 0;
    Sheet {
        lede: "Calls that read less than half of what they could have read from the cache, and why."
            .to_owned(),
        is_empty,
        answers: misses_in_short(misses)
            .map(|answer| Answer { href: "#examples", more: "Examples", ..answer })
            .into_iter()
            .collect(),
        facts: if is_empty { Vec::new() } else { facts },
        tables: if is_empty { Vec::new() } else { vec![causes, gaps, groups, examples] },
        notes: misses.notes.clone(),
        ..Sheet::default()
    }
}
