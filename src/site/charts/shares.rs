//! Traffic shares by day.

use super::day_chart::{DayChart, JUMP, Point, Series, Subject};
use crate::domain::share::{ShareReport, ShareRow};
use crate::site::parts::format;
use crate::wording::share as wording;

/// Number of lines, if the reader does not choose them.
const LINES: usize = 5;

/// The shares of the largest rows by day, each with its name; `None` if no day that counts has a share. Other days
/// are gaps.
pub fn largest(title: String, report: &ShareReport, name: impl Fn(&ShareRow) -> String) -> Option<DayChart> {
    drawn(title, report, report.shares.iter().take(LINES), name)
}

/// The share of one row by day.
pub fn of_one(title: String, report: &ShareReport, row: &ShareRow, name: &str) -> Option<DayChart> {
    drawn(title, report, std::iter::once(row), |_| name.to_owned())
}

fn drawn<'a>(
    title: String,
    report: &ShareReport,
    rows: impl Iterator<Item = &'a ShareRow>,
    name: impl Fn(&ShareRow) -> String,
) -> Option<DayChart> {
    let series = rows.map(|row| Series {
        name: name(row),
        points: report
            .days
            .iter()
            .zip(&row.by_day)
            .filter(|(day, _)| report.counts(day))
            .map(|(day, share)| Point { day: day.day, value: *share, derived: false, imported: None })
            .collect(),
        steps: report
            .jumps
            .iter()
            .filter(|jump| row.endpoint_id == Some(jump.endpoint_id))
            .map(|jump| (jump.day, wording::jump(jump)))
            .collect(),
    });
    let subject = Subject {
        mark: JUMP,
        id: "chart-share",
        title,
        unit: if report.partial {
            "share of the tokens so far"
        } else {
            "share of the tokens, complete days"
        },
        top: None,
        format: format::percent,
    };
    DayChart::new(subject, &series.collect::<Vec<_>>())
}
