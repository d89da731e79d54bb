//! `hitrate dataset`: writes the documented views as monthly Parquet files with a manifest.

use super::{Common, exit, output, progress, running};
use crate::analysis::METHOD_VERSION;
use crate::durable;
use crate::store::{DatasetPlan, Partition, ViewDescription};
use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use clap::Args;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Version of the layout, of the views and of their columns.
const SCHEMA_VERSION: u32 = 1;
const MANIFEST: &str = "manifest.json";
const README: &str = "README.md";
/// Views whose rows become fewer when days are rolled up.
const HOURLY_VIEWS: [&str; 2] = ["readings", "hourly"];

/// Arguments of `dataset`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate dataset open-data\n  \
hitrate dataset open-data --view days --view prices --month 2026-08\n\n\
Each file is VIEW/year=YYYY/month=MM/part-0.parquet; manifest.json lists them. Months that did not change are not written \
again, so the command can run after every collection.")]
pub struct DatasetArgs {
    /// Folder of the dataset: new, empty, or written by this command before.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// View to write; may be repeated [default: all].
    #[arg(long, value_name = "NAME")]
    view: Vec<String>,
    /// Month to write, YYYY-MM; may be repeated [default: all].
    #[arg(long, value_name = "MONTH", value_parser = month)]
    month: Vec<NaiveDate>,
}

fn month(text: &str) -> Result<NaiveDate, String> {
    let day = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d");
    day.map_err(|_| format!("invalid month `{text}` (expected YYYY-MM, for example 2026-08)"))
}

/// The list of the files of a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Manifest {
    /// Version of the layout, of the views and of their columns.
    schema_version: u32,
    /// Version of the method behind tiers, recommendations and derived days.
    method_version: u32,
    /// Program and version that wrote it.
    program: String,
    /// Time of the newest accepted run.
    as_of: DateTime<Utc>,
    /// Where the readings come from.
    upstreams: Vec<String>,
    /// Whether readings are of the simulator.
    simulated: bool,
    /// The last UTC day whose hourly readings are rolled up in the record; null: all are kept.
    rolled_until: Option<NaiveDate>,
    /// The views with their columns.
    views: Vec<ViewDescription>,
    /// The files, by path.
    files: Vec<FileEntry>,
}

/// A file of a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FileEntry {
    /// Path in the folder, with slashes.
    path: String,
    /// SHA-256 of the file, hex.
    sha256: String,
    /// Size, bytes.
    bytes: u64,
    /// The view, the month, and what is in the file.
    #[serde(flatten)]
    partition: Partition,
}

/// What was done.
#[derive(Debug, Default, Serialize)]
struct DatasetReport {
    /// Paths of the files that were written.
    written: Vec<String>,
    /// Number of files that did not change.
    unchanged: usize,
    /// Paths of the files that were removed: their months have no rows any more.
    removed: Vec<String>,
    /// Number of files of the dataset.
    files: usize,
    /// Their size, bytes.
    bytes: u64,
}

/// Where months come from.
trait Source {
    /// The months of a view that have rows; of these months only, unless `only` is empty.
    fn months(&self, view: &str, only: &[NaiveDate]) -> Result<Vec<Partition>>;
    /// Writes a month to a file, which belongs to the caller.
    fn make(&self, partition: &Partition) -> Result<PathBuf>;
}

/// The record of a data folder, or the running server that holds it.
impl Source for &Common {
    fn months(&self, view: &str, only: &[NaiveDate]) -> Result<Vec<Partition>> {
        let months = only.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let path = format!("/local/partitions?view={view}&months={months}");
        running::read_or_ask(self, ("months", &path), |store| Ok(store.partitions(view, only)?))
    }

    fn make(&self, Partition { view, month, .. }: &Partition) -> Result<PathBuf> {
        let path = format!("/local/partition?view={view}&month={month}");
        running::read_or_ask(self, ("a path", &path), |store| Ok(store.export_partition(view, *month)?))
    }
}

/// Writes the files that changed, through the running server if one holds the store.
pub fn run(common: &Common, args: &DatasetArgs) -> Result<u8> {
    output::check_folder(common, &args.folder)?;
    let plan: DatasetPlan =
        running::read_or_ask(common, ("the views", "/local/dataset"), |store| Ok(store.dataset_plan()?))?;
    let report = write(args, &plan, &common)?;
    common.print(&report, || describe(&report, &args.folder))?;
    Ok(exit::OK)
}

