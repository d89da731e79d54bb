//! From archived bodies to the readings of a run: the one path that live collection and replay share.

use crate::archive::{Entry, Manifest};
use crate::domain::reading::{Known, RunReadings};
use crate::source::openrouter::join::{Answer, join};
use crate::source::openrouter::{API, OpenRouterApi, OpenRouterStats};
use crate::source::{Document, Source};
use std::thread;

/// Decodes and joins a run. `known` is what the last accepted run had.
pub fn readings(
    manifest: &Manifest,
    bodies: &[Option<Vec<u8>>],
    known: &Known,
) -> RunReadings {
    let paired: Vec<(&Entry, Option<&[u8]>)> =
        manifest.entries.iter().zip(bodies).map(|(entry, body)| (entry, body.as_deref())).collect();
    let workers = thread::available_parallelism().map_or(1, |n| n.get().min(4));
    // Interleaved, because bodies of one kind stand together and kinds differ much in size.
    let answers: Vec<Answer> = thread::scope(|scope| {
        let tasks: Vec<_> = (0..workers)
            .map(|worker| {
                let share: Vec<_> = paired.iter().skip(worker).step_by(workers).collect();
                scope.spawn(move || {
                    share.into_iter().map(|(entry, body)| answer(entry, *body)).collect::<Vec<_>>()
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

fn answer(entry: &Entry, body: Option<&[u8]>) -> Answer {
    let source: &dyn Source =
        if entry.request.kind.source() == API { &OpenRouterApi } else { &OpenRouterStats };
    let sha256 = entry.body.as_ref().map(|location| location.sha256.clone()).unwrap_or_default();
    let decoded = match (entry.status, &entry.error) {
        (Some(status), None) => {
            let document =
                Document { request: &entry.request, status, sha256: &sha256, body: body.unwrap_or_default() };
            Some(source.decode(&document))
        }
        _ => None,
    };
    Answer { request: entry.request.clone(), sha256, decoded, fetched_at: entry.fetched_at }
}
