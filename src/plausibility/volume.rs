//! Tokens: the upstream counts them from midnight UTC on, so they are compared relative to the hours that they cover.

use super::compare::Part;
use super::fields::beyond;
use super::flat::{Scalar, Tables};
use super::limits::{self, MIN_ROWS};
use super::{Check, Counts, Seen};
use crate::domain::reading::RunReadings;
use crate::domain::statistics::median;
use crate::domain::window::WindowKind;
use chrono::{DateTime, NaiveDate, Timelike, Utc};

/// Tokens of one reading, by its key.
fn tokens(tables: &Tables, key: &str) -> Option<f64> {
    match tables.readings.rows.get(key)?.values.get("usage.tokens") {
        Some(Scalar::Number(tokens)) => Some(*tokens),
        _ => None,
    }
}

/// Tokens of all readings.
pub fn total(tables: &Tables) -> f64 {
    tables.hours.keys().filter_map(|key| tokens(tables, key)).sum()
}

fn hour_of_day(time: DateTime<Utc>) -> f64 {
    f64::from(time.num_seconds_from_midnight()) / 3600.0
}

/// The hours of the UTC day after which the upstream first reported this total: its caches can stay unchanged for
/// hours.
fn total_since(run: &RunReadings, tables: &Tables, counts: &[Counts]) -> Option<f64> {
    let (day, total) = (run.observed_at.date_naive(), total(tables));
    let same = |one: &&Counts| one.observed_at.date_naive() == day && one.tokens == total;
    let older = counts.iter().rev().filter(|one| one.observed_at < run.observed_at);
    older.take_while(same).last().map(|first| hour_of_day(first.observed_at))
}

/// The growth of tokens since the last accepted run, over the endpoints that both have.
pub fn rate(
    (last, before): (&RunReadings, &Tables),
    (run, now): (&RunReadings, &Tables),
    counts: &[Counts],
    seen: &mut Vec<Seen>,
) {
    // A change of the window is reported elsewhere. An unknown window is compared anyway, because a price in another
    // unit hides the window.
    let known = |kind: WindowKind| kind != WindowKind::Unknown;
    let changed = last.window_kind != run.window_kind && known(last.window_kind) && known(run.window_kind);
    if changed || [last, run].iter().any(|run| run.window_kind == WindowKind::Hour) {
        return;
    }
    let since = total_since(last, before, counts);
    let mut growth: Vec<(bool, f64, f64, f64)> = Vec::new();
    for (key, (day, hours)) in &now.hours {
        let Some((old_day, old_hours)) = before.hours.get(key) else { continue };
        let (Some(is), Some(was)) = (tokens(now, key), tokens(before, key)) else { continue };
        if is > 0.0 && was > 0.0 {
            let old_hours = since.unwrap_or(*old_hours).min(*old_hours);
            growth.push((same_day(*day, *old_day), (is / was).ln(), *hours, old_hours));
        }
    }
    let logs: Vec<f64> = growth.iter().map(|(_, log, ..)| *log).collect();
    let Some(raw) = median(logs.iter().copied()).map(f64::exp).filter(|_| logs.len() >= MIN_ROWS) else {
        return;
    };
    let same = growth.iter().filter(|(same, ..)| *same).count() * 2 > growth.len();
    // Unchanged bodies carry no information.
    if same && logs.iter().filter(|log| **log == 0.0).count() * 10 > logs.len() * 9 {
        return;
    }
    let middle = |of: fn(&(bool, f64, f64, f64)) -> f64| median(growth.iter().map(of));
    let (Some(hours), Some(old_hours)) = (middle(|one| one.2), middle(|one| one.3)) else { return };
    let (hours, old_hours) = (hours.max(0.25), old_hours.max(0.25));
    let ratio = raw / (hours / old_hours);
    let limit = match (same, hours.min(old_hours) < limits::VOLUME_HOURS) {
        (true, true) => limits::VOLUME_SAME_DAY_EARLY,
        (true, false) => limits::VOLUME_SAME_DAY,
        (false, true) => limits::VOLUME_EARLY,
        (false, false) => limits::VOLUME,
    };
    let of_day: Vec<f64> = growth.iter().filter(|(same, ..)| *same).map(|(_, log, ..)| *log).collect();
    let fallen = Part {
        count: of_day.iter().filter(|log| **log < limits::VOLUME_FALL.ln()).count(),
        of: of_day.len(),
    };
    let fell = same && raw < limits::VOLUME_FALL;
    if !fell && beyond(fallen, limits::VOLUME_FALLEN) {
        seen.push(Seen {
            path: "usage.tokens".into(),
            check: Check::Volume,
            weight: fallen.share(),
            before: Some(limits::VOLUME_FALLEN),
            after: Some(fallen.share()),
            detail: format!(
                "{} of {} token counts fell within a UTC day, in which they only grow",
                fallen.count, fallen.of
            ),
        });
        return;
    }
    if fell || ratio > limit || ratio < 1.0 / limit {
        let count = logs.len();
        seen.push(Seen {
            path: "usage.tokens".into(),
            check: Check::Volume,
            weight: 1.0 - ratio.min(1.0 / ratio).min(if fell { raw } else { 1.0 }),
            before: Some(1.0),
            after: Some(ratio),
            detail: format!(
                "over {count} endpoints, the median is {raw:.4} times the previous one, after {hours:.1} hours of the day instead of {old_hours:.1}"
            ),
        });
    }
}

fn same_day(a: NaiveDate, b: NaiveDate) -> bool {
    a == b
}
