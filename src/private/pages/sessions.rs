//! The pages of sessions and misses.

use super::sheet::{Sheet, Table, cell, duration, money, named, number, paid, share, time, tokens};
use crate::site::{percent, usd};
use crate::traffic::misses::{CauseLine, Misses};
use crate::traffic::sessions::Sessions;

/// The sessions.
pub fn sessions(sessions: &Sessions) -> Sheet {
    let rows = sessions.largest.iter().map(|line| {
        let changes = format!(
            "{} of provider, {} of model, {} compactions",
            line.provider_changes, line.model_changes, line.compactions
        );
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
            duration(line.longest_pause_seconds.map(|seconds| seconds * 1000.0)),
            cell(changes),
            paid(&line.paid),
        ]
    });
    let columns = [
        "Session",
        "Start",
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
    let mut facts = vec![("Sessions".to_owned(), sessions.sessions.to_string())];
    let figures = [
        ("Calls of a typical session", typical.turns.map(|turns| format!("{turns:.0}"))),
        ("Its hit rate", typical.hit_rate.map(percent)),
    ];
    facts.extend(figures.into_iter().filter_map(|(name, figure)| Some((name.to_owned(), figure?))));
    if sessions.without_session > 0 {
        facts.push(("Calls without a session".to_owned(), sessions.without_session.to_string()));
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

/// The misses.
pub fn misses(misses: &Misses) -> Sheet {
    let facts = vec![
        ("Judged calls".to_owned(), misses.judged.to_string()),
        ("Misses".to_owned(), misses.misses.to_string()),
        ("Not judged".to_owned(), misses.not_judged.to_string()),
        ("Cost of misses".to_owned(), misses.usd.map_or_else(|| "no price known".to_owned(), usd)),
    ];
    let of_cause = |name: &str, line: &CauseLine| {
        let unpriced = (line.unpriced > 0).then(|| format!("{} without a price", line.unpriced));
        vec![cell(name), number(line.calls), tokens(Some(line.unread_tokens)), money(line.usd).with(unpriced)]
    };
    let causes = misses.causes.iter().filter_map(|line| Some(of_cause(line.cause?.text(), line)));
    let partial = of_cause("partly read (not a miss)", &misses.partial);
    let columns = ["Cause", "#Calls", "#Unread tokens", "#USD above the price of a read"];
    let causes = Table::new("causes", "Causes", &columns).rows(causes.chain([partial]));
    let gaps = misses.gaps.iter().map(|gap| {
        let class = match gap.to_minutes {
            Some(to) => format!("{} to {to} min", gap.from_minutes),
            None => format!("{} min and more", gap.from_minutes),
        };
        vec![cell(class), number(gap.calls), share(gap.hit_share), share(gap.retention), number(gap.misses)]
    });
    let columns = ["Pause", "#Calls", "#Read anything", "#Retention", "#Misses"];
    let gaps = Table::new("gaps", "By pause since the previous call", &columns).rows(gaps);
    let groups = misses.groups.iter().map(|group| {
        let lifetime = if group.lifetime_is_known { "known" } else { "assumed" };
        vec![
            named(group.model.as_deref()),
            named(group.provider.as_deref()),
            number(group.judged),
            number(group.misses),
            tokens(Some(group.unread_tokens)),
            money(group.usd),
            cell(format!("{:.0} min", group.lifetime_minutes)).with(Some(lifetime.to_owned())),
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
            duration(example.pause_seconds.map(|seconds| seconds * 1000.0)),
            tokens(Some(example.unread_tokens)),
            money(example.usd),
        ]
    });
    let columns = ["Session", "Time", "Model", "Provider", "Cause", "#Pause", "#Unread tokens", "#USD"];
    let examples = Table::new("examples", "Most expensive misses", &columns).rows(examples);
    let is_empty = misses.judged == 0 && misses.not_judged == 0;
    Sheet {
        lede: "Calls that read less than half of what they could have read from the cache, and why."
            .to_owned(),
        is_empty,
        facts: if is_empty { Vec::new() } else { facts },
        tables: if is_empty { Vec::new() } else { vec![causes, gaps, groups, examples] },
        notes: misses.notes.clone(),
        ..Sheet::default()
    }
}
