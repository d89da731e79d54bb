//! Importing files: a copy is kept first, so that a replay imports it again; then its rows enter the tables of imported
//! data.

mod bodies;
mod shown;

pub(super) use shown::shown;

use super::{DataDir, Pipeline, PipelineError, SetAside};
use crate::archive::hex_sha256;
use crate::domain::imported::{ImportKind, ImportReport, ImportSource, ImportSummary};
use crate::durable;
use crate::failpoint;
use crate::imports::{Contents, FileError, FileForm, read_file};
use crate::store::{ImportedAs, Store};
use crate::upstream::Upstream;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Largest file, bytes.
const LARGEST_FILE: u64 = 2 << 30;
/// Level of compression of the copies.
const COPY_LEVEL: i32 = 9;

/// A file that cannot be imported.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum ImportError {
    /// It cannot be read or kept.
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    /// It is too large.
    #[error("{path} has more than {} bytes; split it", LARGEST_FILE)]
    TooLarge { path: PathBuf },
    /// Its content cannot be read.
    #[error("{path}: {source}")]
    Content { path: PathBuf, source: FileError },
    /// The list of copies cannot be read.
    #[error("{path} is damaged: {detail}; delete it to forget this import")]
    Manifest { path: PathBuf, detail: String },
}

/// A file to import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its form; by default it is recognised.
    pub form: Option<FileForm>,
    /// Name of the source.
    pub name: Option<String>,
    /// Whether to store nothing.
    pub dry_run: bool,
}

/// What importing a file did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// Its form.
    pub form: String,
    /// What importing it did, or would do.
    #[serde(flatten)]
    pub report: ImportReport,
}

/// A kept copy: what a replay needs to import it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub sha256: String,
    pub origin: String,
    pub form: FileForm,
    pub name: Option<String>,
    pub imported_at: DateTime<Utc>,
}

impl Kept {
    fn place(data: &DataDir, sha256: &str, ending: &str) -> PathBuf {
        data.imports().join("files").join(format!("{sha256}.{ending}"))
    }

    /// Keeps a copy of a file. Its description is written last: without one, a copy does not count.
    fn keep(&self, data: &DataDir, bytes: &[u8]) -> Result<(), ImportError> {
        let failed = |path: &Path, source| ImportError::Io { path: path.to_owned(), source };
        let copy = Self::place(data, &self.sha256, "zst");
        let packed = zstd::encode_all(bytes, COPY_LEVEL).map_err(|error| failed(&copy, error))?;
        durable::write(&copy, &packed, failed)?;
        self.describe(data)
    }

    fn describe(&self, data: &DataDir) -> Result<(), ImportError> {
        let failed = |path: &Path, source| ImportError::Io { path: path.to_owned(), source };
        let described = Self::place(data, &self.sha256, "json");
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| failed(&described, std::io::Error::from(error)))?;
        durable::write(&described, &text, failed)
    }

    /// Keeps a copy of a folder, with its description written last.
    fn keep_folder(&self, data: &DataDir, folder: &Path, files: &[PathBuf]) -> Result<(), ImportError> {
        let failed = |path: &Path, source| ImportError::Io { path: path.to_owned(), source };
        let copies = Self::place(data, &self.sha256, "bodies");
        for file in files {
            let bytes = std::fs::read(file).map_err(|error| failed(file, error))?;
            let inner = file.strip_prefix(folder).unwrap_or(file);
            durable::write(&copies.join(inner), &bytes, failed)?;
        }
        self.describe(data)
    }

    /// The copies of a data folder, in the order in which they were imported.
    pub fn all(data: &DataDir) -> Result<Vec<Self>, ImportError> {
        let folder = data.imports().join("files");
        let failed = |source| ImportError::Io { path: folder.clone(), source };
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut kept = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            let text = std::fs::read(&path).map_err(failed)?;
            let one = serde_json::from_slice(&text)
                .map_err(|error| ImportError::Manifest { path, detail: error.to_string() })?;
            kept.push(one);
        }
        kept.sort_by(|a: &Self, b| (a.imported_at, &a.sha256).cmp(&(b.imported_at, &b.sha256)));
        Ok(kept)
    }

    /// Imports the copy in `from` into a store, and keeps it in `into`.
    pub fn import_again(
        &self,
        (store, upstream): (&Store, &dyn Upstream),
        from: &DataDir,
        into: &DataDir,
    ) -> Result<ImportReport, PipelineError> {
        let contents = if self.form.kind() == ImportKind::Bodies {
            let folder = Self::place(from, &self.sha256, "bodies");
            let files = bodies::files(&folder)?;
            self.keep_folder(into, &folder, &files)?;
            bodies::read(upstream, &folder, &files, self.form)?
        } else {
            let path = Self::place(from, &self.sha256, "zst");
            let failed = |source| ImportError::Io { path: path.clone(), source };
            let packed = File::open(&path).map_err(failed)?;
            let bytes = zstd::decode_all(packed).map_err(failed)?;
            self.keep(into, &bytes)?;
            read(store, &path, &bytes, Some(self.form))?.1
        };
        let how = ImportedAs { name: self.name.clone(), dry_run: false };
        let (batch, parts) = contents.into_batch(self.source());
        Ok(store.import_parts(&batch, &parts, &how)?)
    }

    fn source(&self) -> ImportSource {
        ImportSource {
            kind: self.form.kind(),
            origin: self.origin.clone(),
            sha256: self.sha256.clone(),
            fetched_at: self.imported_at,
        }
    }
}

