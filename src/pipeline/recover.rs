//! Brings the record back to what the archive holds, without a restart and without hands: opens a store again that DuckDB
//! declared invalid, replaces a damaged one, and stores the archived runs that are not stored.

use super::dates::CLOCK_TOLERANCE;
use super::refused::Refused;
use super::{Baseline, Pipeline, PipelineError, StoreHealth, collect, replay};
use crate::archive::{Archive, Manifest, run_id_of as run_id};
use crate::config::Config;
use crate::durable;
use crate::failpoint;
use crate::pipeline::DataDir;
use crate::snapshot::Current;
use crate::store::{Store, StoreError, StoreOptions};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long to wait for readers of the store before its file is closed.
const READERS_PATIENCE: Duration = Duration::from_secs(15);
/// How long a rebuild that failed is not tried again; a start tries at once.
const REBUILD_PAUSE: Duration = Duration::from_secs(6 * 3600);
/// How often the log names the progress of a rebuild.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);
/// Maximum number of runs that one log line names.
const NAMED_RUNS: usize = 20;

/// The archived runs that are not in the record.
#[derive(Debug, Default)]
struct Missing {
    /// Newer than every stored run: they are stored in order.
    later: Vec<PathBuf>,
    /// Older than a stored run, and readable: the record is rebuilt with them.
    late: Vec<PathBuf>,
    /// Whether the record is empty and cheaper to rebuild as a whole, with everything that was imported.
    is_lost: bool,
}

impl Missing {
    /// Why the record must be rebuilt; `None` if the runs can be stored one after the other.
    fn rebuild(&self) -> Option<String> {
        if !self.late.is_empty() {
            return Some(format!(
                "{} archived runs are older than the newest stored one and not in the record ({})",
                self.late.len(),
                names(&self.late)
            ));
        }
        self.is_lost.then(|| format!("the store is empty, and the archive has {} runs", self.later.len()))
    }

    fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.late.iter().chain(&self.later).map(|path| run_id(path)).collect();
        ids.sort();
        ids
    }
}

fn names(paths: &[PathBuf]) -> String {
    let named: Vec<String> = paths.iter().take(NAMED_RUNS).map(|path| run_id(path)).collect();
    named.join(", ")
}

/// Opens the store of a data folder. A damaged database file is set aside with its write-ahead log, and an empty store
/// takes its place: its runs are in the archive.
pub(super) fn open_sound(config: &Config, data: &DataDir, now: DateTime<Utc>) -> Result<Store, StoreError> {
    // Some damage is only found when something is read.
    let open = || {
        let store = super::open_store(config, data)?;
        store.newest_run(None)?;
        store.check_runs()?;
        Ok(store)
    };
    match open() {
        Err(error) if StoreError::damage(&error).is_some() => {
            let failed = |source| StoreError::Io { path: data.store(), source };
            set_store_aside(&data.store(), now, &error.to_string()).map_err(failed)?;
            open()
        }
        opened => opened,
    }
}

/// Sets a database file aside with the write-ahead log that belongs to it.
fn set_store_aside(store: &Path, now: DateTime<Utc>, reason: &str) -> std::io::Result<()> {
    let log = PathBuf::from(format!("{}.wal", store.display()));
    for file in [store, &log] {
        if file.symlink_metadata().is_err() {
            continue;
        }
        let aside = durable::set_aside(file, now)?;
        tracing::error!(
            file = %file.display(),
            set_aside = %aside.display(),
            reason,
            "the store is damaged; its files were set aside, and it is rebuilt from the archive"
        );
    }
    Ok(())
}

impl Pipeline {
    /// Brings the store back into order, if it is not, and publishes if the record is newer than the served snapshot: opens
    /// a store again that DuckDB declared invalid, replaces a damaged one, and stores the archived runs that are not
    /// stored. It does nothing if everything is in order.
    ///
    /// # Errors
    /// [`PipelineError`] if the machine still does not allow it, for example because the disk is full. The next attempt
    /// may succeed.
    pub fn heal(&self) -> Result<(), PipelineError> {
        {
            let _alone = self.record_alone();
            self.noted(self.heal_alone())?;
        }
        self.catch_up_snapshot()
    }

    /// Whether [`Pipeline::heal`] has something to do. Runs that wait for a rebuild which failed a short time ago are nothing
    /// to do yet.
    pub fn needs_healing(&self) -> bool {
        let (pending, waiting) = (self.monitor.lock().pending.len(), self.monitor.waiting());
        pending > waiting
            || (waiting > 0 && self.monitor.may_rebuild(REBUILD_PAUSE))
            || self.monitor.is_damaged()
            || self.store.invalid_reason().is_some()
    }

