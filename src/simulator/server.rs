//! The simulator behind a socket on loopback, with a clock that is set by hand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Simulator, SimulatorError};

const NOT_FOUND: &str = r#"{"error":{"code":404,"message":"Not Found"}}"#;
const WRONG_METHOD: &str = r#"{"error":{"code":405,"message":"Method Not Allowed"}}"#;

#[derive(Debug)]
struct Shared {
    simulator: Arc<Simulator>,
    now_ms: AtomicI64,
}

impl Shared {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.now_ms.load(Ordering::Acquire)).unwrap_or_default()
    }
}

/// A running simulator. Dropping it stops the accepting of connections; [`stop`](Self::stop) also waits.
#[derive(Debug)]
pub struct SimulatorServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

/// Serves a simulator on a loopback address (port 0 for any), its clock at the start of the span.
///
/// # Errors
/// [`SimulatorError::NotLoopback`] for any other address, [`SimulatorError::Listen`] if the port is taken.
pub async fn serve(simulator: Arc<Simulator>, listen: SocketAddr) -> Result<SimulatorServer, SimulatorError> {
    if !listen.ip().is_loopback() {
        return Err(SimulatorError::NotLoopback(listen));
    }
    let failed = |source| SimulatorError::Listen { listen, source };
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let now_ms = AtomicI64::new(simulator.config().start.timestamp_millis());
    let shared = Arc::new(Shared { simulator, now_ms });
    let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        // A dropped sender means that nobody holds the server any more: stop as well.
        let _ = stopped.await;
    });
    let task = tokio::spawn(async move { server.await });
    Ok(SimulatorServer { address, shared, stop: Some(stop), task })
}

impl SimulatorServer {
    /// `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The simulated time of all answers from now on, to the millisecond.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.shared.now_ms.store(now.timestamp_millis(), Ordering::Release);
    }

    /// The simulated time.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.now()
    }

    /// The simulator that is served.
    pub fn simulator(&self) -> &Arc<Simulator> {
        &self.shared.simulator
    }

    /// Stops accepting, lets open requests end, and returns when the port is free.
    ///
    /// # Errors
    /// [`SimulatorError::Serve`] if the server had ended badly.
    pub async fn stop(mut self) -> Result<(), SimulatorError> {
        if let Some(stop) = self.stop.take() {
            // The receiver is gone only if the server has ended already; the join below tells how.
            let _ = stop.send(());
        }
        match self.task.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(SimulatorError::Serve(error.to_string())),
            Err(error) => Err(SimulatorError::Serve(error.to_string())),
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, method: Method, uri: Uri) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return respond(StatusCode::METHOD_NOT_ALLOWED, WRONG_METHOD.into());
    }
    match shared.simulator.body(uri.path(), uri.query().unwrap_or_default(), shared.now()) {
        (200, Some(body)) => respond(StatusCode::OK, body.into()),
        _ => respond(StatusCode::NOT_FOUND, NOT_FOUND.into()),
    }
}

fn respond(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
