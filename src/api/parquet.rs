//! Tables as Parquet: written one at a time, on a thread of low priority, so that the workers stay free.

use super::problem::Problem;
use crate::background;
use crate::domain::column::Column;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Tables that are written at the same time; each needs memory and a thread.
const AT_ONCE: usize = 1;

/// How long a request waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Writes columns as Parquet, or returns why it cannot. It may block: it runs on a thread of its own.
pub type WriteParquet = Arc<dyn Fn(&[Column]) -> Result<Vec<u8>, String> + Send + Sync>;

/// Writes tables in turn.
pub(super) struct Writer {
    write: WriteParquet,
    turns: Arc<Semaphore>,
    patience: Duration,
}

/// A turn to write one table.
pub(super) struct Turn {
    write: WriteParquet,
    permit: OwnedSemaphorePermit,
}

impl Writer {
    pub fn new(write: WriteParquet) -> Self {
        Self { write, turns: Arc::new(Semaphore::new(AT_ONCE)), patience: LONGEST_WAIT }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// 503 if it does not come within [`LONGEST_WAIT`].
    pub async fn turn(&self) -> Result<Turn, Problem> {
        let permit = tokio::time::timeout(self.patience, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return Err(Problem::busy()) };
        Ok(Turn { write: Arc::clone(&self.write), permit })
    }
}

impl Turn {
    /// Columns as Parquet. The turn lasts until they are written, even if the client has gone.
    ///
    /// # Errors
    /// 500 if the writer fails.
    pub async fn write(self, columns: Vec<Column>) -> Result<Vec<u8>, Problem> {
        let Self { write, permit } = self;
        let work = move || {
            // Dropped at the end, also if the writer panics.
            let _permit = permit;
            write(&columns)
        };
        let written = background::run(work).await;
        written.unwrap_or_else(|ended| Err(ended.to_string())).map_err(|error| {
            tracing::error!(error, "cannot write a table as Parquet");
            Problem::parquet_failed()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, mpsc};

    async fn written(writer: &Writer) -> Result<Vec<u8>, Problem> {
        writer.turn().await?.write(Vec::new()).await
    }

    #[tokio::test]
    async fn writing_does_not_block_the_worker() {
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let writer = Writer::new(Arc::new(move |_| {
            let released = released.lock().expect("no panic");
            released.recv_timeout(Duration::from_secs(20)).map_err(|error| error.to_string())?;
            Ok(vec![1])
        }));
        // The runtime has one worker: if the writer blocked it, nothing would release the writer.
        let (body, sent) = tokio::join!(written(&writer), async { release.send(()) });
        sent.expect("the writer waits");
        assert_eq!(body.expect("written"), [1]);
        assert_eq!(writer.turns.available_permits(), AT_ONCE, "the turn is over");
    }

    #[tokio::test]
    async fn a_turn_lasts_until_the_table_is_written_even_if_the_client_has_gone() {
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let writer = Writer::new(Arc::new(move |_| {
            let released = released.lock().expect("no panic");
            released.recv_timeout(Duration::from_secs(20)).map_err(|error| error.to_string())?;
            Ok(vec![1])
        }));
        let gone = tokio::time::timeout(Duration::from_millis(50), written(&writer)).await;
        assert!(gone.is_err(), "the client waits no longer");
        assert_eq!(writer.turns.available_permits(), AT_ONCE - 1);
        // One for the abandoned table, one for the next.
        for _ in 0..2 {
            release.send(()).expect("the writer is there");
        }
        assert_eq!(written(&writer).await.expect("written"), [1]);
    }

    #[tokio::test]
    async fn a_request_waits_for_its_turn_only_for_a_while() {
        let patience = Duration::from_millis(50);
        let writer = Writer { patience, ..Writer::new(Arc::new(|_| Ok(vec![1]))) };
        let turn = writer.turn().await.expect("a turn");
        let refused = written(&writer).await.expect_err("no turn came");
        assert_eq!((refused.status, refused.kind), (503, "/problems/busy"));
        assert!(refused.written().headers().contains_key(axum::http::header::RETRY_AFTER));
        drop(turn);
        assert_eq!(written(&writer).await.expect("written"), [1]);
    }

    #[tokio::test]
    async fn a_writer_that_fails_or_panics_is_an_internal_error_and_its_turn_ends() {
        let failing: [WriteParquet; 2] =
            [Arc::new(|_| Err("the disk is full".to_owned())), Arc::new(|_| panic!("on purpose"))];
        for write in failing {
            let writer = Writer::new(write);
            let refused = written(&writer).await.expect_err("it failed");
            assert_eq!((refused.status, refused.kind), (500, "/problems/internal"));
            assert!(!refused.detail.contains("disk"), "the log has the reason: {}", refused.detail);
            assert_eq!(writer.turns.available_permits(), AT_ONCE);
        }
    }
}
