//! Makes the report from the grouped rows of the store.

use super::public::{Served, difference, public_rate};
use super::{
    Aggregate, Answers, By, FailureClass, Failures, Group, OutputCost, Overhead, OwnRate, Paid, Percentiles,
    Question, Report, SourceLine, Spend, SpendLine, Times, TokenSums, watch,
};
use crate::request_log::PaidKind;
use crate::snapshot::Snapshot;
use crate::store::answers::{
    AggregateRow, DayRow, GroupRow, OverheadRow, PaidRow, RateRow, Scope, SourceRow, SpendRow, TimesRow,
};
use crate::store::{StoreError, TrafficStore};
use crate::traffic::estimate::Sums;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Prompt sizes of the classes of latencies, tokens: as in `times.sql`.
const SIZES: [(u64, Option<u64>); 4] =
    [(0, Some(8_000)), (8_000, Some(32_000)), (32_000, Some(128_000)), (128_000, None)];
/// Fewest calls for a 95th percentile.
const FEWEST_FOR_P95: u64 = 20;

/// A count of the store; negative ones do not occur.
pub(in crate::traffic) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The calls of a question, grouped.
pub(in crate::traffic) fn scope(question: &Question, by: By) -> Scope {
    Scope {
        from: question.from,
        to: question.to,
        model: question.model.clone(),
        provider: question.provider.clone(),
        source: question.source.clone(),
        by: by.name(),
    }
}

/// A kind of money from its name in the store.
pub(in crate::traffic) fn kind(name: &str) -> PaidKind {
    serde_json::from_value(serde_json::Value::from(name)).unwrap_or_default()
}

/// The groups of a question with their rates and money, most prompt tokens first, and all calls together.
pub(in crate::traffic) struct Grouped {
    pub groups: Vec<(GroupRow, Group)>,
    pub total: Group,
}

/// Groups the calls of a question.
///
/// # Errors
/// See [`TrafficStore`].
pub(in crate::traffic) fn grouped(
    store: &TrafficStore,
    question: &Question,
    by: By,
) -> Result<Grouped, StoreError> {
    let answers = store.answers(scope(question, by));
    let mut rows = answers.groups()?;
    rows.sort_by(|a, b| {
        b.prompt
            .cmp(&a.prompt)
            .then_with(|| b.calls.cmp(&a.calls))
            .then_with(|| (&a.model, &a.provider, &a.value).cmp(&(&b.model, &b.provider, &b.value)))
    });
    let rates: HashMap<Option<i64>, RateRow> = answers.rates()?.into_iter().map(|row| (row.g, row)).collect();
    let mut paid: HashMap<i64, Vec<PaidRow>> = HashMap::new();
    for row in answers.paid()? {
        paid.entry(row.g).or_default().push(row);
    }
    let total = whole(&rows, rates.get(&None), &paid);
    let groups = rows.into_iter().map(|row| {
        let group = group(&row, rates.get(&Some(row.g)), paid.get(&row.g).map_or(&[][..], Vec::as_slice));
        (row, group)
    });
    Ok(Grouped { groups: groups.collect(), total })
}

fn group(row: &GroupRow, rate: Option<&RateRow>, paid: &[PaidRow]) -> Group {
    let optional = |number: Option<i64>| number.map(count);
    Group {
        model: row.model.clone(),
        model_is_known: row.model_is_known && row.model.is_some(),
        provider: row.provider.clone(),
        endpoint_id: row.endpoint_id.clone(),
        value: row.value.clone(),
        calls: count(row.calls),
        replays: count(row.replays),
        sessions: rate.map_or(0, |rate| count(rate.sessions)),
        first: row.first_at,
        last: row.last_at,
        failures: failures(row),
        tokens: TokenSums {
            prompt: optional(row.prompt),
            read: optional(row.read),
            written: optional(row.written),
            output: optional(row.output),
            reasoning: optional(row.reasoning),
        },
        hit_rate: rate.map_or_else(own_unknown, own_rate),
        public: None,
        difference: None,
        paid: money(paid),
        unpriced: count(row.unpriced),
        cost: costs(paid),
        answers: Answers {
            answered: count(row.answered),
            successful: count(row.successful),
            finish_not_recorded: count(row.finish_not_recorded),
            empty: count(row.empty),
            reasoning_only: count(row.reasoning_only),
            cut_off: count(row.cut_off),
            frozen: rate.map_or(0, |rate| count(rate.frozen)),
        },
        times: Vec::new(),
    }
}

