//! Bodies that others recorded: the lists of a sweep, and one JSON line for each pair with its three documents. They are
//! put back into their envelopes, so that the same code reads them.

use super::{DocumentKind, statistics};
use crate::domain::document::{Pair, Request};
use crate::domain::ids::{ModelSlug, Variant};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Line<'a> {
    permaslug: String,
    variant: String,
    #[serde(borrow)]
    endpoints: Option<&'a RawValue>,
    #[serde(borrow)]
    effective_pricing: Option<&'a RawValue>,
    #[serde(borrow)]
    activity: Option<&'a RawValue>,
}

fn enveloped(data: &str) -> Vec<u8> {
    format!("{{\"data\":{data}}}").into_bytes()
}

/// A list of a sweep with its request.
pub(super) fn list(kind: DocumentKind, path: &str, data: &[u8]) -> (Request, Vec<u8>) {
    let request = Request { kind: kind.into(), pair: None, path: path.into() };
    (request, enveloped(&String::from_utf8_lossy(data)))
}

/// The documents of a line with their requests; `None` if the line has another shape.
pub(super) fn documents(line: &[u8]) -> Option<Vec<(Request, Vec<u8>)>> {
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    let pair = Pair { model: ModelSlug::new(line.permaslug), variant: Variant::new(line.variant) };
    let parts = [
        (DocumentKind::StatsEndpoint, "stats/endpoint", "", line.endpoints),
        (DocumentKind::EffectivePricing, "stats/effective-pricing", "&shape=v7", line.effective_pricing),
        (DocumentKind::ModelActivity, "stats/model-activity", "", line.activity),
    ];
    let present = parts.into_iter().filter_map(|(kind, route, extra, data)| {
        let data = data.filter(|data| data.get() != "null")?;
        Some((statistics(pair.clone(), kind, route, extra), enveloped(data.get())))
    });
    Some(present.collect())
}