fn describe(report: &DatasetReport, folder: &Path) -> String {
    let DatasetReport { written, unchanged, removed, files, bytes } = report;
    let mib = *bytes as f64 / (1024.0 * 1024.0);
    let mut text = format!(
        "{}: {files} files, {mib:.1} MiB; {} written, {unchanged} unchanged",
        folder.display(),
        written.len()
    );
    if !removed.is_empty() {
        text.push_str(&format!(", {} removed", removed.len()));
    }
    text
}

/// Writes the files of a plan that are not in the folder yet.
fn write(args: &DatasetArgs, plan: &DatasetPlan, source: &impl Source) -> Result<DatasetReport> {
    let names: Vec<&str> = plan.views.iter().map(|view| view.name.as_str()).collect();
    for name in &args.view {
        let is_known = names.contains(&name.as_str());
        ensure!(is_known, "there is no view `{name}`; the views are {}", names.join(", "));
    }
    let is_wanted_view = |name: &str| args.view.is_empty() || args.view.iter().any(|wanted| wanted == name);
    let is_wanted = |partition: &Partition| {
        is_wanted_view(&partition.view) && (args.month.is_empty() || args.month.contains(&partition.month))
    };
    let folder = &args.folder;
    let mut manifest = begin(folder, plan)?;
    let mut report = DatasetReport::default();
    let mut old: BTreeMap<String, FileEntry> =
        manifest.files.drain(..).map(|entry| (entry.path.clone(), entry)).collect();
    let mut files = old.clone();
    let bar = progress(names.len(), "writing views");
    for view in names {
        let months = if is_wanted_view(view) { source.months(view, &args.month)? } else { Vec::new() };
        for partition in &months {
            let path = path_of(partition);
            if old.remove(&path).is_some_and(|before| is_current(folder, &before, partition, plan)) {
                report.unchanged += 1;
                continue;
            }
            let made = source.make(partition)?;
            let placed = place(&made, folder, &path, partition);
            // The copy in the work folder is no longer needed, whether or not it was placed.
            let _ = std::fs::remove_file(&made);
            files.insert(path.clone(), placed?);
            // After each file, so that the list is never behind by more than one file.
            manifest.files = files.values().cloned().collect();
            save(folder, &manifest)?;
            report.written.push(path);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    // What is left has no rows any more.
    for (path, entry) in old {
        if is_wanted(&entry.partition) && !is_frozen(&entry.partition, plan) {
            files.remove(&path);
            report.removed.push(path);
        }
    }
    manifest.files = files.values().cloned().collect();
    save(folder, &manifest)?;
    for path in &report.removed {
        let file = folder.join(path);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", file.display()));
            }
            _ => {}
        }
    }
    report.files = manifest.files.len();
    report.bytes = manifest.files.iter().map(|entry| entry.bytes).sum();
    Ok(report)
}

/// The path of a month in the folder.
fn path_of(Partition { view, month, .. }: &Partition) -> String {
    format!("{view}/year={:04}/month={:02}/part-0.parquet", month.year(), month.month())
}

