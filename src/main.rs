//! Parses the command line, dispatches, and turns the result into an exit code.

fn main() {}
