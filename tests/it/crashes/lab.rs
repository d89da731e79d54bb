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

use super::process::{End, finish, run};
use super::state::{Held, Record, digests};
use crate::binary::command;
use crate::rig::{copy, folder, rows, tamper};
use crate::upstream::{Fault, Upstream, day, pipeline};

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// `collect` of one more run; the number is that of the runs before it.
    Collect(usize),
    /// `collect` of a run that failed before.
    Retry,
    /// `collect` on a folder with three runs that are archived and not stored.
    Recover,
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
    /// `demo --once`.
    Demo,
}

/// The times of the runs: two on one day, then two more days.
pub fn times() -> [DateTime<Utc>; 4] {
    [day(11), day(11) + Span::hours(1), day(12), day(13)]
}

/// A row of imported data of an endpoint that the record does not know.
const IMPORTED: &str = "day,endpoint_id,model,variant,provider,provider_name,tag,hit_rate,basis,tokens,coverage,effective_input,\
effective_output,list_input,list_output,list_cache_read,list_cache_write,uptime,last_reading_at\n\
2026-07-01,00000000-0000-0000-0000-000000000001,wren/lark-2,standard,heron,Heron,heron,0.5,observed,100,0.7,0.11,1,0.2,1,0.02,,0.99,2026-07-01T16:46:00Z\n";

/// Files that others put into a published folder.
const FOREIGN: [&str; 2] = ["CNAME", ".git/HEAD"];

