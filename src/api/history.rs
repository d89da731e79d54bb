//! The history of endpoints: the days and the hourly rates that a snapshot contains.

use super::catalogue::{known_model, known_provider};
use super::envelope::Envelope;
use super::problem::Problem;
use super::request::{ApiRequest, ModelName, named, shortened};
use super::table::{list_query, table_of};
use super::time::{day_or_time, shown};
use crate::domain::hourly::Stretch;
use crate::domain::ids::{ProviderSlug, Tag, names};
use crate::domain::window::{Basis, midnight};
use crate::snapshot::{Endpoint, EndpointDay, HourlyRates, ImportedPoint, ModelEntry, Snapshot};
use crate::table::{Cell, columns};
use axum::response::Response;
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The end of the addresses of histories.
const HISTORY: &str = "/history";

names! {
    /// What a point of a history covers.
    Every for "every" {
        /// The time between two readings, about an hour.
        Hour = "hour",
        /// A UTC day.
        Day = "day",
    }
}

list_query!(
    /// Which part of the history to return.
    HistoryQuery {
        /// Only points that begin at or after this time: RFC 3339, or a UTC day such as `2026-08-08`. Default: all.
        from: Option<String>,
        /// Only points that begin before this time, in the same forms. Default: all.
        to: Option<String>,
        /// What a point covers. Default: `day`. Hours are available for the last eight UTC days.
        #[serde(default, deserialize_with = "named")]
        #[param(value_type = Option<String>)]
        every: Option<Every>,
        /// `false` leaves out imported days, which are from outside the record. Default: `true`.
        imported: Option<bool>,
    } [] []
);

list_query!(
    /// Which endpoints, and which part of their history, to return.
    ModelHistoryQuery {
        /// Only points that begin at or after this time: RFC 3339, or a UTC day such as `2026-08-08`. Default: all.
        from: Option<String>,
        /// Only points that begin before this time, in the same forms. Default: all.
        to: Option<String>,
        /// What a point covers. Default: `day`. Hours are available for the last eight UTC days.
        #[serde(default, deserialize_with = "named")]
        #[param(value_type = Option<String>)]
        every: Option<Every>,
        /// `false` leaves out imported days, which are from outside the record. Default: `true`.
        imported: Option<bool>,
        /// Only endpoints of this provider, by base slug.
        provider: Option<String>,
        /// Only the endpoint with this tag, such as `deepinfra/fp8`.
        tag: Option<String>,
    } [] []
);

/// A day or an hour of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Point {
    /// Start: midnight of the UTC day, or the time of the earlier reading.
    start: DateTime<Utc>,
    /// End, which does not belong to it: the next midnight, or the time of the later reading.
    end: DateTime<Utc>,
    /// Name of the imported source that the day is from; null if it is from the record.
    source: Option<String>,
    /// Hit rate, 0..1; approximate for hours.
    hit_rate: Option<f64>,
    /// Source of the hit rate of a day; null for hours and without a hit rate.
    basis: Option<Basis>,
    /// Tokens: of the day's last reading, or between the two readings.
    tokens: Option<i64>,
    /// Effective input price of a day, USD per million tokens; null for hours.
    effective_input: Option<f64>,
    /// Effective output price of a day, USD per million tokens; null for hours.
    effective_output: Option<f64>,
    /// Share of the day that its last reading covers, 0..1; null for hours.
    coverage: Option<f64>,
    /// List input price at the end of a day, USD per million tokens; null for hours.
    list_input: Option<f64>,
    /// Published uptime over a day, as of its last reading, 0..1; the mean of the 30-minute uptimes if that is unknown;
    /// null for hours.
    uptime: Option<f64>,
    /// Mean of the published median output speeds of a day, tokens per second; null for hours.
    throughput: Option<f64>,
    /// Mean of the published median times to the first token of a day, milliseconds; null for hours.
    latency_ms: Option<f64>,
}