/// All groups together. Percentiles of times are left out: over all models and sizes they would say little.
fn whole(rows: &[GroupRow], rate: Option<&RateRow>, paid: &HashMap<i64, Vec<PaidRow>>) -> Group {
    let mut all = GroupRow { model_is_known: false, ..GroupRow::default() };
    let add = |to: &mut Option<i64>, more: Option<i64>| {
        *to = [*to, more].into_iter().flatten().reduce(i64::saturating_add);
    };
    for row in rows {
        all.first_at = all.first_at.into_iter().chain(row.first_at).min();
        all.last_at = all.last_at.max(row.last_at);
        for (to, more) in [
            (&mut all.calls, row.calls),
            (&mut all.replays, row.replays),
            (&mut all.stating, row.stating),
            (&mut all.failures, row.failures),
            (&mut all.rate_limited, row.rate_limited),
            (&mut all.timeouts, row.timeouts),
            (&mut all.cancelled, row.cancelled),
            (&mut all.refused, row.refused),
            (&mut all.server_errors, row.server_errors),
            (&mut all.client_errors, row.client_errors),
            (&mut all.other_errors, row.other_errors),
            (&mut all.unpriced, row.unpriced),
            (&mut all.answered, row.answered),
            (&mut all.successful, row.successful),
            (&mut all.finish_not_recorded, row.finish_not_recorded),
            (&mut all.empty, row.empty),
            (&mut all.reasoning_only, row.reasoning_only),
            (&mut all.cut_off, row.cut_off),
        ] {
            *to += more;
        }
        add(&mut all.prompt, row.prompt);
        add(&mut all.read, row.read);
        add(&mut all.written, row.written);
        add(&mut all.output, row.output);
        add(&mut all.reasoning, row.reasoning);
    }
    let mut by_kind: BTreeMap<String, PaidRow> = BTreeMap::new();
    for row in paid.values().flatten() {
        let sum = by_kind
            .entry(row.kind.clone())
            .or_insert_with(|| PaidRow { kind: row.kind.clone(), ..PaidRow::default() });
        sum.usd += row.usd;
        sum.calls += row.calls;
        sum.successes += row.successes;
        add(&mut sum.output_tokens, row.output_tokens);
    }
    group(&all, rate, &by_kind.into_values().collect::<Vec<_>>())
}

fn failures(row: &GroupRow) -> Failures {
    let classes = [
        ("rate_limited", row.rate_limited),
        ("timeout", row.timeouts),
        ("cancelled", row.cancelled),
        ("refused", row.refused),
        ("server_error", row.server_errors),
        ("client_error", row.client_errors),
        ("error", row.other_errors),
    ];
    let mut classes: Vec<FailureClass> = (classes.into_iter().filter(|(_, calls)| *calls > 0))
        .map(|(class, calls)| FailureClass { class: class.to_owned(), calls: count(calls) })
        .collect();
    classes.sort_by_key(|class| std::cmp::Reverse(class.calls));
    let is_stated = row.stating > 0;
    Failures {
        calls: count(row.stating),
        all: is_stated.then(|| count(row.failures)),
        share: is_stated.then(|| row.failures as f64 / row.stating as f64),
        classes,
    }
}

fn own_unknown() -> OwnRate {
    OwnRate { no_interval: Some("no call states its prompt tokens".to_owned()), ..OwnRate::default() }
}

/// The own hit rate from the sums over sessions.
pub(in crate::traffic) fn own_rate(row: &RateRow) -> OwnRate {
    if row.calls == 0 {
        let why = "the tokens read from the cache are not recorded".to_owned();
        return OwnRate { no_interval: Some(why), ..OwnRate::default() };
    }
    let sums = Sums {
        clusters: count(row.clusters),
        numerator: row.read as f64,
        denominator: row.prompt as f64,
        numerator_squared: row.read_read,
        product: row.read_prompt,
        denominator_squared: row.prompt_prompt,
        without_session: count(row.without_session),
        calls: count(row.calls),
    };
    let interval = sums.interval().map(|mut interval| {
        (interval.low, interval.high) = (interval.low.max(0.0), interval.high.min(1.0));
        interval
    });
    let share = |part: i64, of: i64| (of > 0).then(|| part as f64 / of as f64);
    OwnRate {
        rate: sums.ratio(),
        no_interval: interval.as_ref().err().cloned(),
        interval: interval.ok(),
        calls: count(row.calls),
        sessions: count(row.sessions),
        prompt_tokens: count(row.prompt),
        without_first: share(row.later_read, row.later_prompt),
        any_hit_share: share(row.hits, row.calls),
        reusable_tokens: count(row.reusable),
        retention: share(row.reused, row.reusable),
    }
}

