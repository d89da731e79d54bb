//! Files of the data folder and files that the user names.

use super::support::{bounded, choice, folder_of, write};
use hitrate::archive::Archive;
use hitrate::config::Config;
use hitrate::domain::workload::Workload;
use hitrate::domain::workload_file::{self, FileKind};
use hitrate::imports::{self, FileForm};
use hitrate::pipeline::DataDir;
use hitrate::serve::Announced;
use hitrate::snapshot::store as snapshots;
use hitrate::traffic::worth::read_plans;
use std::path::Path;

/// A manifest, and the bodies that it names: there is a pack in the archive and one beside it. If the first byte is odd, the
/// rest is compressed first.
pub fn manifest(input: &[u8]) {
    const OUTSIDE: &[u8] = b"outside the archive";
    let (packed, rest) = choice(input);
    let folder = folder_of("manifest");
    let inside = folder_of("manifest/archive");
    let compressed = |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("memory can be compressed");
    let pack = inside.join("own.pack");
    if !pack.exists() {
        write(&folder.join("outside.pack"), &compressed(OUTSIDE));
        write(&pack, &compressed(b"inside the archive"));
    }
    let file = inside.join("run.manifest.zst");
    if packed % 2 == 1 {
        write(&file, &compressed(rest));
    } else {
        write(&file, rest);
    }
    if let Ok(manifest) = Archive::read_manifest(&file)
        && let Ok(bodies) = Archive::open(&inside).bodies(&manifest)
    {
        assert!(!bodies.iter().flatten().any(|body| body == OUTSIDE), "a file outside the archive was read");
    }
}

/// A saved snapshot. If the first byte is odd, the rest is compressed first.
pub fn snapshot(input: &[u8]) {
    let (packed, rest) = choice(input);
    let folder = folder_of("snapshot");
    write(&folder.join("current"), b"fuzz");
    let file = folder.join("fuzz.json.zst");
    if packed % 2 == 1 {
        write(&file, &zstd::encode_all(rest, 1).expect("memory can be compressed"));
    } else {
        write(&file, rest);
    }
    if let Err(error) = snapshots::load(&folder) {
        bounded("the error", error.to_string().len(), rest.len(), 4);
    }
}

/// The announcement of a running server.
pub fn server_json(input: &[u8]) {
    let folder = folder_of("server");
    let data = DataDir::new(&folder);
    write(&data.server(), input);
    _ = Announced::read(&data);
}

/// The settings. Valid ones survive being written and read again, and no error repeats a whole file.
pub fn settings(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Config::parse(text, Path::new("hitrate.toml")) {
        // The addresses of receivers are written as a mask, which is none.
        Ok(config) if config.alerts.receivers.iter().any(|receiver| !receiver.url.is_empty()) => {}
        Ok(config) => {
            let written = toml::to_string(&config).expect("settings can be written");
            let again = Config::parse(&written, Path::new("again.toml")).expect("written settings are valid");
            assert_eq!(config, again);
        }
        Err(error) => bounded("the error", error.to_string().len(), input.len(), 4),
    }
}

/// A file of workloads, TOML or JSON by the first byte. Valid ones survive being written and read again.
pub fn workloads(input: &[u8]) {
    let (kind, rest) = choice(input);
    let kind = if kind % 2 == 0 { FileKind::Toml } else { FileKind::Json };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let Ok(read) = workload_file::read(text, kind, "workloads") else { return };
    let written = |list: &[Workload]| serde_json::json!({ "workload": list }).to_string();
    let again =
        workload_file::read(&written(&read), FileKind::Json, "again").expect("written ones are valid");
    assert_eq!(written(&read), written(&again));
    assert!(read.iter().all(|workload| !workload.name.is_empty()), "{read:?}");
}

/// A file of flat plans.
pub fn plans(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match read_plans(text, "plans.toml") {
        Ok(plans) => assert!(plans.iter().all(|plan| !plan.name.is_empty()), "{plans:?}"),
        Err(error) => bounded("the error", error.to_string().len(), input.len(), 4),
    }
}

/// A file for `hitrate import`; the first byte is its form, or none.
pub fn import_file(input: &[u8]) {
    let (form, rest) = choice(input);
    let form = FileForm::ALL.get(form % (FileForm::ALL.len() + 1)).copied();
    let Ok((_, contents)) = imports::read_file(rest, form) else { return };
    let bytes = format!("{contents:?}").len();
    bounded("imported rows", bytes, rest.len(), 400);
}