/// The points of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct EndpointPoints {
    /// Id of the endpoint.
    #[schema(value_type = String, format = "uuid")]
    endpoint_id: Uuid,
    /// Base slug of its provider.
    provider: ProviderSlug,
    /// Routing name (tag).
    tag: Tag,
    /// Oldest first; hours without a rate are absent, and so are days without any value.
    points: Vec<Point>,
}

/// The part of the history that an answer contains.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Part {
    /// Public name of the model.
    model_id: String,
    /// What a point covers.
    every: Every,
    /// Start of the part; no point begins earlier.
    from: DateTime<Utc>,
    /// End of the part; every point begins before it.
    to: DateTime<Utc>,
}

/// The history of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct EndpointHistory {
    #[serde(flatten)]
    part: Part,
    #[serde(flatten)]
    endpoint: EndpointPoints,
}

/// The history of a model's endpoints.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct ModelHistory {
    #[serde(flatten)]
    part: Part,
    /// The endpoints in the newest run, most tokens per day first.
    endpoints: Vec<EndpointPoints>,
}

/// A point with its endpoint and model, as a row of a table.
#[derive(Debug, Clone)]
pub(super) struct HistoryRow {
    model_id: String,
    endpoint_id: Uuid,
    provider: ProviderSlug,
    tag: Tag,
    point: Point,
}

columns!(HistoryRow, |row| {
    "model_id": Cell::text(&row.model_id),
    "endpoint_id": Cell::text(row.endpoint_id),
    "provider": Cell::text(&row.provider),
    "tag": Cell::text(&row.tag),
    "start": Cell::Time(Some(row.point.start)),
    "end": Cell::Time(Some(row.point.end)),
    "source": Cell::maybe(row.point.source.as_deref()),
    "hit_rate": Cell::Number(row.point.hit_rate),
    "basis": Cell::maybe(row.point.basis),
    "tokens": Cell::Whole(row.point.tokens),
    "effective_input": Cell::Number(row.point.effective_input),
    "effective_output": Cell::Number(row.point.effective_output),
    "coverage": Cell::Number(row.point.coverage),
    "list_input": Cell::Number(row.point.list_input),
    "uptime": Cell::Number(row.point.uptime),
    "throughput": Cell::Number(row.point.throughput),
    "latency_ms": Cell::Number(row.point.latency_ms),
});

fn of_day(day: &EndpointDay) -> Point {
    Point {
        start: midnight(day.day),
        end: midnight(day.day) + Duration::days(1),
        source: None,
        hit_rate: day.hit_rate,
        basis: day.basis,
        tokens: day.tokens,
        effective_input: day.effective_input,
        effective_output: day.effective_output,
        coverage: day.coverage,
        list_input: day.list_input,
        uptime: day.uptime,
        throughput: day.throughput,
        latency_ms: day.latency_ms,
    }
}

fn of_import(day: &ImportedPoint) -> Point {
    let start = midnight(day.day);
    Point {
        start,
        end: start + Duration::days(1),
        source: Some(day.source.clone()),
        hit_rate: day.hit_rate,
        basis: day.basis,
        tokens: day.tokens,
        effective_input: day.effective_input,
        effective_output: day.effective_output,
        coverage: day.read_at.map(|read_at| (read_at - start).num_seconds() as f64 / 86_400.0),
        list_input: None,
        uptime: day.uptime,
        throughput: day.throughput,
        latency_ms: day.latency_ms,
    }
}

/// The days of the record and the imported days that it does not have, oldest first.
fn days_of(endpoint: &Endpoint, imported: &[ImportedPoint]) -> Vec<Point> {
    let is_recorded = |day: &&ImportedPoint| endpoint.days.iter().any(|own| own.day == day.day);
    let added = imported.iter().filter(|day| !is_recorded(day)).map(of_import);
    let mut points: Vec<Point> = endpoint.days.iter().map(of_day).chain(added).collect();
    points.sort_by_key(|point| point.start);
    points
}

