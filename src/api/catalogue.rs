//! Models and providers.

use super::envelope::Envelope;
use super::problem::Problem;
use super::request::{ApiRequest, ModelName};
use super::table::{list_query, sorted, table_of};
use crate::domain::flag::Flag;
use crate::domain::ids::{ProviderSlug, Tag};
use crate::domain::tier::{Lens, Tier};
use crate::domain::written_name::WrittenName;
use crate::snapshot::{Endpoint, ModelEntry, ProviderEntry, ProviderTier, Snapshot};
use crate::table::Offer;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::ToSchema;

list_query!(
    /// Which models to list.
    ModelsQuery {
        /// Only models of this author, the part of the public name before the slash.
        author: Option<String>,
        /// Only models that this provider serves, by base slug.
        provider: Option<String>,
        /// Only models of this variant: `standard`, `free`, `batch`, …
        variant: Option<String>,
        /// Only models whose id or name contains every word of this text.
        q: Option<String>,
    } [sort] [limit cursor]
);

list_query!(
    /// Order and format of a list.
    ListQuery {} [sort] []
);

/// A model in a list; `/api/v1/models/{model_id}` returns its endpoints.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ModelSummary {
    /// Public name with the suffix of the variant.
    pub model_id: String,
    /// Canonical slug.
    pub slug: String,
    /// Variant.
    pub variant: String,
    /// Display name, untrusted.
    pub name: String,
    /// When the upstream first listed it.
    pub created: Option<DateTime<Utc>>,
    /// Maximum context length, tokens.
    pub context_length: Option<i64>,
    /// Token-weighted hit rate over its endpoints, 0..1.
    pub hit_rate: Option<f64>,
    /// Tokens per day over its endpoints.
    pub tokens_per_day: f64,
    /// Number of endpoints in the newest run.
    pub endpoints: usize,
    /// Base slugs of the providers that serve it.
    pub providers: Vec<ProviderSlug>,
}

impl From<&ModelEntry> for ModelSummary {
    fn from(model: &ModelEntry) -> Self {
        let mut providers: Vec<ProviderSlug> = model.endpoints.iter().map(|e| e.provider.clone()).collect();
        providers.sort();
        providers.dedup();
        Self {
            model_id: model.model_id.clone(),
            slug: model.slug.to_string(),
            variant: model.variant.to_string(),
            name: model.name.clone(),
            created: model.created,
            context_length: model.context_length,
            hit_rate: model.hit_rate,
            tokens_per_day: model.tokens_per_day,
            endpoints: model.endpoints.len(),
            providers,
        }
    }
}

/// A provider in a list; `/api/v1/providers/{slug}` returns its days and endpoints.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ProviderSummary {
    /// Base slug.
    pub provider: ProviderSlug,
    /// Display name, untrusted.
    pub name: String,
    /// Country code of its headquarters.
    pub headquarters: Option<String>,
    /// Number of models that it serves.
    pub models: usize,
    /// Number of endpoints in the newest run.
    pub endpoints: usize,
    /// Tokens per day over its endpoints.
    pub tokens_per_day: f64,
    /// Tier by lens; `cost` and `overall` under the default workload.
    pub tiers: BTreeMap<Lens, Tier>,
}

/// A provider with its row in every tier list and its endpoints.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ProviderDetail {
    #[serde(flatten)]
    provider: ProviderEntry,
    /// Its row in the tier list of each lens; `cost` and `overall` under the default workload.
    tiers: BTreeMap<Lens, ProviderTier>,
    /// Its endpoints in the newest run.
    serves: Vec<Served>,
}

/// An endpoint of a provider.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Served {
    /// Public name of the model.
    pub model_id: String,
    /// Routing name.
    pub tag: Tag,
    /// Primary verdict within the model.
    pub tier: Tier,
    /// The reason for the verdict, in one sentence.
    pub why: String,
    /// Hit rate over the newest window, 0..1.
    pub hit_rate: Option<f64>,
    /// Effective input price, USD per million tokens.
    pub effective_input: Option<f64>,
    /// Anomalies of the endpoint, with the numbers behind them.
    pub flags: Vec<Flag>,
}

