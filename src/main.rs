//! Parses the command line, dispatches, and turns the result into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    hitrate::cli::main()
}
