//! A sweep, the accepted sweep before it, and the outcome of a single change.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use hitrate::domain::document::Request;
use hitrate::domain::reading::Known;
use hitrate::domain::reading::RunReadings;
use hitrate::plausibility::{Counts, Finding, History, Tables, examine};
use hitrate::upstream;
use hitrate::upstream::openrouter::join::{Answer, join};
use hitrate::upstream::openrouter::{Decoded, DocumentKind, decode as decode_document, upstream_names};

use crate::mutate::{Body, Change, document, field};

/// The outcome of a change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The published content does not change.
    Unchanged,
    /// Lost values are quarantined or failed by name; the rest is unchanged.
    Quarantined,
    /// A finding names the field.
    Suspect,
    /// Findings name other fields of the document, or only the document.
    Unnamed(String),
    /// Different content is published without any report.
    Silent(String),
}

/// A sweep to change, with the accepted one before it.
pub struct Bench {
    before: RunReadings,
    counts: Vec<Counts>,
    bodies: Vec<Body>,
    decoded: Vec<Decoded>,
    control: RunReadings,
    tables: Tables,
}

/// Keeps every `nth` model of a sweep, by its name, so that two sweeps keep the same ones, and all models with
/// conditional prices, discounts, deprecation dates or endpoints for own keys only, which are few; lists of models and providers remain complete.
pub fn thinned(mut bodies: Vec<Body>, nth: u32) -> Vec<Body> {
    let rare = |body: &Body| {
        let text = String::from_utf8_lossy(&body.bytes);
        ["\"min_prompt_tokens\"", "\"discount\":0.", "\"is_byok_only\":true", "\"deprecation_date\":\"2"]
            .iter()
            .any(|rare| text.contains(rare))
    };
    let kept: BTreeSet<String> = bodies
        .iter()
        .filter(|body| rare(body))
        .filter_map(|body| Some(body.request.pair.as_ref()?.model.to_string()))
        .collect();
    bodies.retain(|body| {
        let of =
            |name: &str| name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let pair = body.request.pair.as_ref();
        pair.is_none_or(|pair| {
            kept.contains(pair.model.as_str()) || of(pair.model.as_str()).is_multiple_of(nth)
        })
    });
    bodies
}

fn decode(body: &Body) -> Decoded {
    let Body { request, status, bytes } = body;
    let fetched_at = DateTime::default();
    let received = upstream::Outcome {
        request,
        status: Some(*status),
        error: None,
        fetched_at,
        sha256: "",
        body: bytes,
    };
    decode_document(&received).expect("a complete response")
}

fn joined<'a>(
    parts: impl Iterator<Item = (&'a Request, Decoded)>,
    time: DateTime<Utc>,
    before: Option<&RunReadings>,
) -> RunReadings {
    let answer = |(request, decoded): (&Request, Decoded)| Answer {
        request: request.clone(),
        sha256: String::new(),
        decoded: Some(decoded),
        fetched_at: time,
    };
    join(parts.map(answer).collect(), time, &before.map(Known::of).unwrap_or_default())
}

/// The readings of a sweep.
pub fn readings(time: DateTime<Utc>, bodies: &[Body], before: Option<&RunReadings>) -> RunReadings {
    joined(bodies.iter().map(|body| (&body.request, decode(body))), time, before)
}

impl Bench {
    /// A bench over two sweeps.
    pub fn new((earlier, old): (DateTime<Utc>, &[Body]), (time, bodies): (DateTime<Utc>, Vec<Body>)) -> Self {
        let before = readings(earlier, old, None);
        let decoded: Vec<Decoded> = bodies.iter().map(decode).collect();
        let parts = bodies.iter().map(|body| &body.request).zip(decoded.iter().cloned());
        let control = joined(parts, time, Some(&before));
        let tables = Tables::of(&control);
        Self { counts: vec![Counts::of(&before)], before, bodies, decoded, control, tables }
    }

    /// Findings of a run against the sweep before.
    pub fn findings(&self, run: &RunReadings) -> Vec<Finding> {
        let history = History { before: Some(&self.before), counts: &self.counts, restated: &[] };
        examine(run, &history, &upstream_names)
    }

    /// The unchanged run.
    pub fn control(&self) -> &RunReadings {
        &self.control
    }

    /// Changes every document of a kind that `pick` accepts; `None` if nothing changes.
    pub fn changed(
        &self,
        kind: DocumentKind,
        change: impl Fn(&Body) -> Option<Body>,
    ) -> Option<Result<RunReadings, String>> {
        let mut any = false;
        let mut parts = Vec::with_capacity(self.bodies.len());
        for (body, decoded) in self.bodies.iter().zip(&self.decoded) {
            let new = if body.request.kind == kind { change(body) } else { None };
            let Some(new) = new else {
                parts.push((&body.request, decoded.clone()));
                continue;
            };
            any = true;
            match catch_unwind(AssertUnwindSafe(|| decode(&new))) {
                Ok(decoded) => parts.push((&body.request, decoded)),
                Err(_) => return Some(Err("a panic".into())),
            }
        }
        let time = self.control.observed_at;
        any.then(|| Ok(joined(parts.into_iter(), time, Some(&self.before))))
    }

    /// The outcome of one changed field.
    pub fn field(&self, kind: DocumentKind, path: &str, change: Change) -> Option<(Outcome, Vec<Finding>)> {
        let run = self.changed(kind, |body| {
            let bytes = field(&body.bytes, path, change)?;
            Some(Body { bytes, ..body.clone() })
        });
        Some(self.judge(kind, Some(path), run?))
    }

