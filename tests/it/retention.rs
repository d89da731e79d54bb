//! Rolling hourly readings up to days: what stays the same, what is refused, and that a replay agrees.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use hitrate::analysis::METHOD_VERSION;
use hitrate::archive::Archive;
use hitrate::domain::tier_list::TierList;
use hitrate::pipeline::{
    Pipeline, PipelineError, backtest_by_hour, backtest_record, build_snapshot, roll_up,
};
use hitrate::store::{ExportFormat, Store};
use serde_json::Value;

use crate::binary::{Server, hitrate};
use crate::rig::{column, dump, folder, rows, store, tamper};
use crate::upstream::{Upstream, collect, day, pipeline};

/// Four runs on each day of the small world from the third to the eleventh; its first days are of the hourly window.
async fn recorded(folder: &Path) -> Pipeline {
    let upstream = Upstream::serve().await;
    let pipeline = pipeline(folder);
    for number in 2..11 {
        for hours in [-8, 0, 5, 10] {
            let report = collect(&pipeline, &upstream, day(number) + Duration::hours(hours)).await;
            assert!(report.status.is_accepted(), "{number} {hours}: {:?}", report.failures);
        }
    }
    pipeline.publish().expect("published");
    pipeline
}

fn closings(store: &Store) -> Vec<(NaiveDate, DateTime<Utc>)> {
    let all = store.run_days(None, NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date")).expect("readable");
    all.iter().map(|one| (one.day, one.closing)).collect()
}

/// Everything that is computed for the end of each day.
#[derive(Debug, PartialEq)]
struct AtTheEnd {
    lists: Vec<TierList>,
    days: String,
    endpoints: String,
    priced: String,
    sizes: BTreeMap<String, String>,
}

fn at_the_end(store: &Store, pipeline: &Pipeline) -> Vec<AtTheEnd> {
    let workloads = pipeline.workloads().expect("valid");
    let of = |(day, closing): (NaiveDate, DateTime<Utc>)| {
        let from = day - Duration::days(7);
        let snapshot = build_snapshot(store, Some(closing), workloads.clone(), closing).expect("built");
        let days = store.days(from, day, closing).expect("readable").rows().expect("rows");
        let endpoints = store.endpoints(closing).expect("readable").rows().expect("rows");
        let midnight = from.and_time(chrono::NaiveTime::MIN).and_utc();
        let hourly = store.hourly(midnight, closing + Duration::seconds(1)).expect("readable");
        AtTheEnd {
            lists: snapshot.tier_lists,
            days: format!("{days:?}"),
            endpoints: format!("{endpoints:?}"),
            priced: format!("{:?}", store.priced_days(from, day, closing).expect("readable")),
            sizes: hourly
                .request_sizes
                .iter()
                // An endpoint without any count of requests may be absent.
                .filter(|(_, size)| size.counts() > 0)
                .map(|(id, size)| (id.to_string(), format!("{size:?}")))
                .collect(),
        }
    };
    closings(store).into_iter().map(of).collect()
}

fn exported_days(store: &Store) -> Vec<u8> {
    let path = store
        .export_days(
            "2026-01-01".parse().expect("a day"),
            "2026-12-31".parse().expect("a day"),
            ExportFormat::Csv,
        )
        .expect("exported");
    let bytes = std::fs::read(&path).expect("a file");
    std::fs::remove_file(path).expect("removed");
    bytes
}

fn readings(store: &Store) -> usize {
    let wide = ["2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"].map(crate::rig::at);
    store.readings(wide[0], wide[1]).expect("readable").len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_list_as_of_the_end_of_a_day_stays_the_same() {
    let data = folder();
    let pipeline = recorded(data.path()).await;
    let store = &pipeline.store;
    let (before, days, count) = (at_the_end(store, &pipeline), exported_days(store), readings(store));
    let backtest = backtest_record(store, None, None).expect("computed");
    assert_eq!(before.len(), 9);
    let sized = |one: &AtTheEnd| !one.sizes.is_empty();
    assert!(before.iter().filter(|one| sized(one)).count() > 4, "sizes of requests are tested");

    // The last three days stay: those of the newest run, and two before it.
    let plan = roll_up(store, 3, true).expect("planned").expect("days to roll up");
    assert_eq!(
        (readings(store), store.rolled_until().expect("readable")),
        (count, None),
        "nothing is changed"
    );
    let rolled = roll_up(store, 3, false).expect("rolled").expect("days to roll up");
    assert_eq!(rolled, plan);
    let last = day(7).date_naive();
    assert_eq!((rolled.first_day, rolled.last_day), (day(2).date_naive(), last));
    assert!(rolled.removed > 2 * 64, "{rolled:?}");
    assert_eq!(readings(store), count - usize::try_from(rolled.removed).expect("small"));
    assert_eq!(store.rolled_until().expect("readable"), Some(last));
    assert_eq!(roll_up(store, 3, false).expect("rolled"), None, "once");
    assert_eq!(roll_up(store, 0, false).expect("rolled"), None, "0 keeps everything");

    let after = at_the_end(store, &pipeline);
    for (was, is) in before.iter().zip(&after) {
        assert_eq!(was, is);
    }
    assert_eq!(exported_days(store), days);
    assert_eq!(backtest_record(store, None, None).expect("computed"), backtest);
    assert!(store.rebuild_days().is_ok());
    assert_eq!(exported_days(store), days, "days that are rolled up are not rebuilt from what is left");

    // The stored history is computed again from what is left.
    let held = |store: &Store| {
        let of = |(day, _)| store.tier_history(METHOD_VERSION, day).expect("readable");
        closings(store).into_iter().map(of).map(|history| format!("{history:?}")).collect::<Vec<_>>()
    };
    let published = held(store);
    drop(pipeline);
    tamper(data.path(), "DELETE FROM tier_day; DELETE FROM provider_tier; DELETE FROM endpoint_tier");
    let again = self::pipeline(data.path());
    again.publish().expect("published");
    assert_eq!(held(&again.store), published);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_the_hours_of_a_rolled_up_day_says_so() {
    let data = folder();
    let pipeline = recorded(data.path()).await;
    roll_up(&pipeline.store, 3, false).expect("rolled").expect("days");
    let noon = day(6);
    let within = build_snapshot(&pipeline.store, Some(noon), pipeline.workloads().expect("valid"), noon);
    assert!(
        matches!(&within, Err(PipelineError::RolledUp { day, .. }) if *day == noon.date_naive()),
        "{:?}",
        within.map(|snapshot| snapshot.as_of)
    );
    let (rolled, kept) = (day(6).date_naive(), day(9).date_naive());
    let refused = backtest_by_hour(&pipeline.store, None, Some(rolled), &|_, _| ());
    assert!(matches!(refused, Err(PipelineError::RolledUp { .. })));
    let tested = backtest_by_hour(&pipeline.store, Some(rolled), Some(kept), &|_, _| ());
    assert!(tested.is_ok(), "it begins after these days");
    let hourly =
        pipeline.store.hourly(day(2) - Duration::hours(12), day(8) - Duration::hours(13)).expect("readable");
    assert!(hourly.stretches.is_empty(), "differences between readings that are left are no hourly rates");
    drop(pipeline);
    let span = ["--from", "2026-07-12T00:00:00Z", "--to", "2026-07-30T00:00:00Z"];
    let export = hitrate(data.path(), &[&["export", "readings"][..], &span].concat());
    assert_eq!(export.code, 0, "{}", export.err);
    assert!(export.err.contains("rolled up"), "{}", export.err);
    let list = hitrate(data.path(), &["tiers", "--as-of", &noon.to_rfc3339().replace("+00:00", "Z")]);
    assert_eq!(list.code, 1);
    assert!(list.err.contains("rolled up") && list.err.contains("end"), "{}", list.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_gives_the_same_days_and_without_rolling_every_reading() {
    let (data, whole, again) = (folder(), folder(), folder());
    {
        let pipeline = recorded(data.path()).await;
        // Day by day, as a service does.
        for number in 2..8 {
            pipeline.store.roll_up(day(number).date_naive(), false).expect("rolled").expect("a day");
        }
    }
    let archive = Archive::open(data.path().join("archive"));
    let files = || {
        let text = |path: &Path| path.display().to_string();
        archive.manifests().expect("readable").iter().map(|path| text(path)).collect::<Vec<_>>()
    };
    let kept = files();
    for (target, rolls) in [(&whole, false), (&again, true)] {
        let pipeline = pipeline(target.path());
        pipeline.replay(&archive, |_, _| ()).expect("replayed");
        if rolls {
            roll_up(&pipeline.store, 3, false).expect("rolled").expect("days");
        }
    }
    assert_eq!(files(), kept, "the archive is only read");
    let without = |folder: &Path, left_out: &[&str]| {
        let mut tables = dump(folder);
        tables.retain(|(table, _)| !left_out.contains(&table.as_str()));
        tables
    };
    // At once instead of day by day: only the steps differ.
    for table in ["stored_reading", "request_size_day", "endpoint_day", "price_history", "provider_tier"] {
        let of = |folder: &Path| {
            let tables = dump(folder);
            tables
                .into_iter()
                .find(|(name, _)| name == table)
                .map(|(_, rows)| rows)
                .expect("the table exists")
        };
        assert_eq!(of(data.path()), of(again.path()), "{table}");
        assert!(!of(data.path()).is_empty(), "{table}");
    }
    let rolled = ["rollup", "stored_reading", "request_size_day"];
    assert_eq!(without(whole.path(), &rolled), without(again.path(), &rolled));
    let count = |folder: &Path| {
        let counted = column(folder, "SELECT CAST(count(*) AS VARCHAR) FROM stored_reading");
        counted[0].parse::<u64>().expect("a number")
    };
    assert!(count(whole.path()) > count(again.path()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_fails_changes_nothing() {
    let data = folder();
    drop(recorded(data.path()).await);
    // The last statement of the step cannot succeed.
    tamper(data.path(), "ALTER TABLE rollup ADD COLUMN other INTEGER");
    let before = dump(data.path());
    {
        let store = store(data.path());
        let failed = roll_up(&store, 3, false).expect_err("refused").to_string();
        assert!(failed.contains("rollup") || failed.contains("column"), "{failed}");
        assert_eq!(store.rolled_until().expect("readable"), None);
    }
    assert_eq!(dump(data.path()), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_needs_the_setting_and_runs_beside_a_server() {
    let data = folder();
    drop(recorded(data.path()).await);
    let off = hitrate(data.path(), &["rollup"]);
    assert_eq!(off.code, 1);
    assert!(off.err.contains("retention.hourly_days"), "{}", off.err);
    std::fs::write(data.path().join("hitrate.toml"), "[retention]\nhourly_days = 30\n").expect("written");
    let short = hitrate(data.path(), &["rollup"]);
    assert!(short.code == 1 && short.err.contains("at least 120"), "{}", short.err);
    std::fs::write(data.path().join("hitrate.toml"), "[retention]\nhourly_days = 120\n").expect("written");
    for json in [hitrate(data.path(), &["rollup", "--dry-run", "--json"]).json(), {
        let _server = Server::of(data.path());
        hitrate(data.path(), &["rollup", "--json"]).json()
    }] {
        assert_eq!((&json["hourly_days"], &json["rolled_up"]), (&Value::from(120), &Value::Null), "{json}");
    }
    assert_eq!(rows(data.path(), "SELECT * FROM rollup"), Vec::<String>::new());
    // Free space is given back to the disk.
    let store = store(data.path());
    let size = || std::fs::metadata(data.path().join("hitrate.duckdb")).expect("a file").len();
    roll_up(&store, 3, false).expect("rolled").expect("days");
    let (before, freed) = (size(), store.compact().expect("compacted"));
    assert_eq!(size(), before - freed);
    assert!(readings(&store) > 0);
}
