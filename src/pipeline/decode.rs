//! Turns archived bodies into the readings of a run. Live collection and replay share this code path.

use super::panics::caught;
use crate::archive::{Entry, Manifest};
use crate::domain::reading::{Known, Quarantined, RunReadings, UNDECODABLE};
use crate::source::openrouter::join::{Answer, join};
use crate::source::openrouter::{API, OpenRouterApi, OpenRouterStats};
use crate::source::{Decoded, Document, Source};
use std::thread;

/// Decodes and joins a run. `known` is the state of the last accepted run.
pub fn readings(manifest: &Manifest, bodies: &[Option<Vec<u8>>], known: &Known) -> RunReadings {
    readings_by(manifest, bodies, known, &decode)
}

fn decode(document: &Document<'_>) -> Decoded {
    let source: &dyn Source =
        if document.request.kind.source() == API { &OpenRouterApi } else { &OpenRouterStats };
    source.decode(document)
}

/// Decodes with a given decoder and joins.
fn readings_by(
    manifest: &Manifest,
    bodies: &[Option<Vec<u8>>],
    known: &Known,
    decode: &(impl Fn(&Document<'_>) -> Decoded + Sync),
) -> RunReadings {
    let paired: Vec<(&Entry, Option<&[u8]>)> =
        manifest.entries.iter().zip(bodies).map(|(entry, body)| (entry, body.as_deref())).collect();
    let workers = thread::available_parallelism().map_or(1, |n| n.get().min(4));
    // Interleaved, because bodies of one kind are adjacent and the kinds differ widely in size.
    let answers: Vec<Answer> = thread::scope(|scope| {
        let tasks: Vec<_> = (0..workers)
            .map(|worker| {
                let share: Vec<_> = paired.iter().skip(worker).step_by(workers).collect();
                scope.spawn(move || {
                    share.into_iter().map(|(entry, body)| answer(entry, *body, decode)).collect::<Vec<_>>()
                })
            })
            .collect();
        let mut parts: Vec<_> = tasks
            .into_iter()
            .map(|task| task.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).into_iter())
            .collect();
        let mut answers = Vec::with_capacity(paired.len());
        for position in 0..paired.len() {
            answers.extend(parts[position % workers].next());
        }
        answers
    });
    join(answers, manifest.header.observed_at, known)
}

fn answer(entry: &Entry, body: Option<&[u8]>, decode: &impl Fn(&Document<'_>) -> Decoded) -> Answer {
    let sha256 = entry.body.as_ref().map(|location| location.sha256.clone()).unwrap_or_default();
    let decoded = match (entry.status, &entry.error) {
        (Some(status), None) => {
            let document =
                Document { request: &entry.request, status, sha256: &sha256, body: body.unwrap_or_default() };
            Some(caught(|| decode(&document)).unwrap_or_else(|panic| undecodable(&document, panic)))
        }
        _ => None,
    };
    Answer { request: entry.request.clone(), sha256, decoded, fetched_at: entry.fetched_at }
}

/// The result for a document on which the decoder panicked: unanswered, and quarantined by name.
fn undecodable(document: &Document<'_>, panic: String) -> Decoded {
    let request = document.request;
    let pair = request.pair.as_ref();
    tracing::error!(path = request.path, panic, "the decoder panicked on a document");
    let row = Quarantined {
        reason: UNDECODABLE.into(),
        kind: request.kind.as_str().into(),
        model: pair.map(|pair| pair.model.clone()),
        variant: pair.map(|pair| pair.variant.clone()),
        path: "$".into(),
        detail: panic,
        tokens: None,
        sha256: document.sha256.into(),
    };
    Decoded { quarantined: vec![row], failed: true, ..Decoded::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Location, RunHeader};
    use crate::domain::ids::{ModelSlug, Variant};
    use crate::source::{DocumentKind, Pair, Request};
    use chrono::{DateTime, Utc};

    fn time() -> DateTime<Utc> {
        "2026-08-07T12:57:00Z".parse().expect("a time")
    }

    fn entry(kind: DocumentKind, model: Option<&str>) -> Entry {
        let pair =
            model.map(|model| Pair { model: ModelSlug::new(model), variant: Variant::new("standard") });
        let path = format!("/{}/{}", kind.as_str(), model.unwrap_or_default());
        let location = Location { sha256: "5ha".into(), pack: "p".into(), frame: 0, offset: 0, length: 0 };
        Entry {
            request: Request { kind, pair, path },
            status: Some(200),
            fetched_at: time(),
            error: None,
            body: Some(location),
        }
    }

    #[test]
    fn a_panic_in_a_document_costs_that_document_and_names_it() {
        let header = RunHeader {
            run_id: "run".into(),
            observed_at: time(),
            upstream: String::new(),
            simulated: true,
            version: "test".into(),
            requests: 3,
            duration_ms: 1,
            stopped: None,
            cut_short: None,
        };
        let kind = DocumentKind::PublicEndpoints;
        let entries =
            vec![entry(DocumentKind::Models, None), entry(kind, Some("wren/lark")), entry(kind, Some("a/b"))];
        let models = br#"{"data":[{"id":"a/b","canonical_slug":"a/b","pricing":{"prompt":"0"}}]}"#.to_vec();
        let endpoints = br#"{"data":{"endpoints":[{"tag":"heron"}]}}"#.to_vec();
        let bodies = [Some(models), Some(endpoints.clone()), Some(endpoints)];
        let brittle = |document: &Document<'_>| {
            assert!(!document.request.path.contains("lark"), "no digits left");
            decode(document)
        };
        let run = readings_by(&Manifest { header, entries }, &bodies, &Known::default(), &brittle);
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
