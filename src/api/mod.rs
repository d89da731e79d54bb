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
mod preference_query;
mod preference_text;
mod problem;
mod readings;
mod request;
mod rows;
mod table;
mod time;

pub use guidance::{ListedTarget, StatusData, listed_targets};
pub use http::too_many_requests;
pub use openapi::openapi;

use crate::domain::column::Column;
use crate::prepared::{Bounds, Origin, Prepared, Purpose, Shelf, pack_on_the_way};
use crate::snapshot::Current;
use axum::Router;
use axum::middleware::from_fn;
use axum::routing::any;
use chrono::{DateTime, Utc};
use problem::Problem;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Bounds of the cached bodies: clients can make up any number of URLs.
const BOUNDS: Bounds = Bounds { things: 4_000, bytes: 128 << 20 };

/// Tables that are written as Parquet at the same time; each needs memory and a blocking thread.
const PARQUET_AT_ONCE: usize = 1;

/// How long a request waits for its turn to write a table as Parquet.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Writes columns as Parquet, or returns why it cannot. It may block: it runs on a thread for blocking work.
pub type WriteParquet = Arc<dyn Fn(&[Column]) -> Result<Vec<u8>, String> + Send + Sync>;

/// The bodies made so far, keyed by snapshot id, path and parsed query, and what bodies are made with.
pub struct Bodies {
    shelf: Shelf<String, String, Prepared>,
    purpose: Purpose,
    parquet: Option<WriteParquet>,
    /// Turns to write a table as Parquet.
    turns: Arc<Semaphore>,
    /// How long a request waits for its turn.
    patience: Duration,
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
            turns: Arc::new(Semaphore::new(PARQUET_AT_ONCE)),
            patience: LONGEST_WAIT,
            origin: Origin::default(),
            document: OnceLock::new(),
        }
    }

    /// The same with a writer of Parquet; without one, tables are available as CSV only.
    #[must_use]
    pub fn with_parquet(self, write: WriteParquet) -> Self {
        Self { parquet: Some(write), ..self }
    }

    /// The same with the address of the service, which the description contains.
    #[must_use]
    pub fn at(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Columns as Parquet, written on a thread for blocking work once it is their turn. A turn lasts until the table is
    /// written, even if the client has gone.
    ///
    /// # Errors
    /// 400 without a writer, 500 if it fails, 503 if the turn does not come within [`LONGEST_WAIT`].
    async fn parquet(&self, columns: Vec<Column>) -> Result<Vec<u8>, Problem> {
        let write = Arc::clone(self.parquet.as_ref().ok_or_else(Problem::no_parquet)?);
        let turn = tokio::time::timeout(self.patience, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Problem::busy()) };
        let work = move || {
            let written = write(&columns);
            drop(turn);
            written
        };
        let written = tokio::task::spawn_blocking(work).await;
        written.unwrap_or_else(|ended| Err(ended.to_string())).map_err(|error| {
            tracing::error!(error, "cannot write a table as Parquet");
            Problem::parquet_failed()
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Instant;

    #[tokio::test]
    async fn writing_parquet_does_not_block_the_worker() {
        let (release, released) = mpsc::channel::<()>();
        let released = std::sync::Mutex::new(released);
        let write: WriteParquet = Arc::new(move |_| {
            let released = released.lock().expect("no panic");
            released.recv_timeout(Duration::from_secs(20)).map_err(|error| error.to_string())?;
            Ok(vec![1])
        });
        let bodies = Bodies::default().with_parquet(write);
        // The runtime has one worker: if the writer blocked it, nothing would release the writer.
        let (written, sent) = tokio::join!(bodies.parquet(Vec::new()), async { release.send(()) });
        sent.expect("the writer waits");
        assert_eq!(written.expect("written"), [1]);
        assert_eq!(bodies.turns.available_permits(), PARQUET_AT_ONCE, "the turn is over");
    }

    #[tokio::test]
    async fn a_request_waits_for_its_turn_only_for_a_while() {
        let patience = Duration::from_millis(50);
        let bodies = Bodies { patience, ..Bodies::default() }.with_parquet(Arc::new(|_| Ok(vec![1])));
        let turn =
            Arc::clone(&bodies.turns).acquire_many_owned(PARQUET_AT_ONCE as u32).await.expect("a turn");
        let started = Instant::now();
        let refused = bodies.parquet(Vec::new()).await.expect_err("no turn came");
        assert!(started.elapsed() >= patience);
        assert_eq!((refused.status, refused.kind), (503, "/problems/busy"));
        let response = refused.written();
        assert!(response.headers().contains_key(axum::http::header::RETRY_AFTER));
        drop(turn);
        assert_eq!(bodies.parquet(Vec::new()).await.expect("written"), [1]);
    }

    #[tokio::test]
    async fn a_writer_that_fails_or_panics_is_an_internal_error_and_returns_its_turn() {
        let failing: [WriteParquet; 2] =
            [Arc::new(|_| Err("the disk is full".to_owned())), Arc::new(|_| panic!("on purpose"))];
        for write in failing {
            let bodies = Bodies::default().with_parquet(write);
            let refused = bodies.parquet(Vec::new()).await.expect_err("it failed");
            assert_eq!((refused.status, refused.kind), (500, "/problems/internal"));
            assert!(!refused.detail.contains("disk"), "the log has the reason: {}", refused.detail);
            assert_eq!(bodies.turns.available_permits(), PARQUET_AT_ONCE);
        }
        let refused = Bodies::default().parquet(Vec::new()).await.expect_err("no writer");
        assert_eq!(refused.status, 400);
    }
}
