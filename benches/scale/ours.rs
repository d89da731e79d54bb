//! Measures the program itself: its store and its pipeline.

use crate::generate::{Scale, begin_tier_history, generate as write};
use crate::report::Stopwatch;
use crate::{Outcome, bytes, sweep};
use chrono::{DateTime, Days, Duration, NaiveDate, NaiveTime, Utc};
use hitrate::analysis::{self, Frames, METHOD_VERSION, Parameters};
use hitrate::clock::FixedClock;
use hitrate::config::Config;
use hitrate::domain::thresholds::HOURLY_DAYS;
use hitrate::domain::tier_list::DayRange;
use hitrate::domain::workload::Workload;
use hitrate::pipeline::{self, DataDir, Pipeline, build_snapshot, open_store};
use hitrate::snapshot;
use hitrate::store::{Ingested, Store};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Sweeps that an increment adds: the first one of a new day, which closes the previous day, and three more.
const SWEEPS: u32 = 4;

fn data_dir(data: &Path) -> DataDir {
    DataDir::new(data.join("record"))
}

fn config() -> Result<Config, Box<dyn Error>> {
    Ok(Config::parse("", Path::new("hitrate.toml"))?)
}

fn store(data: &Path) -> Result<Store, Box<dyn Error>> {
    Ok(open_store(&config()?, &data_dir(data))?)
}

fn done(data: &Path) -> std::path::PathBuf {
    data.join("record.done")
}

/// Whether the record was written completely.
pub fn is_written(data: &Path) -> bool {
    done(data).exists()
}

/// Path of the database file.
pub fn file(data: &Path) -> std::path::PathBuf {
    data_dir(data).store()
}

/// Writes the record and closes its days.
pub fn generate(data: &Path, scale: Scale) -> Outcome {
    let folder = data_dir(data);
    if folder.path().exists() {
        std::fs::remove_dir_all(folder.path())?;
    }
    drop(store(data)?);
    let started = Instant::now();
    let bar = ProgressBar::new(scale.days().into());
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos} of {len} days, {eta} to go")?);
    write(&folder.store(), scale, |day| bar.set_position(day.into()))?;
    bar.finish_and_clear();
    let days = store(data)?.rebuild_days()?;
    begin_tier_history(&folder.store(), METHOD_VERSION)?;
    std::fs::write(done(data), "")?;
    Ok(json!({
        "seconds": started.elapsed().as_secs_f64(), "readings": scale.readings(), "endpoint_days": days,
        "bytes": bytes(&folder.store())?,
    }))
}

/// Recomputes everything: all days from their readings, then all tier lists and the content of the pages as of the end.
pub fn recompute(data: &Path) -> Outcome {
    let store = store(data)?;
    let watch = Stopwatch::start();
    let rows = store.rebuild_days()?;
    let days = watch.read();
    let newest = store.newest_run(None)?.ok_or("the record is empty")?;
    let snapshot = build_snapshot(&store, None, Workload::shipped()?, newest.run.observed_at)?;
    let all = watch.read();
    Ok(json!({
        "seconds": all[0], "cpu_seconds": all[1], "days_seconds": days[0], "days_cpu_seconds": days[1],
        "snapshot_seconds": all[0] - days[0], "snapshot_cpu_seconds": all[1] - days[1], "endpoint_days": rows,
        "tier_lists": snapshot.tier_lists.len(), "models": snapshot.models.len(),
    }))
}

