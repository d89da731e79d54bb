//! What a data folder holds, and what must be true of it at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::NaiveDate;
use hitrate::analysis::METHOD_VERSION;
use hitrate::archive::{Archive, hex_sha256};
use hitrate::pipeline::DataDir;
use hitrate::snapshot::store::load;
use hitrate::store::{ExportFormat, Store, StoreError};

use crate::rig::{at, dump, rows, rows_of_copy, store};

/// The run, and everything about it that must be there if the run is: a part of a run has fewer readings.
const RUNS: &str = "SELECT run_id || ' ' || status || ' ' || endpoints || ' ' || readings || ' ' ||
    (SELECT count(*) FROM stored_reading s WHERE s.run_no = r.run_no) FROM run r ORDER BY run_no";

/// What a data folder holds while no process uses it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Ids of the runs whose manifest is in the archive.
    pub archived: BTreeSet<String>,
    /// Ids of the stored runs, each with the sizes of its parts.
    pub stored: BTreeMap<String, String>,
}

/// The id of a run, from the name of its manifest.
fn run_id(manifest: &Path) -> String {
    let name = manifest.file_name().expect("a name").to_string_lossy().into_owned();
    // A run that was collected again may have a number behind its id.
    name.split(['.', '-']).next().expect("an id").to_owned()
}

impl Held {
    /// Reads a data folder. Every manifest and every body must be readable, and so must the snapshot, if there is one.
    pub fn by(folder: &Path, context: &str) -> Self {
        let data = DataDir::new(folder);
        let archive = Archive::open(data.archive());
        let manifests = archive.manifests().unwrap_or_else(|error| panic!("{context}: {error}"));
        for path in &manifests {
            let whole = Archive::read_manifest(path).and_then(|manifest| archive.bodies(&manifest));
            whole.unwrap_or_else(|error| panic!("{context}: {error}"));
        }
        load(&data.snapshots()).unwrap_or_else(|error| panic!("{context}: {error}"));
        let runs = match rows_of_copy(folder, "stored_reading", RUNS) {
            Ok(runs) => runs,
            // The process was killed while it created the file: there is nothing in it yet.
            Err(_) if manifests.is_empty() => Vec::new(),
            Err(error) => panic!("{context}: the store: {error}"),
        };
        let stored = runs.into_iter().map(|run| {
            let (id, rest) = run.split_once(' ').expect("an id and its sizes");
            (id.to_owned(), rest.to_owned())
        });
        Self { archived: manifests.iter().map(|path| run_id(path)).collect(), stored: stored.collect() }
    }

    /// Checks what must be true whenever the process ends: no archived and no stored run is lost, and nothing is stored that
    /// is not archived. A stored run does not change, unless it failed and was collected again.
    pub fn follows(&self, before: &Self, context: &str) {
        let lost: Vec<_> = before.archived.difference(&self.archived).collect();
        assert!(lost.is_empty(), "{context}: lost from the archive: {lost:?}");
        for (id, sizes) in before.stored.iter().filter(|(_, sizes)| !sizes.starts_with("failed")) {
            let now = self.stored.get(id);
            assert_eq!(now, Some(sizes), "{context}: run {id} was stored");
        }
        for id in self.stored.keys() {
            assert!(self.archived.contains(id), "{context}: run {id} is stored and not archived");
        }
    }

    /// Checks that every archived run is stored.
    pub fn is_complete(&self, context: &str) {
        let stored: BTreeSet<_> = self.stored.keys().cloned().collect();
        assert_eq!(stored, self.archived, "{context}: archive and store agree");
    }
}

/// The tables whose rows contain times of this machine or addresses.
const OF_THIS_MACHINE: [&str; 2] = ["run", "import_source"];

/// Everything that is recorded: every table and every export.
#[derive(Debug, PartialEq)]
pub struct Record {
    tables: BTreeMap<String, Vec<String>>,
    exports: BTreeMap<&'static str, Vec<u8>>,
}

impl Record {
    /// The record of a data folder.
    pub fn of(folder: &Path) -> Self {
        let exports = exports(&store(folder)).expect("exported");
        let mut tables: BTreeMap<_, _> = dump(folder).into_iter().collect();
        tables.retain(|name, _| !OF_THIS_MACHINE.contains(&name.as_str()));
        let runs = rows(folder, "SELECT * EXCLUDE (duration_ms, upstream) FROM run ORDER BY run_no");
        tables.insert("run".to_owned(), runs);
        Self { tables, exports }
    }

    /// Checks that another record is the same, byte for byte.
    pub fn is(&self, other: &Self, context: &str) {
        assert_eq!(
            self.tables.keys().collect::<Vec<_>>(),
            other.tables.keys().collect::<Vec<_>>(),
            "{context}"
        );
        for (name, rows) in &self.tables {
            let others = &other.tables[name];
            let first = rows.iter().zip(others).find(|(row, other)| row != other);
            assert!(
                first.is_none() && rows.len() == others.len(),
                "{context}: table {name} has {} rows, expected {}, first difference: {first:?}",
                rows.len(),
                others.len()
            );
        }
        for (name, bytes) in &self.exports {
            assert!(
                *bytes == other.exports[name],
                "{context}: the export of {name} differs from that of an uninterrupted run"
            );
        }
    }

    /// Number of rows of each table.
    pub fn sizes(&self) -> BTreeMap<&str, usize> {
        self.tables.iter().map(|(name, rows)| (name.as_str(), rows.len())).collect()
    }
}

fn exports(store: &Store) -> Result<BTreeMap<&'static str, Vec<u8>>, StoreError> {
    let days = (NaiveDate::from_ymd_opt(2020, 1, 1), NaiveDate::from_ymd_opt(2040, 1, 1));
    let (first, last) = (days.0.expect("a day"), days.1.expect("a day"));
    let (from, to) = (at("2020-01-01T00:00:00Z"), at("2040-01-01T00:00:00Z"));
    let csv = ExportFormat::Csv;
    let made = [
        ("readings", store.export_readings(from, to, csv)?),
        ("hourly", store.export_hourly(from, to, csv)?),
        ("days", store.export_days(first, last, csv)?),
        ("recommendations", store.export_recommendations(METHOD_VERSION, (first, last), csv)?),
        ("imported", store.export_imported((first, last), csv)?),
    ];
    Ok(made.into_iter().map(|(name, path)| (name, std::fs::read(path).expect("a file"))).collect())
}

/// The digests of all files below a folder, by their path in it.
pub fn digests(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(&inner).expect("a folder").map(|entry| entry.expect("an entry").path())
        {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let name = entry.strip_prefix(folder).expect("below it").to_string_lossy().into_owned();
            found.insert(name, hex_sha256(&std::fs::read(&entry).expect("readable")));
        }
    }
    found
}
