//! Heavy work beside the service: on a thread of its own that gives way to whoever answers visitors.

use tokio::sync::oneshot;

/// How far background threads step back (see `nice(1)`).
const NICENESS: i32 = 10;

/// The thread went away without an answer: what it ran panicked, or no thread could be started.
#[derive(Debug, thiserror::Error)]
#[error("a background task ended badly")]
pub struct Ended;

/// Runs something on a thread of its own that gives way to others. Threads that it starts give way too: they inherit it.
/// Not a thread of the runtime's pool, because stepping back cannot be taken back.
pub fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (answer, answered) = oneshot::channel();
    let run = move || {
        step_back();
        // Nobody waits for the answer of what was only started.
        drop(answer.send(work()));
    };
    if let Err(error) = std::thread::Builder::new().name("background".to_owned()).spawn(run) {
        tracing::error!(%error, "no thread could be started");
    }
    answered
}

/// Runs something as [`spawn`] does and waits for what it answers.
///
/// # Errors
/// [`Ended`].
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Ended> {
    spawn(work).await.map_err(|_| Ended)
}

/// On Linux this holds for the calling thread alone; elsewhere for the process, and is left out.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "background work does not give way");
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
