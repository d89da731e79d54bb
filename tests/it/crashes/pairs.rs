//! Two processes on one data folder: one has it, and the other one is refused with the id of the owner.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::lab::{Lab, Verb, times};
use super::process::{PATIENCE, finish, signal};
use crate::binary::command;
use crate::rig::copy;

/// A process that holds the store of a folder; killed when dropped.
struct Owner(Child);

impl Drop for Owner {
    fn drop(&mut self) {
        signal(&self.0, Signal::KILL);
        _ = self.0.wait();
    }
}

impl Owner {
    /// Starts a command and stops it as soon as it holds the store of a folder, so that it holds it for as long as needed.
    fn start(mut command: Command, folder: &Path) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut owner = Self(child.expect("the program starts"));
        let started = Instant::now();
        loop {
            let ended = owner.0.try_wait().expect("a child");
            assert!(ended.is_none(), "the owner ended before it held the store: {ended:?}");
            assert!(started.elapsed() < PATIENCE, "the owner never held the store");
            if owner.has_open(&folder.join("hitrate.duckdb")) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        // The lock follows at once when the file is open.
        std::thread::sleep(Duration::from_millis(20));
        signal(&owner.0, Signal::STOP);
        owner
    }

    fn has_open(&self, file: &Path) -> bool {
        let Ok(opened) = std::fs::read_dir(format!("/proc/{}/fd", self.0.id())) else { return false };
        opened.flatten().any(|one| std::fs::read_link(one.path()).is_ok_and(|target| target == file))
    }
}

fn on(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = command();
    command.arg("--data-dir").arg(folder).args(arguments);
    command
}

/// The settings and the file that the refused verbs need.
fn equip(folder: &Path) {
    std::fs::create_dir_all(folder).expect("created");
    std::fs::write(folder.join("days.csv"), "day\n").expect("written");
    std::fs::write(folder.join("hitrate.toml"), "[retention]\nhourly_days = 120\n").expect("written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_one_is_refused_with_the_id_of_the_other() {
    let mut lab = Lab::new().await;
    tokio::task::block_in_place(|| {
        lab.prepare_runs();
        let id = times()[2].format("%Y%m%dT%H%M%SZ").to_string();
        for name in ["collect", "serve", "replay"] {
            let data = lab.folder(Verb::Collect(3));
            // Without symbolic links, as in `/proc`.
            let recorded = data.path().canonicalize().expect("a path");
            let target = recorded.join("target");
            let (owner, folder) = match name {
                "collect" => (lab.command(Verb::Collect(3), &recorded), recorded),
                "serve" => (on(&recorded, &["serve", "--no-collect", "--listen", "127.0.0.1:0"]), recorded),
                _ => (lab.command(Verb::Replay, &recorded), target),
            };
            equip(&folder);
            let owner = Owner::start(owner, &folder);
            // The announcement of a server that was killed.
            let stale = "{\"url\":\"http://127.0.0.1:1\",\"token\":\"0\",\"pid\":1}";
            std::fs::write(folder.join("server.json"), stale).expect("written");
            let file = folder.join("days.csv").to_string_lossy().into_owned();
            let source = lab.stage(4).to_string_lossy().into_owned();
            let others: [&[&str]; 7] = [
                &["collect", "--upstream", "http://127.0.0.1:1", "--rate", "0"],
                &["serve", "--no-collect", "--listen", "127.0.0.1:0"],
                &["rollup"],
                &["import", "file", &file],
                &["accept", &id, "--all"],
                &["export", "days"],
                &["query", "SELECT 1"],
            ];
            for other in others {
                let ended = finish(&mut on(&folder, other));
                let context = format!("{name} holds the store, then {other:?}: {ended:?}");
                // Some verbs refuse the record of a replay in progress before they look for its owner.
                if folder.join("replay.json").exists() && ended.code == Some(1) {
                    assert!(ended.err.contains("replay"), "{context}");
                    continue;
                }
                assert_eq!(ended.code, Some(8), "{context}");
                assert!(ended.err.contains(&owner.0.id().to_string()), "{context}");
            }
            // A replay into the folder of the owner, and a demo in it, find a store.
            let target = folder.to_string_lossy().into_owned();
            for mut other in [
                on(Path::new(&source), &["replay", "--into", &target]),
                on(&folder, &["demo", "--once", "--days", "1"]),
            ] {
                let ended = finish(&mut other);
                assert!(matches!(ended.code, Some(1 | 8)), "{name}: {ended:?}");
                assert!(ended.err.contains(&*target), "{name}: {ended:?}");
            }
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_collections_at_once_one_wins_and_the_record_is_whole() {
    let mut lab = Lab::new().await;
    tokio::task::block_in_place(|| {
        lab.prepare_runs();
        let data = lab.folder(Verb::Collect(3));
        let many = (0..4).map(|_| {
            let mut command = lab.command(Verb::Collect(3), data.path());
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().expect("the program starts")
        });
        let many: Vec<Child> = many.collect();
        let codes = many.into_iter().map(|mut child| child.wait().expect("it ends").code());
        let codes: Vec<_> = codes.collect();
        // One that starts after another has ended finds the run stored.
        assert!(codes.iter().all(|code| matches!(code, Some(0 | 8))), "{codes:?}");
        assert!(codes.contains(&Some(0)), "{codes:?}");
        lab.has_runs(data.path(), 4, "four collections at once");
        let other = crate::rig::folder();
        copy(data.path(), other.path());
        lab.succeeds(Verb::Collect(3), other.path());
    });
}