fn of_hour(hour: &Stretch) -> Point {
    Point {
        start: hour.start,
        end: hour.end,
        source: None,
        hit_rate: Some(hour.hit_rate),
        basis: None,
        tokens: Some(hour.tokens),
        effective_input: None,
        effective_output: None,
        coverage: None,
        list_input: None,
        uptime: None,
        throughput: None,
        latency_ms: None,
    }
}

impl Every {
    /// The time that a snapshot has points for: from the first one to the end of the last one.
    fn span(self, snapshot: &Snapshot) -> (DateTime<Utc>, DateTime<Utc>) {
        match self {
            Self::Hour => (snapshot.hourly.from, snapshot.hourly.to),
            Self::Day => {
                let today = snapshot.as_of.date_naive();
                let endpoints = snapshot.models.iter().flat_map(|model| &model.endpoints);
                let first = endpoints.filter_map(|endpoint| endpoint.days.first()).map(|day| day.day);
                let imported = snapshot.imports.days.values().filter_map(|days| days.first());
                let first = first.chain(imported.map(|day| day.day)).min();
                (midnight(first.unwrap_or(today)), midnight(today) + Duration::days(1))
            }
        }
    }

    /// The command that returns the whole record.
    fn export(self) -> &'static str {
        match self {
            Self::Hour => "hitrate export hourly",
            Self::Day => "hitrate export days",
        }
    }
}

/// The requested part of a history.
struct Wanted {
    every: Every,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    /// Whether to include imported days.
    imported: bool,
}

impl Wanted {
    /// # Errors
    /// 400 if a time cannot be read or `from` is not before `to`; 404 if the snapshot has nothing of that time.
    fn new(
        snapshot: &Snapshot,
        (every, imported): (Option<Every>, Option<bool>),
        (from, to): (Option<&str>, Option<&str>),
    ) -> Result<Self, Problem> {
        let every = every.unwrap_or(Every::Day);
        let (first, end) = every.span(snapshot);
        let (from, to) = (day_or_time("from", from)?, day_or_time("to", to)?);
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(Problem::bad_request(format!(
                "`from` ({}) must be before `to` ({}): `to` does not belong to the interval",
                shown(from),
                shown(to)
            )));
        }
        let (from, to) = (from.unwrap_or(first).max(first), to.unwrap_or(end).min(end));
        if from >= to {
            return Err(Problem::not_published(format!(
                "this snapshot has no {every} in that time: `from` must be before {} and `to` after {}; `{}` has the \
                 whole record",
                shown(end),
                shown(first),
                every.export()
            )));
        }
        Ok(Self { every, from, to, imported: imported.unwrap_or(true) })
    }

    fn part(&self, model: &ModelEntry) -> Part {
        Part { model_id: model.model_id.clone(), every: self.every, from: self.from, to: self.to }
    }

    fn of(&self, endpoint: &Endpoint, snapshot: &Snapshot) -> EndpointPoints {
        let hourly: &HourlyRates = &snapshot.hourly;
        let imported = if self.imported { snapshot.imports.of(endpoint.endpoint_id) } else { &[] };
        let is_wanted = |point: &Point| (self.from..self.to).contains(&point.start);
        let points = match self.every {
            Every::Day => days_of(endpoint, imported).into_iter().filter(is_wanted).collect(),
            Every::Hour => {
                hourly.of(endpoint.endpoint_id).map(|hour| of_hour(&hour)).filter(is_wanted).collect()
            }
        };
        EndpointPoints {
            endpoint_id: endpoint.endpoint_id,
            provider: endpoint.provider.clone(),
            tag: endpoint.tag.clone(),
            points,
        }
    }
}

