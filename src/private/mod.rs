//! The private listener: pages and JSON of the user's own traffic, and the receiver of OpenTelemetry. It has a server and
//! a router of its own, so nothing of it is reachable through the public address.

mod access;
mod allowed;
mod answers;
mod counters;
mod files;
mod import;
mod keep;
mod names;
mod own_store;
mod pages;
mod receiver;
mod repeats;
mod reply;
mod routes;
mod spool;
mod token;
mod values;

pub use answers::Own;
pub use import::{Added, Destination, Failure};
pub use own_store::OwnStore;
pub use receiver::{Telemetry, reduce_telemetry};
pub use token::{Token, TokenError, VARIABLE};

use crate::connections::{self, Limits, refuse_oversized, share_of_descriptors};
use access::Access;
use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use counters::Counters;
use receiver::ReceiverState;
use routes::OwnState;
use spool::{Spool, SpoolLimits, SpoolReader};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};

/// Folder of the spool in the data folder.
const SPOOL: &str = "traffic-spool";
/// Maximum duration of a request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a request may wait for the next part of its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a stop waits until the last segment is complete, and again until it is imported.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Errors of the private listener.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum PrivateError {
    /// It cannot listen on the address.
    #[error("cannot listen on {listen}: {source}; choose another address with --private-listen")]
    Listen { listen: SocketAddr, source: io::Error },
    /// The token is missing or too short.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The spool cannot be opened.
    #[error("cannot open the spool {path}: {source}")]
    Spool { path: PathBuf, source: io::Error },
    /// It stopped by itself.
    #[error("the private listener stopped: {0}")]
    Stopped(io::Error),
}

/// The private listener; it listens already, and does not respond yet.
pub struct Private {
    listener: TcpListener,
    router: Router,
    url: String,
    token_place: String,
    reader: SpoolReader,
    writer: JoinHandle<()>,
    destination: Arc<dyn Destination>,
    counters: Arc<Counters>,
}

impl Private {
    /// Starts listening. `variable` is the value of [`VARIABLE`]. Received calls are imported into `destination`.
    ///
    /// # Errors
    /// [`PrivateError`].
    pub async fn bind(
        own: Own,
        destination: Arc<dyn Destination>,
        listen: SocketAddr,
        variable: Option<String>,
    ) -> Result<Self, PrivateError> {
        let settings = &own.config.private;
        let token = Token::load(variable, &settings.token_file, own.data.path(), listen.ip())?;
        let token_place = token.place().to_owned();
        let listener =
            TcpListener::bind(listen).await.map_err(|source| PrivateError::Listen { listen, source })?;
        let address = listener.local_addr().map_err(|source| PrivateError::Listen { listen, source })?;
        let path = own.data.path().join(SPOOL);
        let limits = SpoolLimits {
            queue: settings.queue,
            most_bytes: settings.max_spool_mib << 20,
            complete_after: Duration::from_secs(settings.import_seconds),
        };
        let (spool, writer) =
            Spool::open(&path, limits).map_err(|source| PrivateError::Spool { path, source })?;
        let reader = spool.reader();
        let counters = Arc::new(Counters::default());
        let access = Access::new(token, &settings.public_url, address.port(), pages::login(&token_place));
        let receiver = ReceiverState {
            spool: spool.clone(),
            counters: counters.clone(),
            most_bytes: settings.max_body_mib << 20,
            repeats: Mutex::default(),
            limit: receiver::limit(settings.requests_per_second),
            decoding: Arc::new(Semaphore::new(receiver::DECODED_AT_ONCE)),
        };
        let state = Arc::new(OwnState { own, counters: counters.clone(), spool });
        let router = Router::new()
            .merge(receiver::router(Arc::new(receiver)))
            .merge(routes::router(state.clone()))
            .merge(pages::router(state))
            .layer(from_fn_with_state(Arc::new(access), access::check))
            .layer(CatchPanicLayer::new())
            .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
            .layer(TimeoutLayer::with_status_code(axum::http::StatusCode::GATEWAY_TIMEOUT, ANSWER_TIMEOUT))
            .layer(from_fn(refuse_oversized))
            // Outermost, so that they also apply to responses of the layers above.
            .layer(map_response(crate::site::secure))
            .layer(map_response(keep_out));
        let url = format!("http://{address}");
        Ok(Self { listener, router, url, token_place, reader, writer, destination, counters })
    }

    /// The address that it listens on, as a URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the token is: the path of its file, or the name of the environment variable.
    pub fn token_place(&self) -> &str {
        &self.token_place
    }

    /// Serves requests until cancelled, lets running requests finish, and imports what they sent.
    ///
    /// # Errors
    /// [`PrivateError::Stopped`].
    pub async fn run(self, cancel: CancellationToken) -> Result<(), PrivateError> {
        let importing = CancellationToken::new();
        let importer =
            tokio::spawn(import::run(self.reader, self.destination, self.counters, importing.clone()));
        let limits = Limits::with_connections(share_of_descriptors().1);
        let served = connections::serve(self.listener, self.router, limits, cancel).await;
        // The writer completes its segment and ends once the router is gone, which held the other end.
        let writer = self.writer;
        let completed = tokio::task::spawn_blocking(move || writer.join());
        if tokio::time::timeout(STOP_PATIENCE, completed).await.is_err() {
            tracing::warn!("a request is still running; what it sent is imported at the next start");
        }
        importing.cancel();
        match tokio::time::timeout(STOP_PATIENCE, importer).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => {
                tracing::error!("the import of received calls panicked; the next start imports them")
            }
            Err(_) => {
                tracing::warn!("the import of received calls is still running; the next start completes it")
            }
        }
        served.map_err(PrivateError::Stopped)
    }
}

/// Nothing of the private listener is stored by browsers or found by search engines. Its own pages may refer to each
/// other, because browsers send `Origin` with a form only then.
async fn keep_out(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
    response
}
