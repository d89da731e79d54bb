//! `hitrate model`.

use super::{Common, exit, print_json, print_text, tables};
use crate::domain::flag::Flag;
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use crate::domain::tier::{Lens, Tier};
use crate::snapshot::{EffectivePrices, Endpoint, ModelEntry, Prices, Snapshot, Verdict};
use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Arguments of `model`.
#[derive(Debug, Args)]
pub struct ModelArgs {
    /// Model id (`author/name`, `author/name:free`) or canonical slug.
    model: String,
}

/// The contract of `hitrate model --json`.
#[derive(Serialize)]
struct ModelDocument<'a> {
    model_id: &'a str,
    slug: &'a ModelSlug,
    variant: &'a Variant,
    endpoints: Vec<EndpointDocument<'a>>,
}

#[derive(Serialize)]
struct EndpointDocument<'a> {
    endpoint_id: Uuid,
    provider: &'a ProviderSlug,
    name: &'a str,
    tag: &'a Tag,
    quantization: Option<&'a str>,
    hit_rate: Option<f64>,
    tokens_per_day: Option<f64>,
    list: &'a Prices,
    effective: &'a EffectivePrices,
    realised_discount: Option<f64>,
    uptime_30m: Option<f64>,
    throughput: Option<f64>,
    latency_ms: Option<f64>,
    tier: Tier,
    why: &'a str,
    flags: &'a [Flag],
    verdicts: &'a BTreeMap<Lens, Verdict>,
    session_cost: &'a BTreeMap<String, f64>,
}

/// Prints a model's endpoints; for an unknown name, the error lists the nearest names.
pub fn run(common: &Common, args: &ModelArgs) -> Result<u8> {
    let snapshot = common.snapshot()?;
    let model = find(&snapshot, &args.model)?;
    if common.json {
        print_json(&ModelDocument {
            model_id: &model.model_id,
            slug: &model.slug,
            variant: &model.variant,
            endpoints: model.endpoints.iter().map(document).collect(),
        })?;
    } else {
        print_text(&tables::model(model, snapshot.default_workload(), snapshot.simulated))?;
    }
    Ok(exit::OK)
}

fn document(endpoint: &Endpoint) -> EndpointDocument<'_> {
    EndpointDocument {
        endpoint_id: endpoint.endpoint_id,
        provider: &endpoint.provider,
        name: &endpoint.name,
        tag: &endpoint.tag,
        quantization: endpoint.quantization.as_deref(),
        hit_rate: endpoint.hit_rate,
        tokens_per_day: endpoint.tokens_per_day,
        list: &endpoint.list,
        effective: &endpoint.effective,
        realised_discount: endpoint.realised_discount,
        uptime_30m: endpoint.uptime_30m,
        throughput: endpoint.throughput,
        latency_ms: endpoint.latency_ms,
        tier: endpoint.tier,
        why: &endpoint.why,
        flags: &endpoint.flags,
        verdicts: &endpoint.verdicts,
        session_cost: &endpoint.session_cost,
    }
}

/// Finds a model, or fails with the nearest names.
pub fn find<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a ModelEntry> {
    if let Some(model) = snapshot.model(name) {
        return Ok(model);
    }
    match snapshot.nearest_models(name).as_slice() {
        [] => bail!("there is no model `{name}`; the site's /models page lists all models"),
        near => bail!("there is no model `{name}`; similar models: {}", near.join(", ")),
    }
}
