//! What changed over time: drops of the own hit rate, and jumps in the size of prompts and outputs.

use super::{Jump, Regression};
use crate::domain::format::percent;
use crate::store::answers::DayRow;
use chrono::Days;
use std::collections::BTreeMap;

/// Fewest calls of the recent days, and of the baseline.
pub const FEWEST_CALLS: i64 = 20;
/// A drop is reported from this many percentage points on, as a fraction.
pub const LEAST_DROP: f64 = 0.05;
/// A drop is reported from this share of the baseline on.
pub const LEAST_RELATIVE_DROP: f64 = 0.3;
/// A drop of exactly the threshold counts, whatever the last bit of the difference is.
const ROUNDING: f64 = 1e-9;
/// The recent days are at most this many.
const RECENT_DAYS: u64 = 7;
/// The baseline are the days before them, at most this many.
const BASELINE_DAYS: u64 = 30;
/// A size jumped if it changed by this factor.
const JUMP: f64 = 2.0;
/// Maximum number of jumps in a report.
const MOST_JUMPS: usize = 20;

/// The days of each model at each provider, oldest first.
fn series(days: &[DayRow]) -> BTreeMap<(Option<&str>, Option<&str>), Vec<&DayRow>> {
    let mut series: BTreeMap<_, Vec<&DayRow>> = BTreeMap::new();
    for day in days {
        series.entry((day.model.as_deref(), day.provider.as_deref())).or_default().push(day);
    }
    series.values_mut().for_each(|days| days.sort_by_key(|day| day.day));
    series
}

/// The hit rate and the number of calls of some days.
fn rate<'a>(days: impl Iterator<Item = &'a &'a DayRow>) -> Option<(f64, i64)> {
    let (read, prompt, calls) = days.fold((0, 0, 0), |(read, prompt, calls), day| {
        let add = i64::saturating_add;
        (add(read, day.read), add(prompt, day.prompt), add(calls, day.with_read))
    });
    (prompt > 0 && calls >= FEWEST_CALLS).then(|| (read as f64 / prompt as f64, calls))
}

/// Drops of the own hit rate against the own baseline. The recent days end with the last day of the model at the provider;
/// of the possible beginnings within seven days, the one with the largest drop counts. The baseline are the 30 days before.
/// Both need 20 calls, and the drop is at least 5 points and 30 % of the baseline.
pub fn regressions(days: &[DayRow]) -> Vec<Regression> {
    let mut found: Vec<Regression> = series(days)
        .into_iter()
        .filter_map(|((model, provider), days)| regression(model?, provider?, &days))
        .collect();
    found.sort_by(|a, b| (b.baseline - b.recent).total_cmp(&(a.baseline - a.recent)));
    found
}

fn regression(model: &str, provider: &str, days: &[&DayRow]) -> Option<Regression> {
    let last = days.last()?.day;
    let earliest = last - Days::new(RECENT_DAYS - 1);
    let candidates = days.iter().map(|day| day.day).filter(|day| *day >= earliest);
    let (since, (recent, recent_calls), (baseline, baseline_calls)) = candidates
        .filter_map(|since| {
            let from = since - Days::new(BASELINE_DAYS);
            let recent = rate(days.iter().filter(|day| day.day >= since))?;
            let baseline = rate(days.iter().filter(|day| day.day < since && day.day >= from))?;
            let drop = baseline.0 - recent.0;
            (drop >= LEAST_DROP - ROUNDING && drop >= LEAST_RELATIVE_DROP * baseline.0 - ROUNDING)
                .then_some((since, recent, baseline))
        })
        .max_by(|a, b| (a.2.0 - a.1.0).total_cmp(&(b.2.0 - b.1.0)).then(b.0.cmp(&a.0)))?;
    Some(Regression {
        model: model.to_owned(),
        provider: provider.to_owned(),
        since,
        until: last,
        recent,
        recent_calls: recent_calls.unsigned_abs(),
        baseline,
        baseline_calls: baseline_calls.unsigned_abs(),
        text: format!(
            "Regression: your hit rate of {model} at {provider} is {} since {since} ({recent_calls} calls), after {} in the {BASELINE_DAYS} days before ({baseline_calls} calls).",
            percent(recent, 1),
            percent(baseline, 1),
        ),
    })
}

