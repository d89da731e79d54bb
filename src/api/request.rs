//! A request as the handlers see it: the snapshot, the parameters, the time. Malformed and misspelt parameters, and
//! names that are not in a fixed list, are rejected here, before a handler runs. A handler rejects what the snapshot or
//! the table decides: models, providers, workloads, columns, cursors.

use super::ApiState;
use super::envelope::enveloped;
use super::problem::Problem;
use crate::domain::delivery::AlertsStatus;
use crate::prepared::Prepared;
use crate::snapshot::Snapshot;
use crate::table::{self, Row, TableFormat};
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::de::{DeserializeOwned, Error, IntoDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;

/// Keys are built from the client's input; answers with longer keys are not cached.
const LONGEST_KEY: usize = 400;

/// Precedes the detail of a refusal in the error of a query that cannot be read.
const REFUSAL: char = '\u{1e}';

/// The name of a model in a path: `author/slug`, or one segment with the slash encoded as `%2F`.
#[derive(Deserialize)]
#[serde(from = "Vec<String>")]
pub(super) struct ModelName(pub String);

impl From<Vec<String>> for ModelName {
    fn from(segments: Vec<String>) -> Self {
        Self(segments.join("/"))
    }
}

/// No query parameters: any parameter is rejected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

/// A request for part of the snapshot, with its query as `Q` and the variable segments of its path as `P`.
pub(super) struct ApiRequest<Q = NoQuery, P = ()> {
    pub snapshot: Arc<Snapshot>,
    pub query: Q,
    pub path: P,
    pub now: DateTime<Utc>,
    api: ApiState,
    headers: HeaderMap,
    address: String,
}

impl<Q: Debug, P> ApiRequest<Q, P> {
    /// Responds with data that depend only on the snapshot and the parameters: made once and cached.
    pub fn kept<T, F>(&self, make: F) -> Result<Response, Problem>
    where
        T: Serialize,
        F: FnOnce() -> Result<(T, Option<String>), Problem>,
    {
        self.shared(|| self.enveloped(make))
    }

    /// The state of the alerts as it is now; `None` without receivers.
    pub fn alerts(&self) -> Option<AlertsStatus> {
        self.api.bodies.alerts.as_ref().and_then(|alerts| alerts())
    }

    /// Responds with data that are made for this request alone.
    pub fn made<T, F>(&self, make: F) -> Result<Response, Problem>
    where
        T: Serialize,
        F: FnOnce() -> Result<(T, Option<String>), Problem>,
    {
        let body = Arc::new(self.enveloped(make)?);
        Ok(body.respond(&self.headers))
    }

    /// Responds with rows as a table, made once and cached like [`Self::kept`].
    pub async fn table<T: Row<N>, const N: usize>(
        &self,
        format: TableFormat,
        rows: impl FnOnce() -> Result<Vec<T>, Problem>,
    ) -> Result<Response, Problem> {
        let bodies = &self.api.bodies;
        match format {
            TableFormat::Csv => self.shared(|| Ok(bodies.purpose.prepare(table::CSV, table::csv(&rows()?)))),
            TableFormat::Parquet => {
                let (key, kept) = self.kept_body("");
                if let Some(body) = kept {
                    return Ok(self.respond(&body, true));
                }
                let columns = table::typed(&rows()?);
                // One table is written at a time; the worker is free while this request waits.
                let turn = bodies.parquet()?.turn().await?;
                // Another request for the same table may have been first.
                if let (_, Some(body)) = self.kept_body("") {
                    return Ok(self.respond(&body, true));
                }
                // Compressed by its writer.
                let body = Prepared::in_parts(table::PARQUET, turn.write(columns).await?);
                let (body, is_kept) = self.keep(key, body);
                Ok(self.respond(&body, is_kept))
            }
        }
    }

    /// Responds with a text that also depends on a `state`, like [`Self::kept_while`].
    pub fn text_while(
        &self,
        state: &str,
        max_age: i64,
        content_type: &'static str,
        make: impl FnOnce() -> Result<Vec<u8>, Problem>,
    ) -> Result<Response, Problem> {
        let purpose = self.api.bodies.purpose;
        self.for_a_while(state, max_age, || Ok(purpose.prepare(content_type, make()?)))
    }

    /// The same for data that also depend on a `state`, a word with few possible values. Clients may cache the response
    /// for `max_age` seconds.
    pub fn kept_while<T, F>(&self, state: &str, max_age: i64, make: F) -> Result<Response, Problem>
    where
        T: Serialize,
        F: FnOnce() -> Result<(T, Option<String>), Problem>,
    {
        self.for_a_while(state, max_age, || self.enveloped(make))
    }

    /// Responds with a body that also depends on a `state`. The service shares no such response between clients: the
    /// cache lifetime depends on the time.
    fn for_a_while(
        &self,
        state: &str,
        max_age: i64,
        make: impl FnOnce() -> Result<Prepared, Problem>,
    ) -> Result<Response, Problem> {
        let mut response = self.body(state, make)?.0.respond(&self.headers);
        if let Ok(policy) = HeaderValue::try_from(format!("public, max-age={max_age}, must-revalidate")) {
            response.headers_mut().insert(CACHE_CONTROL, policy);
        }
        Ok(response)
    }

    /// A snapshot by its id, if it is still kept.
    pub fn snapshot_of(&self, id: &str) -> Option<Arc<Snapshot>> {
        self.api.current.of_id(id)
    }

    fn enveloped<T: Serialize>(
        &self,
        make: impl FnOnce() -> Result<(T, Option<String>), Problem>,
    ) -> Result<Prepared, Problem> {
        let (data, next_cursor) = make()?;
        enveloped(&self.snapshot, data, next_cursor, self.api.bodies.purpose)
    }

    /// Responds with a body that is the same for every client. One that is not kept is not shared either, because the
    /// cache of addresses does not count its bytes.
    fn shared(&self, make: impl FnOnce() -> Result<Prepared, Problem>) -> Result<Response, Problem> {
        let (body, is_kept) = self.body("", make)?;
        Ok(self.respond(&body, is_kept))
    }

    fn respond(&self, body: &Arc<Prepared>, is_kept: bool) -> Response {
        if is_kept { body.share(&self.headers) } else { body.respond(&self.headers) }
    }

    fn body(
        &self,
        state: &str,
        make: impl FnOnce() -> Result<Prepared, Problem>,
    ) -> Result<(Arc<Prepared>, bool), Problem> {
        let (key, kept) = self.kept_body(state);
        if let Some(body) = kept {
            return Ok((body, true));
        }
        // Made outside of any lock: two requests may each make the same body, but none waits for another. (Only tables
        // as Parquet are written one at a time; see [`Self::table`].)
        Ok(self.keep(key, make()?))
    }

    /// The key of the body that answers this request in a `state`, and the body if it was made before.
    fn kept_body(&self, state: &str) -> (String, Option<Arc<Prepared>>) {
        let key = match state {
            "" => format!("{} {:?}", self.address, self.query),
            state => format!("{} {:?} {state}", self.address, self.query),
        };
        let kept = self.api.bodies.shelf.get(&self.snapshot.id, &key);
        (key, kept)
    }

    /// Keeps a body if there is room for it, and returns whether it is kept.
    fn keep(&self, key: String, body: Prepared) -> (Arc<Prepared>, bool) {
        let body = Arc::new(body);
        let shelf = &self.api.bodies.shelf;
        let is_kept =
            key.len() <= LONGEST_KEY && shelf.keep(&self.snapshot.id, key, Arc::clone(&body), body.held());
        (body, is_kept)
    }
}

impl<Q, P> FromRequestParts<ApiState> for ApiRequest<Q, P>
where
    Q: DeserializeOwned + Send,
    P: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Problem> {
        let Path(path) = Path::<P>::from_request_parts(parts, api).await.map_err(bad_path)?;
        let Query(query) =
            Query::<Q>::try_from_uri(&parts.uri).map_err(|rejection| bad_query(&rejection.body_text()))?;
        let ApiState { current, now, .. } = api;
        let snapshot = current.get().ok_or_else(Problem::no_snapshot)?;
        Ok(Self {
            snapshot,
            query,
            path,
            now: now(),
            api: api.clone(),
            headers: parts.headers.clone(),
            address: parts.uri.path().to_owned(),
        })
    }
}