fn rows(model: &ModelEntry, endpoints: Vec<EndpointPoints>) -> Vec<HistoryRow> {
    let of = |one: EndpointPoints| {
        let EndpointPoints { endpoint_id, provider, tag, points } = one;
        points.into_iter().map(move |point| HistoryRow {
            model_id: model.model_id.clone(),
            endpoint_id,
            provider: provider.clone(),
            tag: tag.clone(),
            point,
        })
    };
    endpoints.into_iter().flat_map(of).collect()
}

/// The endpoint of a model with this tag.
///
/// # Errors
/// 404 with the model's tags.
pub(super) fn known_tag<'a>(model: &'a ModelEntry, tag: &str) -> Result<&'a Endpoint, Problem> {
    model.endpoints.iter().find(|endpoint| endpoint.tag.as_str() == tag).ok_or_else(|| {
        let what = format!("endpoint with the tag `{}` of {}", shortened(tag), model.model_id);
        Problem::unknown_endpoint(&what, model.busiest().iter().map(|one| one.tag.as_str()).collect())
    })
}

/// The endpoint with this name: its id, or the model and the tag, separated by a slash.
///
/// # Errors
/// 400 if the name has neither form, 404 if the snapshot has no such endpoint.
fn known_endpoint<'a>(snapshot: &'a Snapshot, name: &str) -> Result<(&'a ModelEntry, &'a Endpoint), Problem> {
    let parts: Vec<&str> = name.splitn(3, '/').collect();
    if let [author, slug, tag] = parts[..] {
        let model = known_model(snapshot, &format!("{author}/{slug}"))?;
        return Ok((model, known_tag(model, tag)?));
    }
    // Only the usual form with hyphens, as the API writes it.
    let id = Uuid::parse_str(name).ok().filter(|_| name.len() == 36).ok_or_else(|| {
        Problem::bad_request(format!(
            "invalid endpoint `{}`; expected its `endpoint_id` (a UUID), or the model and the tag: AUTHOR/SLUG/TAG. \
             /api/v1/history/AUTHOR/SLUG returns all endpoints of a model",
            shortened(name)
        ))
    })?;
    let mut all = snapshot.models.iter().flat_map(|m| m.endpoints.iter().map(move |one| (m, one)));
    all.find(|(_, endpoint)| endpoint.endpoint_id == id)
        .ok_or_else(|| Problem::unknown_endpoint(&format!("endpoint with the id `{id}`"), Vec::new()))
}

async fn answer(request: &ApiRequest<HistoryQuery, ModelName>, name: &str) -> Result<Response, Problem> {
    let (query, snapshot) = (&request.query, &request.snapshot);
    let found = || {
        let wanted = Wanted::new(
            snapshot,
            (query.every, query.imported),
            (query.from.as_deref(), query.to.as_deref()),
        )?;
        let (model, endpoint) = known_endpoint(snapshot, name)?;
        Ok((wanted, model, endpoint))
    };
    match table_of(query.format) {
        Some(format) => {
            let rows = || {
                let (wanted, model, endpoint) = found()?;
                Ok(rows(model, vec![wanted.of(endpoint, snapshot)]))
            };
            request.table(format, rows).await
        }
        None => request.kept(|| {
            let (wanted, model, endpoint) = found()?;
            let endpoint = wanted.of(endpoint, snapshot);
            Ok((EndpointHistory { part: wanted.part(model), endpoint }, None))
        }),
    }
}

