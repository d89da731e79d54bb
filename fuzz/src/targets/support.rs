//! What several targets need.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Splits a first byte off, for choices; 0 if there is none.
pub fn choice(input: &[u8]) -> (usize, &[u8]) {
    input.split_first().map_or((0, input), |(first, rest)| (usize::from(*first), rest))
}

/// The folder for files of this process; it is made once and used again by every execution.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("hitrate-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
        folder
    })
}

/// A folder of one target in [`folder`].
pub fn folder_of(target: &str) -> PathBuf {
    let folder = folder().join(target);
    std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    folder
}

/// Writes an input to a file.
pub fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("the folder for temporary files can be written");
}

/// Checks that what was made of an input is not much larger than the input: at most `times` as large, and 1 MiB.
pub fn bounded(what: &str, made: usize, input: usize, times: usize) {
    let most = input.saturating_mul(times) + (1 << 20);
    assert!(made <= most, "{what}: {made} bytes were made of {input}");
}

/// The answer of a future on this thread.
pub fn wait<F: Future>(future: F) -> F::Output {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("the async runtime starts");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}