impl Served {
    fn new(model: &ModelEntry, endpoint: &Endpoint) -> Self {
        Self {
            model_id: model.model_id.clone(),
            tag: endpoint.tag.clone(),
            tier: endpoint.tier,
            why: endpoint.why.clone(),
            hit_rate: endpoint.hit_rate,
            effective_input: endpoint.effective.input,
            flags: endpoint.flags.clone(),
        }
    }
}

/// The model with this name, or a problem with the nearest names.
pub(super) fn known_model<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a ModelEntry, Problem> {
    written_model(snapshot, name).map(|(model, _)| model)
}

/// The same with the parts of the name, which may be an alias and may have shortcuts and a preset.
pub(super) fn written_model<'a, 'n>(
    snapshot: &'a Snapshot,
    name: &'n str,
) -> Result<(&'a ModelEntry, WrittenName<'n>), Problem> {
    snapshot.model_written(name).ok_or_else(|| {
        let short: String = name.chars().take(200).collect();
        Problem::unknown_model(&short, snapshot.nearest_models(&short))
    })
}

/// The provider with this slug, or a problem with the nearest slugs.
pub(super) fn known_provider<'a>(snapshot: &'a Snapshot, slug: &str) -> Result<&'a ProviderEntry, Problem> {
    snapshot.provider(slug).ok_or_else(|| {
        let short: String = slug.chars().take(200).collect();
        Problem::unknown_provider(&short, snapshot.nearest_providers(&short))
    })
}

/// A provider's row in the tier list of every lens.
fn rows<'a>(snapshot: &'a Snapshot, provider: &'a str) -> impl Iterator<Item = (Lens, &'a ProviderTier)> {
    Lens::ALL.into_iter().filter_map(move |lens| {
        let list = snapshot.tier_list(lens, None)?;
        list.providers.iter().find(|row| row.provider.as_str() == provider).map(|row| (lens, row))
    })
}

impl ModelsQuery {
    fn select<'a>(&'a self, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a ModelEntry> {
        let words: Vec<String> =
            self.q.iter().flat_map(|q| q.split_whitespace()).map(str::to_lowercase).collect();
        snapshot.models.iter().filter(move |model| {
            let author = model.model_id.split('/').next().unwrap_or_default();
            let text = format!("{} {}", model.model_id, model.name).to_lowercase();
            self.author.as_ref().is_none_or(|wanted| wanted == author)
                && self.variant.as_ref().is_none_or(|wanted| wanted == model.variant.as_str())
                && self.provider.as_ref().is_none_or(|wanted| serves(model, wanted))
                && words.iter().all(|word| text.contains(word))
        })
    }
}

fn serves(model: &ModelEntry, provider: &str) -> bool {
    model.endpoints.iter().any(|endpoint| endpoint.provider.as_str() == provider)
}

