//! Rows: lists that became shorter, repeated rows, empty documents, and quarantined rows.

use super::compare::Part;
use super::fields::beyond;
use super::flat::Tables;
use super::limits::{self, MIN_CHANGED, MIN_ROWS};
use super::{Check, Counts, Seen};
use crate::domain::document::{RouteAnswer, Subject};
use crate::domain::reading::{DocumentReport, QuarantineReason, Quarantined, RunReadings, SourceReport};
use crate::domain::statistics::median;
use crate::domain::window::WindowKind;
use chrono::{Days, Duration, NaiveDate};
use std::collections::{BTreeMap, BTreeSet};

pub fn push(path: &str, check: Check, part: Part, limit: f64, what: &str, seen: &mut Vec<Seen>) {
    if beyond(part, limit) {
        let values = (part.of as f64, (part.of - part.count) as f64);
        seen.push(Seen::new(path, check, part.share(), values, part.sentence(what, limit)));
    }
}

/// The part of the keys that are not in another set.
fn missing<'a>(keys: impl Iterator<Item = &'a str>, there: impl Fn(&str) -> bool) -> Part {
    keys.map(|key| !there(key)).collect()
}

/// The largest share of failed documents among the kinds about a subject. An empty answer is not counted: if most are
/// empty, the route has another meaning.
pub fn failed_share(run: &RunReadings, about: Subject) -> f64 {
    let kinds = run.documents.iter().filter(|kind| kind.about == about).map(|kind| &kind.counts);
    let share = |kind: &SourceReport| {
        let is_empty = |row: &&Quarantined| {
            row.reason == QuarantineReason::EmptyAnswer && row.kind.as_str() == kind.source
        };
        let empty = run.quarantined.iter().filter(is_empty).count();
        Part { count: kind.failed.saturating_sub(empty), of: kind.planned }.share()
    };
    kinds.map(share).fold(0.0, f64::max)
}

/// Rows of the last accepted run that are missing. If a model is gone, only the list of models is blamed and not its
/// endpoints; if all usage of a model is gone, only the document is blamed and not each endpoint.
pub fn lost(before: &Tables, now: &Tables, run: &RunReadings, seen: &mut Vec<Seen>) {
    for (old, new, limit, what) in [
        (&before.models, &now.models, limits::MODELS_LOST, "models are gone"),
        (&before.providers, &now.providers, limits::PROVIDERS_LOST, "providers are gone"),
    ] {
        let part = missing(old.rows.keys().map(String::as_str), |key| new.rows.contains_key(key));
        push(old.name, Check::RowsLost, part, limit, what, seen);
    }
    let known = before.models.rows.iter().filter(|(id, _)| now.models.rows.contains_key(*id));
    let renamed = known.map(|(id, row)| now.models.rows[id].group != row.group).collect();
    push("models.model", Check::Changed, renamed, limits::MODELS_LOST, "models have another slug", seen);
    let unanswered: BTreeSet<String> =
        run.unanswered.iter().map(|(model, variant)| format!("{model}:{variant}")).collect();
    let mut listed = now.models.groups();
    listed.retain(|group| !unanswered.contains(*group));
    let lists = |of: &dyn Fn(&Tables) -> BTreeSet<String>| {
        let (old, new) = (of(before), of(now));
        let part = missing(old.iter().map(String::as_str).filter(|group| listed.contains(group)), |group| {
            new.contains(group)
        });
        (part, new)
    };
    let (part, with_endpoints) = lists(&|tables| tables.identified());
    push(
        "readings",
        Check::RowsLost,
        part,
        limits::ENDPOINT_LISTS_LOST,
        "models no longer have endpoints",
        seen,
    );
    let known =
        before.readings.rows.iter().filter(|(_, row)| row.identified && with_endpoints.contains(&row.group));
    let part = missing(known.map(|(key, _)| key.as_str()), |key| now.readings.rows.contains_key(key));
    push("readings", Check::RowsLost, part, limits::ENDPOINTS_LOST, "endpoints are gone", seen);
    let (part, with_usage) = lists(&|tables| tables.used());
    // A document that failed is reported by name: it is not a model without usage.
    let limit = limits::USAGE_LISTS_LOST + failed_share(run, Subject::Usage);
    push("usage", Check::RowsLost, part, limit, "models no longer have usage", seen);
    let known = before
        .hours
        .keys()
        .filter(|key| now.readings.rows.get(*key).is_some_and(|row| with_usage.contains(&row.group)));
    let part = missing(known.map(String::as_str), |key| now.hours.contains_key(key));
    push("usage", Check::RowsLost, part, limits::USAGE_LOST, "endpoints no longer have usage", seen);
    days_lost(before, now, (run, &listed), seen);
}

