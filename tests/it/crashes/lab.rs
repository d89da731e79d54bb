//! The small world in which processes are killed: its upstreams, data folders before and after each verb, and the commands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Duration as Span, SecondsFormat, Utc};
use hitrate::archive::Archive;
use hitrate::clock::{Clock, SystemClock};
use hitrate::pipeline::DataDir;
use hitrate::serve::Announced;
use hitrate::simulator::{Simulator, SimulatorConfig};
use hitrate::snapshot::store::load;
use hitrate::static_site::MARKER;
use tempfile::TempDir;

use super::process::{End, PATIENCE, run};
use super::state::{Held, Record, digests};
use crate::binary::command;
use crate::rig::{copy, folder, rows_of_copy};
use crate::upstream::{Upstream, day, pipeline};

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// `collect` of one more run; the number is that of the runs before it.
    Collect(usize),
    /// `collect` of a run that failed before.
    Retry,
    /// `collect` on a folder with three runs that are archived and not stored.
    Recover,
    /// `collect` on a folder whose database is lost.
    Rebuild,
    /// `collect` on a folder whose schema is older.
    Migrate,
    /// `collect` at the present time, with rules of alerts.
    Alerts,
    /// `serve` until it has collected and published.
    Serve,
    /// `replay` into another folder.
    Replay,
    /// `publish` over an earlier publication.
    Publish,
    /// `import file`.
    Import,
    /// `rollup`.
    Rollup,
    /// `backup` of a data folder beside it.
    Backup,
    /// `restore` of a backup into a third folder.
    Restore,
    /// `demo --once`.
    Demo,
}

/// The times of the runs: two on one day, then two more days.
pub fn times() -> [DateTime<Utc>; 4] {
    [day(11), day(11) + Span::hours(1), day(12), day(13)]
}

/// The world; it is deleted when dropped.
pub struct Lab {
    root: Arc<TempDir>,
    pub(super) fixed: Upstream,
    pub(super) present: Arc<Upstream>,
    /// What an uninterrupted run records, by its folder. Read once: a database can be opened only once at a time.
    pub(super) records: Arc<BTreeMap<PathBuf, Record>>,
}

/// A data folder; it is deleted when dropped, unless the test failed.
pub struct Data(TempDir);

impl Data {
    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.disable_cleanup(true);
            eprintln!("kept {}", self.path().display());
        }
    }
}

/// Makes the other threads end after their present case if this one fails: the counter is then past all cases.
pub struct StopOnPanic<'a>(pub &'a AtomicUsize);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(usize::MAX / 2, Ordering::Relaxed);
        }
    }
}

