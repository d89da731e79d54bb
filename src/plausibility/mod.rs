//! Checks whether a sweep is plausible before it is published: does every field still mean the same as in the last
//! accepted run?
//!
//! A run is split into tables of scalars (`flat`), so that a new field is compared without a code change. Four kinds of
//! checks follow: internal consistency (`within`), value by value against the last accepted run (`fields`), rows that
//! vanished (`rows`), and amounts over time (`volume`). Each finding names the field that moved.

mod compare;
mod fields;
mod flat;
mod limits;
mod rows;
mod volume;
mod within;

pub use crate::domain::finding::{Check, Finding};
use crate::domain::reading::RunReadings;
use crate::domain::statistics::median;
use compare::Part;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

pub use crate::domain::record::Counts;
pub use flat::Tables;

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

/// Values of past days that were known before and that a run reports again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Restated {
    /// Domain path, for example `charts.input`, `closing_rates.hit_rate`, `activity.prompt_tokens`, …
    pub path: String,
    /// Number of values that both have.
    pub known: usize,
    /// Number of values that differ by more than 1 %.
    pub changed: usize,
    /// Median ratio of new to old, over the values that are above 0 in both.
    pub median_ratio: Option<f64>,
}

impl Restated {
    /// Compares pairs of (known before, reported now) under a domain path.
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
        restated.median_ratio = median(logs).map(f64::exp);
        restated
    }
}

/// The data with which a run is compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct History<'a> {
    /// The last accepted run.
    pub before: Option<&'a RunReadings>,
    /// Counts of the accepted runs of the last days, oldest first.
    pub counts: &'a [Counts],
    /// Past days that are in the store and that this run reports again. Series that are also in `before` need no entry.
    pub restated: &'a [Restated],
}

/// A finding with its domain path and its weight: 1 if every row that could have moved did.
#[derive(Debug, Clone)]
struct Seen {
    path: String,
    check: Check,
    weight: f64,
    before: Option<f64>,
    after: Option<f64>,
    detail: String,
}

impl Seen {
    /// A share of rows that exceeds its limit.
    fn share(path: &str, check: Check, part: Part, limit: f64, detail: String) -> Self {
        Self::new(path, check, part.share(), (limit, part.share()), detail)
    }

    fn new(path: &str, check: Check, weight: f64, (before, after): (f64, f64), detail: String) -> Self {
        Self { path: path.to_owned(), check, weight, before: Some(before), after: Some(after), detail }
    }
}

/// The upstream's names of a domain path: its field, and other fields that it is computed from.
pub type FieldNames<'a> = dyn Fn(&str) -> (String, &'static [&'static str]) + 'a;

/// Examines a run. Without findings it is plausible. The strongest finding comes first; a field has at most one.
/// `names` maps a domain path to the upstream's names of its fields.
pub fn examine(run: &RunReadings, history: &History<'_>, names: &FieldNames<'_>) -> Vec<Finding> {
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
        let Seen { path, check, before, after, mut detail, .. } = seen;
        let (field, others) = names(&path);
        if !others.is_empty() {
            detail += &format!("; also read from {}", others.join(" and "));
        }
        Finding { field, check, before, after, detail }
    };
    seen.into_iter().map(finding).filter(|finding| named.insert(finding.field.clone())).collect()
}
