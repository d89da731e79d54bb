//! Importing files: a copy is kept first, so that a replay imports it again; then its rows enter the tables of imported
//! data.

use super::{DataDir, PipelineError};
use crate::archive::hex_sha256;
use crate::domain::imported::{ImportReport, ImportSource, ImportSummary};
use crate::durable;
use crate::imports::{Contents, FileError, FileForm, read_file};
use crate::store::{ImportedAs, Store};
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
        let described = Self::place(data, &self.sha256, "json");
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| failed(&described, std::io::Error::from(error)))?;
        durable::write(&described, &text, failed)
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
        store: &Store,
        from: &DataDir,
        into: &DataDir,
    ) -> Result<ImportReport, PipelineError> {
        let path = Self::place(from, &self.sha256, "zst");
        let failed = |source| ImportError::Io { path: path.clone(), source };
        let packed = File::open(&path).map_err(failed)?;
        let bytes = zstd::decode_all(packed).map_err(failed)?;
        let (_, contents) = read(store, &path, &bytes, Some(self.form))?;
        self.keep(into, &bytes)?;
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

/// Imports a file: keeps a copy, then stores its rows. With `dry_run` it only reports what would be stored.
///
/// # Errors
/// [`PipelineError::Import`] if the file cannot be read or kept, [`PipelineError::Store`]. In both cases none of its rows
/// is stored.
pub fn import_file(
    store: &Store,
    data: &DataDir,
    file: &ImportFile,
    now: DateTime<Utc>,
) -> Result<FileReport, PipelineError> {
    let path = &file.path;
    let failed = |source| ImportError::Io { path: path.clone(), source };
    let opened = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    opened.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(ImportError::TooLarge { path: path.clone() }.into());
    }
    let (form, contents) = read(store, path, &bytes, file.form)?;
    let name = path.file_name().map_or_else(|| path.as_os_str(), |name| name);
    let kept = Kept {
        sha256: hex_sha256(&bytes),
        origin: name.to_string_lossy().into_owned(),
        form,
        name: file.name.clone(),
        imported_at: now,
    };
    if !file.dry_run && !Kept::place(data, &kept.sha256, "json").exists() {
        kept.keep(data, &bytes)?;
    }
    let (batch, parts) = contents.into_batch(kept.source());
    let how = ImportedAs { name: file.name.clone(), dry_run: file.dry_run };
    let report = store.import_parts(&batch, &parts, &how)?;
    Ok(FileReport { path: path.clone(), form: form.to_string(), report })
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
    Ok(Some(source))
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