/// Adds sweeps to a copy of the record: stores them, analyses them, and saves and publishes the snapshot.
pub fn increment(data: &Path) -> Outcome {
    let copy = data.join("copy");
    if copy.exists() {
        std::fs::remove_dir_all(&copy)?;
    }
    std::fs::create_dir_all(&copy)?;
    let folder = DataDir::new(copy.as_path());
    std::fs::copy(file(data), folder.store())?;
    let past = sweep::Past::read(&folder.store())?;
    let clock = Arc::new(FixedClock(past.observed_at));
    let pipeline = Pipeline::open(config()?, folder, clock)?;
    let mut rows = Vec::new();
    for hour in 1..=SWEEPS {
        let (record, run) = sweep::next(&pipeline.store, &past, hour)?;
        let watch = Stopwatch::start();
        if pipeline.store.ingest(&record, &run)? != Ingested::Stored {
            return Err("the sweep was not stored".into());
        }
        let ingest = watch.read();
        pipeline.publish()?;
        let all = watch.read();
        let watch = Stopwatch::start();
        tier_lists(&pipeline.store)?;
        let lists = watch.read();
        rows.push(json!({
            "seconds": all[0], "cpu_seconds": all[1], "ingest_seconds": ingest[0], "ingest_cpu_seconds": ingest[1],
            "publish_seconds": all[0] - ingest[0], "publish_cpu_seconds": all[1] - ingest[1],
            "lists_seconds": ingest[0] + lists[0], "lists_cpu_seconds": ingest[1] + lists[1],
        }));
    }
    drop(pipeline);
    std::fs::remove_dir_all(&copy)?;
    // The last one is an ordinary hour; the first one closes a day.
    let mut ordinary = rows[rows.len() - 1].clone();
    ordinary["first_of_a_day_seconds"] = rows[0]["seconds"].clone();
    ordinary["first_of_a_day_cpu_seconds"] = rows[0]["cpu_seconds"].clone();
    ordinary["all"] = rows.into();
    Ok(ordinary)
}

fn days_before(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

/// The input of the tier lists as of a time.
fn frames(store: &Store, as_of: DateTime<Utc>) -> Result<(Frames, Parameters), Box<dyn Error>> {
    let today = as_of.date_naive();
    let window = DayRange { from: days_before(today, 6), to: today };
    let frames = Frames {
        days: store.days(window.from, window.to, as_of)?.frame()?,
        newest: store.endpoints(as_of)?.frame()?,
    };
    let workloads = Workload::shipped()?;
    Ok((
        frames,
        Parameters {
            as_of,
            window,
            workloads,
            provider_names: BTreeMap::new(),
            prompt_sizes: BTreeMap::new(),
        },
    ))
}

/// All tier lists as of the newest run, without the other content of a snapshot.
fn tier_lists(store: &Store) -> Result<usize, Box<dyn Error>> {
    let as_of = store.newest_run(None)?.ok_or("the record is empty")?.run.observed_at;
    let (frames, parameters) = frames(store, as_of)?;
    Ok(analysis::analyse(&frames, &parameters)?.tier_lists.len())
}

/// The parts of building the snapshot, step by step, then the whole build and the save: seconds, CPU seconds.
pub fn parts(data: &Path) -> Outcome {
    let store = store(data)?;
    let as_of = store.newest_run(None)?.ok_or("the record is empty")?.run.observed_at;
    let today = as_of.date_naive();
    let back = |days| days_before(today, days);
    let mut told = serde_json::Map::new();
    let mut watch = Stopwatch::start();
    let mut lap = |name: &str| {
        told.insert(name.to_owned(), json!(watch.read()));
        watch = Stopwatch::start();
    };
    let (frames, parameters) = frames(&store, as_of)?;
    lap("frames");
    analysis::analyse(&frames, &parameters)?;
    lap("analyse");
    pipeline::backtest(&store, DayRange { from: back(29), to: today }, as_of)?;
    lap("backtest");
    store.days(back(29), today, as_of)?.rows()?;
    lap("days");
    store.endpoints(as_of)?.rows()?;
    lap("endpoints");
    store.newest_readings(as_of - Duration::hours(48), as_of + Duration::seconds(1), 30_000)?;
    lap("readings");
    let read_from = as_of - chrono::Duration::days(104);
    store.price_moves(as_of, read_from)?;
    store.changed_facts(as_of, read_from)?;
    lap("changes");
    let midnight = |days: u64| back(days).and_time(NaiveTime::MIN).and_utc();
    store.hourly(midnight(HOURLY_DAYS - 1), as_of + Duration::seconds(1))?;
    lap("hourly");
    let snapshot = build_snapshot(&store, None, Workload::shipped()?, as_of)?;
    lap("whole");
    let folder = data.join("parts");
    snapshot::store::save(&folder, &snapshot)?;
    lap("save");
    std::fs::remove_dir_all(&folder)?;
    Ok(told.into())
}
