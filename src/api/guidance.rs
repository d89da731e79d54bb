//! Tier lists, and what they and preferences rest on: targets, workloads, thresholds, the state of the collection.

use super::asked::{Asked, NoQuery};
use super::envelope::Envelope;
use super::problem::Problem;
use super::table::{Format, sort};
use crate::domain::thresholds::Threshold;
use crate::domain::tier::Lens;
use crate::domain::workload::Workload;
use crate::preferences::targets::{TARGETS, Target};
use crate::snapshot::{Backtest, Snapshot, Status, Summary, TierList};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::{IntoParams, ToSchema};

/// Which tier list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TiersQuery {
    /// What it ranks by; `cost` where it is left out.
    #[param(value_type = Option<Lens>)]
    lens: Option<String>,
    /// The workload of `cost` and `overall`, a name of `/api/v1/workloads`; the first one where it is left out.
    workload: Option<String>,
    /// The column to sort by, with a `-` before it for descending; absent values come last.
    sort: Option<String>,
    /// `json`, or `csv` for a table.
    format: Option<String>,
}

/// How the collection is doing, with counts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct StatusData {
    /// Counts.
    summary: Summary,
    #[serde(flatten)]
    status: Status,
}

/// The workload that is meant, or 400 with the known ones.
pub(super) fn known_workload<'a>(snapshot: &'a Snapshot, name: Option<&str>) -> Result<&'a str, Problem> {
    let Some(name) = name else { return Ok(snapshot.default_workload()) };
    let mut names = snapshot.workloads.iter().map(|workload| workload.name.as_str());
    names.clone().find(|known| *known == name).ok_or_else(|| {
        let known: Vec<&str> = names.by_ref().collect();
        Problem::bad_request(format!("unknown workload `{}`: one of {}", shortened(name), known.join(", ")))
    })
}

/// Enough of a text to recognise it by.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A value with a closed list of names, or 400 with the list.
pub(super) fn parsed<T: std::str::FromStr<Err = String>>(
    text: Option<&str>,
    default: T,
) -> Result<T, Problem> {
    text.map_or(Ok(default), |text| shortened(text).parse().map_err(Problem::bad_request))
}

/// The tier list of a lens.
#[utoipa::path(get, path = "/api/v1/tiers", params(TiersQuery), tag = "tiers", responses(
    (status = 200, description = "The tier list", content((Envelope<TierList> = "application/json"), (String = "text/csv"))),
    (status = 400, description = "The lens or the workload is not known", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "This snapshot has no such list", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Nothing is published yet", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn tiers(asked: Asked<TiersQuery>) -> Result<Response, Problem> {
    let (query, snapshot) = (&asked.query, &asked.snapshot);
    let list = || {
        let lens: Lens = parsed(query.lens.as_deref(), Lens::Cost)?;
        let workload = known_workload(snapshot, query.workload.as_deref())?;
        let list = snapshot.tier_list(lens, Some(workload));
        list.ok_or_else(|| {
            Problem::not_published(format!("no tier list of lens {lens} for workload {workload}"))
        })
    };
    let providers = |list: &TierList| {
        let mut providers = list.providers.clone();
        sort(&mut providers, query.sort.as_deref())?;
        Ok::<_, Problem>(providers)
    };
    match Format::of(query.format.as_deref())? {
        Format::Csv => asked.table(|| providers(list()?)),
        Format::Json => asked.kept(|| {
            let list = list()?;
            if query.sort.is_none() {
                return Ok((Cow::Borrowed(list), None));
            }
            Ok((Cow::Owned(TierList { providers: providers(list)?, ..list.clone() }), None))
        }),
    }
}

/// What preferences can be written for, and what each can express.
#[utoipa::path(get, path = "/api/v1/targets", tag = "preferences", responses(
    (status = 200, description = "The targets, the default first", body = Envelope<Vec<Target>>),
    (status = 503, description = "Nothing is published yet", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn targets(asked: Asked<NoQuery>) -> Result<Response, Problem> {
    asked.kept(|| Ok((TARGETS, None)))
}

/// What following each policy would have cost: an endpoint chosen for each model each day, charged the price of the day
/// after, as the geometric mean over the cost of perfect hindsight.
#[utoipa::path(get, path = "/api/v1/backtest", tag = "backtest", responses(
    (status = 200, description = "The backtest over the days of the snapshot", body = Envelope<Backtest>),
    (status = 404, description = "The record is too young for a backtest", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Nothing is published yet", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn backtest(asked: Asked<NoQuery>) -> Result<Response, Problem> {
    let make = || {
        let tested = asked.snapshot.backtest.as_ref();
        let tested = tested
            .ok_or_else(|| Problem::not_published("no backtest: it takes two days running with closing prices, and models with two endpoints of enough traffic".to_owned()))?;
        Ok((tested, None))
    };
    asked.kept(make)
}

/// The workloads that costs are computed under; the first is the default.
#[utoipa::path(get, path = "/api/v1/workloads", tag = "reference", responses(
    (status = 200, description = "The workloads", body = Envelope<Vec<Workload>>),
    (status = 503, description = "Nothing is published yet", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn workloads(asked: Asked<NoQuery>) -> Result<Response, Problem> {
    asked.kept(|| Ok((&asked.snapshot.workloads, None)))
}

/// The thresholds of the method.
#[utoipa::path(get, path = "/api/v1/thresholds", tag = "reference", responses(
    (status = 200, description = "The thresholds", body = Envelope<Vec<Threshold>>),
    (status = 503, description = "Nothing is published yet", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn thresholds(asked: Asked<NoQuery>) -> Result<Response, Problem> {
    asked.kept(|| Ok((&asked.snapshot.thresholds, None)))
}

/// How the collection is doing.
#[utoipa::path(get, path = "/api/v1/status", tag = "status", responses(
    (status = 200, description = "Counts, last runs, ages of the sources, quarantine, drift, events", body = Envelope<StatusData>),
    (status = 503, description = "Nothing is published yet", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn status(asked: Asked<NoQuery>) -> Result<Response, Problem> {
    let make = || {
        let snapshot = &asked.snapshot;
        Ok((StatusData { summary: snapshot.summary.clone(), status: snapshot.status.clone() }, None))
    };
    asked.kept(make)
}
