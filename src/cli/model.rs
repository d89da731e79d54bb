//! `hitrate model`.

use super::tables::{clean, fixed, now, percent, session, simulated_note, table};
use super::{Common, exit};
use crate::domain::flag::{Flag, names};
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
    hit_rate_used: Option<f64>,
    tokens_per_day: Option<f64>,
    tokens_per_request: Option<f64>,
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
    session_cost_now: &'a BTreeMap<String, f64>,
}

/// Prints a model's endpoints; for an unknown name, the error lists the nearest names.
pub fn run(common: &Common, args: &ModelArgs) -> Result<u8> {
    let snapshot = common.snapshot()?;
    let model = find(&snapshot, &args.model)?;
    let document = ModelDocument {
        model_id: &model.model_id,
        slug: &model.slug,
        variant: &model.variant,
        endpoints: model.endpoints.iter().map(document).collect(),
    };
    common.print(&document, || describe(model, snapshot.default_workload(), snapshot.simulated))?;
    Ok(exit::OK)
}

fn document(endpoint: &Endpoint) -> EndpointDocument<'_> {
    EndpointDocument {
        endpoint_id: endpoint.endpoint_id,
        provider: &endpoint.provider,
        name: &endpoint.name,
        tag: &endpoint.tag,
        quantization: endpoint.facts.quantization.as_deref(),
        hit_rate: endpoint.hit_rate,
        hit_rate_used: endpoint.hit_rate_used,
        tokens_per_day: endpoint.tokens_per_day,
        tokens_per_request: endpoint.tokens_per_request,
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
        session_cost_now: &endpoint.session_cost_now,
    }
}

/// Finds a model, or fails with the nearest names.
pub fn find<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a ModelEntry> {
    if let Some((model, _)) = snapshot.model_written(name) {
        return Ok(model);
    }
    if name.starts_with("@preset/") {
        bail!("`{name}` names a preset, whose model is unknown here; name the model: AUTHOR/MODEL{name}");
    }
    match snapshot.nearest_models(name).as_slice() {
        [] => bail!("there is no model `{name}`; the site's /models page lists all models"),
        near => bail!("there is no model `{name}`; similar models: {}", near.join(", ")),
    }
}

fn describe(model: &ModelEntry, workload: &str, simulated: bool) -> String {
    let header = [
        "tier",
        "endpoint",
        "by lens",
        "hit rate",
        "list in/read/out",
        "paid in",
        "session",
        "uptime",
        "tok/s",
        "flags",
    ];
    let mut table = table(&header, 3);
    for endpoint in &model.endpoints {
        let list = &endpoint.list;
        table.add_row([
            endpoint.tier.to_string(),
            clean(endpoint.tag.as_str()),
            by_lens(endpoint),
            percent(endpoint.hit_rate),
            format!("{} / {} / {}", fixed(list.input, 3), fixed(list.cache_read, 3), fixed(list.output, 2)),
            fixed(endpoint.effective.input, 3),
            session(endpoint.session_cost.get(workload).copied())
                + &now(endpoint.unusual_cost_now(workload), |cost| session(Some(cost))),
            percent(endpoint.uptime_30m),
            fixed(endpoint.throughput, 0),
            names(&endpoint.flags),
        ]);
    }
    let mut text = format!(
        "{} ({}), prices USD per million tokens, session: {workload}\n",
        clean(&model.model_id),
        clean(&model.name)
    );
    text.push_str(simulated_note(simulated));
    let lenses = Lens::ALL.map(Lens::as_str).join(", ");
    text + &format!("{table}\nby lens: {lenses}; - is unrated") + &unrated(model) + &flags(model)
}

/// The tiers of an endpoint within its model, in the order of the lenses: `A B C S -`.
fn by_lens(endpoint: &Endpoint) -> String {
    let tier = |lens: Lens| match endpoint.verdicts.get(&lens).map(|verdict| verdict.tier) {
        None | Some(Tier::Unrated) => "-",
        Some(tier) => tier.as_str(),
    };
    Lens::ALL.map(tier).join(" ")
}

/// Why endpoints have no tier under a lens; each reason is printed once.
fn unrated(model: &ModelEntry) -> String {
    let mut reasons: BTreeMap<(Lens, &str), Vec<&Endpoint>> = BTreeMap::new();
    for endpoint in &model.endpoints {
        for (lens, verdict) in endpoint.verdicts.iter().filter(|(_, verdict)| verdict.tier == Tier::Unrated) {
            reasons.entry((*lens, &verdict.why)).or_default().push(endpoint);
        }
    }
    let line = |((lens, why), endpoints): ((Lens, &str), Vec<&Endpoint>)| {
        let tags: Vec<String> = endpoints.iter().map(|endpoint| clean(endpoint.tag.as_str())).collect();
        let all = endpoints.len() == model.endpoints.len() && endpoints.len() > 1;
        let who = if all { "all endpoints".to_owned() } else { tags.join(", ") };
        format!("\nunrated under {lens}: {} ({who})", clean(why))
    };
    reasons.into_iter().map(line).collect()
}

/// The numbers behind the flags of a model's endpoints, one per line.
fn flags(model: &ModelEntry) -> String {
    let of = |endpoint: &Endpoint| {
        let tag = clean(endpoint.tag.as_str());
        endpoint
            .flags
            .iter()
            .map(move |flag| format!("\n{tag}: {}: {}", flag.kind(), flag.why()))
            .collect::<String>()
    };
    model.endpoints.iter().map(of).collect()
}
