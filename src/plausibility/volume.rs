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

/// The growth of one endpoint's tokens between two runs.
struct Growth {
    /// Whether both counts are of the same UTC day.
    is_same_day: bool,
    /// Natural logarithm of now divided by before.
    log: f64,
    /// Hours of its day that each count covers: now and before.
    hours: [f64; 2],
}

/// The growth of every endpoint that both runs have; `since` limits the hours that the earlier counts cover.
fn growth(before: &Tables, now: &Tables, since: Option<f64>) -> Vec<Growth> {
    let of = |(key, (day, hours)): (&String, &(NaiveDate, f64))| {
        let (old_day, old_hours) = before.hours.get(key)?;
        let (is, was) = (tokens(now, key)?, tokens(before, key)?);
        let old_hours = since.unwrap_or(*old_hours).min(*old_hours);
        let growth = Growth { is_same_day: day == old_day, log: (is / was).ln(), hours: [*hours, old_hours] };
        (is > 0.0 && was > 0.0).then_some(growth)
    };
    now.hours.iter().filter_map(of).collect()
}

/// Whether the usage of both runs covers the same window, so that their tokens can be compared. A change of the window
/// is reported elsewhere. An unknown window is compared anyway, because a price in another unit hides the window.
fn is_comparable(last: WindowKind, now: WindowKind) -> bool {
    let is_unknown = [last, now].contains(&WindowKind::Unknown);
    (last == now || is_unknown) && ![last, now].contains(&WindowKind::Hour)
}

/// The growth of tokens since the last accepted run, over the endpoints that both have.
pub fn rate(
    (last, before): (&RunReadings, &Tables),
    (run, now): (&RunReadings, &Tables),
    counts: &[Counts],
    seen: &mut Vec<Seen>,
) {
    if !is_comparable(last.window_kind, run.window_kind) {
        return;
    }
    let growth = growth(before, now, total_since(last, before, counts));
    let count = growth.len();
    let raw = median(growth.iter().map(|one| one.log)).map(f64::exp).filter(|_| count >= MIN_ROWS);
    let middle = |of: fn(&Growth) -> f64| median(growth.iter().map(of));
    let (Some(raw), Some(hours), Some(old_hours)) =
        (raw, middle(|one| one.hours[0]), middle(|one| one.hours[1]))
    else {
        return;
    };
    let of_day: Vec<f64> = growth.iter().filter(|one| one.is_same_day).map(|one| one.log).collect();
    let is_same_day = of_day.len() * 2 > count;
    // Unchanged bodies carry no information.
    if is_same_day && growth.iter().filter(|one| one.log == 0.0).count() * 10 > count * 9 {
        return;
    }
    let (hours, old_hours) = (hours.max(0.25), old_hours.max(0.25));
    let ratio = raw / (hours / old_hours);
    let limit = match (is_same_day, hours.min(old_hours) < limits::VOLUME_HOURS) {
        (true, true) => limits::VOLUME_SAME_DAY_EARLY,
        (true, false) => limits::VOLUME_SAME_DAY,
        (false, true) => limits::VOLUME_EARLY,
        (false, false) => limits::VOLUME,
    };
    let fallen: Part = of_day.iter().map(|log| *log < limits::VOLUME_FALL.ln()).collect();
    let fell = is_same_day && raw < limits::VOLUME_FALL;
    if !fell && beyond(fallen, limits::VOLUME_FALLEN) {
        let Part { count, of } = fallen;
        let detail = format!("{count} of {of} token counts fell within a UTC day, in which they only grow");
        seen.push(Seen::share("usage.tokens", Check::Volume, fallen, limits::VOLUME_FALLEN, detail));
    } else if fell || ratio > limit || ratio < 1.0 / limit {
        let weight = 1.0 - ratio.min(1.0 / ratio).min(if fell { raw } else { 1.0 });
        let detail = format!(
            "over {count} endpoints, the median is {raw:.4} times the previous one, after {hours:.1} hours of the day instead of {old_hours:.1}"
        );
        seen.push(Seen::new("usage.tokens", Check::Volume, weight, (1.0, ratio), detail));
    }
}
