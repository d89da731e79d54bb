//! `hitrate export readings|hourly|days|recommendations|imported`.

use super::{Common, exit, output, running};
use crate::analysis::METHOD_VERSION;
use crate::domain::window::midnight;
use crate::store::{ExportFormat, Store, StoreError};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// Days outside this range hold no readings; the store and the server read four-digit years.
const FIRST_DAY: NaiveDate = date(1970, 1, 1, NaiveDate::MIN);
const LAST_DAY: NaiveDate = date(9999, 12, 31, NaiveDate::MAX);

const fn date(year: i32, month: u32, day: u32, otherwise: NaiveDate) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => otherwise,
    }
}

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate export readings --from 2026-08-01T00:00:00Z --to 2026-08-02T00:00:00Z --out day.csv\n  \
hitrate export days --format parquet --out days.parquet")]
pub struct ExportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One row per endpoint and run, even if no usage was published.
    #[command(after_help = "Example:\n  \
hitrate export readings --from 2026-08-01T00:00:00Z --to 2026-08-02T00:00:00Z --out day.csv")]
    Readings(SpanArgs),
    /// One row per endpoint and reading with usage: the approximate hit rate since the previous reading, or the reason
    /// why there is none.
    #[command(after_help = "Example:\n  \
hitrate export hourly --from 2026-08-01T00:00:00Z --to 2026-08-02T00:00:00Z --format json")]
    Hourly(SpanArgs),
    /// One row per endpoint and UTC day, with the numbers behind the tier lists, as of the newest run.
    ///
    /// The column `basis` shows where a hit rate comes from: `comparison` (the closing value that the upstream
    /// publishes later), `observed` (the last reading of the day) or `derived` (computed from the price of the day).
    /// The export includes days that are only known from the upstream's charts.
    #[command(after_help = "Example:\n  \
        hitrate export days --from 2026-08-01 --to 2026-08-31 --format parquet --out august.parquet")]
    Days(DaysArgs),
    /// One row per model and closed UTC day: the endpoints that the default mode of preferences named at the end of the
    /// day, without limits, under the default workload.
    ///
    /// `endpoints` contains tags separated by spaces, lowest expected cost first; it is empty if the preference was
    /// withheld. `saving` is the expected saving against the average of the traffic, with its 90 % interval. The newest
    /// day appears once it is over and a later run is stored.
    #[command(after_help = "Example:\n  \
        hitrate export recommendations --from 2026-08-01 --out recommendations.csv")]
    Recommendations(DaysArgs),
    /// One row per source, endpoint and UTC day of imported data.
    ///
    /// `basis` shows where a hit rate comes from; `derived` means computed from the effective price. `read_at` is set if
    /// the day was not over when it was read. `differs` states what differs from the record or an earlier import.
    #[command(after_help = "Example:\n  \
        hitrate export imported --format parquet --out imported.parquet")]
    Imported(DaysArgs),
}

#[derive(Debug, Args)]
struct SpanArgs {
    /// Start time (RFC 3339), inclusive: runs that collected at or after this time.
    #[arg(long, value_name = "RFC3339")]
    from: DateTime<Utc>,
    /// End time (RFC 3339), exclusive: runs that collected before this time.
    #[arg(long, value_name = "RFC3339")]
    to: DateTime<Utc>,
    #[command(flatten)]
    file: FileArgs,
}

#[derive(Debug, Args)]
struct DaysArgs {
    /// First UTC day, inclusive [default: the first day of the record].
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// Last UTC day, inclusive [default: the day of the newest run].
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
    #[command(flatten)]
    file: FileArgs,
}

#[derive(Debug, Args)]
struct FileArgs {
    /// File to write; `-` is standard output [default: -].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Format of the file.
    #[arg(long, default_value = "csv", value_parser = ExportFormat::ALL.map(ExportFormat::as_str))]
    format: String,
}

impl DaysArgs {
    /// The bounds, within the days that the store and the server can read.
    fn bounds(&self) -> (NaiveDate, NaiveDate) {
        let day = |day: Option<NaiveDate>, all| day.unwrap_or(all).clamp(FIRST_DAY, LAST_DAY);
        (day(self.from, FIRST_DAY), day(self.to, LAST_DAY))
    }
}

