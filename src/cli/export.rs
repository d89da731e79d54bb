//! `hitrate export readings|hourly`.

use super::{Common, exit, running};
use crate::pipeline::open_store;
use crate::store::{ExportFormat, StoreError};
use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One row per endpoint and run, also where no usage was published.
    Readings(SpanArgs),
    /// One row per endpoint and reading with usage: the approximate hit rate since the reading before, or why there is none.
    Hourly(SpanArgs),
}

#[derive(Debug, Args)]
struct SpanArgs {
    /// First moment (RFC 3339), inclusive; runs that looked from then on.
    #[arg(long, value_name = "RFC3339")]
    from: DateTime<Utc>,
    /// Last moment (RFC 3339), exclusive; runs that looked before.
    #[arg(long, value_name = "RFC3339")]
    to: DateTime<Utc>,
    /// File to write [default: standard output].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Format of the file.
    #[arg(long, default_value = "csv", value_parser = ["csv", "json", "parquet"])]
    format: String,
}

/// Exports, asking the running server where one holds the store.
pub fn run(common: &Common, args: &ExportArgs) -> Result<u8> {
    let (kind, args) = match &args.what {
        What::Readings(args) => ("readings", args),
        What::Hourly(args) => ("hourly", args),
    };
    if args.from >= args.to {
        bail!("--from {} is not before --to {}", args.from.to_rfc3339(), args.to.to_rfc3339());
    }
    let data = common.data();
    if !data.store().exists() {
        bail!("there is no store in {} yet; `hitrate collect` makes one", data.path().display());
    }
    let format = ExportFormat::parse(&args.format).context("unknown format")?;
    let made = match open_store(&common.settings()?, &data) {
        Ok(store) if kind == "hourly" => store.export_hourly(args.from, args.to, format)?,
        Ok(store) => store.export_readings(args.from, args.to, format)?,
        Err(StoreError::Locked { .. }) => ask_server(common, kind, args)?,
        Err(error) => return Err(error.into()),
    };
    let delivered = deliver(&made, args.out.as_deref());
    // Whatever became of it, the copy in the work folder has served.
    let _ = std::fs::remove_file(&made);
    delivered?;
    Ok(exit::OK)
}

/// The server makes the file in the work folder that both share and answers with its path.
fn ask_server(common: &Common, kind: &str, args: &SpanArgs) -> Result<PathBuf> {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let path = format!(
        "/local/export?kind={kind}&from={}&to={}&format={}",
        time(args.from),
        time(args.to),
        args.format
    );
    let body = running::ask(&common.data(), &path)?;
    serde_json::from_slice(&body).context("the server's answer is not a path")
}

fn deliver(made: &Path, out: Option<&Path>) -> Result<()> {
    let Some(out) = out else {
        let mut file = std::fs::File::open(made).with_context(|| made.display().to_string())?;
        std::io::copy(&mut file, &mut std::io::stdout().lock())?;
        return Ok(());
    };
    // Copied beside its place and renamed, so that a reader never sees half a file; the folders may be on two disks.
    let partial = out.with_extension("partial");
    std::fs::copy(made, &partial)
        .and_then(|_| std::fs::rename(&partial, out))
        .with_context(|| format!("cannot write {}", out.display()))
}