fn money(rows: &[PaidRow]) -> Vec<Paid> {
    let mut paid: Vec<Paid> = rows
        .iter()
        .map(|row| Paid { kind: kind(&row.kind), usd: row.usd, calls: count(row.calls) })
        .collect();
    paid.sort_by_key(|paid| paid.kind);
    paid
}

/// The cost of successful outputs. A fee alone, a subscription and money of an unknown kind are not the price of an output.
fn costs(rows: &[PaidRow]) -> Vec<OutputCost> {
    let whole = |kind| matches!(kind, PaidKind::Billed | PaidKind::BilledPlusByok | PaidKind::ComputedByTool);
    let mut costs: Vec<OutputCost> = (rows.iter().filter(|row| whole(kind(&row.kind))))
        .map(|row| {
            let tokens = row.output_tokens.map(count);
            let per = |number: f64| (number > 0.0).then(|| row.usd / number);
            OutputCost {
                kind: kind(&row.kind),
                usd: row.usd,
                successes: count(row.successes),
                output_tokens: tokens,
                usd_per_success: per(row.successes as f64),
                usd_per_1000_tokens: tokens.and_then(|tokens| per(tokens as f64 / 1000.0)),
            }
        })
        .collect();
    costs.sort_by_key(|cost| cost.kind);
    costs
}

fn times(row: &TimesRow) -> Option<(i64, Times)> {
    let (from_tokens, to_tokens) = *SIZES.get(usize::try_from(row.size).ok()?)?;
    let percentiles = |calls: i64, p50_ms: Option<f64>, p95: Option<f64>| Percentiles {
        calls: count(calls),
        p50_ms,
        p95_ms: p95.filter(|_| count(calls) >= FEWEST_FOR_P95),
    };
    let latency = percentiles(row.latencies, row.latency_50, row.latency_95);
    let ttft = percentiles(row.ttfts, row.ttft_50, row.ttft_95);
    Some((row.g, Times { from_tokens, to_tokens, latency, ttft }))
}

fn spend(rows: Vec<SpendRow>) -> Spend {
    let mut spend = Spend::default();
    for row in rows {
        let kind = kind(&row.kind);
        let line = SpendLine {
            value: row.value,
            kind,
            usd: row.usd,
            calls: count(row.calls),
            unpriced: count(row.unpriced),
        };
        match row.what.as_str() {
            "platform" => spend.by_platform.push(line),
            "model" => spend.by_model.push(line),
            "month" => spend.by_month.push(line),
            "key" => spend.by_key.push(line),
            "app" => spend.by_app.push(line),
            _ => {
                spend.total.extend(line.usd.map(|usd| Paid { kind, usd, calls: line.calls - line.unpriced }))
            }
        }
    }
    let most = |a: &SpendLine, b: &SpendLine| {
        let usd = |line: &SpendLine| line.usd.unwrap_or(-1.0);
        usd(b).total_cmp(&usd(a)).then_with(|| b.calls.cmp(&a.calls)).then_with(|| a.value.cmp(&b.value))
    };
    for lines in [&mut spend.by_platform, &mut spend.by_model, &mut spend.by_key, &mut spend.by_app] {
        lines.sort_by(most);
    }
    spend.by_month.sort_by(|a, b| a.value.cmp(&b.value).then(a.kind.cmp(&b.kind)));
    spend.total.sort_by_key(|paid| paid.kind);
    spend
}

fn aggregate(row: AggregateRow) -> Aggregate {
    let sum = |number: Option<i64>| number.map(count);
    Aggregate {
        kind: kind(&row.kind),
        source: row.source,
        platform: row.platform,
        model: row.model,
        rows: count(row.rows),
        requests: sum(row.requests),
        tokens: TokenSums {
            prompt: sum(row.prompt),
            read: sum(row.read),
            written: sum(row.written),
            output: sum(row.output),
            reasoning: sum(row.reasoning),
        },
        usd: row.usd,
    }
}

