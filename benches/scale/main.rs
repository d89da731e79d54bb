//! Measures a generated year: its size on disk, the time to recompute everything, and the time to add an hour, compared
//! with the same work in plain DuckDB SQL. It prints figures and does not judge them. Every measurement runs in a
//! separate process, so that its peak memory is separate.

mod generate;
mod ours;
mod plain;
mod report;
mod sweep;

use clap::{Parser, Subcommand};
use generate::Scale;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

type Outcome = Result<serde_json::Value, Box<dyn Error>>;

#[derive(Debug, Parser)]
#[command(about = "Measures a generated record: `make bench-scale`")]
struct Asked {
    /// Folder for the generated record, outside the checkout; an existing record is reused.
    #[arg(long)]
    data: PathBuf,
    /// Endpoints per sweep.
    #[arg(long, default_value_t = 3_000)]
    endpoints: u32,
    /// Number of sweeps, one per hour.
    #[arg(long, default_value_t = 8_760)]
    hours: u32,
    /// Seed.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Number of repetitions of each measurement.
    #[arg(long, default_value_t = 3)]
    repeat: u32,
    /// Added by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    step: Option<Step>,
}

/// One measurement; default: all of them.
#[derive(Debug, Clone, Copy, Subcommand)]
enum Step {
    /// Write the record.
    Generate,
    /// Write the same readings as one plain table.
    PlainTable,
    /// Close all days again and build the snapshot.
    Recompute,
    /// The same aggregation in plain SQL over the plain table.
    PlainRecompute,
    /// Measure the parts of building the snapshot.
    Parts,
    /// Store and publish more sweeps.
    Increment,
    /// The same in plain SQL.
    PlainIncrement,
}

fn main() -> Result<(), Box<dyn Error>> {
    let asked = Asked::parse();
    let scale = Scale { endpoints: asked.endpoints, hours: asked.hours, seed: asked.seed };
    std::fs::create_dir_all(&asked.data)?;
    let Some(step) = asked.step else { return all(&asked, scale) };
    let measured = match step {
        Step::Generate => ours::generate(&asked.data, scale),
        Step::PlainTable => plain::table(&asked.data, scale),
        Step::Recompute => ours::recompute(&asked.data),
        Step::PlainRecompute => plain::recompute(&asked.data),
        Step::Parts => ours::parts(&asked.data),
        Step::Increment => ours::increment(&asked.data),
        Step::PlainIncrement => plain::increment(&asked.data),
    };
    let mut measured = measured?;
    measured["peak_mib"] = report::peak_mib().into();
    println!("{measured}");
    Ok(())
}

fn all(asked: &Asked, scale: Scale) -> Result<(), Box<dyn Error>> {
    if !ours::is_written(&asked.data) {
        eprintln!("generating {} readings into {}", scale.readings(), asked.data.display());
        eprintln!("{}", step(asked, "generate")?);
    }
    if !plain::is_written(&asked.data) {
        eprintln!("writing the same readings as one plain table");
        eprintln!("{}", step(asked, "plain-table")?);
    }
    let mut found = report::Report::of(&asked.data, scale)?;
    for round in 1..=asked.repeat {
        // Alternating, so that both run under the same conditions.
        for (name, kept) in [
            ("recompute", &mut found.recompute),
            ("plain-recompute", &mut found.plain_recompute),
            ("increment", &mut found.increment),
            ("plain-increment", &mut found.plain_increment),
        ] {
            let measured = step(asked, name)?;
            eprintln!("{round} {name}: {measured}");
            kept.push(measured);
        }
    }
    print!("{}", found.tables());
    Ok(())
}

/// Runs one step in a separate process.
fn step(asked: &Asked, name: &str) -> Outcome {
    let number = |value: u32| value.to_string();
    let output = Command::new(std::env::current_exe()?)
        .arg("--data")
        .arg(&asked.data)
        .args(["--endpoints", &number(asked.endpoints), "--hours", &number(asked.hours)])
        .args(["--seed", &number(asked.seed), name])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("step {name} exited with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Size of a file in bytes.
fn bytes(path: &Path) -> Result<u64, std::io::Error> {
    Ok(std::fs::metadata(path)?.len())
}
