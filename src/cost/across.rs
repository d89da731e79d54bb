//! The cheapest (model, endpoint) pairs for a workload, across all models that pass the user's limits.

use super::endpoint::Priced;
use super::quality::Quality;
use crate::domain::ids::{ProviderSlug, Tag};
use crate::domain::tier::Tier;
use crate::domain::workload::{Room, Workload};
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use serde::Serialize;
use utoipa::ToSchema;

/// The user's limits; an empty or `None` field sets no limit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AcrossFilter {
    /// Minimum context length of an endpoint, or maximum prompt length if that is lower, tokens.
    pub min_context: Option<i64>,
    /// Request parameters that an endpoint must support, such as `tools`.
    pub parameters: Vec<String>,
    /// Accepted quantizations, such as `bf16`; an endpoint must declare one of them.
    pub quantizations: Vec<String>,
    /// Accepted authors of models, such as `moonshotai`.
    pub authors: Vec<String>,
    /// Minimum score of a model.
    pub min_quality: Option<f64>,
    /// Only the cheapest endpoint of each model.
    pub best_of_model: bool,
}

/// The ranking.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Across {
    /// The workload.
    pub workload: Workload,
    /// Number of endpoints that pass the limits; `rows` has fewer entries if the number of rows is limited.
    pub found: usize,
    /// The endpoints, cheapest session first.
    pub rows: Vec<AcrossRow>,
    /// Number of excluded endpoints, each counted under the first reason that applies.
    pub left_out: LeftOut,
    /// The source of the scores, or a note that there are none.
    pub quality_note: String,
}

/// One endpoint of one model.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AcrossRow {
    /// Rank, from 1.
    pub rank: usize,
    /// Public name of the model.
    pub model_id: String,
    /// Routing name of the endpoint.
    pub tag: Tag,
    /// Base slug of its provider.
    pub provider: ProviderSlug,
    /// Its tier among the endpoints of its model.
    pub tier: Tier,
    /// Cost of a session, USD.
    pub cost: f64,
    /// Lower end of the 90 % interval, USD.
    pub low: Option<f64>,
    /// Upper end of the 90 % interval, USD.
    pub high: Option<f64>,
    /// Share of the reusable prefix that the cache finds, 0..1.
    pub retention: Option<f64>,
    /// Whether the retention is measured against the hit rates of other models.
    pub assumed: bool,
    /// The user's score of the model.
    pub quality: Option<f64>,
    /// Context length, tokens.
    pub context_length: Option<i64>,
    /// Self-declared quantization.
    pub quantization: Option<String>,
}

/// Numbers of excluded endpoints, by the first reason that applies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeftOut {
    /// Free, batch and other variants.
    pub variant: usize,
    /// From another author.
    pub author: usize,
    /// The model has no score.
    pub no_score: usize,
    /// The score of the model is below the minimum.
    pub under_floor: usize,
    /// A requested parameter is not supported.
    pub parameters: usize,
    /// Another quantization, or none declared.
    pub quantization: usize,
    /// The context or maximum prompt is shorter than the limit or the session.
    pub context: usize,
    /// Down, deprecated, not publicly available, free, without a price or without traffic.
    pub not_a_choice: usize,
    /// More expensive than another endpoint of the same model.
    pub not_the_best: usize,
}

impl LeftOut {
    /// The total over all reasons.
    pub fn total(&self) -> usize {
        self.reasons().iter().map(|(_, count)| count).sum()
    }