/// Past days of series that cover at least a week: the days that both runs should cover must still be present.
fn days_lost(
    before: &Tables,
    now: &Tables,
    (run, listed): (&RunReadings, &BTreeSet<&str>),
    seen: &mut Vec<Seen>,
) {
    let from = now.observed_at.date_naive().checked_sub_days(Days::new(6));
    let to = before.observed_at.date_naive();
    let within = |key: &str| {
        let day: Option<NaiveDate> = key.rsplit(' ').next().and_then(|day| day.parse().ok());
        day.is_some_and(|day| Some(day) >= from && day < to)
    };
    // Also the models of which only the day under way is left.
    let active: BTreeSet<String> =
        run.activity.iter().map(|day| format!("{}:{}", day.model, day.variant)).collect();
    for (old, new) in [
        (&before.activity, &now.activity),
        (&before.closing_rates, &now.closing_rates),
        (&before.closing_prices, &now.closing_prices),
    ] {
        let mut there = new.groups();
        if new.name == now.activity.name {
            there.extend(active.iter().map(String::as_str));
        }
        // Series that are requested once a day are in few runs.
        if there.is_empty() {
            continue;
        }
        let here = |group: &str| group.is_empty() || (listed.contains(group) && there.contains(group));
        let known = old.rows.iter().filter(|(key, row)| within(key) && here(&row.group));
        let part = missing(known.map(|(key, _)| key.as_str()), |key| new.rows.contains_key(key));
        push(old.name, Check::RowsLost, part, limits::DAYS_LOST, "past days are gone", seen);
    }
}

/// Whether summaries and charts still match: the usage window is detected from both, and it was known before.
pub fn window(last: &RunReadings, run: &RunReadings, seen: &mut Vec<Seen>) {
    let with_price = |run: &RunReadings| {
        run.readings
            .iter()
            .filter(|one| one.usage.is_some_and(|usage| usage.effective_input.is_some()))
            .count()
    };
    let lost = last.window_kind != WindowKind::Unknown && run.window_kind == WindowKind::Unknown;
    if lost && with_price(last) >= MIN_ROWS && with_price(run) >= MIN_ROWS {
        seen.push(Seen {
            path: "charts".into(),
            check: Check::Changed,
            weight: 0.5,
            before: None,
            after: None,
            detail: format!("summaries and charts no longer show that usage covers `{}`", last.window_kind),
        });
    }
}

/// Repeated rows.
pub fn repeated(now: &Tables, seen: &mut Vec<Seen>) {
    for table in [&now.models, &now.providers, &now.readings, &now.activity] {
        let part = Part { count: table.repeated, of: table.rows.len() + table.repeated };
        let path = if table.name.is_empty() { "readings" } else { table.name };
        push(path, Check::RowsRepeated, part, limits::REPEATED, "rows repeat another row", seen);
    }
}

/// Kinds of documents most of which are empty.
pub fn empty(run: &RunReadings, seen: &mut Vec<Seen>) {
    for DocumentReport { about, counts: kind } in &run.documents {
        let series = *about == Subject::ClosingRates;
        if series && run.comparison == Some(RouteAnswer::NotOffered) {
            continue;
        }
        let part = Part { count: kind.no_data, of: kind.planned.saturating_sub(kind.failed) };
        // The series has no other content.
        let path =
            if series { "closing_rates.hit_rate".into() } else { format!("documents.{}", kind.source) };
        push(&path, Check::DocumentsEmpty, part, limits::EMPTY_DOCUMENTS, "documents are empty", seen);
    }
}

/// Quarantine reasons that mean that two lists do not match. They occur with single endpoints, and if a list is
/// truncated, the check for lost rows reports it.
///
/// An empty response where the previous run had rows is a failure of that document and is reported by name; the numbers
/// remain unchanged. The recorded upstream did this once for 47 of 308 models, for one hour.
const UNMATCHED: [QuarantineReason; 5] = [
    QuarantineReason::AmbiguousName,
    QuarantineReason::AmbiguousTag,
    QuarantineReason::NoSuchEndpoint,
    QuarantineReason::EndpointListMissing,
    QuarantineReason::EmptyAnswer,
];

/// Quarantine reasons of a single field, which counts as absent; the rest of its row is used.
const FIELD_FAULTS: [QuarantineReason; 4] = [
    QuarantineReason::UnreadableField,
    QuarantineReason::ValueOutOfRange,
    QuarantineReason::ValueMissing,
    QuarantineReason::UnknownCondition,
];

/// Quarantined rows, by the field at fault.
pub fn quarantined(before: Option<&RunReadings>, run: &RunReadings, seen: &mut Vec<Seen>) {
    let old = before.map(shares).unwrap_or_default();
    for (path, part) in shares(run) {
        let usual = old.get(&path).map_or(0.0, |part| part.share());
        push(
            &path,
            Check::Quarantined,
            part,
            usual + limits::QUARANTINED,
            "rows have an unusable value",
            seen,
        );
    }
}

