//! The data folder: its rights, and how long the disk lasts.

use super::Finding;
use crate::archive::{Archive, ArchiveError};
use crate::domain::format;
use crate::pipeline::{DataDir, time_of};
use chrono::TimeDelta;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Free space below which nothing can be written reliably, bytes.
const LEAST_FREE: u64 = 256 << 20;
/// Days of growth that should be left, and below which it is urgent.
const DAYS_LEFT: f64 = 30.0;
const DAYS_URGENT: f64 = 3.0;
/// Free space that is little as long as the growth is not known, bytes.
const LITTLE_FREE: u64 = 1_000_000_000;
/// Archived runs that the growth is estimated from: those of a week. Fewer, or those of a short time, say little.
const RECENT_RUNS: usize = 168;
const LEAST_RUNS: usize = 24;
const LEAST_SPAN: TimeDelta = TimeDelta::days(3);

/// Whether the data folder can be written, and whether its secrets are private.
pub fn folder(data: &DataDir) -> Vec<Finding> {
    const CHECK: &str = "folder";
    let shown = data.path().display();
    let mut all = Vec::new();
    // Creating and removing a file is the only test that also sees a read-only file system and a quota.
    match tempfile::Builder::new().prefix(".check-").tempfile_in(data.path()) {
        Err(error) => all.push(Finding::failed(
            CHECK,
            format!("{shown} cannot be written: {error}"),
            "give the folder to the user of the service; see that the file system is not read-only or full",
        )),
        Ok(_) => all.push(Finding::ok(CHECK, format!("{shown} can be written"))),
    }
    let private = ["server.json", "private-token", "traffic", "traffic-spool", "alerts"];
    let open: Vec<&str> = private.into_iter().filter(|name| is_open(&data.path().join(name))).collect();
    if !open.is_empty() {
        all.push(Finding::warning(
            "secrets",
            format!("other users of this machine can read {}", open.join(", ")),
            format!("run `chmod -R go-rwx` on them in {shown}"),
        ));
    }
    all
}

/// Whether others than the owner can read a file or enter a folder.
#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
}

/// Whether the disk has room, and for how many days at the present growth. `runs_per_day` is that of the schedule.
pub fn disk(data: &DataDir, runs_per_day: usize) -> Finding {
    const CHECK: &str = "disk";
    let action =
        "free space, or move the data folder to a larger disk; `retention.hourly_days` shrinks the store";
    let space = match crate::pipeline::disk_space(data.path()) {
        Ok(space) => space,
        Err(error) => return Finding::failed(CHECK, error.to_string(), "name an existing data folder"),
    };
    let free = format::bytes(space.available);
    if space.available < LEAST_FREE {
        return Finding::failed(CHECK, format!("{free} are free"), action);
    }
    let growth = match growth_of_a_day(data, runs_per_day) {
        Ok(growth) => growth,
        Err(unknown) if space.available < LITTLE_FREE => {
            return Finding::warning(CHECK, format!("{free} are free; {unknown}"), action);
        }
        Err(unknown) => return Finding::ok(CHECK, format!("{free} are free; {unknown}")),
    };
    let days = space.available as f64 / growth.bytes;
    let shown = format::bytes(growth.bytes as u64);
    let detail = if growth.is_bound {
        format!("{free} are free, enough for at least {days:.0} days at {shown} a day or less")
    } else {
        format!("{free} are free, enough for {days:.0} days at {shown} a day")
    };
    if days < DAYS_URGENT {
        Finding::failed(CHECK, detail, action)
    } else if days < DAYS_LEFT {
        Finding::warning(CHECK, detail, action)
    } else {
        Finding::ok(CHECK, detail)
    }
}

/// What archive and store grow by in a day.
struct Growth {
    bytes: f64,
    /// Whether it is less in fact: the store also has imported data, which do not grow.
    is_bound: bool,
}

/// Estimates the growth from the archived runs, or says why it is not known.
fn growth_of_a_day(data: &DataDir, runs_per_day: usize) -> Result<Growth, String> {
    let archive = Archive::open(data.archive());
    let unknown = |error: ArchiveError| format!("the growth is not known: {error}");
    let run_ids = archive.run_ids().map_err(unknown)?;
    let times = run_ids.first().zip(run_ids.last());
    let span = times.and_then(|(first, last)| Some(time_of(last)? - time_of(first)?)).unwrap_or_default();
    // The first run has every body, later ones only what changed.
    let later: Vec<&String> = run_ids.iter().skip(1).collect();
    // A new store has a size of its own, whatever is in it.
    if later.len() < LEAST_RUNS || span < LEAST_SPAN {
        return Err(format!(
            "it is too early to estimate the growth, which needs more than {LEAST_RUNS} runs over {} days",
            LEAST_SPAN.num_days()
        ));
    }
    let recent: BTreeSet<String> = later.iter().rev().take(RECENT_RUNS).map(|id| (*id).clone()).collect();
    let archived = archive.bytes_of(&recent).map_err(unknown)? as f64 / recent.len() as f64;
    let stored = fs::metadata(data.store()).map_or(0, |found| found.len()) as f64 / run_ids.len() as f64;
    let bytes = (archived + stored) * runs_per_day as f64;
    if bytes > 0.0 {
        Ok(Growth { bytes, is_bound: data.imports().exists() })
    } else {
        Err("the schedule has no sweep in the next 24 hours".to_owned())
    }
}
