//! The results of the studies as Markdown: the tables of `docs/evidence.md`.

use super::super::tables::{dash, percent};
use super::preferences as rows;
use super::sensitivity::{PROMPT_SIZE, WEIGHTINGS, prompt_size_row, weighting_rows};
use crate::analysis::flips::FlipReport;
use crate::analysis::sensitivity::{PromptSize, SensitivityReport, WeightingShift};
use crate::preferences::PreferenceReport;
use crate::study::coverage::{CoverageReport, Group};
use crate::study::lag::{Lag, LagReport};
use crate::study::shifts::{ShiftReport, SizeRow};

fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let mut lines = vec![line(&header), format!("|{}", "---|".repeat(header.len()))];
    lines.extend(rows.into_iter().map(|cells| line(&cells)));
    lines.join("\n")
}

fn fixed(value: Option<f64>, scale: f64, decimals: usize) -> String {
    dash(value, |value| format!("{:.decimals$}", value * scale))
}

/// One row: how often the intervals contain the truth, and how well the order matches it.
pub fn coverage(report: &CoverageReport) -> String {
    let header = [
        "ridge",
        "worlds",
        "first seed",
        "intervals",
        "contain the truth",
        "half-width, points",
        "thin providers",
        "contain the truth",
        "half-width, points",
        "rank correlation (worst world)",
        "of the plain mean",
    ];
    let group = |group: &Group| {
        [group.intervals.to_string(), percent(group.coverage), fixed(group.half_width, 100.0, 1)]
    };
    let mut row = vec![report.ridge.to_string(), report.seeds.to_string(), report.first_seed.to_string()];
    row.extend(group(&report.all));
    row.extend(group(&report.thin));
    let (mean, worst) = (fixed(report.adjusted.mean, 1.0, 3), fixed(report.adjusted.worst, 1.0, 3));
    row.extend([format!("{mean} ({worst})"), fixed(report.model_mean.mean, 1.0, 3)]);
    table(&header, [row])
}

/// One row for each size of the shifts; the false alarms are those of all worlds.
pub fn shifts(report: &ShiftReport) -> String {
    let header = [
        "size, points",
        "shifts",
        "reported within two days",
        "recall",
        "later",
        "false alarms in 1,000 endpoint-days",
    ];
    let row = |row: &SizeRow| {
        vec![
            format!("{:.0}", row.size * 100.0),
            row.planned.to_string(),
            row.in_time.to_string(),
            percent(row.recall),
            row.later.to_string(),
            fixed(report.false_alarms_per_1000, 1.0, 2),
        ]
    };
    table(&header, report.sizes.iter().map(row))
}

/// One row for the providers and one for the endpoints of each lens.
pub fn flips(report: &FlipReport) -> String {
    let header = [
        "lens",
        "of",
        "steps",
        "published changes",
        "per step",
        "per day",
        "naive changes",
        "per step",
        "per day",
        "far",
        "error in a week",
        "naive",
        "wrong pairs",
        "held by up to",
    ];
    let rows = super::flip_rows(report).map(|mut row| {
        row[0] = format!("`{}`", row[0]);
        row.to_vec()
    });
    table(&header, rows)
}

/// One row for each figure, as published and by the figures of each day alone.
pub fn lag(report: &LagReport) -> String {
    let days = |lag: Option<Lag>| dash(lag, |lag| format!("{} ({})", lag.median, lag.worst));
    let all = report.provider_days;
    let share = |count: usize| percent((all > 0).then(|| count as f64 / all as f64));
    let row = |figure: &str, published: String, naive: String| vec![figure.to_owned(), published, naive];
    let rows = [
        row(
            "days until the tier is within a letter of the truth: median (worst)",
            days(report.published_days),
            days(report.naive_days),
        ),
        row(
            "providers whose tier never got there",
            report.published_never.to_string(),
            report.naive_never.to_string(),
        ),
        row(
            &format!("two letters or more from the truth, of {all} provider-days"),
            share(report.published_far),
            share(report.naive_far),
        ),
        row("of which stale: the naive tier is not as far off", share(report.stale), String::new()),
        row("longest stale spell, days", report.longest_stale.to_string(), String::new()),
        row(
            "changed tiers, of provider-days",
            percent(report.flips.published_a_day),
            percent(report.flips.naive_a_day),
        ),
    ];
    table(&["figure", "published", "naive"], rows)
}

/// Three tables: what each way of choosing cost, what the preferences of each mode were worth, and how often the intervals
/// contain what was realised.
pub fn preferences(report: &PreferenceReport) -> String {
    let named = |name: &mut String| *name = format!("`{name}`");
    let choices = rows::choice_rows(report).map(|mut row| {
        named(&mut row[0]);
        row.to_vec()
    });
    let worth = rows::worth_rows(report).map(|mut row| {
        named(&mut row[0]);
        row.to_vec()
    });
    let intervals = rows::interval_rows(report).map(|row| row.to_vec());
    [
        table(&rows::CHOICE_HEADER, choices),
        table(&rows::WORTH_HEADER, worth),
        table(&rows::INTERVAL_HEADER, intervals),
    ]
    .join("\n\n")
}

/// Both tables.
pub fn sensitivity(report: &SensitivityReport) -> String {
    format!("{}\n\n{}", weightings(&report.weightings), prompt_size(&report.prompt_size))
}

/// One row for each lens and weighting.
fn weightings(shifts: &[WeightingShift]) -> String {
    let rows = weighting_rows(shifts).map(|mut row| {
        row[0] = format!("`{}`", row[0]);
        row.to_vec()
    });
    table(&WEIGHTINGS, rows)
}

/// One row: how well the size of the prompts predicts, and how far it moves the effects.
fn prompt_size(size: &PromptSize) -> String {
    table(&PROMPT_SIZE, [prompt_size_row(size).to_vec()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_row_of_dashes_and_as_many_cells_in_every_row() {
        let text = table(&["a", "b"], [vec!["1".to_owned(), String::new()]]);
        assert_eq!(text, "| a | b |\n|---|---|\n| 1 |  |");
        assert_eq!(fixed(Some(0.1016), 100.0, 1), "10.2");
        assert_eq!(fixed(None, 1.0, 3), "-");
    }

    #[test]
    fn the_evidence_has_the_tables_of_the_studies() {
        let printed = [
            coverage(&CoverageReport::default()),
            flips(&FlipReport::default()),
            lag(&LagReport::default()),
            preferences(&PreferenceReport::default()),
            sensitivity(&SensitivityReport::default()),
        ];
        let kept = include_str!("../../../docs/evidence.md");
        for table in printed.iter().flat_map(|text| text.split("\n\n")) {
            let header: Vec<&str> = table.lines().take(2).collect();
            assert!(kept.contains(&header.join("\n")), "docs/evidence.md: {header:?}");
        }
    }
}
