//! Machines without room, rights, descriptors or memory: a clear message, and a later start that loses nothing.

use std::path::Path;
use std::process::Command;

use super::lab::{Lab, Verb};
use super::process::finish;
use super::state::Held;
use crate::rig::{copy, folder};

/// A shell that runs the program under a limit of `ulimit`.
fn limited(command: &Command, limit: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_descriptors_little_memory_and_few_processes_are_survived() {
    let mut lab = Lab::new().await;
    tokio::task::block_in_place(|| {
        lab.prepare_runs();
        let verb = Verb::Collect(2);
        // The second limit is too low for a database and an HTTP client; the third is less than the libraries need.
        let mut limits = vec![("-n 64", true), ("-n 10", false), ("-v 200000", false)];
        if rustix::process::geteuid().is_root() {
            eprintln!("skipped: few processes; the limit does not apply to root");
        } else {
            // Not every shell has the first form.
            limits.push(("-u 1 2>/dev/null || ulimit -p 1", false));
        }
        let mut refused = 0;
        for (limit, is_enough) in limits {
            let data = lab.folder(verb);
            let before = Held::by(data.path(), limit);
            let ended = finish(&mut limited(&lab.command(verb, data.path()), limit));
            if is_enough {
                assert_eq!(ended.code, Some(0), "{limit}: {ended:?}");
            } else if ended.code != Some(0) {
                // Without memory the allocator or the loader ends the process, with its own message.
                assert!(!ended.err.trim().is_empty(), "{limit}: {ended:?}");
                refused += 1;
            }
            Held::by(data.path(), limit).follows(&before, limit);
            lab.succeeds(verb, data.path());
            lab.check_finished(verb, data.path(), limit);
        }
        assert!(refused > 0, "at least one of the limits was too low");
    });
}

/// A file system of a fixed size in memory; it is unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` if this user may not mount one.
    fn mount(size: &str) -> Option<Self> {
        let disk = Self(folder());
        disk.option(&format!("size={size}")).then_some(disk)
    }

    fn option(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(self.path());
        mount.output().is_ok_and(|output| output.status.success())
    }

    fn grow(&self, size: &str) {
        assert!(self.option(&format!("remount,size={size}")), "the file system grows");
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        _ = Command::new("umount").arg(self.path()).output();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_really_full_is_reported_and_the_run_is_stored_once_there_is_room() {
    let mut lab = Lab::new().await;
    tokio::task::block_in_place(|| {
        lab.prepare_runs();
        let verb = Verb::Collect(2);
        let used: u64 = sizes(&lab.stage(2));
        let mut reported = 0;
        for spare in [16_u64, 256, 1024, 2048, 4096] {
            let Some(disk) = SmallDisk::mount("500m") else {
                eprintln!("skipped: a small file system; this user may not mount one");
                return;
            };
            let context = format!("{spare} KiB to spare");
            copy(&lab.stage(2), disk.path());
            disk.grow(&format!("{}k", used / 1024 + spare));
            let before = Held::by(disk.path(), &context);
            let ended = finish(&mut lab.command(verb, disk.path()));
            ended.is_clear(&["hitrate:"], &context);
            reported += usize::from(ended.code == Some(1));
            disk.grow("500m");
            Held::by(disk.path(), &context).follows(&before, &context);
            lab.succeeds(verb, disk.path());
            lab.check_finished(verb, disk.path(), &context);
        }
        assert!(reported > 0, "at least one of the sizes was too small");
    });
}

/// Bytes of the files below a folder, each rounded up to whole pages.
fn sizes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .map(|path| match path.is_dir() {
            true => sizes(&path),
            false => path.metadata().expect("there").len().div_ceil(4096) * 4096,
        })
        .sum()
}
