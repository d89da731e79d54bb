//! Heavy work runs on its own low-priority threads, so that it does not slow down the threads that serve visitors.

use std::future::Future;
use std::io;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{Instrument, Span};

/// Niceness of background threads (see `nice(1)`): under full load they get about a thirtieth of what a visitor's thread
/// gets. With less, a publication under load would take longer than the hour until the next one.
const NICENESS: i32 = 15;
/// Threads of a background runtime: one may be busy with a body or the database while the other one fetches.
const WORKERS: usize = 2;

/// The thread ended without a result: the work panicked, or the thread could not be started.
#[derive(Debug, thiserror::Error)]
#[error("a background task panicked or could not be started")]
pub struct Ended;

/// Runs `work` on its own low-priority thread. Threads that the work starts inherit the priority. The thread is not
/// from the runtime's pool, because a lowered priority cannot be raised again.
pub fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (answer, answered) = oneshot::channel();
    // Lines of the log belong to the same run as those of the caller.
    let span = Span::current();
    let run = move || {
        step_back();
        // The send fails if the caller does not wait for the result; that is fine.
        drop(answer.send(span.in_scope(work)));
    };
    if let Err(error) = std::thread::Builder::new().name("background".to_owned()).spawn(run) {
        tracing::error!(%error, "cannot start a background thread");
    }
    answered
}

/// Runs `work` as [`spawn`] does and waits for its result.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Ended> {
    spawn(work).await.map_err(|_| Ended)
}

/// Runs a future as [`run`] runs a function: the tasks and blocking threads that it starts have a low priority, too, and
/// if it blocks, it blocks no visitor.
pub async fn run_async<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Ended> {
    let workers = Workers::start().map_err(|error| {
        tracing::error!(%error, "cannot start background threads");
        Ended
    })?;
    workers.spawn(work.instrument(Span::current())).await.map_err(|_| Ended)
}

/// A runtime of its own with low-priority threads. When it is dropped, its tasks are cancelled, and no one waits for them.
#[derive(Debug)]
pub struct Workers(Option<Runtime>);

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the system allows no more threads or descriptors.
    pub fn start() -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(WORKERS).thread_name("background").on_thread_start(step_back).enable_all();
        builder.build().map(|runtime| Self(Some(runtime)))
    }

    /// Starts a future on these threads.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        match &self.0 {
            Some(runtime) => runtime.spawn(work),
            // Only while it is dropped, when no one can call this.
            None => tokio::spawn(work),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // A runtime must not wait for its end inside of another one.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lowers the priority of the calling thread, once: a thread that a background thread starts has the lower priority already.
/// Only done on Linux: elsewhere it would affect the whole process.
fn step_back() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, nice};
        /// The priority of the process. The first thread that comes here was started by one that has it.
        static USUAL: std::sync::OnceLock<i32> = std::sync::OnceLock::new();
        let lowered = getpriority_process(None).and_then(|now| {
            let wanted = USUAL.get_or_init(|| now) + NICENESS;
            if now < wanted { nice(wanted - now).map(drop) } else { Ok(()) }
        });
        if let Err(error) = lowered {
            tracing::debug!(%error, "cannot lower the priority of background work");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_answers_and_says_when_it_cannot() {
        assert_eq!(run(|| 6 * 7).await.expect("an answer"), 42);
        assert!(run(|| panic!("on purpose")).await.is_err());
        assert_eq!(run_async(async { 6 * 7 }).await.expect("an answer"), 42);
        assert!(run_async(async { panic!("on purpose") }).await.is_err());
    }

    #[tokio::test]
    async fn a_future_that_blocks_does_not_block_its_caller() {
        let (release, released) = std::sync::mpsc::channel::<u32>();
        let patience = std::time::Duration::from_secs(20);
        let blocked = run_async(async move { released.recv_timeout(patience) });
        // The runtime of the test has one thread: if the future blocked it, nothing would release the future.
        let (answer, sent) = tokio::join!(blocked, async { release.send(7) });
        sent.expect("the future waits");
        assert_eq!(answer.expect("an answer"), Ok(7));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn it_gives_way_and_its_caller_does_not() {
        let niceness = || rustix::process::getpriority_process(None).expect("a priority");
        let before = niceness();
        let expected = (before + NICENESS).min(19);
        let inside = run(niceness).await.expect("an answer");
        assert_eq!((niceness(), inside), (before, expected));
        let of_tasks = async move { (niceness(), tokio::task::spawn_blocking(niceness).await.ok()) };
        let inside = run_async(of_tasks).await.expect("an answer");
        assert_eq!((niceness(), inside), (before, (expected, Some(expected))));
    }
}
