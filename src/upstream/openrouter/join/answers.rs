//! The answers of a run as a whole: which are refused because they are empty, and how many there are of each kind.

use super::Answer;
use crate::domain::document::{Request, RouteAnswer};
use crate::domain::reading::{DocumentReport, Known, QuarantineReason, Quarantined, SourceReport};
use crate::upstream::openrouter::kind::{API, STATS};
use crate::upstream::openrouter::{Content, Decoded, DocumentKind};
use std::collections::BTreeSet;

/// Fails an empty response if the previous run had rows there: the known state remains unchanged.
pub(super) fn refuse_empty(answer: &mut Answer, known: &Known) {
    if !had_rows(known, &answer.request) {
        return;
    }
    let Answer { request, sha256, decoded, .. } = answer;
    let Some(decoded) = decoded.as_mut().filter(|decoded| !decoded.failed && has_no_rows(decoded)) else {
        return;
    };
    (decoded.failed, decoded.content) = (true, None);
    let how = if decoded.missing { "HTTP status 404" } else { "an empty response" };
    let detail = format!("{how}, but the previous run had rows here");
    let (reason, pair) = (QuarantineReason::EmptyAnswer, request.pair.as_ref());
    decoded.quarantined.push(Quarantined::new(reason, request.kind.clone(), pair, "$", detail, sha256));
}

/// Whether the requested document had rows in the last accepted run.
fn had_rows(known: &Known, request: &Request) -> bool {
    let Some(pair) = &request.pair else { return false };
    match DocumentKind::of(request) {
        Some(DocumentKind::StatsEndpoint | DocumentKind::PublicEndpoints) => known.listed.contains(pair),
        Some(DocumentKind::EffectivePricing) => known.used.contains(pair),
        _ => false,
    }
}

/// Whether a readable response has no rows. Charts without a summary do not count as rows: a body with charts covers
/// the last day with traffic, so it has summaries.
fn has_no_rows(decoded: &Decoded) -> bool {
    match &decoded.content {
        None => true,
        Some(Content::Usage(body)) => body.summaries.is_empty(),
        Some(_) => false,
    }
}

/// The result of the requests for the comparison series.
pub(super) fn comparison_answer(answers: &[Answer]) -> Option<RouteAnswer> {
    let (mut answered, mut missing, mut failed) = (0, 0, 0);
    for answer in answers.iter().filter(|a| a.request.kind == DocumentKind::HitRateComparison) {
        match &answer.decoded {
            Some(decoded) if decoded.missing => missing += 1,
            Some(decoded) if !decoded.failed => answered += 1,
            _ => failed += 1,
        }
    }
    RouteAnswer::judge(answered, missing, failed)
}

pub(super) fn source_reports(answers: &[Answer]) -> Vec<SourceReport> {
    [API, STATS]
        .into_iter()
        .filter_map(|source| report(source, answers, |kind| kind.source() == source))
        .collect()
}

/// The outcome of each requested kind of document.
pub(super) fn document_reports(answers: &[Answer]) -> Vec<DocumentReport> {
    let kinds: BTreeSet<DocumentKind> =
        answers.iter().filter_map(|answer| DocumentKind::of(&answer.request)).collect();
    let of_kind = |kind: DocumentKind| {
        let counts = report(kind.as_str(), answers, |other| other == kind)?;
        Some(DocumentReport { about: kind.about(), counts })
    };
    kinds.into_iter().filter_map(of_kind).collect()
}

fn report(name: &str, answers: &[Answer], counts: impl Fn(DocumentKind) -> bool) -> Option<SourceReport> {
    let mut report = SourceReport { source: name.into(), ..SourceReport::default() };
    for answer in answers.iter().filter(|answer| DocumentKind::of(&answer.request).is_some_and(&counts)) {
        report.planned += 1;
        match &answer.decoded {
            None => report.failed += 1,
            Some(decoded) if decoded.failed => report.failed += 1,
            Some(decoded) if decoded.content.is_none() => report.no_data += 1,
            Some(_) => report.ok += 1,
        }
    }
    (report.planned > 0).then_some(report)
}
