//! The endpoints of all models, with the filters of the explorer.

use super::envelope::Envelope;
use super::problem::Problem;
use super::request::{ApiRequest, chosen};
use super::table::list_query;
use crate::table::Offer;
use crate::table::explore::{Direction, Policy, Question, Sort};
use axum::response::Response;
use serde::Serialize;

list_query!(
    /// Which endpoints to list. A filter excludes endpoints that do not publish the value; an empty filter does
    /// nothing.
    #[derive(Serialize)]
    EndpointsQuery {
        /// Only endpoints whose model, name or tag contains every word of this text.
        q: Option<String>,
        /// Only endpoints of this provider, by base slug.
        provider: Option<String>,
        /// Highest effective input price, USD per million tokens.
        price: Option<String>,
        /// Highest list price of prompt tokens, USD per million.
        list: Option<String>,
        /// Lowest hit rate in percent, such as `60`.
        hit: Option<String>,
        /// Only endpoints with this declared quantization, such as `fp8`.
        quant: Option<String>,
        /// Shortest context and longest prompt, tokens, such as `131072` or `128k`.
        context: Option<String>,
        /// Request parameters that an endpoint must support, separated by commas.
        param: Option<String>,
        /// What the provider declares about prompts: it does not train on them, or it does not keep them either.
        #[serde(default, deserialize_with = "chosen")]
        #[param(value_type = Option<String>)]
        data: Option<Policy>,
        /// `all` includes variants other than the standard one.
        variants: Option<String>,
        /// What to sort by; absent values come last. Default: `tokens`.
        #[serde(default, deserialize_with = "chosen")]
        #[param(value_type = Option<String>)]
        sort: Option<Sort>,
        /// Direction of the order. Default: prices and costs from the lowest, everything else from the highest.
        #[serde(default, deserialize_with = "chosen")]
        #[param(value_type = Option<String>)]
        dir: Option<Direction>,
    } [] [limit cursor]
);

/// Filters whose values have a fixed form. The page ignores spaces around them; a program gets no such hint.
const FORMAL: [&str; 5] = ["price", "list", "hit", "context", "variants"];

/// The endpoints of all models, without their days; by default those of standard variants, most tokens per day first.
#[utoipa::path(get, path = "/api/v1/endpoints", params(EndpointsQuery), tag = "models", responses(
    (status = 200, description = "A page of endpoints", content((Envelope<Vec<Offer>> = "application/json"), (String = "text/csv"))),
))]
pub(super) async fn endpoints(request: ApiRequest<EndpointsQuery>) -> Result<Response, Problem> {
    let query = &request.query;
    let rows = || {
        let submitted = serde_json::to_value(query).unwrap_or_default();
        let is_padded =
            |name: &&str| submitted[*name].as_str().is_some_and(|text| text.trim().len() < text.len());
        if let Some(name) = FORMAL.into_iter().find(is_padded) {
            return Err(Problem::bad_request(format!("invalid `{name}`: spaces before or after the value")));
        }
        let question = Question::new(|name| submitted[name].as_str());
        // A program gets no hint: what the page would ignore is refused.
        match question.errors.is_empty() {
            true => Ok(question.offers(&request.snapshot)),
            false => Err(Problem::bad_request(question.errors.join(" "))),
        }
    };
    request
        .listed(query.format, (query.limit, query.cursor.as_deref()), rows, |one| {
            format!("{} {}", one.model.model_id, one.endpoint.endpoint_id)
        })
        .await
}
