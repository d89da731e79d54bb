//! Database files of other versions, and damaged ones.

use super::{id, ingest, reading, run};
use crate::rig::{at, folder, rows, store, tamper, try_store};
use hitrate::pipeline::DataDir;
use hitrate::store::StoreError;

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let data = folder();
    drop(store(data.path()));
    tamper(data.path(), "INSERT INTO schema_migration VALUES (99, 'later', '00', '9.0.0')");
    let refused = try_store(data.path()).expect_err("refused");
    assert!(matches!(refused, StoreError::TooNew { found: 99, .. }), "{refused}");
    assert!(refused.to_string().contains("update hitrate"), "{refused}");
}

#[test]
fn a_migration_that_is_not_the_shipped_one_is_refused() {
    let data = folder();
    drop(store(data.path()));
    tamper(data.path(), "UPDATE schema_migration SET sha256 = 'another'");
    let refused = try_store(data.path()).expect_err("refused");
    assert!(matches!(refused, StoreError::MigrationChanged { version: 1 }), "{refused}");
}

#[test]
fn a_file_that_is_no_database_is_refused_with_a_way_out() {
    let data = folder();
    std::fs::write(DataDir::new(data.path()).store(), vec![7; 20_000]).expect("written");
    let refused = try_store(data.path()).expect_err("refused");
    assert!(matches!(refused, StoreError::Open { .. }), "{refused}");
    assert!(refused.to_string().contains("hitrate replay --into"), "{refused}");
}

#[test]
fn an_unreadable_log_is_set_aside_and_the_store_opens() {
    let data = folder();
    let opened = store(data.path());
    ingest(&opened, &run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron")]));
    opened.checkpoint().expect("written out");
    drop(opened);
    // A log that is left behind, as by a process that was killed, and then damaged at its first entry.
    tamper(
        data.path(),
        "PRAGMA disable_checkpoint_on_shutdown; PRAGMA wal_autocheckpoint = '1GB';
         CREATE TABLE later AS SELECT range AS n FROM range(1000);",
    );
    let log = data.path().join("hitrate.duckdb.wal");
    let mut bytes = std::fs::read(&log).expect("a log");
    let length = bytes.len();
    bytes[length / 4..length / 2].fill(0xA5);
    std::fs::write(&log, bytes).expect("written");
    let opened = store(data.path());
    assert_eq!(opened.newest_time().expect("readable"), Some(at("2026-08-07T10:57:00Z")));
    drop(opened);
    let aside = data.path().join("hitrate.duckdb.wal.corrupt-1");
    assert_eq!(std::fs::read(aside).expect("kept, not deleted").len(), length);
    assert_eq!(rows(data.path(), "SELECT 1 FROM reading").len(), 1);
}
