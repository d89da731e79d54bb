//! The tables of `hitrate study sensitivity`.

use super::super::tables::{Column, Report, Table, clean, dash, fixed, name, number, text};
use super::distance;
use crate::analysis::sensitivity::{PromptSize, SensitivityReport, Shift, WeightingShift};
use crate::domain::tier::Lens;
use crate::table::{Cell, columns, tsv};

/// The columns of the weightings.
pub const WEIGHTINGS: [&str; 8] = [
    "lens",
    "weights",
    "providers",
    "rank correlation",
    "letters that differ",
    "median move",
    "largest move",
    "moves most",
];

/// The columns of the size of the prompts.
pub const PROMPT_SIZE: [&str; 12] = [
    "cells",
    "predicted",
    "points per doubling",
    "standard error",
    "error without, points",
    "error with, points",
    "providers",
    "rank correlation",
    "letters that differ",
    "median move",
    "largest move",
    "moves most",
];

/// A row for each lens and weighting.
pub fn weighting_rows(shifts: &[WeightingShift]) -> impl Iterator<Item = [String; 8]> {
    shifts.iter().map(|one| {
        let [providers, correlation, letters, median, largest, most] = shift_cells(one.lens, &one.shift);
        let (lens, weighting) = (one.lens.to_string(), one.weighting.to_string());
        [lens, weighting, providers, correlation, letters, median, largest, most]
    })
}

/// The row of the size of the prompts.
pub fn prompt_size_row(size: &PromptSize) -> [String; 12] {
    let points = |value: Option<f64>| fixed(value.map(|value| value * 100.0), 2);
    let [providers, correlation, letters, median, largest, most] = shift_cells(Lens::Cache, &size.shift);
    [
        size.cells.to_string(),
        size.predicted.to_string(),
        points(size.per_doubling),
        points(size.standard_error),
        points(size.error_without),
        points(size.error_with),
        providers,
        correlation,
        letters,
        median,
        largest,
        most,
    ]
}

fn shift_cells(lens: Lens, shift: &Shift) -> [String; 6] {
    let moved = |value: Option<f64>| dash(value, |value| distance(lens, value));
    [
        shift.providers.to_string(),
        fixed(shift.rank_correlation, 3),
        shift.letters.to_string(),
        moved(shift.median),
        moved(shift.largest),
        dash(shift.moved_most.as_ref(), |provider| clean(provider.as_str())),
    ]
}

columns!(WeightingShift, |row| {
    "lens": Cell::text(row.lens),
    "weights": Cell::text(row.weighting),
    "providers": Cell::count(row.shift.providers),
    "rank_correlation": Cell::Number(row.shift.rank_correlation),
    "letters": Cell::count(row.shift.letters),
    "median": Cell::Number(row.shift.median),
    "largest": Cell::Number(row.shift.largest),
    "moved_most": Cell::maybe(row.shift.moved_most.as_ref()),
});

columns!(PromptSize, |row| {
    "cells": Cell::count(row.cells),
    "predicted": Cell::count(row.predicted),
    "per_doubling": Cell::Number(row.per_doubling),
    "standard_error": Cell::Number(row.standard_error),
    "error_without": Cell::Number(row.error_without),
    "error_with": Cell::Number(row.error_with),
    "providers": Cell::count(row.shift.providers),
    "rank_correlation": Cell::Number(row.shift.rank_correlation),
    "letters": Cell::count(row.shift.letters),
    "median": Cell::Number(row.shift.median),
    "largest": Cell::Number(row.shift.largest),
    "moved_most": Cell::maybe(row.shift.moved_most.as_ref()),
});

/// Both tables for the terminal.
pub fn describe(report: &SensitivityReport) -> Report {
    let [lens, weights, providers, correlation, letters, median, largest, most] = WEIGHTINGS;
    let shifted: [Column; 6] = [
        number(providers, 5),
        number(correlation, 2),
        number(letters, 1),
        number(median, 3),
        number(largest, 3),
        name(most, 4),
    ];
    let mut weightings =
        Table::new(&[&[text(lens, 1), text(weights, 1)], &shifted[..]].concat(), tsv(&report.weightings));
    weightings.rows(weighting_rows(&report.weightings));
    let [cells, predicted, doubling, error, without, with, ..] = PROMPT_SIZE;
    let size = [
        number(cells, 6),
        number(predicted, 6),
        number(doubling, 1),
        number(error, 1),
        number(without, 2),
        number(with, 2),
    ];
    let mut sizes = Table::new(&[&size[..], &shifted[..]].concat(), tsv([&report.prompt_size]));
    sizes.row(prompt_size_row(&report.prompt_size));
    let verdict = match report.prompt_size.error_without.zip(report.prompt_size.error_with) {
        Some((without, with)) if with < without => "the size of the prompts predicts better",
        Some(_) => "the size of the prompts does not predict better",
        None => "nothing to predict yet: request counts of at least two days are needed",
    };
    let heading = format!(
        "{} to {}: rated providers under other weights of the cells, compared with the square root of the tokens; letters by the figures alone",
        report.from, report.to
    );
    Report::default()
        .text(heading)
        .table(weightings)
        .text("\n\nTokens a request as one more term of the lens cache: every cell is left out once and predicted without and with it (root mean square errors)")
        .table(sizes)
        .text(verdict)
}
