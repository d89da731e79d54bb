//! Session costs: of a model's endpoints under a workload, and of the endpoints of all models.

use super::catalogue::known_model;
use super::envelope::Envelope;
use super::problem::Problem;
use super::request::{ApiRequest, ModelName, named, names};
use crate::cost::{Across, AcrossFilter, BillError, CostOfModel, Month, OwnNumbers, across, compare};
use crate::domain::workload::{CacheTtl, Workload};
use crate::snapshot::Snapshot;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

/// Default and maximum number of rows of the ranking.
const ROWS: usize = 100;
const MOST_ROWS: usize = 1000;

/// A query struct with a workload, numbers that override it, and the struct's own parameters. A flattened struct would
/// accept misspelt parameters.
macro_rules! workload_query {
    ($(#[$about:meta])* $name:ident { $($(#[$own_about:meta])* $own:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Deserialize, IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub(super) struct $name {
            /// Workload, a name from `/api/v1/workloads`. Default: the first workload.
            workload: Option<String>,
            /// Turns per session; overrides the workload's.
            #[param(minimum = 1, maximum = 2000)]
            turns: Option<u32>,
            /// Tokens of the first prompt before the user's first input; overrides the workload's.
            #[param(minimum = 0, maximum = 1000000000)]
            first_prompt: Option<f64>,
            /// New input tokens per turn; overrides the workload's.
            #[param(minimum = 0, maximum = 1000000000)]
            new_input: Option<f64>,
            /// Output tokens per turn; overrides the workload's.
            #[param(minimum = 0, maximum = 1000000000)]
            output: Option<f64>,
            /// Whether outputs can be found in the cache on the next turn; overrides the workload's.
            output_cached: Option<bool>,
            /// Lifetime of cache writes, which decides the write price; overrides the workload's.
            #[serde(default, deserialize_with = "named")]
            cache_ttl: Option<CacheTtl>,
            $($(#[$own_about])* $own: $type,)*
        }

        impl $name {
            /// The requested workload, or 400 with the accepted values.
            fn workload(&self, snapshot: &Snapshot) -> Result<Workload, Problem> {
                let name = snapshot.workload_name(self.workload.as_deref()).map_err(Problem::bad_request)?;
                let base = snapshot
                    .workload(name)
                    .ok_or_else(|| Problem::not_published("this snapshot has no workloads".to_owned()))?;
                let own = OwnNumbers {
                    turns: self.turns,
                    first_prompt: self.first_prompt,
                    new_input: self.new_input,
                    output: self.output,
                    output_cached: self.output_cached,
                    cache_ttl: self.cache_ttl,
                };
                own.over(base).map_err(|error| Problem::bad_request(error.to_string()))
            }
        }
    };
}

workload_query!(
    /// The workload, numbers that override it, and a month to price.
    CostQuery {
        /// A month: its bill in dollars (`300`, `$300.50`) or its tokens (`200M`, `1.5B`). Fills `monthly`.
        #[serde(default, deserialize_with = "named")]
        #[param(
            value_type = Option<String>,
            pattern = r"^(\$?[1-9][0-9]{0,8}(\.[0-9]{1,2})?|[1-9][0-9]{0,2}(\.[0-9])?[MBT])$",
            example = "300"
        )]
        bill: Option<Month>,
        /// Where the bill is paid: the tag of an endpoint, or the slug of a provider. Default: at all endpoints, at what
        /// the traffic pays on average. Only with a `bill` in dollars.
        #[param(example = "novita/fp8")]
        at: Option<String>,
    }
);

/// The cost of a session at every endpoint of a model.
///
/// Endpoints are sorted by cost, cheapest first, with the parts of each cost, its interval, the caching that each
/// endpoint would need to be the cheapest, and the actual cost of the endpoint with the lowest list price. Your own
/// numbers override those of the workload one by one. With `bill`, `monthly` states what the same month costs at each
/// endpoint.
#[utoipa::path(get, path = "/api/v1/cost/{author}/{slug}", tag = "cost",
    params(("author" = String, Path, description = "Part of the model id before the slash"),
        ("slug" = String, Path, description = "Part of the model id after the slash, including the variant"), CostQuery),
    responses(
    (status = 200, description = "The endpoints, cheapest session first", body = Envelope<CostOfModel>),
    (status = 404, description = "Unknown model", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn cost(request: ApiRequest<CostQuery, ModelName>) -> Result<Response, Problem> {
    request.kept(|| {
        let workload = request.query.workload(&request.snapshot)?;
        let model = known_model(&request.snapshot, &request.path.0)?;
        let mut cost = compare(&request.snapshot, model, &workload);
        let at = request.query.at.as_deref();
        cost.monthly = match (request.query.bill, at) {
            (Some(month), at) => Some(cost.monthly(model, month, at).map_err(unpriced)?),
            (None, Some(_)) => return Err(unpriced(BillError::HostWithoutBill)),
            (None, None) => None,
        };
        Ok((cost, None))
    })
}

/// 400 for a parameter that does not fit the model, 404 for a cost that this snapshot does not have.
fn unpriced(error: BillError) -> Problem {
    let detail = error.to_string();
    match error {
        BillError::UnknownHost { .. } | BillError::HostWithoutBill => {
            Problem::bad_request(format!("invalid `at`: {detail}"))
        }
        BillError::NoCost { .. } | BillError::NoAverage | BillError::NoEndpoint => {
            Problem::not_published(detail)
        }
    }
}

workload_query!(
    /// The workload and the limits. Lists are separated by commas.
    AcrossQuery {
        /// Minimum context length of an endpoint, tokens.
        min_context: Option<i64>,
        /// Request parameters that an endpoint must all support, such as `tools`.
        parameters: Option<String>,
        /// Accepted quantizations, such as `bf16,fp16`; an endpoint must declare one of them.
        quantizations: Option<String>,
        /// Accepted authors of models, such as `moonshotai`.
        authors: Option<String>,
        /// Only the cheapest endpoint of each model.
        best: Option<bool>,
        /// Number of rows, 1 to 1000. Default: 100.
        #[param(minimum = 1, maximum = 1000, default = 100)]
        limit: Option<usize>,
    }
);

/// The endpoints of all models, ranked by the cost of a session.
///
/// Only standard variants are ranked; `left_out` counts the excluded endpoints by reason. The ranking has no quality
/// figures: a cheap model is not necessarily a good one.
#[utoipa::path(get, path = "/api/v1/cost", tag = "cost", params(AcrossQuery), responses(
    (status = 200, description = "Endpoints, cheapest session first", body = Envelope<Across>),
))]
pub(super) async fn ranking(request: ApiRequest<AcrossQuery>) -> Result<Response, Problem> {
    request.kept(|| {
        let query = &request.query;
        let workload = query.workload(&request.snapshot)?;
        let limit = query.limit.unwrap_or(ROWS);
        if !(1..=MOST_ROWS).contains(&limit) {
            return Err(Problem::bad_request(format!("invalid `limit` {limit}; expected 1 to {MOST_ROWS}")));
        }
        let filter = AcrossFilter {
            min_context: query.min_context,
            parameters: names(query.parameters.as_deref()),
            quantizations: names(query.quantizations.as_deref()),
            authors: names(query.authors.as_deref()),
            min_quality: None,
            best_of_model: query.best.unwrap_or(false),
        };
        let mut ranked = across(&request.snapshot, &workload, &filter, None);
        ranked.rows.truncate(limit);
        Ok((ranked, None))
    })
}
