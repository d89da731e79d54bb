//! Upstreams: which requests to send, and how to decode the responses. This module does not use the network, the clock
//! or the disk, so that live collection and replay share one code path.

pub mod openrouter;

pub use crate::domain::document::{DocumentKind, Pair, Request};
use crate::domain::endpoint::Model;
use crate::domain::reading::{DriftPath, Quarantined};
use std::collections::BTreeMap;

/// A response of the upstream, as archived.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// The request.
    pub request: &'a Request,
    /// HTTP status.
    pub status: u16,
    /// sha256 of the body, hex.
    pub sha256: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// A decoded document.
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    /// The content; `None` if there is none (404, `data: null`, empty lists) or if it could not be read.
    pub content: Option<openrouter::Content>,
    /// Values that could not be read, with their JSON paths.
    pub quarantined: Vec<Quarantined>,
    /// Fields that are unknown to the wire types.
    pub drift: BTreeMap<DriftPath, usize>,
    /// Whether the response as a whole is unusable (undecodable, as opposed to empty).
    pub failed: bool,
    /// Whether the upstream has no such route (404), as opposed to an empty response.
    pub missing: bool,
}

/// An upstream: which requests to send, and how to decode the responses.
pub trait Source: Send + Sync {
    /// Name in the configuration and in reports.
    fn name(&self) -> &'static str;
    /// Requests that are sent before the models are known.
    fn index(&self) -> Vec<Request>;
    /// Requests for the swept models; `daily` adds the documents that are needed once per UTC day.
    fn plan(&self, models: &[Model], daily: bool) -> Vec<Request>;
    /// Requests that are sent once per UTC day for the pairs with endpoints: the closing values of whole days. The
    /// route may not exist, so a few requests are tried before the rest is sent.
    fn closing(&self, pairs: &[Pair]) -> Vec<Request>;
    /// Decodes a response.
    fn decode(&self, document: &Document<'_>) -> Decoded;
}
