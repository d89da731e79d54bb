//! collect (upstream → archive), record (archive → store), publish (store → snapshot): the flow in
//! `docs/architecture.md`. Live collection and replay share all code after the archive.

mod activity;
mod analyse;
mod archived;
mod assemble;
mod backfill;
mod backtest;
mod changes;
mod collect;
mod dates;
mod disk;
mod health;
mod history;
mod imports;
mod preferences;
mod publish;
mod rebuild;
mod recommendations;
mod recommended_days;
mod record;
mod recover;
mod refused;
mod replay;
mod retention;
mod seasons;
mod suspect;
mod sweep;

pub use activity::Activity;
pub use analyse::sensitivity;
pub use backfill::Progress as HistoryProgress;
pub use backfill::{HistoryPlan, ImportOptions, ImportStop, NextSweep, Sink, UpstreamImport};
pub use backtest::{backtest, backtest_by_hour, backtest_record};
pub use changes::{examine_shifts, measured_changes};
pub use collect::{CollectOptions, CollectReport, time_of};
pub(crate) use dates::CLOCK_TOLERANCE;
pub use disk::{DiskSpace, disk_space};
pub use health::{Failure, Health, StoreHealth};
pub use history::flips;
pub use imports::{FileReport, ImportError, ImportFile, forget_import, import_file};
pub use preferences::realised_preferences;
pub use publish::{RecordedChanges, build_snapshot, oldest_change, recorded_changes};
pub use rebuild::{prepare_replay, refuse_half_replay};
pub use replay::{ReplayReport, SetAside};
pub use retention::roll_up;
pub use suspect::{AcceptError, AcceptReport};

use record::{Baseline, Recorder, same_upstream};

use crate::archive::{Archive, ArchiveError};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::workload::Workload;
use crate::durable;
use crate::scheduler::CronExpression;
use crate::snapshot::store::SnapshotError;
use crate::snapshot::{self, Current, Snapshot};
use crate::store::{self, Store, StoreError, StoreOptions};
use crate::upstream::{self, Upstream};
use crate::wording::status::ARCHIVE;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The layout of a data folder.
#[derive(Debug, Clone)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// Wraps a folder; it is created on the first write.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// Raw bodies.
    pub fn archive(&self) -> PathBuf {
        self.0.join("archive")
    }
    /// The database file.
    pub fn store(&self) -> PathBuf {
        self.0.join("hitrate.duckdb")
    }
    /// The database of the user's own traffic, which is never published.
    pub fn traffic(&self) -> PathBuf {
        self.0.join("traffic").join("traffic.duckdb")
    }
    /// The only folder that queries over the user's own traffic may write to.
    pub fn traffic_work(&self) -> PathBuf {
        self.0.join("traffic").join("work")
    }
    /// Published snapshots.
    pub fn snapshots(&self) -> PathBuf {
        self.0.join("snapshots")
    }
    /// The only folder that queries may write to.
    pub fn work(&self) -> PathBuf {
        self.0.join("work")
    }
    /// Imported data: copies of files, and the archive of what the upstream offered of the past.
    pub fn imports(&self) -> PathBuf {
        self.0.join("imports")
    }
    /// The archive of what the upstream offered of the past, from which a replay imports it again.
    pub fn history(&self) -> PathBuf {
        self.imports().join("upstream")
    }
    /// The archived runs whose content was refused, so that they are not tried again at every start.
    pub fn refused(&self) -> PathBuf {
        self.0.join("refused-runs.json")
    }
    /// State of the alerts: what waits to be delivered, and what was. It is never published.
    pub fn alerts(&self) -> PathBuf {
        self.0.join("alerts")
    }
    /// The marker of a replay into this folder.
    pub fn rebuild(&self) -> PathBuf {
        self.0.join("replay.json")
    }
    /// The file of additional authorities, if the settings name one; a relative path is inside the folder.
    pub fn ca_file(&self, config: &Config) -> Option<PathBuf> {
        let file = config.upstream.ca_file.trim();
        (!file.is_empty()).then(|| self.0.join(file))
    }
    /// The file in which a running server publishes its address.
    pub fn server(&self) -> PathBuf {
        self.0.join("server.json")
    }
}