/// Days on which the typical size of prompts or outputs changed by a factor of two against the seven days before; a change
/// is reported once.
pub fn jumps(days: &[DayRow]) -> Vec<Jump> {
    let mut found = Vec::new();
    for ((model, provider), days) in series(days) {
        let Some(model) = model else { continue };
        for (what, size) in [("prompt", prompts as fn(&DayRow) -> _), ("output", outputs)] {
            let mut quiet_until = None;
            for (at, day) in days.iter().enumerate() {
                let Some((calls, after)) = size(day).filter(|(calls, _)| *calls >= FEWEST_CALLS) else {
                    continue;
                };
                let from = day.day - Days::new(RECENT_DAYS);
                let before = days[..at].iter().filter(|day| day.day >= from).filter_map(|day| size(day));
                let (earlier, logs) = before.fold((0, 0.0), |(calls, logs), (more, typical)| {
                    (calls + more, logs + more as f64 * typical.max(1.0).ln())
                });
                if earlier < FEWEST_CALLS || quiet_until.is_some_and(|until| day.day < until) {
                    continue;
                }
                let before = (logs / earlier as f64).exp();
                if after >= JUMP * before || after * JUMP <= before {
                    quiet_until = Some(day.day + Days::new(RECENT_DAYS));
                    found.push(Jump {
                        model: model.to_owned(),
                        provider: provider.map(str::to_owned),
                        what: what.to_owned(),
                        day: day.day,
                        before,
                        after,
                        calls: calls.unsigned_abs(),
                    });
                }
            }
        }
    }
    found.sort_by(|a, b| b.day.cmp(&a.day).then_with(|| a.model.cmp(&b.model)));
    found.truncate(MOST_JUMPS);
    found
}

fn prompts(day: &DayRow) -> Option<(i64, f64)> {
    day.typical_prompt.map(|typical| (day.prompts, typical))
}

fn outputs(day: &DayRow) -> Option<(i64, f64)> {
    day.typical_output.map(|typical| (day.outputs, typical))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn day(day: u32, calls: i64, read: i64, prompt: i64) -> DayRow {
        DayRow {
            model: Some("m".to_owned()),
            provider: Some("p".to_owned()),
            day: NaiveDate::from_ymd_opt(2026, 11, day).expect("a day"),
            calls,
            with_read: calls,
            read,
            prompt,
            prompts: calls,
            typical_prompt: Some(prompt as f64 / calls as f64),
            outputs: calls,
            typical_output: Some(100.0),
        }
    }

    #[test]
    fn a_drop_needs_calls_points_and_a_share() {
        let with = |calls, read| {
            regressions(&[day(1, 30, 800, 1000), day(2, 30, 800, 1000), day(3, calls, read, 1000)])
        };
        let found = with(20, 500);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].recent, found[0].baseline, found[0].baseline_calls), (0.5, 0.8, 60));
        assert!(found[0].text.starts_with("Regression: your hit rate of m at p is 50.0 % since 2026-11-03"));
        assert!(with(19, 500).is_empty(), "too few calls");
        assert!(with(20, 561).is_empty(), "less than 30 % of the baseline");
        let low = [day(1, 30, 100, 1000), day(2, 30, 60, 1000)];
        assert!(regressions(&low).is_empty(), "less than five points");
        assert!(regressions(&[day(1, 30, 800, 1000)]).is_empty(), "no baseline");
    }

    /// Each threshold from both sides: 20 calls in the recent days and in the baseline, 5 points, and 30 % of the baseline.
    #[test]
    fn the_thresholds_of_a_regression_are_exact() {
        let is_found = |before: (i64, i64), after: (i64, i64)| {
            let days = [day(1, before.0, before.1, 1000), day(2, after.0, after.1, 1000)];
            !regressions(&days).is_empty()
        };
        for (before, after, expected) in [
            ((20, 800), (20, 400), true),
            ((20, 800), (19, 400), false),
            ((19, 800), (20, 400), false),
            // 15 % to 10 %: 5 points, a third of the baseline; in binary, 0.15 - 0.1 is less than 0.05.
            ((20, 150), (20, 100), true),
            ((20, 150), (20, 101), false),
            // 80 % to 56 %: 30 % of the baseline. To 56.8 %: 29 %.
            ((20, 800), (20, 560), true),
            ((20, 800), (20, 568), false),
            ((20, 800), (20, 561), false),
            // 4 % to nothing: the whole baseline, but 4 points.
            ((20, 40), (20, 0), false),
            ((20, 50), (20, 0), true),
            // A rise is not a drop.
            ((20, 400), (20, 800), false),
        ] {
            assert_eq!(is_found(before, after), expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_jump_is_reported_once() {
        let found = jumps(&[
            day(1, 20, 0, 20_000),
            day(2, 20, 0, 39_000),
            day(3, 20, 0, 80_000),
            day(4, 20, 0, 200_000),
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].what.as_str(), found[0].after), ("prompt", 4000.0));
        assert_eq!(found[0].day.to_string(), "2026-11-03");
        assert!(jumps(&[day(1, 19, 0, 19_000), day(2, 20, 0, 200_000)]).is_empty(), "too few calls before");
    }
}
