//! `hitrate model`.

use super::tables::{
    Column, Report, Table, clean, fixed, line, name, now, number, percent, session, text, tier,
};
use super::{Common, exit, workload};
use crate::domain::flag::names;
use crate::domain::tier::{Lens, Tier};
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::table::{Offer, tsv};
use crate::traffic::acting::add_workload;
use anyhow::{Result, bail};
use clap::Args;
use std::collections::BTreeMap;

/// Arguments of `model`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate model moonshotai/kimi-k2.6\n  \
hitrate model z-ai/glm-5.2 --wide\n  \
hitrate model moonshotai/kimi-k2.6 --workload mine")]
pub struct ModelArgs {
    /// Model id (`author/name`, `author/name:free`) or canonical slug.
    model: String,
    /// Workload of the session costs: a name, a workload file, a request log, or `mine`, which is fitted to your own traffic
    /// [default: that of the tier list].
    #[arg(long, value_name = "WORKLOAD")]
    workload: Option<String>,
}

/// Prints a model's endpoints, with `--json` as `/api/v1/models/MODEL` does; for an unknown name, the error lists the nearest names.
pub fn run(common: &Common, args: &ModelArgs) -> Result<u8> {
    let mut snapshot = common.snapshot()?;
    let mut name = snapshot.default_workload().to_owned();
    if let Some(wanted) = &args.workload {
        let model = find(&snapshot, &args.model)?;
        let model_id = model.model_id.clone();
        let chosen = workload::choose_for(common, &snapshot, Some(wanted), Some(model))?.workload;
        name.clone_from(&chosen.name);
        if snapshot.workload(&name) != Some(&chosen) {
            add_workload(&mut snapshot, &model_id, &chosen);
        }
    }
    let model = find(&snapshot, &args.model)?;
    common.report(model, || describe(model, &name, snapshot.simulated))?;
    Ok(exit::OK)
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

fn describe(model: &ModelEntry, workload: &str, simulated: bool) -> Report {
    const COLUMNS: [Column; 10] = [
        tier("tier", 1),
        name("endpoint", 1),
        number("session", 1),
        number("hit rate", 2),
        number("paid in", 3),
        number("list in/read/out", 4),
        number("uptime", 6),
        number("tok/s", 5),
        text("by lens", 7),
        text("flags", 8),
    ];
    let offers = model.endpoints.iter().map(|endpoint| Offer::of(model, endpoint, workload));
    let mut table = Table::new(&COLUMNS, tsv(offers));
    for endpoint in &model.endpoints {
        let list = &endpoint.list;
        table.row([
            endpoint.tier.to_string(),
            endpoint.tag.to_string(),
            session(endpoint.session_cost.get(workload).copied())
                + &now(endpoint.unusual_cost_now(workload), |cost| session(Some(cost))),
            percent(endpoint.hit_rate),
            fixed(endpoint.effective.input, 3),
            format!("{} / {} / {}", fixed(list.input, 3), fixed(list.cache_read, 3), fixed(list.output, 2)),
            percent(endpoint.uptime_30m),
            fixed(endpoint.throughput, 0),
            by_lens(endpoint),
            names(&endpoint.flags),
        ]);
    }
    let heading = format!(
        "{} ({}), prices USD per million tokens, session: {workload}",
        clean(&model.model_id),
        clean(&model.name)
    );
    let lenses = Lens::ALL.map(Lens::as_str).join(", ");
    let notes = format!("by lens: {lenses}; - is unrated") + &unrated(model) + &flags(model);
    Report::default().text(heading).simulated(simulated).table(table).text(notes)
}

/// The tiers of an endpoint within its model, in the order of the lenses: `A B C S -`.
fn by_lens(endpoint: &Endpoint) -> String {
    let letter = |lens: Lens| match endpoint.verdicts.get(&lens).map(|verdict| verdict.tier) {
        None | Some(Tier::Unrated) => "-",
        Some(tier) => tier.as_str(),
    };
    Lens::ALL.map(letter).join(" ")
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
            .map(move |flag| format!("\n{tag}: {}: {}", flag.kind(), line(flag.why())))
            .collect::<String>()
    };
    model.endpoints.iter().map(of).collect()
}