    /// The reasons in words, with their counts.
    pub fn reasons(&self) -> [(&'static str, usize); 9] {
        [
            ("of free, batch or other variants", self.variant),
            ("of other authors", self.author),
            ("of models without a score", self.no_score),
            ("of models below the minimum score", self.under_floor),
            ("without a requested parameter", self.parameters),
            ("with another or no declared quantization", self.quantization),
            ("with a context that is too short", self.context),
            (
                "down, deprecated, not publicly available, free, without a price or without traffic",
                self.not_a_choice,
            ),
            ("more expensive than another endpoint of the same model", self.not_the_best),
        ]
    }
}

/// Ranks the endpoints of all standard models that pass the limits by what a session costs.
pub fn across(
    snapshot: &Snapshot,
    workload: &Workload,
    filter: &AcrossFilter,
    quality: Option<&Quality>,
) -> Across {
    let mut left_out = LeftOut::default();
    let mut rows = Vec::new();
    for model in &snapshot.models {
        let score = quality.and_then(|q| q.score(&model.model_id, model.slug.as_str()));
        let mut of_model: Vec<AcrossRow> = model
            .endpoints
            .iter()
            .filter_map(|endpoint| {
                let counter = passed_over(model, endpoint, filter, score, &mut left_out);
                if let Some(counter) = counter {
                    *counter += 1;
                    return None;
                }
                row(snapshot, model, endpoint, workload, score, &mut left_out)
            })
            .collect();
        if filter.best_of_model {
            of_model.sort_by(|a, b| a.cost.total_cmp(&b.cost));
            left_out.not_the_best += of_model.len().saturating_sub(1);
            of_model.truncate(1);
        }
        rows.append(&mut of_model);
    }
    rows.sort_by(|a, b| {
        a.cost.total_cmp(&b.cost).then_with(|| (&a.model_id, &a.tag).cmp(&(&b.model_id, &b.tag)))
    });
    rows.iter_mut().enumerate().for_each(|(place, row)| row.rank = place + 1);
    let quality_note = match quality {
        Some(_) => "the scores are your own".to_owned(),
        None => "no scores: cheap models are not necessarily good ones".to_owned(),
    };
    Across { workload: workload.clone(), found: rows.len(), rows, left_out, quality_note }
}

/// The counter of the first limit that an endpoint fails.
fn passed_over<'a>(
    model: &ModelEntry,
    endpoint: &Endpoint,
    filter: &AcrossFilter,
    score: Option<f64>,
    left_out: &'a mut LeftOut,
) -> Option<&'a mut usize> {
    let author = model.model_id.split('/').next().unwrap_or_default();
    let any_of = |list: &[String], value: &str| list.is_empty() || list.iter().any(|one| one == value);
    if !model.variant.is_standard() {
        return Some(&mut left_out.variant);
    }
    if !any_of(&filter.authors, author) {
        return Some(&mut left_out.author);
    }
    match (filter.min_quality, score) {
        (Some(_), None) => return Some(&mut left_out.no_score),
        (Some(floor), Some(score)) if score < floor => return Some(&mut left_out.under_floor),
        _ => {}
    }
    if !filter.parameters.iter().all(|wanted| endpoint.facts.parameters.contains(wanted)) {
        return Some(&mut left_out.parameters);
    }
    if !any_of(&filter.quantizations, endpoint.facts.quantization.as_deref().unwrap_or_default()) {
        return Some(&mut left_out.quantization);
    }
    let short = filter.min_context.is_some_and(|least| {
        endpoint.facts.context_length.is_none() || endpoint.prompt_limit().is_none_or(|limit| limit < least)
    });
    short.then_some(&mut left_out.context)
}

fn row(
    snapshot: &Snapshot,
    model: &ModelEntry,
    endpoint: &Endpoint,
    workload: &Workload,
    quality: Option<f64>,
    left_out: &mut LeftOut,
) -> Option<AcrossRow> {
    let room = Room::of(workload);
    let priced = Priced::of(endpoint, workload, room, snapshot.as_of);
    let Some(cost) = priced.cost().filter(|_| priced.open) else {
        let short = priced.parts.is_some() && endpoint.is_too_short(room);
        *(if short { &mut left_out.context } else { &mut left_out.not_a_choice }) += 1;
        return None;
    };
    let basis = &endpoint.cost_basis;
    let (low, high) = priced.interval().unzip();
    Some(AcrossRow {
        rank: 0,
        model_id: model.model_id.clone(),
        tag: endpoint.tag.clone(),
        provider: endpoint.provider.clone(),
        tier: endpoint.tier,
        cost,
        low,
        high,
        retention: basis.retention,
        assumed: basis.reference_basis.is_some_and(|b| b.is_assumed()),
        quality,
        context_length: endpoint.facts.context_length,
        quantization: endpoint.facts.quantization.clone(),
    })
}
