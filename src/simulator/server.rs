//! Serves the simulator on a loopback socket. Its clock is set explicitly and advances during a sweep, and it misbehaves
//! on request.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::faults::{Exchange, Fault, FaultPlan, deliver};
use super::wire::{Head, JSON, read_request};
use super::{Simulator, SimulatorError, SweepClock};
use crate::clock::ManualClock;

const NOT_FOUND: &[u8] = br#"{"error":{"code":404,"message":"Not Found"}}"#;
const WRONG_METHOD: &[u8] = br#"{"error":{"code":405,"message":"Method Not Allowed"}}"#;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;
/// Wait after a connection that could not be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);

#[derive(Debug)]
struct Shared {
    simulator: Arc<Simulator>,
    clock: SweepClock,
    faults: Mutex<Vec<FaultPlan>>,
    /// Signals that the time or the faults changed.
    changed: Notify,
    requests: AtomicU64,
}

/// A running simulator. If it is dropped, it stops accepting connections; [`stop`](Self::stop) also waits.
#[derive(Debug)]
pub struct SimulatorServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: DropGuard,
    task: JoinHandle<io::Result<()>>,
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
    let listener = bound(listen).and_then(|socket| socket.listen(BACKLOG)).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let clock = SweepClock::new(&simulator);
    let shared = Arc::new(Shared {
        simulator,
        clock,
        faults: Mutex::default(),
        changed: Notify::new(),
        requests: AtomicU64::new(0),
    });
    let stop = CancellationToken::new();
    let task = tokio::spawn(run(listener, address, shared.clone(), stop.clone()));
    Ok(SimulatorServer { address, shared, stop: stop.drop_guard(), task })
}

impl SimulatorServer {
    /// `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the simulated time of all further responses or, if sweeps take time, of the next one.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.shared.clock.set(now);
        self.shared.changed.notify_one();
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

    /// Replaces the faults; of several that concern a request, the first counts.
    pub fn set_faults(&self, faults: Vec<FaultPlan>) {
        *self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
        self.shared.changed.notify_one();
    }

    /// Number of requests that arrived so far.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Stops accepting connections, completes open requests except those that a fault keeps open, and returns when the
    /// port is free.
    ///
    /// # Errors
    /// [`SimulatorError::Serve`] if the server failed.
    pub async fn stop(self) -> Result<(), SimulatorError> {
        drop(self.stop);
        let ended = self.task.await.map_err(|error| error.to_string());
        ended.and_then(|served| served.map_err(|error| error.to_string())).map_err(SimulatorError::Serve)
    }
}

impl Shared {
    /// Whether nothing must listen now.
    fn is_gone(&self) -> bool {
        let now = self.clock.now();
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.iter().any(|plan| plan.fault == Fault::Gone && plan.is_at(now))
    }

    fn fault(&self, target: &str, at: DateTime<Utc>) -> Option<Fault> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.iter().find_map(|plan| plan.meets(target, number, at))
    }
}

/// A socket with its address that does not listen yet: connections to it are refused.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Accepts connections until stopped, then waits for those that are open.
async fn run(
    mut listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
) -> io::Result<()> {
    let mut open = JoinSet::new();
    loop {
        if shared.is_gone() {
            drop(listener);
            // The bound socket keeps the port for this server.
            let socket = bound(address)?;
            while shared.is_gone() {
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = shared.changed.notified() => {}
                }
            }
            listener = socket.listen(BACKLOG)?;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = shared.changed.notified() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    open.spawn(connection(stream, shared.clone(), stop.clone()));
                }
                // Too few descriptors, or the client is gone already.
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
            },
            Some(_) = open.join_next() => {}
        }
    }
    drop(listener);
    while open.join_next().await.is_some() {}
    Ok(())
}

/// Answers the requests of a connection until either side ends it.
async fn connection(mut stream: TcpStream, shared: Arc<Shared>, stop: CancellationToken) {
    let mut rest = Vec::new();
    loop {
        let request = tokio::select! {
            biased;
            read = read_request(&mut stream, &mut rest) => read,
            () = stop.cancelled() => return,
        };
        let Ok(Some(request)) = request else { return };
        if shared.is_gone() {
            return;
        }
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let at = shared.clock.serve(path);
        let head = |status| Head { status, at, kind: JSON, more: String::new() };
        let sent = match request.method.as_str() {
            "GET" => {
                let (status, body) = match shared.simulator.body(path, query, at) {
                    (200, Some(body)) => (200, body),
                    _ => (404, NOT_FOUND.to_vec()),
                };
                match shared.fault(&request.target, at) {
                    None => head(status).send(&mut stream, &body).await.map(|()| true),
                    Some(fault) => {
                        let exchange = Exchange { target: &request.target, at, status, body };
                        tokio::select! {
                            sent = deliver(&mut stream, fault, exchange) => sent,
                            () = stop.cancelled() => return,
                        }
                    }
                }
            }
            "HEAD" => head(200).begin(&mut stream, Some(0)).await.map(|()| true),
            // The body of another request is not read, so its connection ends.
            _ => head(405).send(&mut stream, WRONG_METHOD).await.map(|()| false),
        };
        if !request.keeps || !matches!(sent, Ok(true)) {
            return;
        }
    }
}