/// A value from a fixed list of names, for an optional field of a query. The detail of a refusal lists the names.
pub(super) fn named<'de, D, T>(field: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = String>,
{
    let name = String::deserialize(field)?;
    let refused = |why: String| D::Error::custom(format!("{REFUSAL}{why}"));
    shortened(&name).parse().map(Some).map_err(refused)
}

/// The same for a field that a form sends empty if nothing is chosen.
pub(super) fn chosen<'de, D, T>(field: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = String>,
{
    let name = String::deserialize(field)?;
    if name.is_empty() { Ok(None) } else { named(name.into_deserializer()) }
}

/// The problem for a query that cannot be read: a refusal of [`named`] is shown as it is, and a value of the wrong type
/// with the name of its parameter, so that the accepted values can be added.
fn bad_query(error: &str) -> Problem {
    if let Some((_, refusal)) = error.split_once(REFUSAL) {
        return Problem::bad_request(refusal);
    }
    let reason = error.strip_prefix("Failed to deserialize query string: ").unwrap_or(error);
    if let Some((name, known)) =
        reason.split_once("unknown field `").and_then(|(_, rest)| rest.split_once('`'))
    {
        let known = known.split_once("expected ").map_or("no parameters", |(_, known)| known);
        return Problem::bad_request(format!("unknown parameter `{}`; expected {known}", shortened(name)));
    }
    match reason.split_once(": ") {
        Some((name, why)) => Problem::wrong_type(name, why),
        None => Problem::bad_request(reason),
    }
}

