//! Preferences for routers to poll: for one model, for many models, or only the changes.

use super::catalogue::written_model;
use super::envelope::Envelope;
use super::page::page;
use super::preference_query::{PreferenceRequest, preference_query};
use super::problem::Problem;
use super::request::{ApiRequest, ModelName, names};
use crate::domain::thresholds::{STALE_AFTER_HOURS, STALE_GRACE_HOURS};
use crate::domain::written_name::WrittenName;
use crate::preferences::targets::Answer;
use crate::preferences::{Changes, advise, changes};
use crate::snapshot::{ModelEntry, Snapshot};
use axum::response::Response;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Bounds of the cache lifetime of an answer, seconds.
const MAX_AGE: [i64; 2] = [30, 3600];
/// The time of a simulated upstream runs faster than its clients' time, seconds.
const SIMULATED_MAX_AGE: i64 = 5;
/// Allowance for publishing a sweep, on top of the duration of the last run, seconds.
const SWEEP_SLACK: i64 = 60;

preference_query!(
    /// Options of a preference.
    PreferenceQuery {} [target]
);

preference_query!(
    /// Which preferences to return.
    BulkQuery {
        /// Model ids or canonical slugs, separated by commas, or `all`. Default: `all`.
        models: Option<String>,
        /// Entries per page, 1 to 500. Default: everything on one page.
        #[param(minimum = 1, maximum = 500)]
        limit: Option<u32>,
        /// `meta.next_cursor` of the previous page.
        cursor: Option<String>,
    } [target]
);

preference_query!(
    /// Which changes to return.
    ChangesQuery {
        /// `meta.snapshot` of the answer that the router holds, or `until` of the last changes.
        #[param(example = "20260807T015700Z-8a28b2d4")]
        since: String,
        /// Model ids or canonical slugs, separated by commas, or `all`. Default: `all`.
        models: Option<String>,
    } [target]
);

/// Preferences of many models.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct Bulk {
    /// One preference per model, most tokens per day first. If `provider` is null, `why` gives the reason.
    preferences: Vec<Answer>,
    /// Requested names that this snapshot does not contain.
    unknown: Vec<Unknown>,
}

/// Unknown names of a request for which similar ones are searched.
const MOST_SUGGESTED: usize = 10;

/// An unknown name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct Unknown {
    /// The name.
    model: String,
    /// Similar names that are known; empty after the first ten unknown names of a request.
    nearest: Vec<String>,
}

/// The requested models.
struct Wanted {
    /// Their public names; `None` for all.
    ids: Option<BTreeSet<String>>,
    /// The requested names that have more parts than the name of a model, by its public name.
    written: BTreeMap<String, String>,
    /// Names that the snapshot does not contain; an earlier snapshot may contain them.
    unknown: Vec<Unknown>,
}

impl Wanted {
    fn of(snapshot: &Snapshot, models: Option<&str>) -> Self {
        if models.is_none_or(|models| models == "all") {
            return Self { ids: None, written: BTreeMap::new(), unknown: Vec::new() };
        }
        let (mut ids, mut written, mut unknown) = (BTreeSet::new(), BTreeMap::new(), Vec::new());
        for name in names(models) {
            match snapshot.model_written(&name) {
                Some((model, parts)) => {
                    ids.insert(model.model_id.clone());
                    if !parts.is_plain() || parts.is_alias() {
                        written.insert(model.model_id.clone(), name);
                    }
                }
                None => {
                    let short: String = name.chars().take(200).collect();
                    // Comparing with all names takes time, and a request may list thousands.
                    let similar =
                        if unknown.len() < MOST_SUGGESTED { snapshot.nearest_models(&short) } else { vec![] };
                    let nearest = similar.into_iter().map(str::to_owned).collect();
                    unknown.push(Unknown { model: short, nearest });
                }
            }
        }
        Self { ids: Some(ids), written, unknown }
    }

    fn holds(&self, model: &ModelEntry) -> bool {
        let named = |name: &str| name == model.model_id || name == model.slug.as_str();
        self.ids.as_ref().is_none_or(|ids| ids.contains(&model.model_id))
            || self.unknown.iter().any(|unknown| named(&unknown.model))
    }
}

/// The age of the data in words, which an answer depends on besides the snapshot and the query.
pub(super) fn freshness(snapshot: &Snapshot, now: DateTime<Utc>) -> &'static str {
    match now - snapshot.as_of {
        age if age > Duration::hours(STALE_AFTER_HOURS + STALE_GRACE_HOURS) => "stale",
        age if age > Duration::hours(STALE_AFTER_HOURS) => "old",
        _ => "fresh",
    }
}

/// Seconds until the next sweep is expected to be published, judged by the last runs; the minimum if it is late.
pub(super) fn max_age(snapshot: &Snapshot, now: DateTime<Utc>) -> i64 {
    if snapshot.simulated {
        return SIMULATED_MAX_AGE;
    }
    let mut gaps: Vec<i64> = snapshot
        .status
        .runs
        .windows(2)
        .map(|runs| (runs[0].observed_at - runs[1].observed_at).num_seconds())
        .collect();
    gaps.sort_unstable();
    let period = gaps.get(gaps.len() / 2).copied().unwrap_or(MAX_AGE[1]).clamp(0, MAX_AGE[1]);
    let sweep = snapshot.status.runs.first().map_or(0, |run| run.duration_ms / 1000) + SWEEP_SLACK;
    let next = snapshot.as_of + Duration::seconds(period + sweep);
    (next - now).num_seconds().clamp(MAX_AGE[0], MAX_AGE[1])
}

