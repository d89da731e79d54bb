//! Changes of the last 90 UTC days: prices, facts, endpoints and models, tiers, recommendations, windows.

use super::catalogue::{known_model, known_provider};
use super::envelope::Envelope;
use super::problem::Problem;
use super::request::{ApiRequest, named, shortened};
use super::table::list_query;
use super::time::{day_or_time, end};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::change_filter::{ChangeFilter, is_of_endpoint, is_of_model};
use crate::domain::ids::Tag;
use crate::snapshot::Snapshot;
use crate::table::changes::ChangeGroup;
use axum::response::Response;

list_query!(
    /// Which changes to list.
    ChangesQuery {
        /// Only changes of this kind.
        #[serde(default, deserialize_with = "named")]
        #[param(value_type = Option<String>)]
        kind: Option<ChangeKind>,
        /// Only changes of a group of kinds.
        #[serde(default, deserialize_with = "named")]
        #[param(value_type = Option<String>)]
        group: Option<ChangeGroup>,
        /// Only changes of this model: a public id, a canonical slug for all its variants, or a pattern such as
        /// `deepseek/*`. It may be gone.
        model: Option<String>,
        /// Only changes of this provider and its endpoints, by base slug.
        provider: Option<String>,
        /// Only changes of this endpoint: its UUID or its tag.
        endpoint: Option<String>,
        /// Only changes at or after this time: RFC 3339, or a UTC day for its start.
        from: Option<String>,
        /// Only changes at or before this time: RFC 3339, or a UTC day for its end.
        to: Option<String>,
        /// Only changes of at least this many percent, up or down; changes without a percentage are left out.
        #[param(minimum = 0)]
        min_percent: Option<f64>,
        /// Only changes that make sessions more expensive. Default: all.
        costs_more: Option<bool>,
    } [] [limit cursor]
);

impl ChangesQuery {
    fn filter(&self, snapshot: &Snapshot) -> Result<ChangeFilter, Problem> {
        let from = day_or_time("from", self.from.as_deref())?;
        let to = end("to", self.to.as_deref())?;
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(Problem::bad_request("`from` is later than `to`"));
        }
        if let Some(least) = self.min_percent.filter(|least| !least.is_finite() || *least < 0.0) {
            return Err(Problem::bad_request(format!(
                "invalid `min_percent` `{least}`; expected a number from 0 on"
            )));
        }
        let has = |found: &dyn Fn(&Change) -> bool| snapshot.changes.iter().any(found);
        // An alias or a name with shortcuts means the model that it names today.
        let model = self.model.as_deref().map(|name| {
            if has(&|change| is_of_model(change, name)) {
                return Ok(name.to_owned());
            }
            known_model(snapshot, name).map(|model| model.model_id.clone())
        });
        if let Some(slug) = self.provider.as_deref()
            && !has(&|change| change.concerns(slug))
        {
            known_provider(snapshot, slug)?;
        }
        if let Some(name) = self.endpoint.as_deref() {
            let mut offered = snapshot.models.iter().flat_map(|model| &model.endpoints);
            let is_offered =
                offered.any(|one| one.tag.as_str() == name || one.endpoint_id.to_string() == name);
            if !is_offered && !has(&|change| is_of_endpoint(change, name)) {
                let what = format!("endpoint `{}`", shortened(name));
                return Err(Problem::unknown_endpoint(&what, Vec::new()));
            }
        }
        Ok(ChangeFilter {
            kinds: self.kind.into_iter().collect(),
            model: model.transpose()?,
            provider: self.provider.clone(),
            endpoint: self.endpoint.clone(),
            from,
            to,
            min_percent: self.min_percent,
        })
    }
}

/// Changes of the last 90 UTC days, newest first; `hitrate changes` lists those of the whole record.
#[utoipa::path(get, path = "/api/v1/changes", params(ChangesQuery), tag = "status", responses(
    (status = 200, description = "A page of changes", content((Envelope<Vec<Change>> = "application/json"), (String = "text/csv"))),
    (status = 400, description = "Invalid parameter", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "Unknown model, provider or endpoint", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn changes(request: ApiRequest<ChangesQuery>) -> Result<Response, Problem> {
    let (query, snapshot) = (&request.query, &request.snapshot);
    let filter = query.filter(snapshot)?;
    let is_wanted = |change: &&Change| {
        query.group.is_none_or(|group| ChangeGroup::of(change.kind) == Some(group))
            && (!query.costs_more.unwrap_or_default() || change.costs_more())
    };
    let rows = || Ok(snapshot.changes_of(&filter).filter(is_wanted).collect::<Vec<_>>());
    request.listed(query.format, (query.limit, query.cursor.as_deref()), rows, |change| key(change)).await
}

/// What distinguishes a change from all others: prices of one endpoint that changed in one run differ in the field.
fn key(change: &Change) -> String {
    let field = change.field.map_or("", |field| field.as_str());
    let (model, provider) = (change.model_id.as_deref().unwrap_or_default(), change.provider.as_ref());
    let provider = provider.map_or("", |slug| slug.as_str());
    let (endpoint, tag) =
        (change.endpoint_id.unwrap_or_default(), change.tag.as_ref().map_or("", Tag::as_str));
    format!("{} {} {model} {endpoint} {provider} {tag} {field} {}", change.at, change.kind, change.why)
}
