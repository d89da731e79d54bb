//! The documents of the upstream.

use super::support::{bounded, choice};
use chrono::{DateTime, Utc};
use hitrate::config::Config;
use hitrate::domain::document::{Pair, Request};
use hitrate::domain::endpoint::Prices;
use hitrate::domain::ids::{ModelSlug, Variant};
use hitrate::domain::imported::{ImportKind, ImportedEndpoint};
use hitrate::domain::reading::{Known, Quarantined};
use hitrate::upstream::history::{Answered, HistoryQuery, HistoryRange, KnownEndpoint, KnownPair};
use hitrate::upstream::openrouter::{self, DocumentKind, OpenRouter};
use hitrate::upstream::{Outcome, Upstream};
use std::path::Path;
use std::sync::OnceLock;

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_786_000_000, 0).expect("a time")
}

fn pair() -> Pair {
    Pair { model: ModelSlug::new("wren/lark"), variant: Variant::standard() }
}

fn request(kind: DocumentKind) -> Request {
    let is_list = [DocumentKind::Models, DocumentKind::Providers, DocumentKind::AllProviders].contains(&kind);
    let pair = (!is_list).then(pair);
    Request { kind: kind.into(), pair, path: format!("/{}", kind.as_str()) }
}

fn outcome<'a>(request: &'a Request, body: &'a [u8]) -> Outcome<'a> {
    Outcome { request, status: Some(200), error: None, fetched_at: time(), sha256: "00", body }
}

/// Every row that is quarantined states its place and its reason, and not the whole document.
fn quarantined(rows: &[Quarantined], input: usize) {
    let bytes = rows.iter().map(|row| row.path.len() + row.detail.len()).sum();
    bounded("quarantine", bytes, input, 64);
}

/// One document of a sweep; the first byte is its kind.
pub fn decode(input: &[u8]) {
    let (kind, body) = choice(input);
    let request = request(DocumentKind::ALL[kind % DocumentKind::ALL.len()]);
    let decoded = openrouter::decode(&outcome(&request, body)).expect("a response was received");
    assert!(!decoded.failed || decoded.content.is_none(), "a document that failed has no content");
    quarantined(&decoded.quarantined, body.len());
    bounded("drift", decoded.drift.keys().map(|drift| drift.path.len()).sum(), body.len(), 64);
}

/// The documents of one pair together: they are decoded and joined, and give the next requests. Bytes 0 separate them.
pub fn sweep(input: &[u8]) {
    let requests = DocumentKind::ALL.map(request);
    let mut bodies = input.split(|byte| *byte == 0);
    let outcomes: Vec<Outcome<'_>> =
        requests.iter().zip(bodies.by_ref()).map(|(request, body)| outcome(request, body)).collect();
    let upstream = upstream();
    let run = upstream.read(&outcomes, time(), &Known::default());
    quarantined(&run.quarantined, input.len());
    let panicked = run.quarantined.iter().find(|row| row.detail.starts_with("panic: "));
    assert!(panicked.is_none(), "{panicked:?}");
    for usage in run.readings.iter().filter_map(|reading| reading.usage.as_ref()) {
        assert!(usage.tokens.is_none_or(|tokens| tokens >= 0), "{usage:?}");
        assert!(usage.effective_input.is_none_or(f64::is_finite), "{usage:?}");
    }
    let due = hitrate::upstream::Due { at: time(), activity: true, closing_rates: true };
    for next in upstream.next(&outcomes, &due) {
        let is_plain = next.path.starts_with('/') && !next.path.contains([' ', '\n', '\r', '\\', '#']);
        let path = next.path.split('?').next().unwrap_or_default();
        let has_dots = path.split('/').any(|segment| matches!(segment, "." | ".."));
        assert!(is_plain && !has_dots, "a request for {:?}", next.path);
    }
}

fn upstream() -> &'static OpenRouter {
    static UPSTREAM: OnceLock<OpenRouter> = OnceLock::new();
    UPSTREAM.get_or_init(|| {
        let config = Config::parse("", Path::new("hitrate.toml")).expect("the defaults are valid");
        OpenRouter::new(&config.upstream)
    })
}

/// One document of the past; the first byte is the request.
pub fn history(input: &[u8]) {
    static REQUESTS: OnceLock<(Vec<KnownEndpoint>, Vec<Request>)> = OnceLock::new();
    let (known, requests) = REQUESTS.get_or_init(|| {
        let Pair { model, variant } = pair();
        let endpoint = ImportedEndpoint {
            model,
            variant,
            endpoint_id: Some(uuid::Uuid::from_u128(7)),
            provider: None,
            provider_name: Some("Heron".to_owned()),
            tag: None,
        };
        let known = vec![KnownEndpoint { endpoint, list: Prices::default() }];
        let pairs = vec![KnownPair { pair: pair(), endpoints: known.clone() }];
        let query = HistoryQuery { kinds: ImportKind::ALL.to_vec(), range: HistoryRange::All, pairs };
        let requests = upstream().history(&query, &Answered::new());
        (known, requests)
    });
    let (which, body) = choice(input);
    let request = &requests[which % requests.len()];
    let past = upstream().read_history(&outcome(request, body), known);
    let past = past.expect("the request is one for the past");
    let bytes = past.refused.iter().map(|(path, why)| path.len() + why.len()).sum();
    bounded("refused values", bytes, body.len(), 64);
    let rows = past.days.len() + past.prices.len() + past.uptimes.len() + past.activity.len();
    assert!(rows <= body.len(), "{rows} rows of {} bytes", body.len());
}

/// Bodies that someone else recorded: models, providers and lines, separated by bytes 0.
pub fn recorded(input: &[u8]) {
    let mut parts = input.splitn(3, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let (models, providers, lines) = (part(), part(), part());
    let (documents, bad) = upstream().recorded(models, providers, lines);
    assert!(bad.iter().all(|line| *line <= lines.len() + 1), "{bad:?}");
    for (request, body) in &documents {
        _ = openrouter::decode(&outcome(request, body));
    }
}