/// Models, most tokens per day first.
#[utoipa::path(get, path = "/api/v1/models", params(ModelsQuery), tag = "models", responses(
    (status = 200, description = "A page of models", content((Envelope<Vec<ModelSummary>> = "application/json"), (String = "text/csv"))),
    (status = 404, description = "Unknown provider", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn models(request: ApiRequest<ModelsQuery>) -> Result<Response, Problem> {
    let (query, snapshot) = (&request.query, &request.snapshot);
    let rows = || {
        query.provider.as_ref().map(|slug| known_provider(snapshot, slug)).transpose()?;
        sorted(query.select(snapshot).map(ModelSummary::from), query.sort.as_deref())
    };
    request
        .listed(query.format, (query.limit, query.cursor.as_deref()), rows, |model| model.model_id.clone())
        .await
}

/// A model with its endpoints.
///
/// The id may include a variant (`author/name:free`); a canonical slug is accepted too.
#[utoipa::path(get, path = "/api/v1/models/{author}/{slug}", tag = "models",
    params(("author" = String, Path, description = "Part of the model id before the slash"),
        ("slug" = String, Path, description = "Part of the model id after the slash"), ListQuery),
    responses(
    (status = 200, description = "The model", content((Envelope<ModelEntry> = "application/json"), (String = "text/csv"))),
    (status = 404, description = "Unknown name; `nearest` lists similar names", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn model(request: ApiRequest<ListQuery, ModelName>) -> Result<Response, Problem> {
    let (name, query, snapshot) = (request.path.0.as_str(), &request.query, &request.snapshot);
    let offers = |model| sorted(offers(snapshot, model), query.sort.as_deref());
    match table_of(query.format) {
        Some(format) => request.table(format, || offers(known_model(snapshot, name)?)).await,
        None => request.kept(|| {
            let model = known_model(snapshot, name)?;
            if query.sort.is_none() {
                return Ok((Cow::Borrowed(model), None));
            }
            let endpoints = offers(model)?.into_iter().map(|offer| offer.endpoint.clone()).collect();
            Ok((Cow::Owned(ModelEntry { endpoints, ..model.clone() }), None))
        }),
    }
}

fn offers<'a>(snapshot: &'a Snapshot, model: &'a ModelEntry) -> impl Iterator<Item = Offer<'a>> {
    let workload = snapshot.default_workload();
    model.endpoints.iter().map(move |endpoint| Offer::of(model, endpoint, workload))
}

/// Providers with an endpoint in the newest run, by name.
#[utoipa::path(get, path = "/api/v1/providers", params(ListQuery), tag = "providers", responses(
    (status = 200, description = "Providers with an endpoint in the newest run", content((Envelope<Vec<ProviderSummary>> = "application/json"), (String = "text/csv"))),
))]
pub(super) async fn providers(request: ApiRequest<ListQuery>) -> Result<Response, Problem> {
    let (query, snapshot) = (&request.query, &request.snapshot);
    let summary = |entry: &ProviderEntry| ProviderSummary {
        provider: entry.provider.clone(),
        name: entry.name.clone(),
        headquarters: entry.headquarters.clone(),
        models: entry.models.len(),
        endpoints: entry.endpoints,
        tokens_per_day: entry.tokens_per_day,
        tiers: rows(snapshot, entry.provider.as_str()).map(|(lens, row)| (lens, row.tier)).collect(),
    };
    let all = || sorted(snapshot.offering().map(summary), query.sort.as_deref());
    match table_of(query.format) {
        Some(format) => request.table(format, all).await,
        None => request.kept(|| Ok((all()?, None))),
    }
}

/// A provider with its tiers, its days and its endpoints.
#[utoipa::path(get, path = "/api/v1/providers/{slug}", tag = "providers",
    params(("slug" = String, Path, description = "Base slug of the provider"), ListQuery),
    responses(
    (status = 200, description = "The provider", content((Envelope<ProviderDetail> = "application/json"), (String = "text/csv"))),
    (status = 404, description = "Unknown name; `nearest` lists similar names", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn provider(request: ApiRequest<ListQuery, String>) -> Result<Response, Problem> {
    let (slug, query, snapshot) = (request.path.as_str(), &request.query, &request.snapshot);
    let serves = || {
        known_provider(snapshot, slug)?;
        sorted(snapshot.endpoints_of(slug).map(|(model, e)| Served::new(model, e)), query.sort.as_deref())
    };
    let detail = || {
        let detail = ProviderDetail {
            provider: known_provider(snapshot, slug)?.clone(),
            tiers: rows(snapshot, slug).map(|(lens, row)| (lens, row.clone())).collect(),
            serves: serves()?,
        };
        Ok((detail, None))
    };
    match table_of(query.format) {
        Some(format) => request.table(format, serves).await,
        None => request.kept(detail),
    }
}
