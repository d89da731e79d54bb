//! Tier lists, and the basis of tier lists and preferences: targets, workloads, thresholds, the state of the
//! collection.

use super::envelope::Envelope;
use super::preference_text::file_name;
use super::problem::Problem;
use super::request::{ApiRequest, NoQuery, named};
use super::table::{list_query, sorted, table_of};
use crate::domain::delivery::AlertsStatus;
use crate::domain::thresholds::Threshold;
use crate::domain::tier::Lens;
use crate::domain::workload::Workload;
use crate::preferences::targets::{TARGETS, Target};
use crate::snapshot::{Backtest, Snapshot, Status, Summary, TierList};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

list_query!(
    /// Which tier list to return.
    TiersQuery {
        /// Lens to rank by. Default: `cost`.
        #[serde(default, deserialize_with = "named")]
        lens: Option<Lens>,
        /// Workload of the lenses `cost` and `overall`, a name from `/api/v1/workloads`. Default: the first workload.
        workload: Option<String>,
    } [sort] []
);

/// The state of the collection, with counts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StatusData {
    /// Counts.
    pub(crate) summary: Summary,
    #[serde(flatten)]
    pub(crate) status: Status,
    /// When the schedule starts the next run; absent if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_run: Option<DateTime<Utc>>,
    /// Receivers of alerts and their last deliveries; absent without receivers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alerts: Option<AlertsStatus>,
}

impl StatusData {
    /// The state as of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let (summary, status) = (snapshot.summary.clone(), snapshot.status.clone());
        Self { summary, status, next_run: snapshot.next_run, alerts: None }
    }
}

/// The tier list of a lens.
#[utoipa::path(get, path = "/api/v1/tiers", params(TiersQuery), tag = "tiers", responses(
    (status = 200, description = "The tier list", content((Envelope<TierList> = "application/json"), (String = "text/csv"))),
    (status = 400, description = "Unknown lens or workload, or another invalid parameter", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "This snapshot does not contain the tier list", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn tiers(request: ApiRequest<TiersQuery>) -> Result<Response, Problem> {
    let (query, snapshot) = (&request.query, &request.snapshot);
    let list = || {
        let lens = query.lens.unwrap_or(Lens::Cost);
        let workload = snapshot.workload_name(query.workload.as_deref()).map_err(Problem::bad_request)?;
        let list = snapshot.tier_list(lens, Some(workload));
        list.ok_or_else(|| {
            Problem::not_published(format!(
                "this snapshot has no tier list for lens {lens} and workload {workload}"
            ))
        })
    };
    let providers = |list: &TierList| sorted(list.providers.iter().cloned(), query.sort.as_deref());
    match table_of(query.format) {
        Some(format) => request.table(format, || providers(list()?)).await,
        None => request.kept(|| {
            let list = list()?;
            if query.sort.is_none() {
                return Ok((Cow::Borrowed(list), None));
            }
            Ok((Cow::Owned(TierList { providers: providers(list)?, ..list.clone() }), None))
        }),
    }
}

/// A target, and the name of its file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ListedTarget {
    #[serde(flatten)]
    target: Target,
    /// Name of the file with the preference for it, in `/api/v1/preferences/{author}/{slug}/{file}`.
    file: String,
}

/// The targets that preferences can be written for, and what each can express.
#[utoipa::path(get, path = "/api/v1/targets", tag = "preferences", responses(
    (status = 200, description = "The targets, the default first", body = Envelope<Vec<ListedTarget>>),
))]
pub(super) async fn targets(request: ApiRequest<NoQuery>) -> Result<Response, Problem> {
    request.kept(|| Ok((listed_targets(), None)))
}

/// The targets, the default first, as the API lists them.
pub fn listed_targets() -> Vec<ListedTarget> {
    let listed = |target: &Target| ListedTarget { target: *target, file: file_name(target) };
    TARGETS.iter().map(listed).collect()
}

/// What each policy would have cost. A policy chooses an endpoint for each model each day and is charged the price of
/// the next day. The figure is the geometric mean of the cost relative to perfect hindsight.
#[utoipa::path(get, path = "/api/v1/backtest", tag = "backtest", responses(
    (status = 200, description = "The backtest over the days of the snapshot", body = Envelope<Backtest>),
    (status = 404, description = "The record is too young for a backtest", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn backtest(request: ApiRequest<NoQuery>) -> Result<Response, Problem> {
    request.kept(|| {
        let tested = request.snapshot.backtest.as_ref();
        let tested = tested
            .ok_or_else(|| Problem::not_published("no backtest yet: it needs two consecutive days with closing prices, and models with two busy endpoints".to_owned()))?;
        Ok((tested, None))
    })
}

/// The workloads that costs are computed for; the first is the default.
#[utoipa::path(get, path = "/api/v1/workloads", tag = "reference", responses(
    (status = 200, description = "The workloads", body = Envelope<Vec<Workload>>),
))]
pub(super) async fn workloads(request: ApiRequest<NoQuery>) -> Result<Response, Problem> {
    request.kept(|| Ok((&request.snapshot.workloads, None)))
}

/// The thresholds of the method.
#[utoipa::path(get, path = "/api/v1/thresholds", tag = "reference", responses(
    (status = 200, description = "The thresholds", body = Envelope<Vec<Threshold>>),
))]
pub(super) async fn thresholds(request: ApiRequest<NoQuery>) -> Result<Response, Problem> {
    request.kept(|| Ok((&request.snapshot.thresholds, None)))
}

/// The state of the collection.
#[utoipa::path(get, path = "/api/v1/status", tag = "status", responses(
    (status = 200, description = "Counts, recent runs, ages of the sources, quarantine, drift, events", body = Envelope<StatusData>),
))]
pub(super) async fn status(request: ApiRequest<NoQuery>) -> Result<Response, Problem> {
    let status = StatusData::of(&request.snapshot);
    // Deliveries change between two snapshots, so an answer with them is made for each request.
    match request.alerts() {
        None => request.kept(|| Ok((status, None))),
        alerts => request.made(|| Ok((StatusData { alerts, ..status }, None))),
    }
}
