//! Heavy work runs on its own low-priority thread, so that it does not slow down the threads that serve visitors.

use tokio::sync::oneshot;

/// Niceness of background threads (see `nice(1)`).
const NICENESS: i32 = 10;

/// The thread ended without a result: the work panicked, or the thread could not be started.
#[derive(Debug, thiserror::Error)]
#[error("a background task panicked or could not be started")]
pub struct Ended;

/// Runs `work` on its own low-priority thread. Threads that the work starts inherit the priority. The thread is not
/// from the runtime's pool, because a lowered priority cannot be raised again.
pub fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (answer, answered) = oneshot::channel();
    // Lines of the log belong to the run of the caller.
    let span = tracing::Span::current();
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

/// Lowers the priority of the calling thread. Only done on Linux: elsewhere it would affect the whole process.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "cannot lower the priority of background work");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_answers_and_says_when_it_cannot() {
        assert_eq!(run(|| 6 * 7).await.expect("an answer"), 42);
        assert!(run(|| panic!("on purpose")).await.is_err());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn it_gives_way_and_its_caller_does_not() {
        let niceness = || rustix::process::getpriority_process(None).expect("a priority");
        let before = niceness();
        let inside = run(niceness).await.expect("an answer");
        assert_eq!((niceness(), inside), (before, (before + NICENESS).min(19)));
    }
}
