//! Upgrade and downgrade between two versions of the schema.

use chrono::Duration;
use hitrate::pipeline::{DataDir, Pipeline, PipelineError};
use hitrate::store::StoreError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::recovery::stored;
use crate::rig::{column, config, copy, dump, folder, tamper, try_store};
use crate::upstream::{Upstream, collect, day, pipeline};

/// The newest version of the schema, and the one before it.
const NEW: i64 = 15;
const OLD: i64 = 14;

/// Makes a store what the older version left: the last migration removed the table of stored events.
fn downgrade(data: &Path) {
    tamper(
        data,
        &format!(
            "CREATE TABLE event (run_no INTEGER, seen_at TIMESTAMP, kind VARCHAR, endpoint_no INTEGER, detail VARCHAR);
             DELETE FROM schema_migration WHERE version >= {NEW}"
        ),
    );
}

fn version(data: &Path) -> Vec<String> {
    column(data, "SELECT CAST(max(version) AS VARCHAR) FROM schema_migration")
}

fn kept(data: &Path) -> PathBuf {
    data.join(format!("hitrate.duckdb.schema-{OLD}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_store_is_migrated_and_its_copy_is_the_way_back() {
    let upstream = Upstream::serve().await;
    let data = folder();
    collect(&pipeline(data.path()), &upstream, day(11)).await;
    assert_eq!(version(data.path()), [NEW.to_string()], "raise NEW and OLD, and change `downgrade`");
    let whole = dump(data.path());
    downgrade(data.path());
    let old = dump(data.path());

    // The upgrade: nothing is lost, and the record goes on.
    let upgraded = pipeline(data.path());
    let report = collect(&upgraded, &upstream, day(11) + Duration::hours(1)).await;
    assert_eq!(report.status.as_str(), "ok");
    drop(upgraded);
    assert_eq!(version(data.path()), [NEW.to_string()]);
    assert_eq!(stored(data.path()).len(), 2);
    assert!(kept(data.path()).exists());

    // The downgrade: the copy is what the older version left, and the runs since are in the archive.
    let back = folder();
    copy(&data.path().join("archive"), &back.path().join("archive"));
    std::fs::copy(kept(data.path()), DataDir::new(back.path()).store()).expect("copied");
    assert_eq!(dump(back.path()), old);
    // This version stands for the older one: it goes on with the copy as well.
    drop(pipeline(back.path()));
    assert_eq!(stored(back.path()).len(), 2);
    let (now, then) = (dump(data.path()), whole);
    assert_eq!(now.len(), then.len(), "the same tables");
}

#[test]
fn a_migration_that_fails_leaves_the_older_schema_and_the_copy() {
    let data = folder();
    drop(crate::rig::store(data.path()));
    tamper(data.path(), &format!("DELETE FROM schema_migration WHERE version >= {NEW}"));
    let before = dump(data.path());
    // The table that the last migration removes is not there.
    let refused = try_store(data.path()).expect_err("refused");
    assert!(matches!(refused, StoreError::Query(_)), "{refused}");
    assert_eq!(dump(data.path()), before);
    assert!(kept(data.path()).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_store_is_refused_with_the_way_back_and_is_not_changed() {
    let upstream = Upstream::serve().await;
    let data = folder();
    collect(&pipeline(data.path()), &upstream, day(11)).await;
    tamper(data.path(), "INSERT INTO schema_migration VALUES (99, 'later', '00', '9.0.0')");
    let before = dump(data.path());
    let clock = Arc::new(hitrate::clock::SystemClock);
    let refused = Pipeline::open(config(""), DataDir::new(data.path()), clock);
    assert!(matches!(refused, Err(PipelineError::Store(StoreError::TooNew { .. }))));
    let ran = crate::binary::hitrate(data.path(), &["query", "SELECT 1"]);
    assert_eq!(ran.code, 6, "{ran:?}");
    for part in [format!("hitrate.duckdb.schema-{NEW}"), "replay --into DIR".to_owned()] {
        assert!(ran.err.contains(&part), "{part}: {}", ran.err);
    }
    assert_eq!(dump(data.path()), before);
    // A replay into another folder is the other way back.
    let other = folder();
    let into = other.path().join("rebuilt");
    let ran = crate::binary::hitrate(data.path(), &["replay", "--into", &into.display().to_string()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(stored(&into).len(), 1);
}
