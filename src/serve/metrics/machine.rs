//! Metrics of what the service needs of the machine: disk, memory and descriptors.

use crate::pipeline::{DataDir, disk_space};
use crate::snapshot;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the sizes of folders are kept: an archive has thousands of files.
const FRESH: Duration = Duration::from_secs(60);
/// Depth of folders that are measured.
const MOST_LEVELS: usize = 16;

/// A part of the data folder as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Part {
    part: &'static str,
}

/// The parts of the data folder and their bytes.
type Sizes = Vec<(&'static str, u64)>;

/// The sizes of the data folder, measured at most once a minute.
#[derive(Debug, Default)]
pub(super) struct Machine(Mutex<Option<(Instant, Sizes)>>);

impl Machine {
    /// Registers the disk, the parts of the data folder, and the saved snapshot.
    pub fn register(&self, registry: &mut Registry, data: &DataDir) {
        let mut bytes = |name: &str, value: u64, help: &str| {
            registry.register_with_unit(name, help, Unit::Bytes, ConstGauge::new(value as f64));
        };
        if let Ok(space) = disk_space(data.path()) {
            bytes("disk_available", space.available, "Space that can still be written");
            bytes("disk_size", space.total, "Size of the file system that has the data folder");
        }
        let folder = data.snapshots();
        let saved = snapshot::store::current_id(&folder)
            .and_then(|id| fs::metadata(folder.join(format!("{id}.json.zst"))).ok());
        if let Some(saved) = saved {
            bytes("snapshot", saved.len(), "Size of the saved snapshot");
        }
        let parts = Family::<Part, Gauge>::default();
        for (part, size) in self.sizes(data) {
            parts.get_or_create(&Part { part }).set(i64::try_from(size).unwrap_or(i64::MAX));
        }
        registry.register_with_unit("data", "Size of the parts of the data folder", Unit::Bytes, parts);
    }

    fn sizes(&self, data: &DataDir) -> Sizes {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, sizes)) = kept.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return sizes.clone();
        }
        let log = format!("{}.wal", data.store().display());
        let sizes = vec![
            ("archive", size(&data.archive(), MOST_LEVELS)),
            ("imports", size(&data.imports(), MOST_LEVELS)),
            ("snapshots", size(&data.snapshots(), MOST_LEVELS)),
            ("store", size(&data.store(), MOST_LEVELS) + size(Path::new(&log), MOST_LEVELS)),
            ("work", size(&data.work(), MOST_LEVELS)),
        ];
        *kept = Some((Instant::now(), sizes.clone()));
        sizes
    }
}

/// The size of a file, or of all files in a folder; what cannot be read counts 0.
fn size(path: &Path, levels: usize) -> u64 {
    let Ok(found) = fs::metadata(path) else { return 0 };
    if !found.is_dir() {
        return found.len();
    }
    if levels == 0 {
        return 0;
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| size(&entry.path(), levels - 1)).sum()
}

/// The metrics of the process, under the names that exporters share. Only what the system reports.
pub(super) fn of_process(registry: &mut Registry) {
    if let Some(bytes) = resident_bytes() {
        let help = "Resident memory of the process";
        registry.register_with_unit(
            "process_resident_memory",
            help,
            Unit::Bytes,
            ConstGauge::new(bytes as f64),
        );
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them is that of the listing.
        let open = open.count().saturating_sub(1);
        registry.register("process_open_fds", "Open descriptors", ConstGauge::new(open as f64));
    }
    if let Some(most) = most_descriptors() {
        registry.register(
            "process_max_fds",
            "Maximum number of open descriptors",
            ConstGauge::new(most as f64),
        );
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn most_descriptors() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_system_reports_memory_and_descriptors() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
        // Without a limit, there is no number.
        let limits = fs::read_to_string("/proc/self/limits").expect("Linux has it");
        let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("it lists them");
        match most_descriptors() {
            Some(most) => assert!(most > 2, "{most}"),
            None => assert!(line.contains("unlimited"), "{line}"),
        }
    }
}
