//! The connections of the program's servers: accepted within limits, so that slow, idle and greedy clients cost little,
//! and ended in bounded time when the program stops.
//!
//! HTTP/1.1 only: a proxy in front speaks newer versions to browsers.

mod limits;
mod seats;
mod size;
mod stream;

pub use limits::{Limits, share_of_descriptors};
pub use size::{MOST_ADDRESS, refuse_oversized};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use seats::{Seat, Seats};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stream::{Answering, Watched};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// How often connections are checked for limits that they exceed.
const CHECK_EVERY: Duration = Duration::from_millis(250);
/// The pause after a failed accept: the descriptors of closed connections become free meanwhile.
const AFTER_FAILURE: Duration = Duration::from_millis(50);
/// Failed accepts and refused connections are logged at most this often.
const LOG_EVERY: Duration = Duration::from_secs(60);
/// The largest buffer of a connection, bytes: also the limit of an address with its headers.
const MOST_BUFFERED: usize = 128 * 1024;
/// How long the end of a connection may take once it is cut.
const CUT_PATIENCE: Duration = Duration::from_millis(500);

/// Serves a router until cancelled. Running answers are then completed; idle connections and incomplete requests are
/// closed. It returns within [`Limits::stop`] and half a second, whatever the clients do.
///
/// # Errors
/// If the listening socket is invalid. A failed accept, for example without a free descriptor, is logged and tried
/// again.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    cancel: CancellationToken,
) -> io::Result<()> {
    let server = Server {
        // Routes are made once here instead of for each request.
        router: router.with_state(()),
        seats: Arc::new(Seats::default()),
        stopping: CancellationToken::new(),
        tasks: TaskTracker::new(),
        limits,
    };
    let accepted = server.accept(listener, &cancel).await;
    server.stop().await;
    accepted
}

struct Server {
    router: Router,
    seats: Arc<Seats>,
    stopping: CancellationToken,
    tasks: TaskTracker,
    limits: Limits,
}

impl Server {
    /// Accepts connections until cancelled; then the port is free.
    async fn accept(&self, listener: TcpListener, cancel: &CancellationToken) -> io::Result<()> {
        let mut checks = tokio::time::interval(CHECK_EVERY);
        checks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut complaint = Complaint::default();
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                _ = checks.tick() => self.seats.cut_overdue(&self.limits),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer, &mut complaint),
                    // EINVAL: the socket does not listen, and never will again.
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Err(error),
                    Err(error) => {
                        // A client that went away before it was accepted is not a problem of this machine.
                        if !is_of_client(&error) {
                            let closed = self.seats.cut_least_needed();
                            complaint.log(|| tracing::error!(
                                %error,
                                connections = self.seats.count(),
                                closed_an_idle_one = closed,
                                "cannot accept a connection; trying again"
                            ));
                            tokio::time::sleep(AFTER_FAILURE).await;
                        }
                    }
                },
            }
        }
    }

    /// Serves a connection, if there is room for it: the connection that is least needed makes room.
    fn admit(&self, stream: TcpStream, peer: SocketAddr, complaint: &mut Complaint) {
        if self.seats.count() >= self.limits.connections && !self.seats.cut_least_needed() {
            complaint.log(|| {
                tracing::warn!(
                    connections = self.limits.connections,
                    "too many connections, all of them with a running request; refusing further ones"
                );
            });
            return;
        }
        let seat = self.seats.take();
        let (router, stopping, seats) = (self.router.clone(), self.stopping.clone(), self.seats.clone());
        self.tasks.spawn(async move {
            attend(stream, peer, router, seat.clone(), stopping).await;
            seats.leave(&seat);
        });
    }

    /// Lets running answers finish, and cuts off what is left in the end.
    async fn stop(&self) {
        let started = Instant::now();
        self.stopping.cancel();
        self.tasks.close();
        while !self.tasks.is_empty() && started.elapsed() < self.limits.stop {
            if started.elapsed() >= self.limits.stop_head {
                self.seats.cut_without_request();
            }
            let step = Duration::from_millis(20).min(self.limits.stop);
            // Ends early if the last connection does.
            let _ = tokio::time::timeout(step, self.tasks.wait()).await;
        }
        let left = self.seats.cut_all();
        if left > 0 {
            tracing::warn!(connections = left, "closed connections whose answers took too long to send");
        }
        let _ = tokio::time::timeout(CUT_PATIENCE, self.tasks.wait()).await;
    }
}

/// Serves one connection until it ends or is cut.
async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    seat: Arc<Seat>,
    stopping: CancellationToken,
) {
    // Without it, the second part of an answer may wait for the client's acknowledgement of the first.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %peer, "cannot switch off the delay of small packets");
    }
    let io = TokioIo::new(Watched::new(stream, seat.clone()));
    let of_request = seat.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let running = of_request.answer();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        async move {
            let response = match router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            Ok::<_, Infallible>(response.map(|body| Answering::new(body, running)))
        }
    });
    let mut builder = http1::Builder::new();
    // The times are those of the seat, which also count clients that do not read.
    builder.header_read_timeout(None::<Duration>).max_header_size(MOST_BUFFERED).max_buf_size(MOST_BUFFERED);
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut is_stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, %peer, "a connection broke off");
                }
                return;
            }
            () = seat.is_cut() => return,
            () = stopping.cancelled(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Whether a failed accept is about the client and not about this machine.
fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Logs the same problem once in a while.
#[derive(Default)]
struct Complaint {
    last: Option<Instant>,
}

impl Complaint {
    fn log(&mut self, write: impl FnOnce()) {
        if self.last.is_none_or(|last| last.elapsed() >= LOG_EVERY) {
            self.last = Some(Instant::now());
            write();
        }
    }
}

#[cfg(test)]
mod tests;