impl What {
    /// # Errors
    /// If the bounds are reversed.
    fn check(&self) -> Result<()> {
        match self {
            Self::Readings(SpanArgs { from, to, .. }) | Self::Hourly(SpanArgs { from, to, .. }) => {
                ensure!(from < to, "--from {} is not before --to {}", from.to_rfc3339(), to.to_rfc3339());
            }
            Self::Days(args) | Self::Recommendations(args) | Self::Imported(args) => {
                let (from, to) = (args.from.unwrap_or(FIRST_DAY), args.to.unwrap_or(LAST_DAY));
                ensure!(from <= to, "--from {from} is after --to {to}");
            }
        }
        Ok(())
    }

    fn file(&self) -> &FileArgs {
        match self {
            Self::Readings(args) | Self::Hourly(args) => &args.file,
            Self::Days(args) | Self::Recommendations(args) | Self::Imported(args) => &args.file,
        }
    }

    fn make(&self, store: &Store, format: ExportFormat) -> Result<PathBuf, StoreError> {
        match self {
            Self::Readings(args) => store.export_readings(args.from, args.to, format),
            Self::Hourly(args) => store.export_hourly(args.from, args.to, format),
            Self::Days(args) => {
                let (from, to) = args.bounds();
                store.export_days(from, to, format)
            }
            Self::Recommendations(args) => {
                store.export_recommendations(METHOD_VERSION, args.bounds(), format)
            }
            Self::Imported(args) => store.export_imported(args.bounds(), format),
        }
    }

    /// The query for a server: kind and bounds. A day is sent as its midnight.
    fn query(&self) -> String {
        let (kind, from, to) = match self {
            Self::Readings(args) => ("readings", args.from, args.to),
            Self::Hourly(args) => ("hourly", args.from, args.to),
            Self::Days(args) => {
                let (from, to) = args.bounds();
                ("days", midnight(from), midnight(to))
            }
            Self::Recommendations(args) => {
                let (from, to) = args.bounds();
                ("recommendations", midnight(from), midnight(to))
            }
            Self::Imported(args) => {
                let (from, to) = args.bounds();
                ("imported", midnight(from), midnight(to))
            }
        };
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        format!("kind={kind}&from={}&to={}", time(from), time(to))
    }
}

/// Exports, through the running server if one holds the store.
pub fn run(common: &Common, args: &ExportArgs) -> Result<u8> {
    let export = &args.what;
    export.check()?;
    let file = export.file();
    let format = ExportFormat::parse(&file.format).context("unknown format")?;
    // The server writes the file to the shared work folder and returns its path.
    let path = format!("/local/export?{}&format={}", export.query(), file.format);
    let made: PathBuf =
        running::read_or_ask(common, ("a path", &path), |store| Ok(export.make(store, format)?))?;
    note_rolled_up(common, export);
    let delivered = deliver(common, &made, file.out.as_deref().unwrap_or(Path::new("-")));
    // The copy in the work folder is no longer needed, whether or not delivery succeeded.
    let _ = std::fs::remove_file(&made);
    delivered?;
    Ok(exit::OK)
}

/// Reports on standard error if readings of the time span are rolled up. The export itself does not depend on it.
fn note_rolled_up(common: &Common, export: &What) {
    let (What::Readings(span) | What::Hourly(span)) = export else { return };
    let rolled: Result<Option<NaiveDate>> =
        running::read_or_ask(common, ("a day", "/local/rolled-until"), |store| Ok(store.rolled_until()?));
    if let Ok(Some(rolled)) = rolled
        && span.from.date_naive() <= rolled
    {
        eprintln!(
            "hitrate: the hourly readings up to {rolled} are rolled up to days: only the last ones of each day are \
             exported (`hitrate export days` has all days)"
        );
    }
}

fn deliver(common: &Common, made: &Path, out: &Path) -> Result<()> {
    output::write(common, out, |to| {
        let mut made = std::fs::File::open(made)?;
        std::io::copy(&mut made, to).map(|_| ())
    })
}
