//! The recommendations of closed days: recorded as published, the same in a replay, and never in the way of publishing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use hitrate::domain::change::{Change, ChangeKind};
use hitrate::pipeline::Pipeline;
use hitrate::preferences::{Mode, preference};
use hitrate::snapshot::{RecommendationRecord, Snapshot};

use crate::rig::{folder, rows, tamper};
use crate::upstream::{Upstream, collect, day, pipeline};

const ALL: &str = "SELECT * FROM recommendation ORDER BY day, model, variant";

/// Models by slug and variant.
type Model = (String, String);

/// The times of runs on six days, two of them on one day.
fn times() -> [DateTime<Utc>; 7] {
    [day(9), day(10), day(11), day(11) + Duration::hours(5), day(12), day(13), day(14)]
}

async fn published(pipeline: &Pipeline, upstream: &Upstream) -> Vec<Arc<Snapshot>> {
    let mut published = Vec::new();
    for time in times() {
        assert_eq!(collect(pipeline, upstream, time).await.status.as_str(), "ok", "{time}");
        published.push(pipeline.publish().expect("published"));
    }
    published
}

/// What a snapshot recommends for each model; an empty list if it withholds the preference.
fn recommended(snapshot: &Snapshot) -> BTreeMap<Model, Vec<String>> {
    let of = |model: &hitrate::snapshot::ModelEntry| {
        let workload = snapshot.default_workload();
        let made = preference(snapshot, model, Mode::DEFAULT, workload, snapshot.as_of);
        let tags = made.provider.and_then(|provider| provider.only).unwrap_or_default();
        ((model.slug.to_string(), model.variant.to_string()), tags)
    };
    snapshot.models.iter().map(of).collect()
}

