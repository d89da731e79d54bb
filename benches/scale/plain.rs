//! The same readings in one plain table, and the same aggregation in plain SQL.

use crate::generate::Scale;
use crate::report::Stopwatch;
use crate::{Outcome, bytes, ours};
use duckdb::Connection;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;

const SCHEMA: &str = include_str!("plain_schema.sql");
const TABLE: &str = include_str!("plain_table.sql");
const LISTS: &str = include_str!("plain_lists.sql");
const SWEEP: &str = include_str!("plain_sweep.sql");

/// Number of runs copied per statement.
const RUNS_AT_ONCE: u32 = 720;
/// Number of days in the window of the tier lists, including today.
const WINDOW_DAYS: u32 = 7;

/// Path of the database file.
pub fn file(data: &Path) -> PathBuf {
    data.join("plain.duckdb")
}

/// Whether the table was written completely.
pub fn is_written(data: &Path) -> bool {
    data.join("plain.done").exists()
}

fn open(path: &Path) -> duckdb::Result<Connection> {
    #[expect(clippy::disallowed_methods, reason = "the bench's own file, under the store's limits")]
    let connection = Connection::open(path)?;
    connection.execute_batch("SET threads = 2; SET memory_limit = '1GB';")?;
    Ok(connection)
}

/// Writes the plain table from the record.
pub fn table(data: &Path, scale: Scale) -> Outcome {
    let path = file(data);
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    let connection = open(&path)?;
    let started = Instant::now();
    let record = ours::file(data).to_string_lossy().replace('\'', "''");
    connection.execute_batch(&format!("ATTACH '{record}' AS record (READ_ONLY);"))?;
    connection.execute_batch(SCHEMA)?;
    for from in (1..=scale.hours).step_by(RUNS_AT_ONCE as usize) {
        let until = (from + RUNS_AT_ONCE).min(scale.hours + 1);
        // A view of the record refers to its tables without the database name.
        connection.execute_batch("USE record;")?;
        let sql = TABLE.replace("INTO flat", "INTO plain.main.flat");
        connection
            .execute_batch(&sql.replace("{from}", &from.to_string()).replace("{to}", &until.to_string()))?;
    }
    connection.execute_batch("USE plain; CHECKPOINT;")?;
    drop(connection);
    std::fs::write(data.join("plain.done"), "")?;
    Ok(json!({ "seconds": started.elapsed().as_secs_f64(), "bytes": bytes(&path)? }))
}

fn midnight(connection: &Connection, days_back: u32) -> duckdb::Result<String> {
    let sql =
        "SELECT CAST(date_trunc('day', max(observed_at)) - to_days(CAST(? AS INTEGER)) AS VARCHAR) FROM flat";
    connection.query_row(sql, [days_back], |row| row.get(0))
}

fn lists(connection: &Connection, from: &str, window: &str) -> duckdb::Result<i64> {
    connection.execute_batch(&LISTS.replace("{from}", from).replace("{window}", window))?;
    connection.query_row("SELECT count(*) FROM list", [], |row| row.get(0))
}

/// Computes the day cells of the whole year, then the lists.
pub fn recompute(data: &Path) -> Outcome {
    let connection = open(&file(data))?;
    let watch = Stopwatch::start();
    let window = midnight(&connection, WINDOW_DAYS - 1)?;
    let providers = lists(&connection, "1970-01-01 00:00:00", &window)?;
    let [seconds, cpu] = watch.read();
    Ok(json!({ "seconds": seconds, "cpu_seconds": cpu, "providers": providers }))
}

/// Inserts one sweep into a copy, then computes the day cells of the window and the lists.
pub fn increment(data: &Path) -> Outcome {
    let copy = data.join("plain-copy.duckdb");
    std::fs::copy(file(data), &copy)?;
    let connection = open(&copy)?;
    let mut measured = ([0.0; 2], [0.0; 2]);
    for _ in 0..3 {
        let watch = Stopwatch::start();
        connection.execute_batch(SWEEP)?;
        let insert = watch.read();
        let window = midnight(&connection, WINDOW_DAYS - 1)?;
        lists(&connection, &window, &window)?;
        measured = (watch.read(), insert);
    }
    drop(connection);
    std::fs::remove_file(&copy)?;
    let ([seconds, cpu], [ingest, _]) = measured;
    Ok(json!({ "seconds": seconds, "cpu_seconds": cpu, "ingest_seconds": ingest }))
}