/// The history of an endpoint, by its id.
///
/// By default the days of the snapshot, at most 30; with `every=hour` the hourly rates of the last eight UTC days, which
/// are approximate. `hitrate export` has the whole record.
#[utoipa::path(get, path = "/api/v1/endpoints/{id}/history", operation_id = "endpoint_history", tag = "history",
    params(("id" = String, Path, description = "`endpoint_id` of the endpoint"), HistoryQuery),
    responses(
    (status = 200, description = "The points, oldest first", content((Envelope<EndpointHistory> = "application/json"), (String = "text/csv"))),
    (status = 404, description = "Unknown endpoint, or nothing in that time", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn by_id(request: ApiRequest<HistoryQuery, ModelName>) -> Result<Response, Problem> {
    answer(&request, &request.path.0).await
}

/// The history of an endpoint, by its model and its tag.
///
/// The slash within a tag may be encoded or not.
#[utoipa::path(get, path = "/api/v1/endpoints/{author}/{slug}/{tag}/history", operation_id = "endpoint_history_by_tag", tag = "history",
    params(("author" = String, Path, description = "Part of the model id before the slash"),
        ("slug" = String, Path, description = "Part of the model id after the slash, including the variant"),
        ("tag" = String, Path, description = "Tag of the endpoint, such as `deepinfra/fp8`"), HistoryQuery),
    responses(
    (status = 200, description = "The points, oldest first", content((Envelope<EndpointHistory> = "application/json"), (String = "text/csv"))),
    (status = 404, description = "Unknown model or tag, or nothing in that time; `nearest` lists the tags of the model", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn by_tag(request: ApiRequest<HistoryQuery, ModelName>) -> Result<Response, Problem> {
    let name = request.path.0.strip_suffix(HISTORY).ok_or_else(Problem::no_such_route)?;
    answer(&request, name).await
}

/// The history of all endpoints of a model.
///
/// By default the days of the snapshot, at most 30; with `every=hour` the hourly rates of the last eight UTC days, which
/// are approximate. `hitrate export` has the whole record.
#[utoipa::path(get, path = "/api/v1/history/{author}/{slug}", operation_id = "model_history", tag = "history",
    params(("author" = String, Path, description = "Part of the model id before the slash"),
        ("slug" = String, Path, description = "Part of the model id after the slash, including the variant"), ModelHistoryQuery),
    responses(
    (status = 200, description = "The points of each endpoint", content((Envelope<ModelHistory> = "application/json"), (String = "text/csv"))),
    (status = 404, description = "Unknown model, provider or tag, or nothing in that time", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn of_model(request: ApiRequest<ModelHistoryQuery, ModelName>) -> Result<Response, Problem> {
    let (query, snapshot) = (&request.query, &request.snapshot);
    let found = || {
        let wanted = Wanted::new(
            snapshot,
            (query.every, query.imported),
            (query.from.as_deref(), query.to.as_deref()),
        )?;
        let model = known_model(snapshot, &request.path.0)?;
        let (provider, tag) = (query.provider.as_deref(), query.tag.as_deref());
        let endpoints = chosen(snapshot, model, (provider, tag))?;
        let endpoints = endpoints.into_iter().map(|one| wanted.of(one, snapshot)).collect();
        Ok((wanted, model, endpoints))
    };
    match table_of(query.format) {
        Some(format) => {
            let rows = || {
                let (_, model, endpoints) = found()?;
                Ok(rows(model, endpoints))
            };
            request.table(format, rows).await
        }
        None => request.kept(|| {
            let (wanted, model, endpoints) = found()?;
            Ok((ModelHistory { part: wanted.part(model), endpoints }, None))
        }),
    }
}

/// The endpoints of a model, or those of a provider or with a tag, most tokens per day first.
///
/// # Errors
/// 404 if the snapshot has no such provider, or the model no such tag.
pub(super) fn chosen<'a>(
    snapshot: &Snapshot,
    model: &'a ModelEntry,
    (provider, tag): (Option<&str>, Option<&str>),
) -> Result<Vec<&'a Endpoint>, Problem> {
    provider.map(|slug| known_provider(snapshot, slug)).transpose()?;
    tag.map(|tag| known_tag(model, tag)).transpose()?;
    let is_chosen = |one: &&Endpoint| {
        provider.is_none_or(|slug| one.provider.as_str() == slug)
            && tag.is_none_or(|tag| one.tag.as_str() == tag)
    };
    Ok(model.busiest().into_iter().filter(is_chosen).collect())
}
