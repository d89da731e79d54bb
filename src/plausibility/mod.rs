//! Whether a sweep is plausible, before it is published: is every field still what it was in the last accepted run?
//!
//! A run is taken apart into tables of scalars (`flat`), so that a new field is compared without an edit. Four kinds of
//! checks follow: the run against itself (`within`), value by value against the last accepted run (`fields`), rows that
//! vanished (`rows`), and amounts over time (`volume`). Each names the field that moved.

mod compare;
mod fields;
mod flat;
mod limits;
mod rows;
mod volume;
mod within;

pub use crate::domain::finding::{Check, Finding};
use crate::domain::reading::RunReadings;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

pub use flat::Tables;

/// What one accepted run held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// When it looked at the upstream.
    pub observed_at: DateTime<Utc>,
    /// Models listed.
    pub models: usize,
    /// Endpoints.
    pub endpoints: usize,
    /// Endpoints with usage.
    pub readings: usize,
    /// Tokens of all its readings.
    pub tokens: f64,
}

impl Counts {
    /// The counts of a run.
    pub fn of(run: &RunReadings) -> Self {
        Self::counted(&Tables::of(run))
    }

    fn counted(tables: &Tables) -> Self {
        Self {
            observed_at: tables.observed_at,
            models: tables.models.rows.len(),
            endpoints: tables.readings.rows.len(),
            readings: tables.hours.len(),
            tokens: volume::total(tables),
        }
    }
}

/// Values of past days that were known before and that a run states again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Restated {
    /// Domain path: `charts.input`, `closing_rates.hit_rate`, `activity.prompt_tokens`, …
    pub path: String,
    /// Values that both have.
    pub known: usize,
    /// Values that differ by more than 1 %.
    pub changed: usize,
    /// Median of new over old, over the values that are above 0 in both.
    pub median_ratio: Option<f64>,
}

impl Restated {
    /// Compares pairs of (known before, stated now) under a domain path.
    pub fn compare(path: impl Into<String>, pairs: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut restated = Self { path: path.into(), ..Self::default() };
        let mut logs = Vec::new();
        for (before, now) in pairs {
            restated.known += 1;
            restated.changed += usize::from((now - before).abs() > 0.01 * before.abs().max(now.abs()));
            if before > 0.0 && now > 0.0 {
                logs.push((now / before).ln());
            }
        }
        restated.median_ratio = compare::median(&logs).map(f64::exp);
        restated
    }
}

/// What a run is compared with.
#[derive(Debug, Clone, Copy, Default)]
pub struct History<'a> {
    /// The last accepted run.
    pub before: Option<&'a RunReadings>,
    /// Accepted runs of the last days, oldest first.
    pub counts: &'a [Counts],
    /// Past days that the store knows and this run restates. Series that `before` holds as well need no entry.
    pub restated: &'a [Restated],
}

/// A finding with its domain path and its weight: 1 where every row that could have moved did.
#[derive(Debug, Clone)]
struct Seen {
    path: String,
    check: Check,
    weight: f64,
    before: Option<f64>,
    after: Option<f64>,
    detail: String,
}

/// Examines a run. No finding: it is plausible. The strongest finding comes first; a field has at most one. `names`
/// turns a domain path into the upstream's name of the field.
pub fn examine(run: &RunReadings, history: &History<'_>, names: &dyn Fn(&str) -> String) -> Vec<Finding> {
    let now = Tables::of(run);
    let before = history.before.map(Tables::of);
    let mut seen: Vec<Seen> = Vec::new();
    if let (Some(before), Some(last)) = (&before, history.before) {
        rows::lost(before, &now, run, &mut seen);
        fields::moved(before, &now, &mut seen);
        rows::window(last, run, &mut seen);
        volume::rate((last, before), (run, &now), history.counts, &mut seen);
    }
    rows::repeated(&now, &mut seen);
    rows::empty(run, &mut seen);
    rows::quarantined(history.before, run, &mut seen);
    fields::restated(history.restated, &mut seen);
    within::price_sources(history.before, run, &mut seen);
    within::aggregates(history.before, run, &mut seen);
    within::activity(run, &now, &mut seen);
    within::uptime(run, &mut seen);
    within::identity(history.before, run, &mut seen);
    rows::counts(run, &now, history.counts, &mut seen);
    seen.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.check.cmp(&b.check)));
    let mut named = BTreeSet::new();
    let finding = |seen: Seen| {
        let Seen { path, check, before, after, detail, .. } = seen;
        Finding { field: names(&path), check, before, after, detail }
    };
    seen.into_iter().map(finding).filter(|finding| named.insert(finding.field.clone())).collect()
}