impl<Q: std::fmt::Debug, P> ApiRequest<Q, P> {
    /// Responds with data that also depend on the age of the snapshot; clients may cache them until the next sweep.
    fn until_next_sweep<T: Serialize>(
        &self,
        make: impl FnOnce() -> Result<(T, Option<String>), Problem>,
    ) -> Result<Response, Problem> {
        let age = max_age(&self.snapshot, self.now);
        self.kept_while(freshness(&self.snapshot, self.now), age, make)
    }
}

fn answered(
    requested: &PreferenceRequest<'_>,
    snapshot: &Snapshot,
    (model, name): (&ModelEntry, Option<&WrittenName>),
    now: DateTime<Utc>,
) -> Answer {
    let mut preference = advise(snapshot, model, &requested.options(), now);
    if let Some(name) = name {
        preference = preference.for_name(name);
    }
    requested.target.answer(preference, model)
}

/// The preference for a model.
///
/// `provider` is the object to send in a request to OpenRouter. If it is null, `why` explains why nothing can be
/// recommended. `rendered` is the same preference in the format of the target; its notes list what the target cannot
/// express. Limits that no endpoint is known to meet are answered with 404, because every request would fail.
#[utoipa::path(get, path = "/api/v1/preferences/{author}/{slug}", tag = "preferences",
    params(("author" = String, Path, description = "Part of the model id before the slash"),
        ("slug" = String, Path, description = "Part of the model id after the slash, including the variant"), PreferenceQuery),
    responses(
    (status = 200, description = "The preference, or the reason why there is none", body = Envelope<Answer>),
    (status = 304, description = "Not modified: the answer still matches `If-None-Match`"),
    (status = 404, description = "Unknown model, or no endpoint of the model meets the limits", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn preferences(
    request: ApiRequest<PreferenceQuery, ModelName>,
) -> Result<Response, Problem> {
    request.until_next_sweep(|| {
        let requested = request.query.requested(&request.snapshot, request.query.target)?;
        let (model, name) = written_model(&request.snapshot, &request.path.0)?;
        let answer = answered(&requested, &request.snapshot, (model, Some(&name)), request.now);
        match answer.preference.unmet(model) {
            Some(unmet) => Err(Problem::no_endpoint(unmet)),
            None => Ok((answer, None)),
        }
    })
}

/// The preferences of many models.
#[utoipa::path(get, path = "/api/v1/preferences", tag = "preferences", params(BulkQuery), responses(
    (status = 200, description = "One preference per model, or the reason why there is none", body = Envelope<Bulk>),
    (status = 304, description = "Not modified: the answer still matches `If-None-Match`"),
))]
pub(super) async fn bulk(request: ApiRequest<BulkQuery>) -> Result<Response, Problem> {
    let (query, snapshot) = (&request.query, &request.snapshot);
    request.until_next_sweep(|| {
        let requested = query.requested(snapshot, query.target)?;
        let wanted = Wanted::of(snapshot, query.models.as_deref());
        let models = snapshot.models.iter().filter(|model| wanted.holds(model));
        let (entries, next_cursor) = match (query.limit, query.cursor.as_deref()) {
            (None, None) => (models.collect(), None),
            (limit, cursor) => page(models, limit, cursor, |model| model.model_id.clone())?,
        };
        let answers = entries.into_iter().map(|model| {
            let name = wanted.written.get(&model.model_id).map(|name| WrittenName::parse(name));
            answered(&requested, snapshot, (model, name.as_ref()), request.now)
        });
        Ok((Bulk { preferences: answers.collect(), unknown: wanted.unknown }, next_cursor))
    })
}

/// What changed since a snapshot.
///
/// A router keeps the answer of `/api/v1/preferences` and requests this route with its `meta.snapshot` as `since`. It
/// replaces the preferences in `changed`, drops those in `gone`, and keeps the rest until `valid_until`. If the older
/// snapshot is no longer available (`complete`), `changed` contains everything.
#[utoipa::path(get, path = "/api/v1/preferences/changes", tag = "preferences", params(ChangesQuery), responses(
    (status = 200, description = "The changes", body = Envelope<Changes>),
    (status = 304, description = "Not modified: the answer still matches `If-None-Match`"),
))]
pub(super) async fn since(request: ApiRequest<ChangesQuery>) -> Result<Response, Problem> {
    let (query, snapshot) = (&request.query, &request.snapshot);
    request.until_next_sweep(|| {
        let requested = query.requested(snapshot, query.target)?;
        let wanted = Wanted::of(snapshot, query.models.as_deref());
        let before = request.snapshot_of(&query.since);
        let holds = |model: &ModelEntry| wanted.holds(model);
        let ask = (&requested.options(), requested.target);
        let mut data = changes(before.as_deref(), snapshot, ask, holds, request.now);
        let unknown = wanted.unknown.iter().map(|unknown| unknown.model.clone());
        data.gone.extend(unknown);
        data.gone.sort();
        data.gone.dedup();
        Ok((data, None))
    })
}