fn overhead(row: OverheadRow) -> Option<Overhead> {
    let sums = Sums {
        clusters: count(row.clusters),
        numerator: row.added?,
        denominator: row.calls as f64,
        numerator_squared: row.added_added?,
        product: row.added_calls?,
        denominator_squared: row.calls_calls?,
        without_session: count(row.without_session),
        calls: count(row.calls),
    };
    Some(Overhead {
        measure: row.measure.to_owned(),
        platform: row.platform,
        calls: count(row.calls),
        mean_ms: sums.ratio()?,
        interval: sums.interval().ok().map(|mut interval| {
            interval.low = interval.low.max(0.0);
            interval
        }),
        p50_ms: row.p50?,
        p95_ms: row.p95.filter(|_| count(row.calls) >= FEWEST_FOR_P95),
        share_of_latency: row.share,
    })
}

fn source(row: SourceRow) -> SourceLine {
    SourceLine {
        source: row.source,
        format: row.format,
        files: count(row.files),
        calls: count(row.calls),
        states_failures: row.states_failures,
    }
}

/// The report on the calls of a question. Without a snapshot there are no public rates, and a note says so.
///
/// # Errors
/// See [`TrafficStore`].
pub fn report(
    store: &TrafficStore,
    snapshot: Option<&Snapshot>,
    question: &Question,
    by: By,
) -> Result<Report, StoreError> {
    let Grouped { mut groups, total } = grouped(store, question, by)?;
    let answers = store.answers(scope(question, by));
    for (g, times) in answers.times()?.iter().filter_map(times) {
        if let Some((_, group)) = groups.iter_mut().find(|(row, _)| row.g == g) {
            group.times.push(times);
        }
    }
    let days = answers.days()?;
    if by == By::Endpoint {
        beside_public(&mut groups, &days, snapshot);
    }
    let sources = answers.sources()?;
    let without_time = sources.iter().map(|row| count(row.without_time)).sum();
    let mut groups: Vec<Group> = groups.into_iter().map(|(_, group)| group).collect();
    groups.iter_mut().for_each(|group| group.times.sort_by_key(|times| times.from_tokens));
    if matches!(by, By::Month | By::Day) {
        groups.sort_by(|a, b| a.value.cmp(&b.value));
    }
    let mut report = Report {
        question: question.clone(),
        by,
        first: total.first,
        last: total.last,
        sources: sources.into_iter().map(source).collect(),
        total,
        groups,
        spend: spend(answers.spend()?),
        aggregates: answers.aggregates()?.into_iter().map(aggregate).collect(),
        overheads: answers.overheads()?.into_iter().filter_map(overhead).collect(),
        regressions: watch::regressions(&days),
        jumps: watch::jumps(&days),
        notes: Vec::new(),
    };
    report.notes = super::notes::notes(&report, snapshot.is_some(), without_time);
    Ok(report)
}

/// Adds the public rates of the same days.
fn beside_public(groups: &mut [(GroupRow, Group)], days: &[DayRow], snapshot: Option<&Snapshot>) {
    let mut of: HashMap<(Option<&str>, Option<&str>), BTreeSet<NaiveDate>> = HashMap::new();
    for day in days.iter().filter(|day| day.with_read > 0) {
        of.entry((day.model.as_deref(), day.provider.as_deref())).or_default().insert(day.day);
    }
    let none = BTreeSet::new();
    for (row, group) in groups {
        let own_days = of.get(&(row.model.as_deref(), row.provider.as_deref())).unwrap_or(&none);
        let public = public_rate(snapshot, &served(row), own_days);
        group.difference = difference(&group.hit_rate, &public);
        group.public = Some(public);
    }
}

/// Who answered the calls of a group.
pub(in crate::traffic) fn served(row: &GroupRow) -> Served<'_> {
    Served {
        model: row.model.as_deref().filter(|_| row.model_is_known),
        endpoint_id: row.endpoint_id.as_deref(),
        tag: row.provider_tag.as_deref(),
        provider: row.provider_key.as_deref(),
    }
}
