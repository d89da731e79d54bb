//! Turns the outcomes of a run into its readings.

use super::join::{Answer, join};
use super::{Decoded, decode};
use crate::domain::reading::{Known, RunReadings};
use crate::upstream::{Outcome, caught};
use chrono::{DateTime, Utc};
use std::thread;

/// Decodes and joins a run. `known` is the state of the last accepted run.
pub(super) fn readings(outcomes: &[Outcome<'_>], observed_at: DateTime<Utc>, known: &Known) -> RunReadings {
    readings_by(outcomes, observed_at, known, &decode)
}

/// Decodes with a given decoder and joins.
fn readings_by(
    outcomes: &[Outcome<'_>],
    observed_at: DateTime<Utc>,
    known: &Known,
    decode: &(impl Fn(&Outcome<'_>) -> Option<Decoded> + Sync),
) -> RunReadings {
    let workers = thread::available_parallelism().map_or(1, |n| n.get().min(4));
    // Interleaved, because bodies of one kind are adjacent and the kinds differ widely in size.
    let answers: Vec<Answer> = thread::scope(|scope| {
        let tasks: Vec<_> = (0..workers)
            .map(|worker| {
                let share = outcomes.iter().skip(worker).step_by(workers);
                let span = tracing::Span::current();
                scope.spawn(move || {
                    span.in_scope(|| share.map(|outcome| answer(outcome, decode)).collect::<Vec<_>>())
                })
            })
            .collect();
        let mut parts: Vec<_> = tasks
            .into_iter()
            .map(|task| task.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).into_iter())
            .collect();
        let mut answers = Vec::with_capacity(outcomes.len());
        for position in 0..outcomes.len() {
            answers.extend(parts[position % workers].next());
        }
        answers
    });
    join(answers, observed_at, known)
}

fn answer(outcome: &Outcome<'_>, decode: &impl Fn(&Outcome<'_>) -> Option<Decoded>) -> Answer {
    let Outcome { request, sha256, fetched_at, .. } = *outcome;
    let decoded = caught(|| decode(outcome)).unwrap_or_else(|panic| {
        tracing::error!(path = request.path, panic, "the decoder panicked on a document");
        Some(Decoded::undecodable(outcome, panic))
    });
    Answer { request: request.clone(), sha256: sha256.to_owned(), decoded, fetched_at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::{Pair, Request};
    use crate::domain::ids::{ModelSlug, Variant};
    use crate::upstream::openrouter::DocumentKind;

    fn request(kind: DocumentKind, model: Option<&str>) -> Request {
        let pair =
            model.map(|model| Pair { model: ModelSlug::new(model), variant: Variant::new("standard") });
        let path = format!("/{}/{}", kind.as_str(), model.unwrap_or_default());
        Request { kind: kind.into(), pair, path }
    }

    #[test]
    fn a_panic_in_a_document_costs_that_document_and_names_it() {
        let time = "2026-08-07T12:57:00Z".parse().expect("a time");
        let kind = DocumentKind::PublicEndpoints;
        let requests = [
            request(DocumentKind::Models, None),
            request(kind, Some("wren/lark")),
            request(kind, Some("a/b")),
        ];
        let models = br#"{"data":[{"id":"a/b","canonical_slug":"a/b","pricing":{"prompt":"0"}}]}"#.as_slice();
        let endpoints = br#"{"data":{"endpoints":[{"tag":"heron"}]}}"#.as_slice();
        let outcome = |(request, body)| Outcome {
            request,
            status: Some(200),
            error: None,
            fetched_at: time,
            sha256: "5ha",
            body,
        };
        let outcomes: Vec<Outcome<'_>> =
            requests.iter().zip([models, endpoints, endpoints]).map(outcome).collect();
        let brittle = |outcome: &Outcome<'_>| {
            assert!(!outcome.request.path.contains("lark"), "no digits left");
            decode(outcome)
        };
        let run = readings_by(&outcomes, time, &Known::default(), &brittle);
        let [row] = run.quarantined.as_slice() else { panic!("one row, not {:?}", run.quarantined) };
        assert_eq!((row.reason.as_str(), row.kind.as_str()), ("undecodable", "public_endpoints"));
        assert_eq!(row.model.as_ref().map(ModelSlug::as_str), Some("wren/lark"));
        assert_eq!((row.path.as_str(), row.sha256.as_str()), ("$", "5ha"));
        assert!(row.detail.contains("no digits left"), "{}", row.detail);
        assert_eq!((run.models.len(), run.readings.len()), (1, 1), "the other documents are whole");
        assert_eq!(run.unanswered.len(), 1, "the known state of that model is unchanged");
        let failed: usize = run.sources.iter().map(|source| source.failed).sum();
        assert_eq!(failed, 1);
    }
}
