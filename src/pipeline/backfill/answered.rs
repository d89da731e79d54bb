//! What the archive of the past already has: the requests that were answered, and those of the last hour.

use crate::archive::{Archive, ArchiveError, Entry, Manifest};
use crate::upstream::history::Answered;
use chrono::{DateTime, Duration, Utc};

/// Statuses that say nothing about a document: the upstream refused, or had no time.
const NO_ANSWER: [u16; 7] = [401, 403, 408, 425, 429, 451, 499];

/// The manifests of the archive that can be read, oldest first. What the others answered is requested again.
///
/// # Errors
/// If the folder cannot be read.
pub(super) fn manifests(archive: &Archive) -> Result<Vec<Manifest>, ArchiveError> {
    archive.readable_manifests()
}

/// The requests that were answered since a time; `None` means at any time.
pub(super) fn answered(manifests: &[Manifest], since: Option<DateTime<Utc>>) -> Answered {
    let entries = manifests.iter().flat_map(|manifest| &manifest.entries);
    let counts = |entry: &&Entry| since.is_none_or(|since| entry.fetched_at >= since);
    entries
        .filter(counts)
        .filter_map(|entry| {
            status(entry.status, entry.error.as_deref()).map(|status| (entry.request.path.clone(), status))
        })
        .collect()
}

/// The status of a request that was answered. A 4xx is an answer, too: the upstream does not accept the request.
pub(super) fn status(status: Option<u16>, error: Option<&str>) -> Option<u16> {
    let status = status?;
    let is_answer = match error {
        None => true,
        Some(_) => (400..500).contains(&status) && !NO_ANSWER.contains(&status),
    };
    is_answer.then_some(status)
}

/// The number of HTTP requests in the hour before a time.
pub(super) fn requests_in_hour(manifests: &[Manifest], now: DateTime<Utc>) -> usize {
    let recent = manifests.iter().filter(|manifest| {
        let age = now - manifest.header.observed_at;
        age >= Duration::zero() && age < Duration::hours(1)
    });
    recent.map(|manifest| manifest.header.requests).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_not_an_answer_and_a_bad_request_is_one() {
        assert_eq!(status(Some(200), None), Some(200));
        assert_eq!(status(Some(404), None), Some(404));
        assert_eq!(status(Some(400), Some("status 400")), Some(400));
        for (code, error) in [(429, "refused"), (403, "refused"), (500, "status 500"), (200, "incomplete")] {
            assert_eq!(status(Some(code), Some(error)), None, "{code}");
        }
        assert_eq!(status(None, Some("timeout")), None);
    }
}
