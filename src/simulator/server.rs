//! Serves the simulator on a loopback socket. Its clock is set explicitly and advances during a sweep.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Simulator, SimulatorError, SweepClock};
use crate::clock::ManualClock;

const NOT_FOUND: &str = r#"{"error":{"code":404,"message":"Not Found"}}"#;
const WRONG_METHOD: &str = r#"{"error":{"code":405,"message":"Method Not Allowed"}}"#;

#[derive(Debug)]
struct Shared {
    simulator: Arc<Simulator>,
    clock: SweepClock,
}

/// A running simulator. If it is dropped, it stops accepting connections; [`stop`](Self::stop) also waits.
#[derive(Debug)]
pub struct SimulatorServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

/// Serves a simulator on a loopback address (port 0: any free port), with its clock at the start of the span.
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
    let clock = SweepClock::new(&simulator);
    let shared = Arc::new(Shared { simulator, clock });
    let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        // A dropped sender means that the server handle was dropped: stop as well.
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

    /// Sets the simulated time of all further responses or, if sweeps take time, of the next one.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.shared.clock.set(now);
    }

    /// The simulated time.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.clock.now()
    }

    /// A clock that shows the simulated time, for a collector that uses this server.
    pub fn clock(&self) -> ManualClock {
        self.shared.clock.shared()
    }

    /// The simulator that is served.
    pub fn simulator(&self) -> &Arc<Simulator> {
        &self.shared.simulator
    }

    /// Stops accepting connections, completes open requests, and returns when the port is free.
    ///
    /// # Errors
    /// [`SimulatorError::Serve`] if the server failed.
    pub async fn stop(mut self) -> Result<(), SimulatorError> {
        if let Some(stop) = self.stop.take() {
            // The receiver is gone only if the server has already ended; the join below returns the reason.
            let _ = stop.send(());
        }
        let ended = self.task.await.map_err(|error| error.to_string());
        ended.and_then(|served| served.map_err(|error| error.to_string())).map_err(SimulatorError::Serve)
    }
}

async fn answer(State(shared): State<Arc<Shared>>, method: Method, uri: Uri) -> Response {
    let at = shared.clock.serve(uri.path());
    if method != Method::GET && method != Method::HEAD {
        return respond(at, StatusCode::METHOD_NOT_ALLOWED, WRONG_METHOD.into());
    }
    match shared.simulator.body(uri.path(), uri.query().unwrap_or_default(), at) {
        (200, Some(body)) => respond(at, StatusCode::OK, body.into()),
        _ => respond(at, StatusCode::NOT_FOUND, NOT_FOUND.into()),
    }
}

/// The value of the `Date` header for a time.
pub fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn respond(at: DateTime<Utc>, status: StatusCode, body: Body) -> Response {
    let json = (header::CONTENT_TYPE, "application/json; charset=utf-8".to_owned());
    // Without the date, the server would send the time of the machine.
    (status, [json, (header::DATE, http_date(at))], body).into_response()
}
