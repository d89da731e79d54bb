//! What sessions cost: a model's endpoints under a workload, and the endpoints of all models.

use super::asked::{Asked, Pair};
use super::catalogue::known_model;
use super::envelope::Envelope;
use super::guidance::known_workload;
use super::problem::Problem;
use crate::cost::{Across, AcrossFilter, CostOfModel, OwnNumbers, across, compare};
use crate::domain::workload::{CacheTtl, Workload};
use crate::snapshot::Snapshot;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

/// Rows of the ranking where the client does not say, and the most it may ask for.
const ROWS: usize = 100;
const MOST_ROWS: usize = 1000;

/// Which workload, and which of its numbers are the asker's own.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CostQuery {
    /// A name of `/api/v1/workloads`; the first one where it is left out.
    workload: Option<String>,
    /// Turns of a session, instead of the workload's.
    #[param(minimum = 1, maximum = 2000)]
    turns: Option<u32>,
    /// Tokens of the first prompt before the user's first input, instead of the workload's.
    #[param(minimum = 0, maximum = 1000000000)]
    first_prompt: Option<f64>,
    /// New input tokens a turn, instead of the workload's.
    #[param(minimum = 0, maximum = 1000000000)]
    new_input: Option<f64>,
    /// Output tokens a turn, instead of the workload's.
    #[param(minimum = 0, maximum = 1000000000)]
    output: Option<f64>,
    /// Whether outputs can be found in the cache on the next turn, instead of the workload's.
    output_cached: Option<bool>,
    /// How long cache writes are kept, instead of the workload's: it decides which write price is paid.
    #[param(value_type = Option<CacheTtl>)]
    cache_ttl: Option<String>,
}

impl CostQuery {
    fn workload(&self, snapshot: &Snapshot) -> Result<Workload, Problem> {
        let own = OwnNumbers {
            turns: self.turns,
            first_prompt: self.first_prompt,
            new_input: self.new_input,
            output: self.output,
            output_cached: self.output_cached,
            cache_ttl: lifetime(self.cache_ttl.as_deref())?,
        };
        resolve(snapshot, self.workload.as_deref(), own)
    }
}

fn lifetime(name: Option<&str>) -> Result<Option<CacheTtl>, Problem> {
    name.map(|name| name.parse().map_err(Problem::bad_request)).transpose()
}

fn resolve(snapshot: &Snapshot, name: Option<&str>, own: OwnNumbers) -> Result<Workload, Problem> {
    let name = known_workload(snapshot, name)?;
    let base = snapshot.workloads.iter().find(|workload| workload.name == name);
    let base = base.ok_or_else(|| Problem::not_published("this snapshot has no workloads".to_owned()))?;
    own.over(base).map_err(|error| Problem::bad_request(error.to_string()))
}

fn answer<P>(asked: &Asked<CostQuery, P>, name: &str) -> Result<Response, Problem> {
    let make = || {
        let workload = asked.query.workload(&asked.snapshot)?;
        let model = known_model(&asked.snapshot, name)?;
        Ok((compare(&asked.snapshot, model, &workload), None))
    };
    asked.kept(make)
}

/// What a session costs at every endpoint of a model.
///
/// Cheapest first, with the parts of each cost, its interval, what caching would have to be for each to win, and what the
/// price list's choice really costs. Numbers of your own replace those of the workload one by one.
#[utoipa::path(get, path = "/api/v1/cost/{author}/{slug}", tag = "cost",
    params(("author" = String, Path, description = "Before the slash of the model id"),
        ("slug" = String, Path, description = "After the slash, variants included"), CostQuery),
    responses(
    (status = 200, description = "The endpoints, cheapest session first", body = Envelope<CostOfModel>),
    (status = 400, description = "A parameter is not understood", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "The model is not known", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Nothing is published yet", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn cost(asked: Asked<CostQuery, Pair>) -> Result<Response, Problem> {
    answer(&asked, &format!("{}/{}", asked.path.0, asked.path.1))
}

/// The same for clients that encode the slash of a model id as `%2F`.
pub(super) async fn cost_of_encoded(asked: Asked<CostQuery, String>) -> Result<Response, Problem> {
    answer(&asked, &asked.path)
}

/// Which workload, and which limits. Lists are separated by commas.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AcrossQuery {
    /// A name of `/api/v1/workloads`; the first one where it is left out.
    workload: Option<String>,
    /// Turns of a session, instead of the workload's.
    #[param(minimum = 1, maximum = 2000)]
    turns: Option<u32>,
    /// Tokens of the first prompt before the user's first input, instead of the workload's.
    #[param(minimum = 0, maximum = 1000000000)]
    first_prompt: Option<f64>,
    /// New input tokens a turn, instead of the workload's.
    #[param(minimum = 0, maximum = 1000000000)]
    new_input: Option<f64>,
    /// Output tokens a turn, instead of the workload's.
    #[param(minimum = 0, maximum = 1000000000)]
    output: Option<f64>,
    /// Whether outputs can be found in the cache on the next turn, instead of the workload's.
    output_cached: Option<bool>,
    /// How long cache writes are kept, instead of the workload's: it decides which write price is paid.
    #[param(value_type = Option<CacheTtl>)]
    cache_ttl: Option<String>,
    /// Shortest context of an endpoint, tokens.
    min_context: Option<i64>,
    /// Request parameters that an endpoint must take all of: `tools`.
    parameters: Option<String>,
    /// Quantizations of which an endpoint must declare one: `bf16,fp16`.
    quantizations: Option<String>,
    /// Authors of which a model must be from one: `moonshotai`.
    authors: Option<String>,
    /// Only the cheapest endpoint of each model.
    best: Option<bool>,
    /// Rows, 1 to 1000; 100 where it is left out.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

fn list(text: Option<&str>) -> Vec<String> {
    let parts = text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// The endpoints of all models by what a session costs.
///
/// Standard variants only; `left_out` counts what was passed over and why. There are no quality figures here:
/// a cheap model is not shown to be a good one.
#[utoipa::path(get, path = "/api/v1/cost", tag = "cost", params(AcrossQuery), responses(
    (status = 200, description = "Endpoints, cheapest session first", body = Envelope<Across>),
    (status = 400, description = "A parameter is not understood", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Nothing is published yet", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn ranking(asked: Asked<AcrossQuery>) -> Result<Response, Problem> {
    let make = || {
        let query = &asked.query;
        let own = OwnNumbers {
            turns: query.turns,
            first_prompt: query.first_prompt,
            new_input: query.new_input,
            output: query.output,
            output_cached: query.output_cached,
            cache_ttl: lifetime(query.cache_ttl.as_deref())?,
        };
        let workload = resolve(&asked.snapshot, query.workload.as_deref(), own)?;
        let limit = query.limit.unwrap_or(ROWS);
        if !(1..=MOST_ROWS).contains(&limit) {
            return Err(Problem::bad_request(format!("`limit` is {limit}: it must be 1 to {MOST_ROWS}")));
        }
        let filter = AcrossFilter {
            min_context: query.min_context,
            parameters: list(query.parameters.as_deref()),
            quantizations: list(query.quantizations.as_deref()),
            authors: list(query.authors.as_deref()),
            min_quality: None,
            best_of_model: query.best.unwrap_or(false),
        };
        let mut ranked = across(&asked.snapshot, &workload, &filter, None);
        ranked.rows.truncate(limit);
        Ok((ranked, None))
    };
    asked.kept(make)
}
