//! Reads Parquet files: DuckDB converts them within its work folder, so that every form is read as a table of text.

use super::super::export::work_file;
use super::super::{Store, StoreError};
use std::path::PathBuf;

impl Store {
    /// Writes the rows of a Parquet file to a CSV file in the work folder and returns its path; the caller removes it.
    ///
    /// # Errors
    /// [`StoreError`]; then no file is left behind.
    pub fn parquet_as_csv(&self, content: &[u8]) -> Result<PathBuf, StoreError> {
        let file = work_file(&self.options().work_dir)?;
        let (source, table) = (file.with_extension("parquet"), file.with_extension("csv"));
        if let Err(error) = std::fs::write(&source, content) {
            // The disk may be full: a part of the file is of no use. There may be none.
            let _ = std::fs::remove_file(&source);
            return Err(StoreError::Io { path: source, source: error });
        }
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
