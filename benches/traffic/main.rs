//! Measures own traffic: the import of a generated spend log, and a report over a generated database. It prints figures
//! and does not judge them. The program runs as its users run it, in a process of its own, so that its time and its peak
//! memory are its own.

mod generate;
mod measure;

use clap::{Parser, Subcommand};
use std::error::Error;
use std::path::PathBuf;

#[derive(Debug, Parser)]
#[command(about = "Measures own traffic: `make bench-traffic`")]
struct Asked {
    /// Folder for the generated files, outside the checkout; existing ones are reused.
    #[arg(long)]
    data: PathBuf,
    /// Rows of the spend log to import.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Calls of the database to report on.
    #[arg(long, default_value_t = 10_000_000)]
    calls: u64,
    /// Seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program to measure.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_hitrate"))]
    program: PathBuf,
    /// Added by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    step: Option<Step>,
}

/// One step; default: all of them.
#[derive(Debug, Clone, Copy, Subcommand)]
enum Step {
    /// Write the spend log.
    Log,
    /// Write the database.
    Database,
    /// Measure the import.
    Import,
    /// Measure the report.
    Report,
}

fn main() -> Result<(), Box<dyn Error>> {
    let asked = Asked::parse();
    std::fs::create_dir_all(&asked.data)?;
    let log = asked.data.join(format!("spend-{}-{}.jsonl", asked.rows, asked.seed));
    let database = asked.data.join(format!("calls-{}-{}", asked.calls, asked.seed));
    let is_asked = |step: &[&str]| match asked.step {
        None => true,
        Some(only) => step.contains(&format!("{only:?}").as_str()),
    };
    if is_asked(&["Log", "Import"]) && !log.exists() {
        eprintln!("writing {} rows to {}", asked.rows, log.display());
        generate::log(&log, asked.rows, asked.seed)?;
    }
    if is_asked(&["Database", "Report"]) && !database.join("traffic.duckdb").exists() {
        eprintln!("writing {} calls to {}", asked.calls, database.display());
        generate::database(&database, asked.calls, asked.seed)?;
    }
    let mut lines = vec!["| figure | bound | value |".to_owned(), "|---|---|---|".to_owned()];
    if is_asked(&["Import"]) {
        lines.extend(measure::import(&asked.program, &log, &asked.data, asked.rows)?);
    }
    if is_asked(&["Report"]) {
        lines.extend(measure::report(&asked.program, &database, asked.calls)?);
    }
    println!("{}", lines.join("\n"));
    Ok(())
}
