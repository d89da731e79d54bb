//! Migrates the schema step by step. Each step runs in a separate transaction, and the digest of its text is stored.

use super::StoreError;
use super::columns::{self, rows};
use super::transaction::{of_file, transaction};
use crate::failpoint;
use duckdb::{Connection, params};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// One step of a schema.
pub(super) struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($folder:literal: $($zeros:literal { $($version:literal $name:literal,)+ })+) => {
        &[$($(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../queries/", $folder, "/V", $zeros, $version, "__", $name, ".sql")),
        }),+),+]
    };
}

/// The schema of the record. The zeros bring the number in the name of a file to four digits.
pub(super) const RECORD: &[Migration] = migrations! {
    "migrations":
    "000" {
        1 "init",
        2 "closing_rate",
        3 "tiers",
        4 "compact_reading",
        5 "endpoint_facts",
        6 "usage_day",
        7 "upstream",
        8 "comments",
        9 "tier_band",
    }
    "00" {
        10 "recommendation",
        11 "alias",
        12 "shift",
        13 "imported",
        14 "rollup",
        15 "derived_changes",
    }
};

/// The schema of the user's own traffic.
pub(super) const TRAFFIC: &[Migration] = migrations! {
    "traffic/migrations":
    "000" {
        1 "calls",
        2 "previous_calls",
        3 "sessions_and_deletions",
    }
};

/// Applies the missing migrations, each in a transaction of its own: a process that is killed leaves the old schema or a
/// newer one, never a part.
pub(super) fn migrate(connection: &Connection, migrations: &[Migration]) -> Result<(), StoreError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT NOT NULL, name VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, app_version VARCHAR NOT NULL)",
    )?;
    let sql = "SELECT version, sha256 FROM schema_migration ORDER BY version";
    let applied = rows!(connection, sql, [], |version: i64, sha256: String| (version, sha256));
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    if let Some((found, _)) = applied.last().filter(|(found, _)| *found > known) {
        return Err(StoreError::TooNew { found: *found, known });
    }
    for migration in migrations {
        let digest: String = Sha256::digest(migration.sql).iter().map(|b| format!("{b:02x}")).collect();
        match applied.iter().find(|(version, _)| *version == migration.version) {
            Some((_, sha256)) if *sha256 == digest => {}
            Some(_) => return Err(StoreError::MigrationChanged { version: migration.version }),
            None => apply(connection, migration, &digest)?,
        }
    }
    Ok(())
}

/// The version of the schema of a database that [`migrate`] would change; `None` if it is current, too new or empty.
pub(super) fn outdated(connection: &Connection, migrations: &[Migration]) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT table_name FROM duckdb_tables() WHERE table_name = 'schema_migration'";
    if rows!(connection, sql, [], |table_name: String| table_name).is_empty() {
        return Ok(None);
    }
    let sql = "SELECT max(version) AS newest FROM schema_migration";
    let newest = rows!(connection, sql, [], |newest: Option<i64>| newest).pop().flatten();
    let known = migrations.iter().map(|migration| migration.version).max();
    Ok(newest.filter(|newest| Some(*newest) < known))
}

/// Keeps a copy of a database file whose schema is about to be migrated, so that an older version can go on with it. A
/// copy that cannot be made (for example because the disk is full) is only logged, because the record can also be rebuilt
/// from the archive.
///
/// DuckDB's lock on the file is lost afterwards: close the connection and open the file again.
pub(super) fn keep_copy(connection: &Connection, path: &Path, version: i64) -> Result<(), StoreError> {
    let copy = PathBuf::from(format!("{}.schema-{version}", path.display()));
    let partial = PathBuf::from(format!("{}.tmp", copy.display()));
    // Everything into the file; nothing is written to it until the migration begins.
    connection.execute_batch("FORCE CHECKPOINT")?;
    let copied = fs::copy(path, &partial)
        .and_then(|_| File::open(&partial)?.sync_all())
        .and_then(|()| fs::rename(&partial, &copy));
    match copied {
        Ok(()) => {
            tracing::info!(copy = %copy.display(), "kept a copy of the store before its schema is migrated");
        }
        Err(error) => {
            drop(fs::remove_file(&partial));
            tracing::warn!(
                copy = %copy.display(),
                %error,
                "cannot keep a copy of the store before its schema is migrated; the way back to an older version is `hitrate replay --into DIR`"
            );
        }
    }
    Ok(())
}

/// The version of the schema of a database that was migrated before.
pub(super) fn version(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT max(version) AS version FROM schema_migration";
    let version = rows!(connection, sql, [], |version: Option<i64>| version).pop().flatten();
    Ok(version.unwrap_or_default())
}

/// Refuses a database that a newer version wrote.
pub(super) fn refuse_newer(connection: &Connection, migrations: &[Migration]) -> Result<(), StoreError> {
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    match version(connection)? {
        found if found > known => Err(StoreError::TooNew { found, known }),
        _ => Ok(()),
    }
}

fn apply(connection: &Connection, migration: &Migration, digest: &str) -> Result<(), StoreError> {
    transaction(connection, || {
        connection.execute_batch(migration.sql)?;
        connection.execute(
            "INSERT INTO schema_migration (version, name, sha256, app_version) VALUES (?, ?, ?, ?)",
            params![migration.version, migration.name, digest, env!("CARGO_PKG_VERSION")],
        )?;
        failpoint::reach("migrate.applied").map_err(of_file(connection))
    })
}