/// Reads the manifest of a folder, or starts a new dataset in an empty one. The result has the head of this plan.
fn begin(folder: &Path, plan: &DatasetPlan) -> Result<Manifest> {
    let mut manifest = Manifest {
        schema_version: SCHEMA_VERSION,
        method_version: METHOD_VERSION,
        program: format!("hitrate {}", env!("CARGO_PKG_VERSION")),
        as_of: plan.as_of,
        upstreams: plan.upstreams.clone(),
        simulated: plan.simulated,
        rolled_until: plan.rolled_until,
        views: plan.views.iter().map(as_written).collect(),
        files: Vec::new(),
    };
    let at = folder.join(MANIFEST);
    match std::fs::read(&at) {
        Ok(bytes) => {
            let found: Manifest = serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is not the manifest of a dataset", at.display()))?;
            ensure!(
                found.schema_version <= SCHEMA_VERSION,
                "{} has the schema version {}; this version of hitrate writes {SCHEMA_VERSION}. Update hitrate, or choose \
                 another folder",
                at.display(),
                found.schema_version
            );
            // Another schema: every file is written again.
            if found.schema_version == SCHEMA_VERSION {
                // A path of another form is not one that this command wrote: it is neither compared nor removed.
                let is_own =
                    |entry: &FileEntry| entry.path == path_of(&entry.partition) && !entry.path.contains("..");
                manifest.files = found.files.into_iter().filter(is_own).collect();
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let is_empty = match std::fs::read_dir(folder) {
                // A process that was killed may have left the beginning of a manifest.
                Ok(mut entries) => {
                    entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == "manifest.tmp"))
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
                Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
            };
            if !is_empty {
                bail!(
                    "{} is neither empty nor a dataset of hitrate; choose another folder",
                    folder.display()
                );
            }
            // First, so that a dataset that is cut short is recognised as one.
            save(folder, &manifest)?;
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", at.display())),
    }
    let note = readme(&manifest);
    durable::write(&folder.join(README), note.as_bytes(), unwritable)?;
    Ok(manifest)
}

/// A view with the types that its files have: times are instants.
fn as_written(view: &ViewDescription) -> ViewDescription {
    let mut view = view.clone();
    for column in view.columns.iter_mut().filter(|column| column.r#type == "TIMESTAMP") {
        column.r#type = "TIMESTAMP WITH TIME ZONE".to_owned();
    }
    view
}

fn save(folder: &Path, manifest: &Manifest) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(manifest)?;
    bytes.push(b'\n');
    durable::write(&folder.join(MANIFEST), &bytes, unwritable)
}

fn unwritable(path: &Path, error: std::io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("cannot write {}", path.display()))
}

/// Whether a file has the rows of a month and is undamaged.
fn is_current(folder: &Path, entry: &FileEntry, partition: &Partition, plan: &DatasetPlan) -> bool {
    let is_same = entry.partition == *partition
        || (is_frozen(partition, plan) && entry.partition.rows >= partition.rows);
    is_same
        && std::fs::read(folder.join(&entry.path))
            .is_ok_and(|bytes| bytes.len() as u64 == entry.bytes && sha256(&bytes) == entry.sha256)
}

/// Whether days of a month are rolled up, so that a file from before has more rows than the record has now.
fn is_frozen(partition: &Partition, plan: &DatasetPlan) -> bool {
    HOURLY_VIEWS.contains(&partition.view.as_str())
        && plan.rolled_until.is_some_and(|rolled| partition.month <= rolled)
}

fn place(made: &Path, folder: &Path, path: &str, partition: &Partition) -> Result<FileEntry> {
    let bytes = std::fs::read(made).with_context(|| made.display().to_string())?;
    durable::write(&folder.join(path), &bytes, unwritable)?;
    Ok(FileEntry {
        path: path.to_owned(),
        sha256: sha256(&bytes),
        bytes: bytes.len() as u64,
        partition: partition.clone(),
    })
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The note on content and origin.
fn readme(manifest: &Manifest) -> String {
    let mut text = format!(
        "# Cache hit rates, prices, uptime and speed of inference endpoints\n\n\
         Written by {}. `manifest.json` lists the files with their digests, rows, times, columns and units.\n\n\
         - Layout: `VIEW/year=YYYY/month=MM/part-0.parquet`. DuckDB, Polars and pandas read a view's folder as one table \
         (hive partitioning).\n\
         - Times are UTC instants, days are dates. Rates are fractions from 0 to 1. Prices are USD per million tokens. \
         Absent is null, never 0.\n\
         - The month that is not over is written again until it is.\n\n\
         ## Origin and licence\n\n\
         The readings, prices and facts were published by the upstream ({}). Its terms apply to them: name it as the source. \
         Days, hourly rates, tiers and recommendations were computed from them by hitrate, method version {}. hitrate adds \
         no restrictions of its own and gives no warranty.\n",
        manifest.program,
        manifest.upstreams.join(", "),
        manifest.method_version
    );
    if manifest.simulated {
        text.push_str("\n**These data are simulated. They describe no real provider.**\n");
    }
    text.push_str("\n## Views\n");
    for view in &manifest.views {
        text.push_str(&format!(
            "\n### {}\n\n{}\n\n| column | type | unit | meaning |\n|---|---|---|---|\n",
            view.name, view.about
        ));
        for column in &view.columns {
            let crate::store::ViewColumn { name, r#type, unit, meaning } = column;
            text.push_str(&format!("| `{name}` | {} | {unit} | {meaning} |\n", r#type));
        }
    }
    text
}
