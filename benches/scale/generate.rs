//! Writes a generated record directly into a store: without HTTP and archive, with the schema of the program.

use duckdb::Connection;
use std::path::Path;

const WORLD: &str = include_str!("world.sql");
const DAY: &str = include_str!("day.sql");

/// The size of the generated record.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Endpoints per sweep.
    pub endpoints: u32,
    /// Number of sweeps, one per hour from midnight on.
    pub hours: u32,
    /// Seed; the same seed gives the same record.
    pub seed: u32,
}

impl Scale {
    /// Number of UTC days that the hours span.
    pub fn days(self) -> u32 {
        self.hours.div_ceil(24)
    }

    /// Readings in the record.
    pub fn readings(self) -> u64 {
        u64::from(self.endpoints) * u64::from(self.hours)
    }
}

/// The record begins at this midnight, UTC.
pub const START: &str = "2026-01-01 00:00:00";

/// Fills the store file at `path`, which must have its schema and no rows, in chronological order. `on_day` is called
/// with the number of days written. The program closes the completed days itself: `Store::rebuild_days`.
pub fn generate(path: &Path, scale: Scale, mut on_day: impl FnMut(u32)) -> duckdb::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "writes past the store, into the bench's own file")]
    let connection = Connection::open(path)?;
    connection
        .execute_batch("SET threads = 2; SET memory_limit = '2GB'; SET checkpoint_threshold = '256MB';")?;
    connection.execute_batch(&filled(WORLD, scale, 0))?;
    for day in 0..scale.days() {
        connection.execute_batch(&filled(DAY, scale, day))?;
        on_day(day + 1);
    }
    connection.execute_batch("DROP TABLE hourly; DROP TABLE priced; DROP TABLE seen; CHECKPOINT;")
}

/// Marks the last completed day as closed without tiers. Otherwise the first snapshot would walk every day of the
/// record, which happens once per version of the method and is not what the bench measures.
pub fn begin_tier_history(path: &Path, method_version: u32) -> duckdb::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "writes past the store, into the bench's own file")]
    let connection = Connection::open(path)?;
    connection.execute(
        "INSERT INTO tier_day
         SELECT ?, CAST(observed_at AS DATE), observed_at FROM run
         WHERE CAST(observed_at AS DATE) < (SELECT CAST(max(observed_at) AS DATE) FROM run)
         ORDER BY observed_at DESC LIMIT 1",
        [method_version],
    )?;
    connection.execute_batch("CHECKPOINT")
}

fn filled(sql: &str, scale: Scale, day: u32) -> String {
    [
        ("{endpoints}", scale.endpoints.to_string()),
        ("{hours}", scale.hours.to_string()),
        ("{days}", scale.days().to_string()),
        ("{seed}", scale.seed.to_string()),
        ("{start}", START.to_owned()),
        ("{day}", day.to_string()),
    ]
    .into_iter()
    .fold(sql.to_owned(), |sql, (name, value)| sql.replace(name, &value))
}
