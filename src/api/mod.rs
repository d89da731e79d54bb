//! The JSON API under `/api/v1`. Every answer is `{data, meta}`, errors are RFC 9457 problems, and bodies are prepared
//! once.

mod catalogue;
mod changes;
mod constraints;
mod cost;
mod endpoints;
mod envelope;
mod expected;
mod feed;
mod guidance;
mod health;
mod history;
mod hourly;
mod http;
mod openapi;
mod page;
mod parquet;
mod preference_query;
mod preference_text;
mod problem;
mod readings;
mod request;
mod rows;
mod share;
mod table;
mod time;

pub use guidance::{ListedTarget, StatusData, listed_targets};
pub use http::{too_large, too_many_requests};
pub use openapi::openapi;
pub use parquet::WriteParquet;

use crate::domain::delivery::AlertsSource;
use crate::prepared::{Bounds, Origin, Prepared, Purpose, Shelf, pack_on_the_way};
use crate::snapshot::Current;
use axum::Router;
use axum::middleware::from_fn;
use axum::routing::any;
use chrono::{DateTime, Utc};
use parquet::Writer;
use problem::Problem;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Bounds of the cached bodies: clients can make up any number of URLs.
const BOUNDS: Bounds = Bounds { things: 4_000, bytes: 128 << 20 };

/// The bodies made so far, keyed by snapshot id, path and parsed query, and what bodies are made with.
pub struct Bodies {
    shelf: Shelf<String, String, Prepared>,
    purpose: Purpose,
    parquet: Option<Writer>,
    alerts: Option<AlertsSource>,
    origin: Origin,
    /// The description with the public address.
    document: OnceLock<Result<Prepared, Problem>>,
}

impl fmt::Debug for Bodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bodies").field("shelf", &self.shelf).finish_non_exhaustive()
    }
}

impl Default for Bodies {
    fn default() -> Self {
        Self::made_for(Purpose::default())
    }
}

impl Bodies {
    /// An empty cache; future bodies are made for `purpose`.
    pub fn made_for(purpose: Purpose) -> Self {
        Self {
            shelf: Shelf::new(BOUNDS),
            purpose,
            parquet: None,
            alerts: None,
            origin: Origin::default(),
            document: OnceLock::new(),
        }
    }

    /// The same with a writer of Parquet; without one, tables are available as CSV only.
    #[must_use]
    pub fn with_parquet(self, write: WriteParquet) -> Self {
        Self { parquet: Some(Writer::new(write)), ..self }
    }

    /// The same with the state of the alerts, for the status.
    #[must_use]
    pub fn with_alerts(self, alerts: Option<AlertsSource>) -> Self {
        Self { alerts, ..self }
    }

    /// The same with the address of the service, which the description contains.
    #[must_use]
    pub fn at(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// The writer of Parquet.
    ///
    /// # Errors
    /// 400 without one.
    fn parquet(&self) -> Result<&Writer, Problem> {
        self.parquet.as_ref().ok_or_else(Problem::no_parquet)
    }
}

/// The data that the API serves.
#[derive(Clone)]
pub struct ApiState {
    /// The snapshot being served.
    pub current: Arc<Current>,
    /// The bodies made so far, shared by every router that serves them.
    pub bodies: Arc<Bodies>,
    /// The current time, which decides whether a preference is still fresh.
    pub now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

/// The routes under `/api/v1`, a problem for every other path under `/api/`, and `/livez` and `/readyz`.
///
/// The router has no fallback and can be merged with a router that has one.
pub fn router(state: ApiState) -> Router {
    let v1 = Router::new()
        .route("/tiers", http::read_only(guidance::tiers))
        .route("/preferences", http::read_only(feed::bulk))
        .route("/preferences/changes", http::read_only(feed::since))
        .route("/preferences/{name}", http::read_only(feed::preferences))
        .route("/preferences/{author}/{slug}", http::read_only(feed::preferences))
        .route("/preferences/{author}/{slug}/{file}", http::read_only(preference_text::text))
        .route("/targets", http::read_only(guidance::targets))
        .route("/backtest", http::read_only(guidance::backtest))
        .route("/workloads", http::read_only(guidance::workloads))
        .route("/thresholds", http::read_only(guidance::thresholds))
        .route("/changes", http::read_only(changes::changes))
        .route("/share", http::read_only(share::share))
        .route("/status", http::read_only(guidance::status))
        .route("/models", http::read_only(catalogue::models))
        .route("/models/{name}", http::read_only(catalogue::model))
        .route("/models/{author}/{slug}", http::read_only(catalogue::model))
        .route("/endpoints", http::read_only(endpoints::endpoints))
        .route("/endpoints/{id}/history", http::read_only(history::by_id))
        .route("/endpoints/{author}/{slug}/{*rest}", http::read_only(history::by_tag))
        .route("/history/{name}", http::read_only(history::of_model))
        .route("/history/{author}/{slug}", http::read_only(history::of_model))
        .route("/providers", http::read_only(catalogue::providers))
        .route("/providers/{slug}", http::read_only(catalogue::provider))
        .route("/cost", http::read_only(cost::ranking))
        .route("/cost/{name}", http::read_only(cost::cost))
        .route("/cost/{author}/{slug}", http::read_only(cost::cost))
        .route("/readings", http::read_only(readings::readings))
        .route("/hourly/{name}", http::read_only(hourly::hourly))
        .route("/hourly/{author}/{slug}", http::read_only(hourly::hourly))
        .route("/openapi.json", http::read_only(openapi::document).layer(from_fn(pack_on_the_way)));
    Router::new()
        .nest("/api/v1", v1)
        .route("/api/", any(http::no_such_route))
        .route("/api/{*rest}", any(http::no_such_route))
        .route_layer(from_fn(http::finish))
        .merge(health::router())
        .with_state(state)
}
