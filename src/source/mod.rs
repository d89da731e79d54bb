//! Upstreams: what to ask them, and what their answers say. Pure: no network, no clock, no disk, so that live
//! collection and replay take one path.

pub mod openrouter;

pub use crate::domain::document::{DocumentKind, Pair, Request};
use crate::domain::endpoint::Model;
use crate::domain::reading::{DriftPath, Quarantined};
use std::collections::BTreeMap;

/// An answer of the upstream, as archived.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// What was asked for.
    pub request: &'a Request,
    /// HTTP status.
    pub status: u16,
    /// sha256 of the body, hex.
    pub sha256: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// What a document says.
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    /// The content; `None` where there is none (404, an empty body) or it could not be read.
    pub content: Option<openrouter::Content>,
    /// What could not be read, with its JSON path.
    pub quarantined: Vec<Quarantined>,
    /// Fields that the wire types do not know.
    pub drift: BTreeMap<DriftPath, usize>,
    /// Whether the answer is unusable as a whole (not "nothing here", but undecodable).
    pub failed: bool,
    /// Whether the upstream has no such address (404); an empty answer is something else.
    pub missing: bool,
}

/// An upstream: what to ask, and what the answers mean.
pub trait Source: Send + Sync {
    /// Name in configuration and reports.
    fn name(&self) -> &'static str;
    /// What to ask before the models are known.
    fn index(&self) -> Vec<Request>;
    /// What to ask for the models swept; `daily` adds what is wanted once a UTC day.
    fn plan(&self, models: &[Model], daily: bool) -> Vec<Request>;
    /// What to ask once a UTC day of the pairs that have endpoints: the closing values of whole days. A route that may
    /// not be there, so a few are tried before the rest is asked.
    fn closing(&self, pairs: &[Pair]) -> Vec<Request>;
    /// Reads an answer.
    fn decode(&self, document: &Document<'_>) -> Decoded;
}