/// What can go wrong on the way from the upstream to a snapshot.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum PipelineError {
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The snapshot's files.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The analysis.
    #[error("analysis: {0}")]
    Analysis(#[from] crate::analysis::AnalysisError),
    /// The HTTP client.
    #[error(transparent)]
    Fetch(#[from] crate::fetch::SetupError),
    /// A setting, or the address of an upstream.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// There is nothing to publish.
    #[error(
        "there is no run yet{0}; run `hitrate collect` first, or `hitrate demo` to try the service without an upstream"
    )]
    NoRun(String),
    /// The folder to rebuild into is not empty.
    #[error("{0} already contains a store; choose an empty directory")]
    NotEmpty(PathBuf),
    /// A replay into the folder was interrupted.
    #[error(
        "{folder} holds a part of a record: the replay of {from} into it did not finish; run `hitrate replay --into {folder}` again with the same data folder, or delete the folder"
    )]
    HalfReplay { folder: PathBuf, from: PathBuf },
    /// The marker of a replay, or what an interrupted one left, cannot be read, written or removed.
    #[error("replay: {path}: {source}")]
    Marker { path: PathBuf, source: std::io::Error },
    /// A run or a record is of another upstream.
    #[error("the runs are of the upstream `{found}`, not of `{expected}`; choose another data directory")]
    OtherUpstream { found: String, expected: &'static str },
    /// The workload file, the shipped one or the user's.
    #[error(transparent)]
    Workloads(#[from] crate::domain::workload_file::WorkloadError),
    /// A name that is not known.
    #[error("{0}")]
    Unknown(String),
    /// The hourly readings that an answer needs are rolled up.
    #[error(
        "the hourly readings of {day} are rolled up to one row of the day (setting `retention.hourly_days`); {advice}"
    )]
    RolledUp { day: chrono::NaiveDate, advice: &'static str },
    /// The clock contradicts the record.
    #[error("{0}")]
    Clock(String),
    /// A file cannot be set aside.
    #[error(
        "cannot rename {path} to set it aside: {source}; give this process the right to write to its folder"
    )]
    SetAside { path: PathBuf, source: std::io::Error },
    /// The service is stopping.
    #[error("the sweep was stopped early; nothing was stored, and the next start collects again")]
    Cancelled,
    /// A suspect run cannot be accepted.
    #[error(transparent)]
    Accept(#[from] AcceptError),
    /// A file cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A background task failed.
    #[error(transparent)]
    Task(#[from] crate::background::Ended),
}

/// The pipeline over one data folder.
pub struct Pipeline {
    /// The settings.
    pub config: Config,
    /// The folder.
    pub data: DataDir,
    /// The upstream.
    pub upstream: Arc<dyn Upstream>,
    /// The record.
    pub store: Store,
    /// The raw bodies.
    pub archive: Archive,
    /// The snapshot that is served.
    pub current: Arc<Current>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    baseline: Mutex<Option<Baseline>>,
    /// Whether a sweep runs: the history import yields to it.
    sweeps: backfill::Sweeps,
    /// How much of the history import is done; `None` if it is complete or has not begun.
    progress: Mutex<Option<backfill::Progress>>,
    /// Held while runs enter or leave the record. The order of runs matters, so one writer at a time goes from the archive to
    /// the store: an acceptance that stores sixty runs again must not meet the sweep of the hour.
    recording: Mutex<()>,
    /// What `health()` reports.
    monitor: health::Monitor,
    /// What `activity()` reports.
    counters: activity::Counters,
}

/// Opens the store of a data folder within the limits of the settings.
///
/// # Errors
/// [`StoreError`], most often [`StoreError::Locked`].
pub fn open_store(config: &Config, data: &DataDir) -> Result<Store, StoreError> {
    Store::open(store_options(config, data))
}

/// The error that says which other process holds the store of a data folder; `None` if none does.
pub fn store_in_use(config: &Config, data: &DataDir) -> Option<StoreError> {
    Store::in_use(&store_options(config, data))
}

fn store_options(config: &Config, data: &DataDir) -> StoreOptions {
    StoreOptions { path: data.store(), work_dir: data.work(), ..traffic_options(config, data) }
}

/// How to open the database of the user's own traffic within the limits of the settings.
pub fn traffic_options(config: &Config, data: &DataDir) -> StoreOptions {
    StoreOptions {
        path: data.traffic(),
        work_dir: data.traffic_work(),
        memory: config.store.memory.clone(),
        threads: config.store.threads,
        query_timeout: Duration::from_secs(config.store.query_timeout_seconds),
    }
}

impl Pipeline {
    /// Opens a data folder: the store, the archive, and the snapshot that was served last. Runs that were archived but
    /// not stored (the process ended between the two steps) are stored now, and a snapshot that is missing, unreadable
    /// or older than the record is rebuilt.
    ///
    /// # Errors
    /// [`PipelineError`]. A damaged archive, store or snapshot, or an archived run that cannot be stored, is only logged:
    /// the available data is served and collection continues.
    pub fn open(config: Config, data: DataDir, clock: Arc<dyn Clock>) -> Result<Self, PipelineError> {
        let upstream = upstream::configured(&config.upstream);
        Self::open_with(upstream, config, data, clock)
    }

    /// Opens a data folder like [`Pipeline::open`], but leaves what takes long to [`Pipeline::heal`]: a record that must be
    /// rebuilt from the archive. Until then, the last snapshot can be served.
    ///
    /// # Errors
    /// As [`Pipeline::open`].
    pub fn open_to_serve(
        config: Config,
        data: DataDir,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PipelineError> {
        let pipeline = Self::unrecovered(upstream::configured(&config.upstream), config, data, clock)?;
        pipeline.recover_or_log(Self::recover_soon)?;
        Ok(pipeline)
    }

    /// Opens a folder that [`prepare_replay`] prepared, like [`Pipeline::open_to_serve`].
    ///
    /// # Errors
    /// As [`Pipeline::open`].
    pub fn open_to_replay(
        config: Config,
        data: DataDir,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PipelineError> {
        let pipeline = Self::opened(upstream::configured(&config.upstream), config, data, clock)?;
        pipeline.recover_or_log(Self::recover_soon)?;
        Ok(pipeline)
    }

    /// Opens a data folder like [`Pipeline::open`], with a given upstream.
    ///
    /// # Errors
    /// As [`Pipeline::open`].
    pub fn open_with(
        upstream: Arc<dyn Upstream>,
        config: Config,
        data: DataDir,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PipelineError> {
        let pipeline = Self::unrecovered(upstream, config, data, clock)?;
        pipeline.recover_or_log(Self::recover)?;
        Ok(pipeline)
    }

    /// Stores what is archived and not stored. A failure is logged: it is tried again before the next run.
    fn recover_or_log(
        &self,
        recover: impl FnOnce(&Self) -> Result<(), PipelineError>,
    ) -> Result<(), PipelineError> {
        let recovered = {
            let _alone = self.record_alone();
            self.noted(self.recover_retried().and_then(|()| recover(self)))
        };
        if let Err(error) = recovered {
            tracing::error!(%error, "archived runs that are not stored cannot be stored now; continuing without them");
        }
        self.examine_archive()?;
        self.catch_up_snapshot()
    }

    /// Opens the store, the archive and the snapshot. A folder with a replay in part is refused.
    fn unrecovered(
        upstream: Arc<dyn Upstream>,
        config: Config,
        data: DataDir,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PipelineError> {
        refuse_half_replay(&data)?;
        Self::opened(upstream, config, data, clock)
    }

    fn opened(
        upstream: Arc<dyn Upstream>,
        config: Config,
        data: DataDir,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PipelineError> {
        // Report an invalid file at startup, not an hour later in the log.
        config.workloads(data.path())?;
        let store = recover::open_sound(&config, &data, clock.now())?;
        if let Some(newest) = store.newest_run(None)? {
            same_upstream(&*upstream, &newest.upstream_name)?;
        }
        // The store is open, so no other process writes to these folders.
        for folder in [data.archive(), data.history(), data.snapshots()] {
            let swept = durable::sweep(&folder);
            if swept > 0 {
                let folder = folder.display();
                tracing::warn!(%folder, swept, "deleted temporary files of a process that was killed");
            }
        }
        for folder in [data.work(), data.traffic_work()] {
            store::remove_stale_copies(&folder);
        }
        let archive = Archive::open(data.archive());
        let loaded = snapshot::store::load_and_repair(&data.snapshots(), clock.now());
        let loaded = loaded.unwrap_or_else(|error| {
            match error {
                SnapshotError::OtherFormat { .. } => tracing::warn!(%error, "rebuilding the snapshot"),
                _ => tracing::error!(%error, "starting without a snapshot"),
            }
            None
        });
        let current = Arc::new(Current::new(loaded));
        Ok(Self {
            config,
            data,
            upstream,
            store,
            archive,
            current,
            clock,
            baseline: Mutex::default(),
            sweeps: backfill::Sweeps::default(),
            progress: Mutex::default(),
            recording: Mutex::default(),
            monitor: health::Monitor::default(),
            counters: activity::Counters::default(),
        })
    }

    /// What recording the runs of an archive needs.
    fn recorder<'a>(&'a self, archive: &'a Archive) -> Recorder<'a> {
        Recorder { upstream: &*self.upstream, archive, store: &self.store, baseline: &self.baseline }
    }

    /// Waits until no other task records runs, and keeps others from it.
    fn record_alone(&self) -> MutexGuard<'_, ()> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The workloads in force.
    ///
    /// # Errors
    /// [`PipelineError::Workloads`] if the user's file is invalid.
    pub fn workloads(&self) -> Result<Vec<Workload>, PipelineError> {
        Ok(self.config.workloads(self.data.path())?)
    }

    /// Publishes if the record is newer than the served snapshot: the process ended before it could publish, or a new
    /// version cannot read the old snapshot. Also if the snapshot does not state what the archive lacks.
    fn catch_up_snapshot(&self) -> Result<(), PipelineError> {
        let Some(newest) = self.store.newest_run(None)? else { return Ok(()) };
        let notes = self.archive_notes()?;
        let is_current = |served: &Snapshot| {
            // A run that was dated in the future and set aside is no longer in the record.
            let is_gone = served.as_of > newest.run.observed_at && self.serves_the_future();
            served.as_of >= newest.run.observed_at
                && !is_gone
                && notes.iter().all(|note| served.status.missing.contains(note))
                // What was repaired since is no longer a problem.
                && served.status.missing.iter().all(|line| !line.starts_with(ARCHIVE) || notes.contains(line))
        };
        if self.current.get().is_some_and(|served| is_current(&served)) {
            return Ok(());
        }
        if let Err(error) = self.publish() {
            tracing::error!(%error, "the newest run is stored but cannot be published");
        }
        Ok(())
    }

    /// Builds the newest snapshot from the store, saves it and starts serving it.
    ///
    /// # Errors
    /// [`PipelineError`]; the previous snapshot is still served.
    pub fn publish(&self) -> Result<Arc<Snapshot>, PipelineError> {
        let (folder, now) = (self.data.snapshots(), self.clock.now());
        let mut unfinished = self.archive_notes()?;
        unfinished.extend(self.history_progress().map(|progress| progress.to_string()));
        let schedule = CronExpression::parse(&self.config.schedule.cron).ok();
        let beside = (unfinished, schedule.and_then(|schedule| schedule.next_after(now)));
        self.noted(publish::publish(&self.store, &folder, &self.current, self.workloads()?, now, beside))
    }
}