fn shares(run: &RunReadings) -> BTreeMap<String, Part> {
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    for row in run.quarantined.iter().filter(|row| !UNMATCHED.contains(&row.reason)) {
        let part = parts.entry(blamed(row)).or_insert_with(|| Part { count: 0, of: rows_of(run, row) });
        part.count += 1;
        // A row with a refused field is among the usable rows.
        part.of = if FIELD_FAULTS.contains(&row.reason) { part.of.max(part.count) } else { part.of + 1 };
    }
    parts
}

/// The field at fault of a quarantined row: the JSON path without positions and keys, or the reason.
fn blamed(row: &Quarantined) -> String {
    let named: Vec<&str> = row
        .path
        .split('.')
        .map(|step| step.split('[').next().unwrap_or_default())
        .filter(|step| !matches!(*step, "$" | "data" | "") && uuid::Uuid::parse_str(step).is_err())
        .collect();
    let whole_row = row.path.ends_with(']') || named.is_empty();
    if whole_row && row.reason != QuarantineReason::Undecodable {
        return format!("quarantined.{}.{}", row.kind, row.reason);
    }
    let named = if whole_row { Vec::new() } else { named };
    ["documents", row.kind.as_str()].into_iter().chain(named).collect::<Vec<_>>().join(".")
}

/// The number of usable rows of the kind. If a body is refused as a whole, the number of documents.
fn rows_of(run: &RunReadings, row: &Quarantined) -> usize {
    let kind = run.documents.iter().find(|kind| kind.counts.source == row.kind.as_str());
    if !row.path.contains('[') {
        return kind.map_or(0, |kind| kind.counts.ok + kind.counts.no_data);
    }
    match kind.map(|kind| kind.about) {
        Some(Subject::Models) => run.models.len(),
        Some(Subject::Providers) => run.providers.len(),
        Some(Subject::Usage) => run.readings.iter().filter(|reading| reading.usage.is_some()).count(),
        Some(Subject::Activity) => run.activity.len(),
        Some(Subject::ClosingRates) => run.closing_rates.len(),
        Some(Subject::Endpoints) | None => run.readings.len(),
    }
}

/// The counts since the last jump between two accepted runs. An operator accepted that jump or switched a source on or
/// off, so older counts say nothing about the present.
fn since_jump(counts: &[f64]) -> &[f64] {
    let jumps = |pair: &[f64]| is_far(pair[1], pair[0]);
    let start = counts.windows(2).rposition(jumps).map_or(0, |before| before + 1);
    counts.get(start..).unwrap_or_default()
}

fn is_far(is: f64, usual: f64) -> bool {
    is < usual * limits::COUNTS || is > usual / limits::COUNTS
}

/// Compares counts with the median of the last days. Skipped if lost rows were found, because that finding is more
/// specific, and if documents failed: those failures are reported by name and cost no number.
pub fn counts(run: &RunReadings, now: &Tables, counts: &[Counts], seen: &mut Vec<Seen>) {
    if seen.iter().any(|one| matches!(one.check, Check::RowsLost | Check::RowsRepeated)) {
        return;
    }
    let from = now.observed_at - Duration::days(limits::COUNT_DAYS);
    let recent: Vec<&Counts> = counts.iter().filter(|one| one.observed_at >= from).collect();
    let here = Counts::counted(now);
    type Column = (&'static str, fn(&Counts) -> usize, Subject);
    let columns: [Column; 3] = [
        ("models", |one| one.models, Subject::Models),
        ("readings", |one| one.endpoints, Subject::Endpoints),
        ("usage", |one| one.readings, Subject::Usage),
    ];
    for (path, count, about) in columns {
        if failed_share(run, about) > limits::FAILED_DOCUMENTS {
            continue;
        }
        let count = |one: &Counts| count(one) as f64;
        let known: Vec<f64> = recent.iter().map(|one| count(one)).collect();
        let known = since_jump(&known);
        let (Some(usual), is) = (median(known.iter().copied()), count(&here)) else { continue };
        let lone_start = is > usual && known.len() < limits::RUNS_BEFORE_GROWTH;
        if is_far(is, usual)
            && !lone_start
            && usual.max(is) >= MIN_ROWS as f64
            && (usual - is).abs() >= MIN_CHANGED as f64
        {
            let weight = 1.0 - (is / usual).min(usual / is.max(1.0));
            let detail = format!("{is}, compared with about {usual} on the last days");
            seen.push(Seen::new(path, Check::Count, weight, (usual, is), detail));
        }
    }
}
