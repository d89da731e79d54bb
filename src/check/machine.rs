//! The data folder: its rights, and how long the disk lasts.

use super::Finding;
use crate::domain::format;
use crate::pipeline::DataDir;
use std::fs;
use std::path::Path;

/// Free space below which nothing can be written reliably, bytes.
const LEAST_FREE: u64 = 256 << 20;
/// Days of growth that should be left, and below which it is urgent.
const DAYS_LEFT: f64 = 30.0;
const DAYS_URGENT: f64 = 3.0;
/// Archived runs that the growth is estimated from: those of a week.
const RECENT_RUNS: usize = 168;

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
pub fn disk(data: &DataDir, runs: usize, runs_per_day: usize) -> Finding {
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
    let growth = growth_of_a_run(data, runs).map(|bytes| bytes * runs_per_day as f64);
    let Some(growth) = growth.filter(|growth| *growth > 0.0) else {
        return Finding::ok(CHECK, format!("{free} are free; the growth is not known before the first run"));
    };
    let days = space.available as f64 / growth;
    let detail =
        format!("{free} are free, enough for {days:.0} days at {} a day", format::bytes(growth as u64));
    if days < DAYS_URGENT {
        Finding::failed(CHECK, detail, action)
    } else if days < DAYS_LEFT {
        Finding::warning(CHECK, detail, action)
    } else {
        Finding::ok(CHECK, detail)
    }
}

/// Bytes that a run adds to archive and store.
fn growth_of_a_run(data: &DataDir, runs: usize) -> Option<f64> {
    let manifests = crate::archive::Archive::open(data.archive()).manifests().ok()?;
    let recent = &manifests[manifests.len().saturating_sub(RECENT_RUNS)..];
    let size = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    let pack = |manifest: &Path| {
        let name = manifest.to_string_lossy().replace(".manifest.zst", ".pack");
        size(Path::new(&name))
    };
    let archived: u64 = recent.iter().map(|path| size(path) + pack(path)).sum();
    let archived = (!recent.is_empty()).then(|| archived as f64 / recent.len() as f64)?;
    let stored = if runs > 0 { size(&data.store()) as f64 / runs as f64 } else { 0.0 };
    Some(archived + stored)
}