/// The world; it is deleted when dropped.
pub struct Lab {
    root: Arc<TempDir>,
    fixed: Upstream,
    present: Arc<Upstream>,
    /// What an uninterrupted run records, by its folder. Read once: a database can be opened only once at a time.
    records: Arc<BTreeMap<PathBuf, Record>>,
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

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
    std::fs::write(path, text).expect("written");
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
    fn state(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The folder after a number of runs.
    pub fn stage(&self, runs: usize) -> PathBuf {
        self.state(&format!("stage-{runs}"))
    }

    /// Makes the folders after each number of runs, by uninterrupted collections.
    pub fn prepare_runs(&mut self) {
        std::fs::create_dir_all(self.stage(0)).expect("created");
        for runs in 0..times().len() {
            copy(&self.stage(runs), &self.stage(runs + 1));
            self.succeeds(Verb::Collect(runs), &self.stage(runs + 1));
        }
        let stages = (1..=times().len()).map(|runs| self.stage(runs));
        self.records = Arc::new(stages.map(|state| (state.clone(), Record::of(&state))).collect());
    }

    /// Makes the states before and after all other verbs, too, and returns how long each verb takes.
    pub fn prepare(&mut self) -> BTreeMap<Verb, Duration> {
        self.prepare_runs();
        self.prepare_retry();
        self.prepare_recover();
        let mut usual = BTreeMap::new();
        usual.insert(Verb::Migrate, self.prepare_migrate());
        usual.insert(Verb::Publish, self.prepare_publish());
        usual.insert(Verb::Rollup, self.prepare_rollup());
        copy(&self.stage(4), &self.state("import"));
        write(&self.state("import").join("days.csv"), IMPORTED);
        copy(&self.state("import"), &self.state("import-after"));
        usual.insert(Verb::Import, self.succeeds(Verb::Import, &self.state("import-after")));
        write(&self.state("serve").join("hitrate.toml"), &self.settings(""));
        let rules = "[[alerts.rules]]\nname = \"rate\"\nhit_rate_drop = 10\n";
        write(&self.state("alerts").join("hitrate.toml"), &self.settings(rules));
        for verb in [Verb::Collect(0), Verb::Collect(2), Verb::Recover, Verb::Serve] {
            usual.insert(verb, self.succeeds(verb, self.folder(verb).path()));
        }
        for (verb, like) in [
            (Verb::Collect(1), Verb::Collect(2)),
            (Verb::Collect(3), Verb::Collect(2)),
            (Verb::Retry, Verb::Collect(2)),
            (Verb::Alerts, Verb::Collect(0)),
            (Verb::Replay, Verb::Recover),
        ] {
            usual.insert(verb, usual[&like]);
        }
        let after = ["migrate-after", "rollup-after", "import-after"].map(|name| self.state(name));
        let stages = (1..=times().len()).map(|runs| self.stage(runs));
        let all = stages.chain(after).map(|state| (state.clone(), Record::of(&state)));
        self.records = Arc::new(all.collect());
        usual
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

    fn settings(&self, more: &str) -> String {
        format!(
            "[upstream]\nbase_url = \"{}\"\n[fetch]\nrate_per_second = 0.0\n[schedule]\ncron = \"* * * * *\"\n\
             jitter_seconds = 0\n[backfill]\nenabled = false\n{more}",
            self.present.url()
        )
    }

    fn prepare_retry(&self) {
        let before = self.state("retry");
        copy(&self.stage(2), &before);
        // The upstream refuses in the middle: some bodies of the failed run are in the archive.
        self.fixed.set_faults(&[("stats/effective-pricing", Fault::Status(403))]);
        self.fixed.set_now(times()[2]);
        let failed = finish(&mut self.collect_at(&before, times()[2]));
        self.fixed.set_faults(&[]);
        assert_eq!(failed.code, Some(4), "the sweep is cut short: {failed:?}");
    }

    fn prepare_recover(&self) {
        let before = self.state("recover");
        copy(&self.stage(1), &before);
        copy(&self.stage(4).join("archive"), &before.join("archive"));
    }

    fn prepare_migrate(&self) -> Duration {
        let (before, after) = (self.state("migrate"), self.state("migrate-after"));
        copy(&self.stage(1), &before);
        tamper(
            &before,
            "ALTER TABLE endpoint_history DROP COLUMN max_prompt_tokens;
             ALTER TABLE endpoint_history DROP COLUMN deprecation_date;
             ALTER TABLE endpoint_history DROP COLUMN created_at;
             ALTER TABLE price_history DROP COLUMN list_cache_write_1h;
             ALTER TABLE run DROP COLUMN upstream_name;
             ALTER TABLE endpoint DROP COLUMN upstream_name;
             DELETE FROM schema_migration WHERE version IN (5, 7)",
        );
        copy(&before, &after);
        self.succeeds(Verb::Migrate, &after)
    }

    fn prepare_publish(&self) -> Duration {
        let (before, after) = (self.state("publish"), self.state("publish-after"));
        copy(&self.stage(4), &before);
        let first = self.state("first-site");
        copy(&self.stage(3), &first);
        self.succeeds(Verb::Publish, &first);
        copy(&first.join("site"), &before.join("site"));
        for name in FOREIGN {
            write(&before.join("site").join(name), name);
        }
        copy(&before, &after);
        self.succeeds(Verb::Publish, &after)
    }

    /// A record with readings that are old enough, and with free space in the database.
    fn prepare_rollup(&self) -> Duration {
        let (before, after) = (self.state("rollup"), self.state("rollup-after"));
        let early = [day(1), day(1) + Span::hours(1), day(1) + Span::hours(2), day(2), day(125)];
        for time in early {
            self.fixed.set_now(time);
            let ran = finish(&mut self.collect_at(&before, time));
            if ran.code == Some(7) {
                // After months, much has changed at once.
                let id = time.format("%Y%m%dT%H%M%SZ").to_string();
                let mut accept = command();
                accept.arg("--data-dir").arg(&before).args(["accept", &id, "--all"]);
                assert_eq!(finish(&mut accept).code, Some(0), "accepted");
            } else {
                assert!(matches!(ran.code, Some(0 | 5)), "{time}: {ran:?}");
            }
        }
        tamper(
            &before,
            "CREATE TABLE filler AS SELECT random() AS value FROM range(3000000); CHECKPOINT;
             CREATE TABLE behind AS SELECT random() AS value FROM range(300000); CHECKPOINT;
             DROP TABLE filler; CHECKPOINT",
        );
        write(&before.join("hitrate.toml"), "[retention]\nhourly_days = 120\n");
        copy(&before, &after);
        let lasted = self.succeeds(Verb::Rollup, &after);
        assert!(!rows(&after, "SELECT * FROM rollup").is_empty(), "days are rolled up");
        lasted
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
            Verb::Migrate => self.state("migrate"),
            Verb::Alerts => self.state("alerts"),
            Verb::Serve => self.state("serve"),
            Verb::Replay => self.stage(4),
            Verb::Publish => self.state("publish"),
            Verb::Import => self.state("import"),
            Verb::Rollup => self.state("rollup"),
            Verb::Demo => self.stage(0),
        };
        copy(&before, data.path());
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
            Verb::Recover => Some(times()[3]),
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
        command.arg("--data-dir").arg(folder);
        match verb {
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
        let data = DataDir::new(folder);
        let is_served = || {
            let announced = Announced::read(&data);
            announced.is_some_and(|server| Path::new(&format!("/proc/{}", server.pid)).exists())
        };
        verb == Verb::Serve && data.snapshots().join("current").exists() && is_served()
    }

    /// Whether an exit code is that of a verb that did its work.
    pub fn is_success(&self, verb: Verb, code: Option<i32>) -> bool {
        // A present sweep may meet the minutes after midnight.
        let is_partial = code == Some(5) && matches!(verb, Verb::Alerts | Verb::Demo);
        code == Some(0) || is_partial
    }

    /// The folder whose archive and store a verb changes.
    pub fn changed(&self, verb: Verb, folder: &Path) -> PathBuf {
        if verb == Verb::Replay { folder.join("target") } else { folder.to_owned() }
    }

    /// What must be true after the process was killed, besides what [`Held`] checks.
    pub fn check_killed(&self, verb: Verb, folder: &Path, context: &str) {
        match verb {
            Verb::Publish => whole_site(&folder.join("site"), context),
            // A half replay is given up: its folder is removed.
            Verb::Replay if folder.join("target").exists() => {
                std::fs::remove_dir_all(folder.join("target")).expect("removed");
            }
            _ => {}
        }
    }

    /// What must be true once the verb has done its work after all.
    pub fn check_finished(&self, verb: Verb, folder: &Path, context: &str) {
        let expected = match verb {
            Verb::Collect(runs) => self.stage(runs + 1),
            Verb::Retry => self.stage(3),
            Verb::Recover | Verb::Replay => self.stage(4),
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