/// The last snapshot of each day but the newest, by day.
fn closed(published: &[Arc<Snapshot>]) -> BTreeMap<NaiveDate, &Snapshot> {
    let mut closed: BTreeMap<NaiveDate, &Snapshot> =
        published.iter().map(|one| (one.as_of.date_naive(), &**one)).collect();
    closed.pop_last();
    closed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_day_keeps_what_its_last_run_published_and_a_replay_records_the_same() {
    let upstream = Upstream::serve().await;
    let (data, other) = (folder(), folder());
    let live = pipeline(data.path());
    let published = published(&live, &upstream).await;
    let rebuilt = pipeline(other.path());
    rebuilt.replay(&live.archive, |_, _| ()).expect("replayed");
    let newest = published.last().expect("published");
    let again = rebuilt.current.get().expect("published");
    assert_eq!(again.models, newest.models);
    assert_eq!(again.changes, newest.changes);
    assert_eq!(again.id, newest.id);
    drop((live, rebuilt));

    let recorded = rows(data.path(), ALL);
    assert_eq!(rows(other.path(), ALL), recorded);
    let mut expected = Vec::new();
    for (day, snapshot) in closed(&published) {
        let line = |((model, variant), tags): (Model, Vec<String>)| {
            let tags = serde_json::to_string(&tags).expect("JSON");
            format!("{day} {} {model} {variant} {tags}", snapshot.as_of.format("%H:%M:%S"))
        };
        expected.extend(recommended(snapshot).into_iter().map(line));
    }
    assert!(expected.iter().any(|line| !line.ends_with(" []")), "some are given: {expected:?}");
    let found = "SELECT concat_ws(' ', day, strftime(closing, '%H:%M:%S'), model, variant, endpoints)
        FROM recommendation WHERE mode = 'shortlist' AND workload = 'coding-agent'";
    let mut found = crate::rig::column(data.path(), found);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

/// The record of one model from what was published: the last recommendation of each day in order, then the present one.
fn counted(days: &[(NaiveDate, Vec<String>)]) -> Option<RecommendationRecord> {
    let (_, present) = days.last()?;
    let given: Vec<&(NaiveDate, Vec<String>)> = days.iter().filter(|(_, tags)| !tags.is_empty()).collect();
    if present.is_empty() || given.len() < 2 {
        return None;
    }
    let sorted = |tags: &[String]| {
        let mut tags = tags.to_vec();
        tags.sort();
        tags
    };
    let (mut changes, mut since) = (0, given[0].0);
    for pair in given.windows(2).filter(|pair| sorted(&pair[0].1) != sorted(&pair[1].1)) {
        changes += 1;
        since = pair[1].0;
    }
    Some(RecommendationRecord { changes, days: u32::try_from(given.len()).expect("few"), since })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_counts_the_changes_of_the_closed_days_and_its_own() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    let published = published(&pipeline, &upstream).await;
    assert!(published[0].models.iter().all(|model| model.recommendation.is_none()), "the first day");
    let (mut with_record, mut listed) = (0, 0);
    for (number, snapshot) in published.iter().enumerate() {
        let mut of_day: Vec<(NaiveDate, BTreeMap<Model, Vec<String>>)> =
            closed(&published[..=number]).into_iter().map(|(day, one)| (day, recommended(one))).collect();
        of_day.push((snapshot.as_of.date_naive(), recommended(snapshot)));
        for model in &snapshot.models {
            let key = (model.slug.to_string(), model.variant.to_string());
            let days: Vec<(NaiveDate, Vec<String>)> = of_day
                .iter()
                .map(|(day, made)| (*day, made.get(&key).cloned().unwrap_or_default()))
                .collect();
            assert_eq!(model.recommendation, counted(&days), "{}: {days:?}", model.model_id);
            with_record += usize::from(model.recommendation.is_some());
            let own = |change: &&Change| {
                change.kind == ChangeKind::RecommendationChanged
                    && change.model_id.as_ref() == Some(&model.model_id)
            };
            let events = snapshot.changes.iter().filter(own).count();
            // Without the present day, which is not over.
            let given: Vec<&Vec<String>> =
                days[..days.len() - 1].iter().map(|(_, tags)| tags).filter(|tags| !tags.is_empty()).collect();
            let set = |tags: &[String]| tags.iter().cloned().collect::<std::collections::BTreeSet<_>>();
            let changed = given.windows(2).filter(|pair| set(pair[0]) != set(pair[1])).count();
            assert_eq!(events, changed, "{}: {days:?}", model.model_id);
            listed += events;
        }
        assert!(snapshot.changes.is_sorted_by_key(|change| std::cmp::Reverse(change.at)));
    }
    assert!(with_record > 0, "no model has a record; {listed} changes are listed");
}

fn tiers_closed(folder: &Path) -> usize {
    rows(folder, "SELECT day FROM tier_day").len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_an_older_version_gets_the_recommendations_of_its_days() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let newest = {
        let pipeline = pipeline(data.path());
        published(&pipeline, &upstream).await.pop().expect("published")
    };
    let recorded = rows(data.path(), ALL);
    assert!(!recorded.is_empty());
    tamper(data.path(), "DROP TABLE recommendation; DELETE FROM schema_migration WHERE version = 10");
    {
        let pipeline = pipeline(data.path());
        assert_eq!(pipeline.publish().expect("published").id, newest.id);
    }
    assert_eq!(rows(data.path(), ALL), recorded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_to_record_stops_neither_tiers_nor_publishing_and_is_made_up_for() {
    let upstream = Upstream::serve().await;
    let (data, whole) = (folder(), folder());
    {
        let pipeline = pipeline(whole.path());
        published(&pipeline, &upstream).await;
    }
    {
        let pipeline = pipeline(data.path());
        for time in &times()[..4] {
            collect(&pipeline, &upstream, *time).await;
        }
    }
    // The record cannot be written or read.
    tamper(data.path(), "DROP TABLE recommendation");
    {
        let pipeline = pipeline(data.path());
        for time in &times()[4..] {
            assert_eq!(collect(&pipeline, &upstream, *time).await.status.as_str(), "ok");
            let is_recommendation = |change: &Change| change.kind == ChangeKind::RecommendationChanged;
            let snapshot = pipeline.publish().expect("published without the record");
            assert_eq!(snapshot.as_of, *time);
            assert!(snapshot.models.iter().all(|model| model.recommendation.is_none()));
            assert!(!snapshot.tier_lists.is_empty() && !snapshot.changes.iter().any(is_recommendation));
        }
    }
    assert_eq!(tiers_closed(data.path()), 5, "all but the newest day");
    tamper(data.path(), "DELETE FROM schema_migration WHERE version = 10");
    {
        let pipeline = pipeline(data.path());
        pipeline.publish().expect("published");
    }
    assert_eq!(rows(data.path(), ALL), rows(whole.path(), ALL), "the days are filled in");
}
