//! The monthly Parquet files: layout, manifest, what is written again and what is refused.

use std::path::Path;
use std::time::SystemTime;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::binary::{Ran, Server, hitrate};
use crate::rig::{column, folder};
use crate::upstream::collected;

fn written(data: &Path, to: &Path, more: &[&str]) -> Ran {
    let to = to.display().to_string();
    hitrate(data, &[&["dataset", &to, "--json"][..], more].concat())
}

fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).expect("a manifest")).expect("JSON")
}

fn paths(list: &Value) -> Vec<String> {
    let texts = list.as_array().expect("a list").iter().map(|path| path.as_str().expect("a text").to_owned());
    texts.collect()
}

fn changed_at(path: &Path) -> SystemTime {
    std::fs::metadata(path).and_then(|file| file.modified()).expect("a file")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_manifest_describes_every_file_and_nothing_is_written_twice() {
    let (data, to) = (folder(), folder());
    collected(data.path(), &[9, 10, 11]).await;
    let to = to.path().join("open-data");
    let first = written(data.path(), &to, &[]).json();
    let manifest = self::manifest(&to);
    assert_eq!((&manifest["schema_version"], &manifest["simulated"]), (&Value::from(1), &Value::Bool(true)));
    let files = manifest["files"].as_array().expect("files");
    assert_eq!(paths(&first["written"]).len(), files.len());
    for file in files {
        let path = file["path"].as_str().expect("a path");
        let view = file["view"].as_str().expect("a view");
        assert!(path.starts_with(&format!("{view}/year=2026/month=")), "{path}");
        let bytes = std::fs::read(to.join(path)).expect("a file");
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            (file["sha256"].as_str(), file["bytes"].as_u64()),
            (Some(&*digest), Some(bytes.len() as u64))
        );
        let count =
            format!("SELECT CAST(count(*) AS VARCHAR) FROM read_parquet('{}')", to.join(path).display());
        assert_eq!(column(data.path(), &count), [file["rows"].to_string()], "{path}");
    }
    for view in ["days", "hourly", "readings", "prices", "endpoints", "models", "providers", "tiers", "runs"]
    {
        assert!(files.iter().any(|file| file["view"] == view), "{view}");
    }
    let readme = std::fs::read_to_string(to.join("README.md")).expect("a note");
    assert!(readme.contains("simulated") && readme.contains("`effective_input`"), "{readme}");

    // Types that every reader has, and the same sums as the export.
    let days =
        format!("read_parquet('{}', hive_partitioning = true)", to.join("days/**/*.parquet").display());
    let types = format!("SELECT concat(column_name, ' ', column_type) FROM (DESCRIBE SELECT * FROM {days})");
    let types = column(data.path(), &types);
    for expected in [
        "day DATE",
        "last_reading_at TIMESTAMP WITH TIME ZONE",
        "list_input DOUBLE",
        "endpoint_id VARCHAR",
        "year BIGINT",
    ] {
        assert!(types.iter().any(|found| found == expected), "{expected}: {types:?}");
    }
    let csv = to.with_extension("csv");
    let export = hitrate(data.path(), &["export", "days", "--out", &csv.display().to_string()]);
    assert_eq!(export.code, 0, "{}", export.err);
    let sums = |table: &str| {
        column(
            data.path(),
            &format!("SELECT concat_ws(' ', count(*), sum(tokens), round(sum(hit_rate), 6)) FROM {table}"),
        )
    };
    assert_eq!(sums(&days), sums(&format!("read_csv('{}')", csv.display())));

    let before: Vec<_> =
        files.iter().map(|file| changed_at(&to.join(file["path"].as_str().expect("a path")))).collect();
    let server = Server::of(data.path());
    let again = written(data.path(), &to, &[]).json();
    assert_eq!(again["written"], Value::Array(Vec::new()), "{again}");
    drop(server);
    let after: Vec<_> =
        files.iter().map(|file| changed_at(&to.join(file["path"].as_str().expect("a path")))).collect();
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_changed_or_is_damaged_is_written_again() {
    let (data, to) = (folder(), folder());
    collected(data.path(), &[9, 10]).await;
    let to = to.path().join("open-data");
    written(data.path(), &to, &[]).json();
    let prices = to.join("prices/year=2026/month=07/part-0.parquet");
    let whole = std::fs::read(&prices).expect("a file");
    std::fs::write(&prices, &whole[..whole.len() / 2]).expect("written");
    let runs = to.join("runs/year=2026/month=07/part-0.parquet");
    std::fs::remove_file(&runs).expect("removed");
    std::fs::write(prices.with_extension("tmp"), "of a process that was killed").expect("written");
    let repaired = paths(&written(data.path(), &to, &[]).json()["written"]);
    assert_eq!(
        repaired,
        ["prices/year=2026/month=07/part-0.parquet", "runs/year=2026/month=07/part-0.parquet"]
    );
    // A later run changes the files of its month; every other file stays.
    collected(data.path(), &[11]).await;
    let report = written(data.path(), &to, &[]).json();
    let later = paths(&report["written"]);
    for view in ["readings", "runs", "days"] {
        assert!(later.contains(&format!("{view}/year=2026/month=07/part-0.parquet")), "{view}: {later:?}");
    }
    let unchanged = report["unchanged"].as_u64().expect("a number");
    assert_eq!(report["files"].as_u64(), Some(unchanged + later.len() as u64), "{report}");
    let part = written(data.path(), &to, &["--view", "days", "--month", "2026-07"]).json();
    assert_eq!((paths(&part["written"]).len(), part["unchanged"].as_u64()), (0, Some(1)), "{part}");
    assert!(part["files"].as_u64() > Some(8), "the other files stay in the manifest: {part}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_folders_views_and_months_are_refused() {
    let (data, other) = (folder(), folder());
    collected(data.path(), &[9]).await;
    std::fs::write(other.path().join("thesis.txt"), "mine").expect("written");
    let foreign = written(data.path(), other.path(), &[]);
    assert_eq!(foreign.code, 1);
    assert!(foreign.err.contains("neither empty nor a dataset"), "{}", foreign.err);
    assert_eq!(std::fs::read_dir(other.path()).expect("a folder").count(), 1);
    std::fs::write(other.path().join("manifest.json"), "{\"name\": \"a web application\"}").expect("written");
    let manifest = written(data.path(), other.path(), &[]);
    assert!(manifest.err.contains("is not the manifest of a dataset"), "{}", manifest.err);
    let to = other.path().join("new");
    let view = written(data.path(), &to, &["--view", "calls"]);
    assert!(view.code == 1 && view.err.contains("no view `calls`"), "{}", view.err);
    let month = written(data.path(), &to, &["--month", "2026-13"]);
    assert!(month.code == 2 && month.err.contains("YYYY-MM"), "{}", month.err);
}
