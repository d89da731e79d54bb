//! Traffic shares by provider, or by endpoint of a model.

use super::catalogue::known_model;
use super::envelope::Envelope;
use super::problem::Problem;
use super::request::ApiRequest;
use super::table::{list_query, table_of};
use crate::domain::share::ShareReport;
use crate::snapshot::Snapshot;
use axum::response::Response;

list_query!(
    /// Whose traffic to divide.
    ShareQuery {
        /// Only the traffic of this model, by endpoint: public id or canonical slug. Without it, all traffic by provider.
        model: Option<String>,
    } [] []
);

/// Traffic shares of the last 30 UTC days: all traffic by provider, or that of a model by endpoint.
///
/// A share is not a measure of quality: one large application can move it from one day to the next. Figures over several
/// days use complete days only, unless none is complete (`partial`); the running day is marked. `jumps` lists days on which one endpoint's traffic multiplied
/// or collapsed while the rest of its model stayed, which is likely one customer.
#[utoipa::path(get, path = "/api/v1/share", params(ShareQuery), tag = "models", responses(
    (status = 200, description = "The shares", content((Envelope<ShareReport> = "application/json"), (String = "text/csv"))),
    (status = 404, description = "Unknown model", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn share(request: ApiRequest<ShareQuery>) -> Result<Response, Problem> {
    let (query, snapshot) = (&request.query, &request.snapshot);
    let report = || report(snapshot, query.model.as_deref());
    match table_of(query.format) {
        Some(format) => request.table(format, || Ok(report()?.shares)).await,
        None => request.kept(|| Ok((report()?, None))),
    }
}

fn report(snapshot: &Snapshot, model: Option<&str>) -> Result<ShareReport, Problem> {
    let Some(name) = model else { return Ok(snapshot.share.of_providers()) };
    let model = known_model(snapshot, name)?;
    Ok(snapshot.share.of_model(&model.model_id, &model.slug, &model.variant))
}