/// Names separated by commas.
pub(super) fn names(list: Option<&str>) -> Vec<String> {
    let names = list.into_iter().flat_map(|list| list.split(',')).map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The beginning of a text, enough to recognise it.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

fn bad_path(rejection: PathRejection) -> Problem {
    match rejection {
        PathRejection::FailedToDeserializePathParams(error)
            if matches!(error.kind(), ErrorKind::InvalidUtf8InPathParam { .. }) =>
        {
            Problem::bad_request("the percent-decoded path is not valid UTF-8")
        }
        other => Problem::bad_request(other.body_text()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tier::Lens;

    #[derive(Debug, Deserialize)]
    struct Asked {
        #[serde(default, deserialize_with = "named")]
        lens: Option<Lens>,
        limit: Option<u32>,
    }

    fn asked(query: &str) -> Result<Asked, String> {
        let uri = format!("/?{query}").parse().expect("a URI");
        let query = Query::<Asked>::try_from_uri(&uri).map(|Query(asked)| asked);
        query.map_err(|rejection| bad_query(&rejection.body_text()).detail)
    }

    #[test]
    fn a_wrong_name_is_refused_with_the_known_ones_and_nothing_else() {
        let none = asked("").expect("no parameters");
        assert_eq!((none.lens, none.limit), (None, None));
        assert_eq!(asked("lens=speed").expect("a lens").lens, Some(Lens::Speed));
        let known = "one of cache, cost, reliability, speed, overall";
        assert_eq!(asked("lens=beauty").expect_err("refused"), format!("unknown lens `beauty`: {known}"));
        let long = asked(&format!("lens={}", "x".repeat(200))).expect_err("refused");
        assert_eq!(long, format!("unknown lens `{}`: {known}", "x".repeat(80)));
        let refused = asked("limit=many").expect_err("refused");
        assert!(refused.starts_with("invalid `limit`: "), "{refused}");
    }
}