    /// The same without publishing; the caller holds the lock for recording.
    pub(super) fn heal_alone(&self) -> Result<(), PipelineError> {
        self.reopen_if_invalid()?;
        if let Some(reason) = self.monitor.damage() {
            self.replace_damaged(&reason)?;
        }
        self.recover()
    }

    /// Opens the store again if DuckDB declared it invalid.
    fn reopen_if_invalid(&self) -> Result<(), PipelineError> {
        let Some(reason) = self.store.invalid_reason() else { return Ok(()) };
        tracing::error!(reason, "the database declared the store invalid; opening it again");
        {
            let mut health = self.monitor.lock();
            if !matches!(health.store, StoreHealth::Reopening { .. }) {
                health.store = StoreHealth::Reopening { since: self.clock.now(), reason };
            }
        }
        match self.store.reopen(READERS_PATIENCE) {
            Err(error) if error.damage().is_some() => self.monitor.damaged(error.to_string()),
            reopened => reopened?,
        }
        let mut health = self.monitor.lock();
        health.store = StoreHealth::Ok;
        health.store_reopened += 1;
        tracing::warn!(times = health.store_reopened, "the store is open again");
        Ok(())
    }

    /// Rebuilds a damaged store from the archive and sets the damaged file aside.
    fn replace_damaged(&self, reason: &str) -> Result<(), PipelineError> {
        let now = self.clock.now();
        let fresh = self.replayed(reason, None)?;
        self.put_in_place(&fresh, |path| set_store_aside(path, now, reason))?;
        self.monitor.repaired();
        self.publish_rebuilt();
        Ok(())
    }

    /// Stores the archived runs that are not stored. Runs that are newer than the record are stored in order; for older
    /// ones, and for an empty record, the record is rebuilt; if that fails, the older ones stay pending. Runs that cannot be read, and those that were refused before,
    /// are only listed. The caller holds the lock for recording.
    ///
    /// # Errors
    /// As [`Pipeline::replay`]. Until the next attempt, no newer run may be stored.
    pub(super) fn recover(&self) -> Result<(), PipelineError> {
        let missing = self.missing()?;
        self.monitor.lock().pending = missing.ids();
        let (mut left, mut waiting) = (missing.later.as_slice(), Vec::new());
        if let Some(why) = missing.rebuild() {
            if missing.late.is_empty() {
                // Run by run, an empty record would lack what was imported; so nothing is stored until it is whole.
                self.rebuild(&why, None)?;
                left = &[];
            } else if self.rebuilt_with_late(&why) {
                left = &[];
            } else {
                waiting = missing.late.iter().map(|path| run_id(path)).collect();
            }
        }
        for path in left {
            tracing::warn!(run_id = run_id(path), "storing a run that was archived but not stored");
            // A run that cannot be read or is refused is already logged, and the next one may well be stored.
            if let Err(aside) = self.store_archived(&self.archive, path)?
                && !Refused::load(&self.data).holds(&aside.run_id, path)
            {
                let problem = format!("run {} ({}): {}", aside.run_id, aside.file, aside.reason);
                self.monitor.lock().archive_problems.push(problem);
            }
            let failed = |source| StoreError::Io { path: self.data.store(), source };
            failpoint::reach("recover.run").map_err(failed)?;
        }
        let stored = self.store.run_ids()?;
        Refused::forget(&self.data, |run_id| stored.contains(run_id));
        let misdated = self.archive.misdated()?;
        self.monitor.set_waiting(waiting.len());
        let mut health = self.monitor.lock();
        health.pending = waiting;
        health.set_aside = Refused::load(&self.data).len()
            + health.archive_problems.len()
            + set_aside(&self.data)
            + misdated;
        Ok(())
    }

    /// Rebuilds the record with runs that are older than its newest one. Returns whether it did; if not, the log says why, and
    /// newer runs are stored meanwhile.
    fn rebuilt_with_late(&self, why: &str) -> bool {
        if !self.monitor.may_rebuild(REBUILD_PAUSE) {
            return false;
        }
        let rebuilt = self.rebuild(why, None);
        if let Err(error) = &rebuilt {
            tracing::error!(%error, why, "the record cannot be rebuilt; trying again later");
            self.monitor.failed(self.clock.now(), error.to_string());
        }
        let is_rebuilt = rebuilt.unwrap_or(false);
        if !is_rebuilt {
            self.monitor.rebuild_failed(Instant::now());
        }
        is_rebuilt
    }

    /// Leaves what takes long to [`Pipeline::heal`]: a record that must be rebuilt. Everything else is done now.
    pub(super) fn recover_soon(&self) -> Result<(), PipelineError> {
        let missing = self.missing()?;
        if missing.rebuild().is_some() {
            self.monitor.lock().pending = missing.ids();
            return Ok(());
        }
        self.recover()
    }

