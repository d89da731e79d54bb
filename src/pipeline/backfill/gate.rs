//! Sweeps come first: the history import waits while one runs, and stops when one begins.

use tokio::sync::watch;

/// The number of sweeps that run.
#[derive(Debug)]
pub(in crate::pipeline) struct Sweeps(watch::Sender<usize>);

/// A running sweep; it ends when this is dropped.
pub(in crate::pipeline) struct Sweeping<'a>(&'a Sweeps);

impl Default for Sweeps {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Sweeps {
    /// Begins a sweep.
    pub(in crate::pipeline) fn begin(&self) -> Sweeping<'_> {
        self.0.send_modify(|running| *running += 1);
        Sweeping(self)
    }

    /// Waits until no sweep runs.
    pub(super) async fn idle(&self) {
        self.wait(|running| running == 0).await;
    }

    /// Waits until a sweep runs.
    pub(super) async fn busy(&self) {
        self.wait(|running| running > 0).await;
    }

    async fn wait(&self, until: impl Fn(usize) -> bool) {
        // The wait cannot fail: the sender lives as long as `self`.
        let _ = self.0.subscribe().wait_for(|running| until(*running)).await;
    }
}

impl Drop for Sweeping<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|running| *running = running.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_gate_is_closed_as_long_as_a_sweep_runs() {
        let sweeps = Sweeps::default();
        sweeps.idle().await;
        let (first, second) = (sweeps.begin(), sweeps.begin());
        sweeps.busy().await;
        drop(first);
        tokio::select! {
            biased;
            () = sweeps.idle() => panic!("another sweep runs"),
            () = tokio::task::yield_now() => {}
        }
        drop(second);
        sweeps.idle().await;
    }
}
