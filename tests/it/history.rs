//! Tests the history of tiers: each day is closed once, live and replay agree, and past days are shown as published.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use hitrate::analysis::METHOD_VERSION;
use hitrate::domain::ids::ProviderSlug;
use hitrate::domain::thresholds::TIER_BAND_CACHE;
use hitrate::domain::tier::{Lens, Tier};
use hitrate::domain::tier_history::{Held, History, ProviderKey, RunDay};
use hitrate::domain::workload::Workload;
use hitrate::pipeline::{Pipeline, build_snapshot, flips};
use hitrate::simulator::SimulatorConfig;
use hitrate::snapshot::Snapshot;
use hitrate::study::lag::{LagStudy, run as lag};

use crate::binary::hitrate;
use crate::rig::{at, dump, folder, rows, store, tamper};
use crate::upstream::{Upstream, collect, day, pipeline, start};

/// Runs on several days, two on one of them; each is published.
async fn published_days(pipeline: &Pipeline, upstream: &Upstream) -> Vec<Arc<Snapshot>> {
    let mut published = Vec::new();
    for time in [day(9), day(10), day(11), day(11) + Duration::hours(5), day(13)] {
        assert_eq!(collect(pipeline, upstream, time).await.status.as_str(), "ok", "{time}");
        published.push(pipeline.publish().expect("published"));
    }
    published
}