    /// The archived runs that are not in the record and can be read.
    fn missing(&self) -> Result<Missing, PipelineError> {
        let newest = self.store.newest_time()?.map(collect::run_id);
        let known = self.store.run_ids()?;
        let refused = Refused::load(&self.data);
        let mut missing = Missing::default();
        let mut problems = Vec::new();
        for path in self.archive.manifests()? {
            let run_id = run_id(&path);
            if known.contains(&run_id) || refused.holds(&run_id, &path) {
                continue;
            }
            // Ids are times, so they sort in the order of the runs.
            if newest.as_ref().is_none_or(|newest| run_id > *newest) {
                missing.later.push(path);
                continue;
            }
            match read(&self.archive, &path) {
                Ok(_) => missing.late.push(path),
                Err(error) if !replay::concerns_one_run(&error) => return Err(error),
                Err(error) => problems.push(format!("run {run_id} ({}): {error}", path.display())),
            }
        }
        let imports = self.data.imports();
        missing.is_lost =
            known.is_empty() && (missing.later.len() > 1 || imports.exists()) && !missing.later.is_empty();
        let mut health = self.monitor.lock();
        for problem in problems.iter().filter(|problem| !health.archive_problems.contains(problem)) {
            tracing::error!(problem, "an archived run cannot be read, so it is not in the record");
        }
        health.archive_problems = problems;
        Ok(missing)
    }

    /// Rebuilds the record from the archive in a new file, without the runs from a time on, and puts it in the place of the
    /// old one, which stays in use until then. Then publishes. `false` if the archive lacks runs of the record, so that
    /// nothing was changed.
    pub(super) fn rebuild(&self, why: &str, without: Option<DateTime<Utc>>) -> Result<bool, PipelineError> {
        let mut kept = self.store.accepted_ids()?;
        kept.retain(|run_id| {
            without.is_none_or(|from| collect::time_of(run_id).is_none_or(|time| time < from))
        });
        let archived: BTreeSet<String> = self.archive.manifests()?.iter().map(|path| run_id(path)).collect();
        if let Some(lost) = lost(&kept, &archived) {
            tracing::error!(why, lost, "the record is not rebuilt: it has runs that the archive lacks");
            self.monitor.failed(
                self.clock.now(),
                format!("{why}; the archive lacks these runs of the record: {lost}"),
            );
            return Ok(false);
        }
        let fresh = self.replayed(why, without)?;
        let rebuilt = self.opened_beside(&fresh)?.accepted_ids()?;
        if let Some(lost) = lost(&kept, &rebuilt) {
            remove(&fresh);
            tracing::error!(why, lost, "the rebuilt record is not used: it lacks runs of the present one");
            self.monitor
                .failed(self.clock.now(), format!("{why}; the rebuilt record lacks these runs: {lost}"));
            return Ok(false);
        }
        self.store.checkpoint()?;
        self.put_in_place(&fresh, |_| Ok(()))?;
        self.publish_rebuilt();
        Ok(true)
    }

    /// Puts a new database file in the place of the present one. `before` may move that one away. If it fails, the new file is
    /// removed.
    fn put_in_place(
        &self,
        fresh: &Path,
        before: impl FnOnce(&Path) -> std::io::Result<()>,
    ) -> Result<(), StoreError> {
        let exchanged = self.store.exchange(fresh, READERS_PATIENCE, before);
        if exchanged.is_err() {
            remove(fresh);
        }
        exchanged
    }

    /// Replays the archive into a new database file and returns its path. The file is closed and complete.
    fn replayed(&self, why: &str, without: Option<DateTime<Utc>>) -> Result<PathBuf, PipelineError> {
        let fresh = self.data.work().join("rebuild").join("hitrate.duckdb");
        // What an earlier process left is a part of a rebuild, of no use.
        remove(&fresh);
        let since = self.clock.now();
        tracing::warn!(why, "rebuilding the record from the archive");
        let beside = Self {
            config: self.config.clone(),
            data: self.data.clone(),
            upstream: self.upstream.clone(),
            store: self.opened_beside(&fresh)?,
            archive: self.archive.clone(),
            current: Arc::new(Current::new(None)),
            clock: self.clock.clone(),
            baseline: Mutex::<Option<Baseline>>::default(),
            sweeps: super::backfill::Sweeps::default(),
            progress: Mutex::default(),
            recording: Mutex::default(),
            monitor: super::health::Monitor::default(),
            counters: super::activity::Counters::default(),
        };
        let mut logged = Instant::now();
        let progress = |done, total| {
            let reason = why.to_owned();
            self.monitor.lock().store = StoreHealth::Rebuilding { since, reason, done, total };
            if logged.elapsed() >= PROGRESS_EVERY {
                logged = Instant::now();
                tracing::info!(done, total, "rebuilding the record");
            }
        };
        let stored = beside.store_all(&self.archive, Some(&self.data), without, progress);
        self.monitor.lock().store = StoreHealth::Ok;
        let done = stored.and_then(|report| {
            super::retention::roll_up(&beside.store, self.config.retention.hourly_days, false)?;
            beside.store.checkpoint()?;
            Ok(report)
        });
        drop(beside);
        match done {
            Ok(report) => {
                tracing::warn!(
                    runs = report.runs,
                    stored = report.stored,
                    set_aside = report.set_aside.len(),
                    "the record is rebuilt"
                );
                Ok(fresh)
            }
            Err(error) => {
                remove(&fresh);
                Err(error)
            }
        }
    }

