//! Migrates the schema step by step. Each step runs in a separate transaction, and the digest of its text is stored.

use super::StoreError;
use super::columns::{self, rows};
use duckdb::{Connection, params};
use sha2::{Digest, Sha256};

struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "init", sql: include_str!("../../queries/migrations/V0001__init.sql") },
    Migration {
        version: 2,
        name: "closing_rate",
        sql: include_str!("../../queries/migrations/V0002__closing_rate.sql"),
    },
    Migration { version: 3, name: "tiers", sql: include_str!("../../queries/migrations/V0003__tiers.sql") },
    Migration {
        version: 4,
        name: "compact_reading",
        sql: include_str!("../../queries/migrations/V0004__compact_reading.sql"),
    },
    Migration {
        version: 5,
        name: "endpoint_facts",
        sql: include_str!("../../queries/migrations/V0005__endpoint_facts.sql"),
    },
    Migration {
        version: 6,
        name: "usage_day",
        sql: include_str!("../../queries/migrations/V0006__usage_day.sql"),
    },
    Migration {
        version: 7,
        name: "upstream",
        sql: include_str!("../../queries/migrations/V0007__upstream.sql"),
    },
    Migration {
        version: 8,
        name: "comments",
        sql: include_str!("../../queries/migrations/V0008__comments.sql"),
    },
];

/// Applies the missing migrations.
pub fn migrate(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT NOT NULL, name VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, app_version VARCHAR NOT NULL)",
    )?;
    let sql = "SELECT version, sha256 FROM schema_migration ORDER BY version";
    let applied = rows!(connection, sql, [], |version: i64, sha256: String| (version, sha256));
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    if let Some((found, _)) = applied.last().filter(|(found, _)| *found > known) {
        return Err(StoreError::TooNew { found: *found, known });
    }
    for migration in MIGRATIONS {
        let digest: String = Sha256::digest(migration.sql).iter().map(|b| format!("{b:02x}")).collect();
        match applied.iter().find(|(version, _)| *version == migration.version) {
            Some((_, sha256)) if *sha256 == digest => {}
            Some(_) => return Err(StoreError::MigrationChanged { version: migration.version }),
            None => apply(connection, migration, &digest)?,
        }
    }
    Ok(())
}

fn apply(connection: &Connection, migration: &Migration, digest: &str) -> Result<(), StoreError> {
    connection.execute_batch("BEGIN")?;
    let applied = connection.execute_batch(migration.sql).and_then(|()| {
        connection.execute(
            "INSERT INTO schema_migration (version, name, sha256, app_version) VALUES (?, ?, ?, ?)",
            params![migration.version, migration.name, digest, env!("CARGO_PKG_VERSION")],
        )
    });
    match applied {
        // An immediate checkpoint keeps DDL out of the write-ahead log, where it is the most common cause of trouble.
        Ok(_) => Ok(connection.execute_batch("COMMIT; CHECKPOINT;")?),
        Err(error) => {
            connection.execute_batch("ROLLBACK")?;
            Err(error.into())
        }
    }
}
