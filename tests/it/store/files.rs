//! Database files of other versions, and damaged files.

use super::{id, ingest, price, reading, run};
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
fn a_store_from_before_the_facts_of_endpoints_is_migrated_without_events() {
    let data = folder();
    let opened = store(data.path());
    ingest(&opened, &run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron"), reading(id(2), "crane")]));
    drop(opened);
    tamper(
        data.path(),
        "ALTER TABLE endpoint_history DROP COLUMN max_prompt_tokens;
         ALTER TABLE endpoint_history DROP COLUMN deprecation_date;
         ALTER TABLE endpoint_history DROP COLUMN created_at;
         ALTER TABLE price_history DROP COLUMN list_cache_write_1h;
         DELETE FROM schema_migration WHERE version = 5",
    );
    let opened = store(data.path());
    let before = opened.endpoints(at("2026-08-07T11:00:00Z")).and_then(|now| now.rows()).expect("readable");
    assert_eq!(
        (before[0].facts.published.max_prompt_tokens, before[0].facts.published.created_at),
        (None, None)
    );
    assert_eq!(before[0].list.cache_write_1h, None);
    let told = |time: &str| {
        let mut told = reading(id(1), "heron");
        told.facts.published.max_prompt_tokens = Some(99);
        told.facts.published.created_at = Some(at("2026-01-02T03:04:05.678901Z"));
        told.facts.published.deprecation_date = Some(at("2026-09-01T13:00:00Z"));
        told.prices.cache_write_1h = price("0.4");
        run(time, vec![told, reading(id(2), "crane")])
    };
    ingest(&opened, &told("2026-08-07T11:57:00Z"));
    ingest(&opened, &told("2026-08-07T12:57:00Z"));
    assert_eq!(super::told(&opened), Vec::<String>::new(), "additional facts are not a change");
    let after = opened.endpoints(at("2026-08-07T13:00:00Z")).and_then(|now| now.rows()).expect("readable");
    let heron = after.iter().find(|one| one.facts.tag.as_str() == "heron").expect("there");
    assert_eq!((heron.facts.published.max_prompt_tokens, heron.list.cache_write_1h), (Some(99), Some(0.4)));
    assert_eq!(heron.facts.published.created_at, Some(at("2026-01-02T03:04:05.678901Z")));
    assert_eq!(heron.facts.published.deprecation_date, Some(at("2026-09-01T13:00:00Z")));
    drop(opened);
    for table in ["endpoint_history", "price_history"] {
        let written = rows(data.path(), &format!("SELECT 1 FROM {table}"));
        assert_eq!(written.len(), 3, "{table}: reopened once, and only where more is known");
    }
}

#[test]
fn runs_and_endpoints_of_older_versions_are_of_the_upstream_that_they_knew() {
    let data = folder();
    ingest(&store(data.path()), &run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron")]));
    tamper(
        data.path(),
        "ALTER TABLE run DROP COLUMN upstream_name;
         ALTER TABLE endpoint DROP COLUMN upstream_name;
         DELETE FROM schema_migration WHERE version = 7",
    );
    let opened = store(data.path());
    let newest = opened.newest_run(None).expect("readable").expect("a run");
    assert_eq!(newest.upstream_name, "openrouter");
    drop(opened);
    let endpoints = rows(data.path(), "SELECT upstream_name FROM endpoint");
    assert!(endpoints.len() == 1 && endpoints[0].contains("openrouter"), "{endpoints:?}");
}

#[test]
fn tables_of_older_versions_get_their_descriptions() {
    let data = folder();
    ingest(&store(data.path()), &run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron")]));
    tamper(
        data.path(),
        "COMMENT ON TABLE run IS NULL;
         COMMENT ON COLUMN stored_reading.tokens IS NULL;
         COMMENT ON VIEW reading IS NULL;
         ALTER TABLE provider_tier ADD COLUMN leaning VARCHAR;
         ALTER TABLE provider_tier ADD COLUMN leaning_days INTEGER;
         ALTER TABLE endpoint_tier ADD COLUMN leaning VARCHAR;
         ALTER TABLE endpoint_tier ADD COLUMN leaning_days INTEGER;
         DROP TABLE recommendation;
         DROP TABLE alias_history;
         DROP TABLE shift;
         DROP TABLE shift_day;
         DROP VIEW imported_link;
         DROP TABLE import_source;
         DROP TABLE imported_endpoint;
         DROP TABLE imported_day;
         DROP TABLE imported_price;
         DROP TABLE imported_uptime;
         DROP TABLE imported_activity;
         DROP TABLE rollup;
         DROP TABLE request_size_day;
         CREATE TABLE event (run_no INTEGER, seen_at TIMESTAMP, kind VARCHAR, endpoint_no INTEGER, detail VARCHAR);
         DELETE FROM schema_migration WHERE version >= 8",
    );
    assert_eq!(store(data.path()).newest_time().expect("readable"), Some(at("2026-08-07T10:57:00Z")));
    for described in ["duckdb_tables()", "duckdb_views()", "duckdb_columns()"] {
        let bare =
            rows(data.path(), &format!("SELECT * FROM {described} WHERE NOT internal AND comment IS NULL"));
        assert!(bare.is_empty(), "{bare:?}");
    }
    assert_eq!(rows(data.path(), "SELECT 1 FROM reading").len(), 1);
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
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
    assert!(refused.to_string().contains("hitrate.duckdb is damaged"), "{refused}");
    assert!(refused.to_string().contains("hitrate replay --into"), "{refused}");
}

#[test]
fn an_unreadable_log_is_set_aside_and_the_store_opens() {
    let data = folder();
    let opened = store(data.path());
    ingest(&opened, &run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron")]));
    opened.checkpoint().expect("written out");
    drop(opened);
    // A write-ahead log as a killed process leaves it, damaged at its first entry.
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
    let aside = crate::rig::set_aside(data.path());
    let [aside] = aside.as_slice() else { panic!("one file, not {aside:?}") };
    assert!(aside.starts_with("hitrate.duckdb.wal.damaged-"), "{aside}");
    assert_eq!(std::fs::read(data.path().join(aside)).expect("kept, not deleted").len(), length);
    assert_eq!(rows(data.path(), "SELECT 1 FROM reading").len(), 1);
}
