//! Compares two runs path by path: which share of the values changed, and how.

use super::flat::{Flat, Row, Scalar, Table};
use crate::domain::format::percent;
use crate::domain::statistics::median;
use std::collections::{BTreeMap, BTreeSet};

/// The number of rows that could have changed in one way, and the number that did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Part {
    /// Rows that changed.
    pub count: usize,
    /// Rows that could have changed.
    pub of: usize,
}

impl Part {
    fn see(&mut self, changed: bool) {
        self.of += 1;
        self.count += usize::from(changed);
    }
    /// The part in one sentence with the largest plausible one.
    pub fn sentence(self, what: &str, limit: f64) -> String {
        let (Self { count, of }, most) = (self, percent(limit, 0));
        format!("{count} of {of} {what}; up to {most} would be plausible")
    }
    /// The share that changed; 0 if there are no rows.
    pub fn share(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.count as f64 / self.of as f64 }
    }
}

/// Whether each row changed.
impl FromIterator<bool> for Part {
    fn from_iter<I: IntoIterator<Item = bool>>(rows: I) -> Self {
        let mut part = Self::default();
        rows.into_iter().for_each(|changed| part.see(changed));
        part
    }
}

/// How the values of one path differ between two runs, over the rows that both have.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Had a value and has none now, although the surrounding object still exists.
    pub gone: Part,
    /// Had no value and has one now, in rows where the surrounding object existed before.
    pub appeared: Part,
    /// Was not 0 and is 0 now.
    pub zeroed: Part,
    /// Was 0 and is not 0 now.
    pub raised: Part,
    /// Changed its sign.
    pub flipped: Part,
    /// Has another value (texts and flags; a flag counts among those that had the same value).
    pub changed: [Part; 2],
    /// Natural logarithms of the ratios of numbers that have the same sign in both runs.
    pub logs: Vec<f64>,
    /// Providers of the endpoints whose value differs; empty in other tables.
    pub providers: BTreeSet<String>,
}

impl Change {
    /// The median ratio of now to before; `None` without numbers.
    pub fn median_ratio(&self) -> Option<f64> {
        median(self.logs.iter().copied()).map(f64::exp)
    }
    /// The rows whose number moved by more than this factor, up or down.
    pub fn moved(&self, factor: f64) -> Part {
        let bound = factor.ln();
        self.logs.iter().map(|log| log.abs() > bound).collect()
    }
}

/// The object around a path; `None` at the top level of a row.
fn around(path: &str) -> Option<&str> {
    path.strip_suffix("[]").or_else(|| path.rsplit_once('.').map(|(outer, _)| outer))
}

/// Compares the rows that both tables have.
pub fn changes(before: &Table, now: &Table) -> BTreeMap<String, Change> {
    let outer_there = |values: &Flat, path: &str| {
        around(path).is_none_or(|outer| outer == before.name || values.contains_key(outer))
    };
    let mut found: BTreeMap<String, Change> = BTreeMap::new();
    for (key, old) in &before.rows {
        let Some(new) = now.rows.get(key) else { continue };
        let note = |change: &mut Change| {
            if !old.provider.is_empty() && !change.providers.contains(&old.provider) {
                change.providers.insert(old.provider.clone());
            }
        };
        for (path, was) in &old.values {
            let change = found.entry(path.clone()).or_default();
            if new.values.get(path) != Some(was) {
                note(change);
            }
            match new.values.get(path) {
                Some(is) => see(change, was, is),
                None if outer_there(&new.values, path) => change.gone.see(true),
                None => {}
            }
        }
        for path in new.values.keys().filter(|path| !old.values.contains_key(*path)) {
            if outer_there(&old.values, path) {
                let change = found.entry(path.clone()).or_default();
                note(change);
                change.appeared.see(true);
            }
        }
    }
    for (path, change) in &mut found {
        let without = |(key, row): &(&String, &Row)| {
            outer_there(&row.values, path) && !row.values.contains_key(path) && now.rows.contains_key(*key)
        };
        change.appeared.of = before.rows.iter().filter(without).count();
    }
    found
}

fn see(change: &mut Change, was: &Scalar, is: &Scalar) {
    change.gone.see(false);
    match (was, is) {
        (Scalar::Number(was), Scalar::Number(is)) => {
            if *was == 0.0 {
                change.raised.see(*is != 0.0);
                return;
            }
            change.zeroed.see(*is == 0.0);
            change.flipped.see(was * is < 0.0);
            if was * is > 0.0 {
                change.logs.push((is / was).ln());
            }
        }
        (Scalar::Flag(was), is) => change.changed[usize::from(*was)].see(*is != Scalar::Flag(*was)),
        (was, is) => change.changed[0].see(was != is),
    }
}