fn days_closed(folder: &std::path::Path) -> Vec<String> {
    rows(folder, "SELECT day, closing, method_version FROM tier_day ORDER BY day")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_day_is_closed_once_by_its_last_run_and_publishing_again_changes_nothing() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let first = {
        let pipeline = pipeline(data.path());
        published_days(&pipeline, &upstream).await.pop().expect("published")
    };
    let closed = days_closed(data.path());
    assert_eq!(closed.len(), 3, "the newest day is still open: {closed:?}");
    assert!(
        closed[2].contains("2026-07-21") && closed[2].contains("17:57:00"),
        "by its last run: {closed:?}"
    );
    let before = dump(data.path());
    {
        let pipeline = pipeline(data.path());
        let again = pipeline.publish().expect("published");
        assert_eq!((again.id.as_str(), &again.tier_lists), (first.id.as_str(), &first.tier_lists));
    }
    assert_eq!(dump(data.path()), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_past_day_is_recomputed_as_it_was_published_with_or_without_its_history() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let published = {
        let pipeline = pipeline(data.path());
        published_days(&pipeline, &upstream).await
    };
    as_published(data.path(), &published, true);
    // Without the history, the days are recomputed.
    tamper(data.path(), "DELETE FROM tier_day; DELETE FROM provider_tier; DELETE FROM endpoint_tier");
    as_published(data.path(), &published, false);
    assert_eq!(days_closed(data.path()), Vec::<String>::new(), "reading past days writes nothing");
}

/// Events of changed tiers come from the stored history and are absent without it.
fn as_published(folder: &std::path::Path, published: &[Arc<Snapshot>], stored: bool) {
    let store = store(folder);
    for was in published {
        let now =
            build_snapshot(&store, Some(was.as_of), was.workloads.clone(), was.built_at).expect("built");
        assert_eq!(now.tier_lists, was.tier_lists, "{}", was.as_of);
        assert_eq!(now.models, was.models, "{}", was.as_of);
        if stored {
            assert_eq!(now.changes, was.changes, "{}", was.as_of);
            assert_eq!(now.id, was.id, "{}", was.as_of);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_version_of_the_method_begins_a_history_of_its_own() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let newest = {
        let pipeline = pipeline(data.path());
        published_days(&pipeline, &upstream).await.pop().expect("published")
    };
    let before = dump(data.path());
    // As if an older method had given different results: all its tiers are F.
    for table in ["tier_day", "provider_tier", "endpoint_tier"] {
        let older = METHOD_VERSION - 1;
        tamper(data.path(), &format!("UPDATE {table} SET method_version = {older}"));
    }
    tamper(data.path(), "UPDATE provider_tier SET tier = 'F'; UPDATE endpoint_tier SET tier = 'F'");
    {
        let pipeline = pipeline(data.path());
        assert_eq!(pipeline.publish().expect("published").tier_lists, newest.tier_lists);
    }
    let current = format!("SELECT * FROM provider_tier WHERE method_version = {METHOD_VERSION}");
    let (_, providers) = before.iter().find(|(table, _)| table == "provider_tier").expect("there");
    assert_eq!(rows(data.path(), &current).len(), providers.len(), "recomputed");
    let older = rows(data.path(), &format!("SELECT 1 FROM tier_day WHERE method_version < {METHOD_VERSION}"));
    assert_eq!(older.len(), 3, "the results of the older method are kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tiers_tell_since_when_they_hold_and_changes_become_events() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    let published = published_days(&pipeline, &upstream).await;
    let first_day = day(9).date_naive();
    published.iter().for_each(|snapshot| agrees_with_itself(snapshot));
    let newest = published.last().expect("published");
    let mut rated = 0;
    for row in newest.tier_lists.iter().flat_map(|list| &list.providers) {
        let is_rated = row.tier != Tier::Unrated;
        assert_eq!((row.naive != Tier::Unrated, row.since.is_some()), (is_rated, is_rated), "{row:?}");
        rated += usize::from(row.since == Some(first_day));
    }
    assert!(rated > 10, "most have not changed since the start of the record: {rated}");
    let verdicts = newest.models.iter().flat_map(|model| &model.endpoints).flat_map(|e| e.verdicts.values());
    assert!(verdicts.filter(|verdict| verdict.since == Some(first_day)).count() > 10);
    let changed = newest.changes.iter().filter(|event| event.kind.as_str() == "tier_changed");
    let (today, before): (Vec<_>, Vec<_>) = changed.partition(|event| event.at == newest.as_of);
    let today_rows = newest
        .tier_lists
        .iter()
        .filter(|list| list.workload.as_deref().is_none_or(|name| name == newest.default_workload()));
    let is_new = |row: &&hitrate::snapshot::ProviderTier| {
        row.since == Some(newest.as_of.date_naive()) && row.previous.is_some()
    };
    let expected = today_rows.flat_map(|list| &list.providers).filter(is_new).count();
    assert_eq!(today.len(), expected, "the changes of the newest run are there too");
    let events = before.len();
    drop(pipeline);
    let changes = rows(
        data.path(),
        "SELECT 1 FROM provider_tier WHERE since = day AND previous IS NOT NULL AND workload IN ('', 'coding-agent')",
    );
    assert_eq!(events, changes.len());
}

/// Every letter is the tier of the printed figure, the order is that of both, and no figure is further from the measured
/// one than the band.
fn agrees_with_itself(snapshot: &Snapshot) {
    for list in &snapshot.tier_lists {
        let lens = list.lens;
        let rated: Vec<_> = list.providers.iter().filter(|row| row.tier != Tier::Unrated).collect();
        for row in &rated {
            let (shown, measured) = row.adjusted.zip(row.measured).expect("rated");
            assert_eq!(lens.cuts().tier(shown), row.tier, "{lens}: {row:?}");
            let most = if row.cap.is_some() { f64::INFINITY } else { lens.band() + 1e-3 };
            assert!(lens.apart(shown, measured) <= most, "{lens}: {row:?}");
        }
        let sign = if lens.cuts().higher_is_better { -1.0 } else { 1.0 };
        assert!(
            rated.is_sorted_by_key(|row| row.adjusted.map(|shown| (sign * shown * 1000.0).round() as i64))
        );
        assert!(rated.is_sorted_by_key(|row| row.tier));
    }
    for verdict in snapshot.models.iter().flat_map(|model| &model.endpoints).flat_map(|e| &e.verdicts) {
        let (lens, verdict) = verdict;
        if let Some(shown) = verdict.value.filter(|_| verdict.tier != Tier::Unrated) {
            assert_eq!(lens.cuts().tier(shown), verdict.tier, "{lens}: {verdict:?}");
        }
    }
}

fn held(tier: Tier, naive: Tier, since: NaiveDate) -> Held {
    Held { tier, naive, since, previous: Some(Tier::F), effect: Some(0.25), capped: true, unrated_days: 2 }
}

#[test]
fn what_was_held_reads_back_as_it_was_written() {
    let data = folder();
    let store = store(data.path());
    let noon: DateTime<Utc> = at("2026-08-03T12:00:00Z");
    let run_day = RunDay { day: noon.date_naive(), closing: noon };
    let key = |provider: &str, workload: Option<&str>| ProviderKey {
        lens: if workload.is_some() { Lens::Cost } else { Lens::Cache },
        workload: workload.map(str::to_owned),
        provider: ProviderSlug::new(provider),
    };
    let bare = Held { previous: None, effect: None, ..held(Tier::S, Tier::Unrated, run_day.day) };
    let providers = BTreeMap::from([
        (key("heron", None), held(Tier::A, Tier::B, run_day.day)),
        (key("lark", Some("chat")), bare),
    ]);
    let history = History { providers, ..History::default() };
    for _ in 0..2 {
        store.close_day(METHOD_VERSION, run_day, &history).expect("written");
    }
    assert_eq!(store.tier_history(METHOD_VERSION, run_day.day).expect("readable"), history);
    assert_eq!(store.tier_history(METHOD_VERSION + 1, run_day.day).expect("readable"), History::default());
    let newest = |before| store.newest_closed(METHOD_VERSION, before).expect("readable");
    assert_eq!(newest(run_day.day), None, "a day does not precede itself");
    assert_eq!(newest(run_day.day + Duration::days(40)), Some(run_day.day));
    store.close_day(METHOD_VERSION, run_day, &History::default()).expect("written");
    drop(store);
    assert_eq!(days_closed(data.path()).len(), 1);
    assert_eq!(rows(data.path(), "SELECT 1 FROM provider_tier"), Vec::<String>::new(), "replaced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_counted_the_same_from_the_store_and_by_walking() {
    let upstream = Upstream::serve().await;
    let data = folder();
    {
        let pipeline = pipeline(data.path());
        published_days(&pipeline, &upstream).await;
    }
    let told = hitrate(data.path(), &["study", "flips", "--json"]);
    let told = told.json();
    assert_eq!((told["days"].as_u64(), told["from"].as_str()), (Some(4), Some("2026-07-19")));
    let cache = &told["lenses"][0]["providers"];
    let [compared, published, naive] =
        ["compared", "published", "naive"].map(|name| cache[name].as_u64().expect("a count"));
    assert!(compared > 10 && published <= naive && naive <= compared, "{cache}");
    assert!(cache["subject_days"].as_u64() > Some(compared), "one pair of days is two days apart");
    assert!(cache["largest_held"].as_f64().is_some_and(|held| held <= TIER_BAND_CACHE + 1e-9), "{cache}");
    for lens in told["lenses"].as_array().expect("a list") {
        assert_eq!(lens["wrong_pairs"].as_u64(), Some(0), "{lens}");
    }
    tamper(data.path(), "DELETE FROM tier_day");
    let walked =
        flips(&store(data.path()), &Workload::shipped().expect("shipped"), (None, None)).expect("counted");
    let last = hitrate(data.path(), &["study", "flips", "--from", "2026-07-21", "--json"]).json();
    assert_eq!(
        (last["from"].as_str(), last["days"].as_u64() < Some(4)),
        (Some("2026-07-21"), true),
        "{last}"
    );
    for more in [&[][..], &["--json"]] {
        let none = hitrate(data.path(), &[&["study", "flips", "--from", "2030-01-01"], more].concat());
        assert_eq!((none.code, none.out.as_str()), (1, ""), "{none:?}");
        assert!(none.err.contains("no day with a run on these days"), "{}", none.err);
    }
    let turned = hitrate(data.path(), &["study", "flips", "--from", "2026-07-21", "--to", "2026-07-20"]);
    assert!(turned.code == 1 && turned.err.contains("is after"), "{turned:?}");
    assert_eq!(serde_json::to_value(&walked).expect("JSON"), told);
}

#[test]
fn without_a_record_there_is_nothing_to_count_and_it_is_said() {
    let data = folder();
    let refused = hitrate(data.path(), &["study", "flips"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("hitrate collect"), "{}", refused.err);
    drop(store(data.path()));
    let empty = hitrate(data.path(), &["study", "flips"]);
    assert_eq!(empty.code, 1);
    assert!(empty.err.contains("there is no run yet"), "{}", empty.err);
}

#[test]
fn the_published_tier_follows_a_provider_that_gets_worse() {
    let shape = SimulatorConfig {
        models: 30,
        providers: 16,
        endpoints: 120,
        cacheless_providers: 1,
        ..SimulatorConfig::starting_at(start(), 40)
    };
    let study = LagStudy { first_seed: 1, seeds: 2, world: shape };
    let report = lag(&study, &|| {}).expect("studied");
    assert_eq!(report.followed.len(), 2, "{:?}", report.followed);
    for one in &report.followed {
        let (published, naive) = (one.published.expect("followed"), one.naive.expect("followed"));
        // If noise had already moved it near the new tier, the published tier may even be first.
        assert!(published <= naive + 2, "{one:?}");
    }
    assert!(report.flips.published < report.flips.naive, "{:?}", report.flips);
    assert!(report.longest_stale <= 7, "{report:?}");
    assert_eq!(lag(&study, &|| {}).expect("studied"), report, "a seed repeats it");
    assert!(lag(&LagStudy { seeds: 0, ..study }, &|| {}).is_err());
}
