//! `hitrate import file`.

use super::super::running::{encode, has_server, post};
use super::super::tables::line;
use super::super::{Common, exit, progress};
use crate::imports::FileForm;
use crate::pipeline::{DataDir, FileReport, ImportFile, Pipeline, PipelineError};
use crate::store::StoreError;
use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Arguments of `import file`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate import file days.parquet --dry-run\n  \
hitrate import file series/effective_pricing.csv.gz --source july\n  \
hitrate import file prices.csv --as endpoint_snapshots")]
pub struct FileArgs {
    /// Files: CSV (plain, gzip or zstd), Parquet or JSON lines in a form that hitrate knows, or folders of bodies.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Form of the files [default: recognised by their columns].
    #[arg(long = "as", value_name = "FORM", value_parser = FileForm::ALL.map(FileForm::as_str))]
    form: Option<String>,
    /// Name of the source [default: its kind and the start of its sha256].
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Store nothing; only report what would be stored, and the overlaps.
    #[arg(long)]
    dry_run: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Imported {
    /// Whether nothing was stored.
    dry_run: bool,
    /// One report for each file.
    files: Vec<FileReport>,
}

/// Where files are imported into: the data folder, or the server that holds its store.
enum Into {
    Folder(Box<Pipeline>),
    Server,
}

/// Imports files. Exit code 5 if some rows could not be used.
pub fn run(common: &Common, args: &FileArgs) -> Result<u8> {
    let data = common.data();
    let into = match Pipeline::open(common.settings()?, data.clone(), Common::clock()) {
        Ok(pipeline) => Into::Folder(Box::new(pipeline)),
        Err(PipelineError::Store(StoreError::Locked { .. })) if has_server(&data) => Into::Server,
        Err(error) => return Err(error.into()),
    };
    let bar = progress(args.paths.len(), "importing");
    let mut files = Vec::with_capacity(args.paths.len());
    for path in &args.paths {
        let file = ImportFile {
            path: std::path::absolute(path).with_context(|| path.display().to_string())?,
            form: args.form.as_deref().and_then(FileForm::parse),
            name: args.source.clone(),
            dry_run: args.dry_run,
        };
        bar.set_message(line(&shown(path)));
        files.push(import(&into, &data, &file)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    if let (Into::Folder(pipeline), false) = (&into, args.dry_run) {
        pipeline.store.checkpoint()?;
    }
    let partial = files.iter().any(|file| file.report.refused > 0);
    let imported = Imported { dry_run: args.dry_run, files };
    common.print(&imported, || describe(&imported))?;
    Ok(if partial { exit::PARTIAL } else { exit::OK })
}

fn shown(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn import(into: &Into, data: &DataDir, file: &ImportFile) -> Result<FileReport> {
    match into {
        Into::Folder(pipeline) => Ok(pipeline.import(file)?),
        Into::Server => {
            let text = serde_json::to_string(file).context("the path is not UTF-8 text")?;
            let body = post(data, &format!("/local/imports?file={}", encode(&text)))?;
            serde_json::from_slice(&body).context("cannot read the server's response")
        }
    }
}

fn describe(imported: &Imported) -> String {
    let mut text = String::new();
    for FileReport { path, form, report } in &imported.files {
        let verb = if imported.dry_run { "would store" } else { "stored" };
        text.push_str(&format!(
            "{} ({form}): {verb} {}, already known {}, disagreements {}, of endpoints that the record does not know {}, refused {}\n",
            line(&shown(path)),
            report.stored,
            report.known,
            report.disagreements,
            report.unmatched,
            report.refused
        ));
        for example in &report.examples {
            text.push_str(&format!("  {}\n", line(example)));
        }
    }
    if imported.files.iter().any(|file| file.report.disagreements > 0) {
        text.push_str("Where imported values differ from the record, the record counts.\n");
    }
    text.trim_end().to_owned()
}
