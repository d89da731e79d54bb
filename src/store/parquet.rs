//! Writes typed columns as Parquet: a DuckDB in memory reads them and writes a temporary file.

use super::StoreError;
use super::open::confine;
use crate::domain::column::{Column, Values};
use duckdb::types::{TimeUnit, Value};
use duckdb::{Config, Connection, appender_params_from_iter};
use std::path::{Path, PathBuf};

/// Memory limit of one table; the largest one (all endpoints) needs a few MB.
const MEMORY: &str = "128MB";

/// Writes tables as Parquet (zstd, times as UTC instants). Writing blocks, and each table takes its own memory: callers
/// bound how many are written at the same time.
#[derive(Debug)]
pub struct ParquetWriter {
    folder: PathBuf,
}

impl ParquetWriter {
    /// A writer with its temporary files in `folder`, which is created on the first write.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The bytes of a Parquet file with these columns, which have the same number of rows.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the temporary file cannot be written or read, [`StoreError::Query`] if DuckDB fails.
    pub fn write(&self, columns: &[Column]) -> Result<Vec<u8>, StoreError> {
        let failed = |source| StoreError::Io { path: self.folder.clone(), source };
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        let folder = std::fs::canonicalize(&self.folder).map_err(failed)?;
        // Removed when it is dropped.
        let file = tempfile::Builder::new().prefix("table-").tempfile_in(&folder).map_err(failed)?;
        let connection = connect(&folder)?;
        connection.execute_batch(&format!("CREATE TABLE one ({})", defined(columns)))?;
        append(&connection, columns)?;
        let path = file.path().to_string_lossy().replace('\'', "''");
        connection.execute_batch(&format!("COPY one TO '{path}' (FORMAT parquet, COMPRESSION zstd)"))?;
        // By path: DuckDB may have replaced the file.
        std::fs::read(file.path()).map_err(failed)
    }
}

#[expect(clippy::disallowed_methods, reason = "a database in memory, with the same limits as the store")]
fn connect(folder: &Path) -> Result<Connection, StoreError> {
    let config = Config::default()
        .enable_autoload_extension(false)?
        .max_memory(MEMORY)?
        .threads(1)?
        .with("allow_community_extensions", "false")?
        .with("temp_directory", folder.to_string_lossy())?;
    let connection = Connection::open_in_memory_with_flags(config)?;
    confine(&connection, folder)?;
    Ok(connection)
}

/// The columns of the table with their types.
fn defined(columns: &[Column]) -> String {
    let one = |column: &Column| {
        let kind = match column.values {
            Values::Text(_) => "VARCHAR",
            Values::Number(_) => "DOUBLE",
            Values::Whole(_) => "BIGINT",
            Values::Flag(_) => "BOOLEAN",
            // Written with the note that the time is UTC, so that readers do not take it for local time.
            Values::Time(_) => "TIMESTAMPTZ",
        };
        format!("\"{}\" {kind}", column.name.replace('"', "\"\""))
    };
    columns.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn append(connection: &Connection, columns: &[Column]) -> Result<(), StoreError> {
    let rows = columns.first().map_or(0, |column| column.values.len());
    let mut appender = connection.appender("one")?;
    for row in 0..rows {
        appender.append_row(appender_params_from_iter(columns.iter().map(|column| value(column, row))))?;
    }
    Ok(appender.flush()?)
}

/// The value of a column in a row.
fn value(column: &Column, row: usize) -> Value {
    fn of<T>(values: &[Option<T>], row: usize, make: impl Fn(&T) -> Value) -> Value {
        values.get(row).and_then(Option::as_ref).map_or(Value::Null, make)
    }
    match &column.values {
        Values::Text(values) => of(values, row, |text| Value::Text(text.clone())),
        Values::Number(values) => of(values, row, |number| Value::Double(*number)),
        Values::Whole(values) => of(values, row, |number| Value::BigInt(*number)),
        Values::Flag(values) => of(values, row, |flag| Value::Boolean(*flag)),
        Values::Time(values) => {
            of(values, row, |time| Value::Timestamp(TimeUnit::Microsecond, time.timestamp_micros()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &Path, sql: &str) -> Vec<String> {
        let connection = connect(path.parent().expect("a folder")).expect("it opens");
        let sql = sql.replace("FILE", &format!("'{}'", path.display()));
        let mut statement = connection.prepare(&sql).expect("a query");
        let rows = statement.query_map([], |row| row.get(0)).expect("it runs");
        rows.collect::<Result<_, _>>().expect("texts")
    }

    #[test]
    fn types_values_and_absence_survive() {
        let folder = tempfile::tempdir().expect("a folder");
        let time: chrono::DateTime<chrono::Utc> = "2026-10-05T15:57:12.5Z".parse().expect("a time");
        let column = |name, values| Column { name, values };
        let columns = [
            column("name", Values::Text(vec![Some("'; DROP TABLE one; --\n\"é".to_owned()), None])),
            column("rate", Values::Number(vec![Some(0.1), None])),
            column("tokens", Values::Whole(vec![Some(i64::MAX), None])),
            column("kept", Values::Flag(vec![Some(false), None])),
            column("seen", Values::Time(vec![Some(time), None])),
        ];
        let writer = ParquetWriter::new(folder.path().join("work"));
        let bytes = writer.write(&columns).expect("written");
        assert_eq!(&bytes[..4], b"PAR1");
        let left = std::fs::read_dir(folder.path().join("work")).expect("there").count();
        assert_eq!(left, 0, "the temporary file is removed");
        let file = folder.path().canonicalize().expect("there").join("a.parquet");
        std::fs::write(&file, bytes).expect("written");
        let row = "concat_ws('|', name, rate, tokens, kept, epoch_us(seen))";
        assert_eq!(
            texts(&file, &format!("SELECT {row} FROM read_parquet(FILE) WHERE name IS NOT NULL")),
            [format!("'; DROP TABLE one; --\n\"é|0.1|{}|false|{}", i64::MAX, time.timestamp_micros())]
        );
        let absent = "name IS NULL AND rate IS NULL AND tokens IS NULL AND kept IS NULL AND seen IS NULL";
        let counted = format!("SELECT CAST(count(*) AS VARCHAR) FROM read_parquet(FILE) WHERE {absent}");
        assert_eq!(texts(&file, &counted), ["1"]);
        let kinds = "SELECT column_type FROM (DESCRIBE SELECT * FROM read_parquet(FILE))";
        assert_eq!(
            texts(&file, kinds),
            ["VARCHAR", "DOUBLE", "BIGINT", "BOOLEAN", "TIMESTAMP WITH TIME ZONE"]
        );
    }

    #[test]
    fn a_table_without_rows_keeps_its_types_and_a_folder_that_is_a_file_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let columns = [Column { name: "rate", values: Values::Number(Vec::new()) }];
        let bytes = ParquetWriter::new(folder.path()).write(&columns).expect("written");
        let file = folder.path().canonicalize().expect("there").join("a.parquet");
        std::fs::write(&file, bytes).expect("written");
        let kinds = "SELECT column_type FROM (DESCRIBE SELECT * FROM read_parquet(FILE))";
        assert_eq!(texts(&file, kinds), ["DOUBLE"]);
        let refused = ParquetWriter::new(file.clone()).write(&columns).expect_err("refused").to_string();
        assert!(refused.contains("a.parquet"), "{refused}");
    }
}
