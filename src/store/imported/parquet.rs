//! Reads Parquet files: DuckDB converts them within its work folder, so that every form is read as a table of text.

use super::super::{Store, StoreError};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

static FILES: AtomicU64 = AtomicU64::new(0);

impl Store {
    /// Writes the rows of a Parquet file to a CSV file in the work folder and returns its path; the caller removes it.
    ///
    /// # Errors
    /// [`StoreError`]; then no file is left behind.
    pub fn parquet_as_csv(&self, content: &[u8]) -> Result<PathBuf, StoreError> {
        let failed = |source| StoreError::Io { path: self.options().work_dir.clone(), source };
        let folder = std::fs::canonicalize(&self.options().work_dir).map_err(failed)?;
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let stem = format!("import-{}-{number}", std::process::id());
        let (source, table) = (folder.join(format!("{stem}.parquet")), folder.join(format!("{stem}.csv")));
        std::fs::write(&source, content).map_err(failed)?;
        let quoted = |path: &PathBuf| path.to_string_lossy().replace('\'', "''");
        let sql = format!(
            "COPY (SELECT * FROM read_parquet('{}')) TO '{}' (FORMAT csv, HEADER)",
            quoted(&source),
            quoted(&table)
        );
        let written = self.read(|connection| Ok(connection.execute_batch(&sql)?));
        // It is only a step on the way.
        let _ = std::fs::remove_file(&source);
        if written.is_err() {
            let _ = std::fs::remove_file(&table);
        }
        written.map(|()| table)
    }
}