    fn opened_beside(&self, file: &Path) -> Result<Store, StoreError> {
        Store::open(StoreOptions { path: file.to_owned(), ..self.store.options().clone() })
    }

    /// Publishes a rebuilt record, whatever is served. A failure is logged: the next run publishes again.
    fn publish_rebuilt(&self) {
        // The readings that the next run is compared with may be of a run that is no longer in the record.
        *self.baseline.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        match self.publish() {
            Ok(snapshot) => tracing::info!(snapshot = snapshot.id, "published"),
            Err(PipelineError::NoRun(_)) => {}
            Err(error) => tracing::error!(%error, "the rebuilt record cannot be published"),
        }
    }

    /// Stores the run that was just archived. If earlier runs still wait, they are stored first; if the store became
    /// invalid or damaged, it is brought back into order, and the run is stored from the archive. The caller holds the
    /// lock for recording.
    ///
    /// # Errors
    /// [`PipelineError`]; unless the run's content is at fault, it is stored before the next one.
    pub(super) fn record_in_order(
        &self,
        manifest: &Manifest,
        bodies: &[Option<Vec<u8>>],
    ) -> Result<(), PipelineError> {
        if self.needs_healing() {
            return self.noted(self.heal_alone());
        }
        let recorded = self.noted(self.recorder(&self.archive).record(manifest, bodies));
        if self.monitor.is_damaged() || self.store.invalid_reason().is_some() {
            return self.noted(self.heal_alone());
        }
        if let Err(error) = recorded {
            let header = &manifest.header;
            if replay::concerns_one_run(&error) {
                let path = self.archive.manifest_file(&header.run_id, header.observed_at);
                Refused::add(&self.data, &header.run_id, &path, &error.to_string());
            } else {
                self.monitor.lock().pending.push(header.run_id.clone());
            }
            return Err(error);
        }
        let day = manifest.header.observed_at.date_naive();
        self.close_days_before(day);
        self.close_shift_days_before(day);
        Ok(())
    }

    /// Keeps an error for [`Pipeline::health`], and the damage that it reports.
    pub(super) fn noted<T>(&self, result: Result<T, PipelineError>) -> Result<T, PipelineError> {
        if let Err(error) = &result
            && !matches!(error, PipelineError::NoRun(_) | PipelineError::Cancelled)
        {
            self.monitor.failed(self.clock.now(), error.to_string());
            if let PipelineError::Store(error) = error
                && let Some(detail) = error.damage()
            {
                self.monitor.damaged(detail);
            }
        }
        result
    }

    /// Whether the served snapshot is dated beyond the clock.
    pub(super) fn serves_the_future(&self) -> bool {
        let limit = self.clock.now() + CLOCK_TOLERANCE;
        self.current.get().is_some_and(|served| served.as_of > limit)
    }
}

/// Reads a run as storing it would, to find whether its files are whole.
fn read(archive: &Archive, path: &Path) -> Result<Manifest, PipelineError> {
    let manifest = Archive::read_manifest(path)?;
    archive.bodies(&manifest)?;
    Ok(manifest)
}

/// The runs that are in `kept` and not in `found`, as a list for people; `None` if there are none.
fn lost(kept: &BTreeSet<String>, found: &BTreeSet<String>) -> Option<String> {
    let lost: Vec<&str> = kept.difference(found).take(NAMED_RUNS).map(String::as_str).collect();
    (!lost.is_empty()).then(|| lost.join(", "))
}

/// Removes the file of a rebuild that is of no use. It may not exist.
fn remove(fresh: &Path) {
    for file in [fresh.to_owned(), PathBuf::from(format!("{}.wal", fresh.display()))] {
        drop(std::fs::remove_file(file));
    }
}

/// Number of files of the store that are set aside in a data folder.
fn set_aside(data: &DataDir) -> usize {
    let Ok(entries) = std::fs::read_dir(data.path()) else { return 0 };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    names.filter(|name| name.starts_with("hitrate.duckdb") && name.contains(".damaged-")).count()
}