    /// The outcome if every `nth` document is changed as a whole.
    pub fn document(
        &self,
        kind: DocumentKind,
        change: Change,
        nth: usize,
    ) -> Option<(Outcome, Vec<Finding>)> {
        let of_kind = self.bodies.iter().filter(|body| body.request.kind == kind);
        let chosen: BTreeSet<*const Body> = of_kind.step_by(nth).map(std::ptr::from_ref).collect();
        let run = self.changed(kind, |body| {
            chosen.contains(&std::ptr::from_ref(body)).then(|| document(body, change)).flatten()
        });
        Some(self.judge(kind, None, run?))
    }

    /// The fields that a finding names.
    fn named(finding: &Finding) -> impl Iterator<Item = &str> {
        let others = finding.detail.split_once("; also read from ").map(|(_, others)| others.split(" and "));
        std::iter::once(finding.field.as_str()).chain(others.into_iter().flatten())
    }

    fn judge(
        &self,
        kind: DocumentKind,
        path: Option<&str>,
        run: Result<RunReadings, String>,
    ) -> (Outcome, Vec<Finding>) {
        let run = match run {
            Ok(run) => run,
            Err(panic) => return (Outcome::Silent(panic), Vec::new()),
        };
        let differences = differences(&self.tables, &Tables::of(&run));
        let findings = self.findings(&run);
        if differences.is_empty() && run.window_kind == self.control.window_kind {
            return (Outcome::Unchanged, findings);
        }
        let of_document = findings.iter().flat_map(Self::named);
        let of_document: Vec<&str> = of_document.filter(|field| names(field, kind)).collect();
        if path.is_none_or(|path| of_document.iter().any(|found| names_field(found, path))) {
            if !of_document.is_empty() {
                return (Outcome::Suspect, findings);
            }
        } else if !of_document.is_empty() {
            return (Outcome::Unnamed(of_document.join(", ")), findings);
        }
        let told = self.told(kind, &run);
        let quiet: Vec<&Difference> =
            differences.iter().filter(|one| !told.contains("") && !told.contains(&one.group)).collect();
        if quiet.is_empty() && !told.is_empty() {
            return (Outcome::Quarantined, findings);
        }
        let mut paths: BTreeMap<&str, usize> = BTreeMap::new();
        quiet.iter().for_each(|one| *paths.entry(&one.path).or_default() += 1);
        let paths: Vec<String> = paths.iter().map(|(path, count)| format!("{path} {count}")).collect();
        (Outcome::Silent(paths.join(", ")), findings)
    }

    /// The (model, variant) pairs for which a new quarantine or failure is reported; "" means all of them.
    fn told(&self, kind: DocumentKind, run: &RunReadings) -> BTreeSet<String> {
        let failed = |run: &RunReadings| {
            run.documents
                .iter()
                .find(|one| one.counts.source == kind.as_str())
                .map_or(0, |one| one.counts.failed)
        };
        let list =
            matches!(kind, DocumentKind::Models | DocumentKind::Providers | DocumentKind::AllProviders);
        let mut told: BTreeSet<String> = run
            .quarantined
            .iter()
            .filter(|row| !self.control.quarantined.contains(row))
            .filter_map(|row| match (&row.model, &row.variant) {
                (Some(model), Some(variant)) => Some(format!("{model}:{variant}")),
                // Only a row of a list may have no model.
                _ => list.then(String::new),
            })
            .collect();
        told.extend(run.unanswered.iter().map(|(model, variant)| format!("{model}:{variant}")));
        // The status page and the report of the run state that the series is not offered.
        if kind == DocumentKind::HitRateComparison && run.comparison != self.control.comparison {
            told.insert(String::new());
        }
        if list && failed(run) > failed(&self.control) {
            told.insert(String::new());
        }
        told
    }
}

/// Whether a finding is about this kind of document.
fn names(found: &str, kind: DocumentKind) -> bool {
    let document = found.split('.').next().unwrap_or_default();
    let providers = [DocumentKind::Providers.as_str(), DocumentKind::AllProviders.as_str()];
    document == kind.as_str() || (providers.contains(&document) && providers.contains(&kind.as_str()))
}

/// Whether a finding names a field, an object or list that contains it, or a part of it. Findings leave out `data` and
/// the lists of rows.
fn names_field(found: &str, path: &str) -> bool {
    let rows = ["data", "endpoints", "providerSummaries", "analytics"];
    let path: Vec<&str> = path.split('.').map(|step| step.trim_end_matches("[]")).collect();
    let bare: Vec<&str> = path.iter().copied().filter(|step| !rows.contains(step)).collect();
    let found: Vec<&str> = found.split('.').skip(1).collect();
    // The change of a list of rows or of the whole body: any of its fields.
    if bare.is_empty() {
        return true;
    }
    !found.is_empty() && (found.starts_with(&bare) || bare.starts_with(&found))
}

/// One value that differs from the control's.
struct Difference {
    group: String,
    path: String,
}

fn differences(control: &Tables, run: &Tables) -> Vec<Difference> {
    let mut found = Vec::new();
    for (a, b) in control.pairs(run) {
        if a.repeated != b.repeated {
            found.push(Difference { group: "*".into(), path: format!("{} repeated", a.name) });
        }
        let keys: BTreeSet<&String> = a.rows.keys().chain(b.rows.keys()).collect();
        for key in keys {
            let (old, new) = (a.rows.get(key), b.rows.get(key));
            let group = old.or(new).map(|row| row.group.clone()).unwrap_or_default();
            let (Some(old), Some(new)) = (old, new) else {
                found.push(Difference { group, path: format!("{} rows", a.name) });
                continue;
            };
            let paths: BTreeSet<&String> = old.values.keys().chain(new.values.keys()).collect();
            for path in paths.into_iter().filter(|path| old.values.get(*path) != new.values.get(*path)) {
                found.push(Difference { group: group.clone(), path: path.clone() });
            }
        }
    }
    found
}
