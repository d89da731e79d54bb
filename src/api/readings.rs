//! Readings of the last days of the snapshot.

use super::catalogue::{known_model, known_provider};
use super::envelope::Envelope;
use super::problem::Problem;
use super::request::ApiRequest;
use super::table::{list_query, sorted};
use super::time::time;
use crate::snapshot::{ModelEntry, RecentReading, Snapshot};
use axum::response::Response;
use chrono::{DateTime, Utc};

list_query!(
    /// Which readings to list.
    ReadingsQuery {
        /// Only readings taken at or after this time, RFC 3339.
        #[param(format = "date-time", value_type = Option<String>)]
        from: Option<String>,
        /// Only readings taken before this time, RFC 3339.
        #[param(format = "date-time", value_type = Option<String>)]
        to: Option<String>,
        /// Only readings of this model: a public id (only its variant) or a canonical slug.
        model: Option<String>,
        /// Only readings of this provider, by base slug.
        provider: Option<String>,
    } [sort] [limit cursor]
);

/// The filters with validated values.
struct Filter<'a> {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    model: Option<&'a ModelEntry>,
    provider: Option<&'a str>,
}

impl<'a> Filter<'a> {
    fn new(query: &'a ReadingsQuery, snapshot: &'a Snapshot) -> Result<Self, Problem> {
        let (from, to) = (time("from", query.from.as_deref())?, time("to", query.to.as_deref())?);
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(Problem::bad_request("`from` must be before `to`; the interval is half-open"));
        }
        query.provider.as_ref().map(|slug| known_provider(snapshot, slug)).transpose()?;
        let model = query.model.as_ref().map(|name| known_model(snapshot, name)).transpose()?;
        Ok(Self { from, to, model, provider: query.provider.as_deref() })
    }

    fn admits(&self, reading: &RecentReading) -> bool {
        self.from.is_none_or(|from| reading.observed_at >= from)
            && self.to.is_none_or(|to| reading.observed_at < to)
            && self.provider.is_none_or(|slug| reading.provider.as_str() == slug)
            && self.model.is_none_or(|m| reading.model == m.slug && reading.variant == m.variant)
    }
}

/// Readings of the last days, newest run first; `hitrate export readings` exports the whole record.
///
/// `from` and `to` limit the time at which a reading was taken, as a half-open interval.
#[utoipa::path(get, path = "/api/v1/readings", params(ReadingsQuery), tag = "readings", responses(
    (status = 200, description = "A page of readings", content((Envelope<Vec<RecentReading>> = "application/json"), (String = "text/csv"))),
    (status = 404, description = "Unknown model or provider", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn readings(request: ApiRequest<ReadingsQuery>) -> Result<Response, Problem> {
    let (query, snapshot) = (&request.query, &request.snapshot);
    let rows = || {
        let filter = Filter::new(query, snapshot)?;
        let rows = snapshot.readings.iter().filter(|reading| filter.admits(reading));
        sorted(rows, query.sort.as_deref())
    };
    let key = |reading: &&RecentReading| format!("{} {}", reading.run_id, reading.endpoint_id);
    request.listed(query.format, (query.limit, query.cursor.as_deref()), rows, key).await
}
