//! Runs the program and measures it.

use serde_json::Value;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// KiB per MiB.
const KIB: f64 = 1_024.0;
const MIB: f64 = 1_048_576.0;

/// What a process took.
struct Taken {
    seconds: f64,
    peak_mib: f64,
    out: Vec<u8>,
}

/// Runs the program on a data folder; its peak memory is the high-water mark of the kernel.
fn run(program: &Path, data: &Path, arguments: &[&str]) -> Result<Taken, Box<dyn Error>> {
    let start = Instant::now();
    let mut command = Command::new(program);
    command.arg("--data-dir").arg(data).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut out = child.stdout.take().ok_or("no standard output")?;
    let reader = std::thread::spawn(move || {
        let mut read = Vec::new();
        std::io::Read::read_to_end(&mut out, &mut read).map(|_| read)
    });
    let mut peak = 0.0_f64;
    let ended = loop {
        peak = peak.max(high_water(&status));
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let seconds = start.elapsed().as_secs_f64();
    let out = reader.join().map_err(|_| "the reader of standard output panicked")??;
    if !ended.success() {
        return Err(format!("`hitrate {}` ended with {ended}", arguments.join(" ")).into());
    }
    Ok(Taken { seconds, peak_mib: peak, out })
}

/// The peak memory of a process so far, MiB; 0 if it has ended.
fn high_water(status: &str) -> f64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.map_or(0.0, |kib| kib / KIB)
}

fn row(figure: &str, bound: &str, value: f64, digits: usize) -> String {
    format!("| {figure} | {bound} | {value:.digits$} |")
}

/// Imports the log, then the same log again. Beside it: parsing each line as JSON and nothing else.
pub fn import(program: &Path, log: &Path, data: &Path, rows: u64) -> Result<Vec<String>, Box<dyn Error>> {
    let folder = data.join("imported");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let path = log.to_string_lossy().into_owned();
    let arguments = ["traffic", "import", "--json", &path];
    let first = run(program, &folder, &arguments)?;
    let document: Value = serde_json::from_slice(&first.out)?;
    if document["calls"] != rows {
        return Err(format!("{} of {rows} rows were imported", document["calls"]).into());
    }
    let again = run(program, &folder, &arguments)?;
    let stored = std::fs::metadata(folder.join("traffic.duckdb"))?.len() as f64;
    let size = std::fs::metadata(log)?.len() as f64;
    let parsed = Instant::now();
    let mut fields = 0;
    for line in BufReader::with_capacity(1 << 16, File::open(log)?).lines() {
        let value: Value = serde_json::from_str(&line?)?;
        fields += value.as_object().map_or(0, serde_json::Map::len);
    }
    let parsed = parsed.elapsed().as_secs_f64();
    Ok(vec![
        row("rows of the spend log", "", rows as f64, 0),
        row("size of the log, MiB", "", size / MIB, 0),
        row("import, s", "60", first.seconds, 1),
        row("import, peak MiB", "1024", first.peak_mib, 0),
        row("the same file again, s", "", again.seconds, 1),
        row(&format!("parsing alone ({fields} fields), s"), "", parsed, 1),
        row("import, times parsing alone", "", first.seconds / parsed, 1),
        row("on disk, bytes per call", "", stored / rows as f64, 1),
    ])
}

/// Reports on the database. Beside it: one aggregation by model and provider in plain SQL.
pub fn report(program: &Path, database: &Path, calls: u64) -> Result<Vec<String>, Box<dyn Error>> {
    let size = std::fs::metadata(database.join("traffic.duckdb"))?.len() as f64;
    let (plain, groups) = plain(&database.join("traffic.duckdb"))?;
    let mut lines = vec![
        row("calls of the database", "", calls as f64, 0),
        row("on disk, bytes per call", "", size / calls as f64, 1),
        row(&format!("counts and hit rates of {groups} groups in plain SQL, s"), "", plain, 2),
    ];
    for (verb, bound) in [("report", "5"), ("models", ""), ("misses", ""), ("sessions", "")] {
        let taken = run(program, database, &["traffic", verb, "--json"])?;
        lines.push(row(&format!("traffic {verb}, s"), bound, taken.seconds, 2));
        lines.push(row(&format!("traffic {verb}, peak MiB"), "", taken.peak_mib, 0));
        lines.push(row(&format!("traffic {verb}, times plain SQL"), "", taken.seconds / plain, 1));
    }
    Ok(lines)
}

/// Seconds of a plain aggregation, with the opening of the file, and its number of groups.
#[allow(clippy::disallowed_methods)]
fn plain(file: &Path) -> Result<(f64, usize), Box<dyn Error>> {
    let start = Instant::now();
    let connection = duckdb::Connection::open(file)?;
    let mut statement = connection.prepare(
        "SELECT model_key, provider_key, count(*), sum(read) / sum(uncached + read) FROM call GROUP BY ALL",
    )?;
    let groups = statement.query_map([], |row| row.get::<_, i64>(2))?.count();
    Ok((start.elapsed().as_secs_f64(), groups))
}
