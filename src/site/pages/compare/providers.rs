//! Providers side by side.

use super::{Best, Group, Head, Measure, Shared, SharedModel, Shown, Style, Table, cells, numbers};
use crate::domain::tier::{Lens, Tier};
use crate::site::charts;
use crate::site::parts::{Badge, effect, format, lens, link};
use crate::snapshot::price_gap::price_gaps;
use crate::snapshot::{ModelEntry, ProviderEntry, ProviderTier, Snapshot};

/// Maximum number of shared models shown.
const SHARED: usize = 25;

pub fn table(snapshot: &Snapshot, all: &[&ProviderEntry]) -> Table {
    let head = |p: &&ProviderEntry| Head {
        href: link::provider(p.provider.as_str()),
        name: p.name.clone(),
        sub: p.provider.to_string(),
    };
    Table {
        heads: all.iter().map(head).collect(),
        groups: vec![tiers(snapshot, all), traffic(snapshot, all)],
        charts: charts::of_providers("Hit rate by day, over all traffic of each provider".to_owned(), all)
            .into_iter()
            .collect(),
        note: "Tiers compare a provider with its peers on the same models, not these providers with each other. See \
               the shared models below.",
        shared: Some(shared(snapshot, all)),
    }
}

fn tiers(snapshot: &Snapshot, all: &[&ProviderEntry]) -> Group {
    let shown = |lens: Lens, provider: &ProviderEntry| match snapshot.tier_of(&provider.provider, lens) {
        Some(row) => Shown::Tier(Badge::new(row.tier), standing(row, lens)),
        None => Shown::Tier(Badge::new(Tier::Unrated), "too little traffic to be compared".to_owned()),
    };
    let measure = |lens: Lens| Measure {
        name: lens::title(lens).to_owned(),
        unit: "against peers".to_owned(),
        cells: all.iter().map(|p| shown(lens, p)).collect(),
    };
    Group { title: "Tiers", rows: lens::all().into_iter().map(measure).collect() }
}

fn standing(row: &ProviderTier, lens: Lens) -> String {
    match (row.adjusted, row.low, row.high) {
        (Some(value), Some(low), Some(high)) if row.tier != Tier::Unrated => {
            format!("{} ({} to {})", effect(lens, value), effect(lens, low), effect(lens, high))
        }
        _ => row.reason.clone().unwrap_or_else(|| "unrated".to_owned()),
    }
}

fn traffic(snapshot: &Snapshot, all: &[&ProviderEntry]) -> Group {
    let gaps = price_gaps(snapshot);
    let gap = |p: &&ProviderEntry| gaps.get(&p.provider).map(|gap| gap.gap);
    let newest = |p: &&ProviderEntry| p.days.iter().rev().find_map(|d| d.hit_rate);
    let used = |p: &&ProviderEntry| Some(p.tokens_per_day).filter(|tokens| *tokens > 0.0);
    let price: Style = (format::percent_change, "too few models", Best::Lowest);
    let hits: Style = (format::percent, "no traffic", Best::None);
    let tokens: Style = (format::tokens, "no traffic", Best::None);
    let whole: Style = (|v| format!("{v:.0}"), "none", Best::None);
    Group {
        title: "Traffic",
        rows: vec![
            numbers(all, "Effective price", "input, against peers", gap, price),
            numbers(all, "Hit rate", "newest day, all traffic", newest, hits),
            numbers(all, "Tokens", "a day", used, tokens),
            numbers(all, "Models", "", |p| Some(p.models.len() as f64), whole),
            numbers(all, "Endpoints", "", |p| Some(p.endpoints as f64), whole),
        ],
    }
}

/// The cheapest session of each provider on the models that all of them serve.
fn shared(snapshot: &Snapshot, all: &[&ProviderEntry]) -> Shared {
    let workload = snapshot.default_workload();
    let cheapest = |model: &ModelEntry, provider: &ProviderEntry| {
        let its = model.endpoints.iter().filter(|e| e.provider == provider.provider);
        its.filter_map(|e| e.session_cost.get(workload).copied()).min_by(f64::total_cmp)
    };
    let row = |model: &ModelEntry| {
        let costs: Vec<Option<f64>> = all.iter().map(|p| cheapest(model, p)).collect();
        costs.iter().all(Option::is_some).then(|| SharedModel {
            href: link::model(&model.model_id),
            model_id: model.model_id.clone(),
            cells: cells(&costs, (format::usd_fine, "not priced", Best::Lowest)).collect(),
        })
    };
    let standard = snapshot.models.iter().filter(|m| m.variant.is_standard());
    let mut rows: Vec<SharedModel> = standard.filter_map(row).collect();
    let more = rows.len().saturating_sub(SHARED);
    rows.truncate(SHARED);
    Shared { workload: snapshot.default_title(), rows, more }
}