fn rfc(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Lab {
    /// Serves the upstreams. The second one simulates the present days, for verbs that collect now.
    pub async fn new() -> Self {
        let now = SystemClock.now();
        let start = (now - Span::days(12)).date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
        let present = SimulatorConfig {
            models: 14,
            providers: 12,
            endpoints: 64,
            cacheless_providers: 1,
            ..SimulatorConfig::starting_at(start, 16)
        };
        let present = Simulator::new(present).expect("such a world exists");
        Self {
            root: Arc::new(folder()),
            fixed: Upstream::serve().await,
            present: Arc::new(Upstream::serve_world(present).await),
            records: Arc::default(),
        }
    }

    /// The same states, with an upstream of its own for another thread.
    pub async fn beside(&self) -> Self {
        let (root, present, records) = (self.root.clone(), self.present.clone(), self.records.clone());
        Self { root, fixed: Upstream::serve().await, present, records }
    }

    /// The folder with the state before a verb, and of the uninterrupted run after it.
    pub fn state(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The folder after a number of runs.
    pub fn stage(&self, runs: usize) -> PathBuf {
        self.state(&format!("stage-{runs}"))
    }

    /// What an uninterrupted run recorded.
    fn expected(&self, state: &Path) -> &Record {
        &self.records[state]
    }

    /// Checks that a folder has the record after a number of runs, byte for byte.
    pub fn has_runs(&self, folder: &Path, runs: usize, context: &str) {
        Record::of(folder).is(self.expected(&self.stage(runs)), context);
        newest_is_published(folder, &self.stage(runs), context);
    }

    /// Runs a verb to its end; it must succeed.
    pub fn succeeds(&self, verb: Verb, folder: &Path) -> Duration {
        let ended = run(&mut self.command(verb, folder), End::Never, || self.is_done(verb, folder));
        assert!(self.is_success(verb, ended.code), "{verb:?}: {ended:?}");
        ended.lasted
    }

    /// A fresh copy of the folder that a verb works on.
    pub fn folder(&self, verb: Verb) -> Data {
        let data = Data(folder());
        let before = match verb {
            Verb::Collect(runs) => self.stage(runs),
            Verb::Retry => self.state("retry"),
            Verb::Recover => self.state("recover"),
            Verb::Rebuild => self.state("rebuild"),
            Verb::Migrate => self.state("migrate"),
            Verb::Alerts => self.state("alerts"),
            Verb::Serve => self.state("serve"),
            Verb::Replay | Verb::Backup | Verb::Restore => self.stage(4),
            Verb::Publish => self.state("publish"),
            Verb::Import => self.state("import"),
            Verb::Rollup => self.state("rollup"),
            Verb::Demo => self.stage(0),
        };
        if matches!(verb, Verb::Backup | Verb::Restore) {
            copy(&before, &data.path().join("data"));
        } else {
            copy(&before, data.path());
        }
        if verb == Verb::Restore {
            self.succeeds(Verb::Backup, data.path());
        }
        data
    }

    /// `collect` at a time of the fixed upstream.
    pub fn collect_at(&self, folder: &Path, time: DateTime<Utc>) -> Command {
        let mut collect = command();
        collect.arg("--data-dir").arg(folder);
        collect.args(["collect", "--upstream", &self.fixed.url(), "--at", &rfc(time), "--rate", "0"]);
        collect
    }

    /// The command of a verb.
    pub fn command(&self, verb: Verb, folder: &Path) -> Command {
        let at = match verb {
            Verb::Collect(runs) => Some(times()[runs]),
            Verb::Retry => Some(times()[2]),
            Verb::Recover | Verb::Rebuild => Some(times()[3]),
            Verb::Migrate => Some(times()[1]),
            _ => None,
        };
        // An upstream keeps every address for its tests.
        for upstream in [&self.fixed, &*self.present] {
            drop((upstream.take_asked(), upstream.take_served()));
        }
        if let Some(time) = at {
            self.fixed.set_now(time);
            return self.collect_at(folder, time);
        }
        self.present.set_now(SystemClock.now());
        let mut command = command();
        let data = if verb == Verb::Backup { folder.join("data") } else { folder.to_owned() };
        command.arg("--data-dir").arg(data);
        match verb {
            Verb::Backup => command.arg("backup").arg(folder.join("backups")),
            Verb::Restore => {
                command.arg("restore").arg(folder.join("backups")).arg("--into").arg(folder.join("restored"))
            }
            Verb::Alerts => command.args(["collect", "--rate", "0"]),
            Verb::Serve => command.args(["serve", "--listen", "127.0.0.1:0"]),
            Verb::Replay => command.args(["replay", "--into"]).arg(folder.join("target")),
            Verb::Publish => {
                let now = rfc(times()[3] + Span::hours(1));
                command.args(["publish", "--now", &now, "--out"]).arg(folder.join("site"))
            }
            Verb::Import => command.args(["import", "file"]).arg(folder.join("days.csv")),
            Verb::Rollup => command.arg("rollup"),
            _ => command.args(["demo", "--once", "--days", "1"]),
        };
        command
    }

    /// Whether a server has done all it has to do and may be stopped.
    pub fn is_done(&self, verb: Verb, folder: &Path) -> bool {
        verb == Verb::Serve && is_published_and_served(folder)
    }

    /// Whether an exit code is that of a verb that did its work.
    pub fn is_success(&self, verb: Verb, code: Option<i32>) -> bool {
        // A present sweep may meet the minutes after midnight.
        let is_partial = code == Some(5) && matches!(verb, Verb::Alerts | Verb::Demo);
        code == Some(0) || is_partial
    }

    /// The folder whose store a verb writes.
    fn changed(&self, verb: Verb, folder: &Path) -> PathBuf {
        match verb {
            Verb::Replay => folder.join("target"),
            Verb::Backup | Verb::Restore => folder.join("restored"),
            _ => folder.to_owned(),
        }
    }

    /// What must be true after the process was killed, besides what [`Held`] checks. Returns whether it had done its work and
    /// cannot be started again.
    pub fn check_killed(&self, verb: Verb, folder: &Path, context: &str) -> bool {
        match verb {
            Verb::Publish => whole_site(&folder.join("site"), context),
            Verb::Replay => return was_replayed(&folder.join("target"), context),
            // A half restore is given up: its folder is removed.
            Verb::Restore if folder.join("restored").exists() => {
                std::fs::remove_dir_all(folder.join("restored")).expect("removed");
            }
            _ => {}
        }
        false
    }

    /// What must be true once the verb has done its work after all.
    pub fn check_finished(&self, verb: Verb, folder: &Path, context: &str) {
        let expected = match verb {
            Verb::Collect(runs) => self.stage(runs + 1),
            Verb::Retry => self.stage(3),
            Verb::Recover | Verb::Rebuild | Verb::Replay | Verb::Restore => self.stage(4),
            Verb::Backup => {
                // The newest complete backup has everything.
                self.succeeds(Verb::Restore, folder);
                self.stage(4)
            }
            Verb::Migrate => self.state("migrate-after"),
            Verb::Rollup => self.state("rollup-after"),
            Verb::Import => {
                let expected = self.expected(&self.state("import-after")).sizes();
                assert_eq!(Record::of(folder).sizes(), expected, "{context}");
                return;
            }
            Verb::Publish => {
                let expected = digests(&self.state("publish-after").join("site"));
                assert_eq!(digests(&folder.join("site")), expected, "{context}");
                return;
            }
            Verb::Alerts | Verb::Serve | Verb::Demo => {
                agrees_with_replay(folder, context);
                return;
            }
        };
        let changed = self.changed(verb, folder);
        Record::of(&changed).is(self.expected(&expected), context);
        if verb != Verb::Replay {
            Held::by(&changed, context).is_complete(context);
        }
        if verb != Verb::Rollup {
            newest_is_published(&changed, &expected, context);
        }
    }
}

/// Whether a running process serves a folder, and has a snapshot.
fn is_published_and_served(folder: &Path) -> bool {
    let data = DataDir::new(folder);
    let is_served = || {
        let announced = Announced::read(&data);
        announced.is_some_and(|server| Path::new(&format!("/proc/{}", server.pid)).exists())
    };
    data.snapshots().join("current").exists() && is_served()
}

/// Looks at the folder of a replay that was killed: a record in part is refused until the replay is repeated, and a whole one
/// is served. Returns whether it is whole.
fn was_replayed(target: &Path, context: &str) -> bool {
    let serve = || {
        let mut serve = command();
        serve.arg("--data-dir").arg(target).args(["serve", "--no-collect", "--listen", "127.0.0.1:0"]);
        run(&mut serve, End::After(PATIENCE), || is_published_and_served(target))
    };
    let text = std::fs::read(target.join("replay.json")).ok();
    let marker: Option<serde_json::Value> = text.map(|text| serde_json::from_slice(&text).expect("JSON"));
    if marker.as_ref().is_some_and(|marker| !marker["finished_at"].is_null()) {
        let ended = serve();
        assert_eq!(ended.code, Some(0), "{context}: a whole replay is served, {ended:?}");
        return true;
    }
    // A file that is not complete has no run either.
    let runs = rows_of_copy(target, "run", "SELECT run_id FROM run").unwrap_or_default();
    if !runs.is_empty() {
        let ended = serve();
        assert_eq!(ended.code, Some(1), "{context}: {} of 4 runs look like a record, {ended:?}", runs.len());
        assert!(ended.err.contains("replay --into"), "{context}: {}", ended.err);
    } else if marker.is_none() && target.exists() {
        std::fs::remove_dir_all(target).expect("removed");
    }
    false
}

/// The snapshot is that of the newest run.
fn newest_is_published(folder: &Path, expected: &Path, context: &str) {
    let as_of = |folder: &Path| {
        let loaded = load(&DataDir::new(folder).snapshots()).expect("readable").expect("a snapshot");
        (loaded.as_of, loaded.models.len())
    };
    assert_eq!(as_of(folder), as_of(expected), "{context}: the snapshot");
}

/// The record is that of a replay of the archive.
pub fn agrees_with_replay(folder: &Path, context: &str) {
    let again = crate::rig::folder();
    // A killed process may have archived a run: opening stores it.
    drop(pipeline(folder));
    let replayed = pipeline(again.path());
    let archive = Archive::open(DataDir::new(folder).archive());
    let report = replayed.replay(&archive, |_, _| {}).expect("replayed");
    assert!(report.set_aside.is_empty(), "{context}: {report:?}");
    drop(replayed);
    Record::of(folder).is(&Record::of(again.path()), context);
    Held::by(folder, context).is_complete(context);
    newest_is_published(folder, again.path(), context);
}

/// A publication is whole: every entry that its marker names is there.
fn whole_site(site: &Path, context: &str) {
    let text = std::fs::read(site.join(MARKER)).unwrap_or_else(|error| panic!("{context}: {error}"));
    let marker: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    for entry in marker["entries"].as_array().expect("a list") {
        let entry = entry.as_str().expect("a name");
        assert!(site.join(entry).exists(), "{context}: {entry} is missing in the published folder");
    }
}