/// Imports a file or a folder of bodies: keeps a copy, then stores its rows. With `dry_run` it only reports what would be
/// stored.
///
/// # Errors
/// [`PipelineError::Import`] if the file cannot be read or kept, [`PipelineError::Store`]. In both cases none of its rows
/// is stored.
pub fn import_file(
    (store, upstream): (&Store, &dyn Upstream),
    data: &DataDir,
    file: &ImportFile,
    now: DateTime<Utc>,
) -> Result<FileReport, PipelineError> {
    let path = &file.path;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let kept = |sha256, form| Kept { sha256, origin: name, form, name: file.name.clone(), imported_at: now };
    let is_new = |kept: &Kept| !file.dry_run && !Kept::place(data, &kept.sha256, "json").exists();
    let (kept, contents) = if path.is_dir() {
        let folder = &bodies::root(path)?;
        let files = bodies::files(folder)?;
        let form = file.form.map_or_else(|| bodies::form(folder, &files), Ok)?;
        let contents = bodies::read(upstream, folder, &files, form)?;
        let kept = kept(sha256_of(folder, &files)?, form);
        if is_new(&kept) {
            kept.keep_folder(data, folder, &files)?;
        }
        (kept, contents)
    } else {
        let failed = |source| ImportError::Io { path: path.clone(), source };
        let mut bytes = Vec::new();
        let opened = File::open(path).map_err(failed)?;
        let found = opened.metadata().map_err(failed)?;
        // A pipe has no size, so it is read up to the limit.
        if found.is_file() && found.len() > LARGEST_FILE {
            return Err(ImportError::TooLarge { path: path.clone() }.into());
        }
        opened.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(ImportError::TooLarge { path: path.clone() }.into());
        }
        let (form, contents) = read(store, path, &bytes, file.form)?;
        let kept = kept(hex_sha256(&bytes), form);
        if is_new(&kept) {
            kept.keep(data, &bytes)?;
        }
        (kept, contents)
    };
    let failed = |source| ImportError::Io { path: path.clone(), source };
    failpoint::reach("import.kept").map_err(failed)?;
    let (batch, parts) = contents.into_batch(kept.source());
    let how = ImportedAs { name: file.name.clone(), dry_run: file.dry_run };
    let report = store.import_parts(&batch, &parts, &how)?;
    Ok(FileReport { path: path.clone(), form: kept.form.to_string(), report })
}

impl Pipeline {
    /// Imports a file like [`import_file`] and publishes, so that the pages show it.
    ///
    /// # Errors
    /// As [`import_file`]. A failure to publish is logged: the next run publishes again.
    pub fn import(&self, file: &ImportFile) -> Result<FileReport, PipelineError> {
        let _alone = self.record_alone();
        let report = import_file((&self.store, &*self.upstream), &self.data, file, self.clock.now())?;
        if !file.dry_run {
            self.publish_imports()?;
        }
        Ok(report)
    }

