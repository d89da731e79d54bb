//! Parses the command line, dispatches, and turns the result into an exit code.

use std::process::ExitCode;

/// Gives the memory of answers back to the system soon after they are sent. The allocators of C libraries keep it in a
/// pool for each thread.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    hitrate::cli::main()
}