    /// Removes an imported source like [`forget_import`] and publishes.
    ///
    /// # Errors
    /// As [`forget_import`].
    pub fn forget_import(&self, name: &str) -> Result<Option<ImportSummary>, PipelineError> {
        let _alone = self.record_alone();
        let removed = forget_import(&self.store, &self.data, name)?;
        if removed.is_some() {
            self.publish_imports()?;
        }
        Ok(removed)
    }

    fn publish_imports(&self) -> Result<(), PipelineError> {
        if self.store.newest_run(None)?.is_some()
            && let Err(error) = self.publish()
        {
            tracing::error!(%error, "imported data is stored but cannot be published");
        }
        Ok(())
    }

    /// Imports the kept copies of a data folder again: those that were imported before `until`, or all. Returns those
    /// that are left, and what could not be imported.
    pub(super) fn import_again(
        &self,
        from: &DataDir,
        kept: Vec<Kept>,
        until: Option<DateTime<Utc>>,
    ) -> (Vec<Kept>, Vec<SetAside>) {
        let is_due = |one: &Kept| until.is_none_or(|until| one.imported_at < until);
        let (due, left): (Vec<_>, Vec<_>) = kept.into_iter().partition(is_due);
        let failed = due.into_iter().filter_map(|one| {
            let again = one.import_again((&self.store, &*self.upstream), from, &self.data);
            let reason = again.err()?.to_string();
            tracing::error!(file = one.origin, reason, "cannot import this copy again");
            let file = Kept::place(from, &one.sha256, "json").display().to_string();
            Some(SetAside { run_id: format!("import of {}", one.origin), file, reason })
        });
        (left, failed.collect())
    }
}

/// sha256 of a folder: of the names and contents of its files.
fn sha256_of(folder: &Path, files: &[PathBuf]) -> Result<String, ImportError> {
    let mut list = String::new();
    for file in files {
        let failed = |source| ImportError::Io { path: file.clone(), source };
        let bytes = std::fs::read(file).map_err(failed)?;
        let inner = file.strip_prefix(folder).unwrap_or(file);
        list.push_str(&format!("{} {}\n", hex_sha256(&bytes), inner.display()));
    }
    Ok(hex_sha256(list.as_bytes()))
}

/// Removes an imported source, and its copy if it was a file. `None` if there is no source of that name.
///
/// # Errors
/// [`PipelineError`] if the store or the copy cannot be changed.
pub fn forget_import(
    store: &Store,
    data: &DataDir,
    name: &str,
) -> Result<Option<ImportSummary>, PipelineError> {
    let Some(source) = store.forget_import(name)? else { return Ok(None) };
    for ending in ["json", "zst"] {
        let path = Kept::place(data, &source.sha256, ending);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(ImportError::Io { path, source: error }.into());
            }
            _ => {}
        }
    }
    let folder = Kept::place(data, &source.sha256, "bodies");
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ImportError::Io { path: folder, source: error }.into())
        }
        _ => Ok(Some(source)),
    }
}

/// Reads a file: plain, gzip or zstd text, or Parquet.
fn read(
    store: &Store,
    path: &Path,
    bytes: &[u8],
    form: Option<FileForm>,
) -> Result<(FileForm, Contents), PipelineError> {
    let content = |source| ImportError::Content { path: path.to_owned(), source };
    if bytes.starts_with(b"PAR1") {
        let table = store.parquet_as_csv(bytes)?;
        let opened = File::open(&table).map_err(|source| ImportError::Io { path: table.clone(), source });
        let found = opened.and_then(|file| read_file(BufReader::new(file), form).map_err(content));
        // It is only a step on the way.
        let _ = std::fs::remove_file(&table);
        return Ok(found?);
    }
    let reader: Box<dyn BufRead + '_> = if bytes.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(bytes)))
    } else if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let decoder = zstd::Decoder::new(bytes);
        Box::new(BufReader::new(decoder.map_err(|source| ImportError::Io { path: path.to_owned(), source })?))
    } else {
        Box::new(bytes)
    };
    Ok(read_file(reader, form).map_err(content)?)
}
