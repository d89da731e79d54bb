//! The tables that `make bench-scale` prints.

use crate::generate::Scale;
use crate::{bytes, ours, plain};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

/// Bytes per MiB.
const MIB: f64 = 1_048_576.0;

/// All measurements; times in seconds.
pub struct Report {
    scale: Scale,
    bytes: [u64; 2],
    /// Full recomputation by hitrate.
    pub recompute: Vec<Value>,
    /// Full recomputation by plain SQL.
    pub plain_recompute: Vec<Value>,
    /// Hourly increment by hitrate.
    pub increment: Vec<Value>,
    /// Hourly increment by plain SQL.
    pub plain_increment: Vec<Value>,
}

impl Report {
    /// A report with the sizes of both files and without measurements.
    pub fn of(data: &Path, scale: Scale) -> Result<Self, std::io::Error> {
        let bytes = [bytes(&ours::file(data))?, bytes(&plain::file(data))?];
        let none = Vec::new;
        Ok(Self {
            scale,
            bytes,
            recompute: none(),
            plain_recompute: none(),
            increment: none(),
            plain_increment: none(),
        })
    }

    /// The report as Markdown tables.
    pub fn tables(&self) -> String {
        let mut text = String::new();
        let readings = self.scale.readings() as f64;
        let [ours, plain] = self.bytes.map(|bytes| bytes as f64);
        let mut row = |what: &str, bound: &str, ours: f64, plain: f64, digits: usize| {
            let ratio = ours / plain;
            // Writing to a String cannot fail.
            let _ = writeln!(text, "| {what} | {bound} | {ours:.digits$} | {plain:.digits$} | {ratio:.2} |");
        };
        row("on disk, bytes per reading", "45", ours / readings, plain / readings, 1);
        row("on disk, MiB", "", ours / MIB, plain / MIB, 0);
        let pair = |name: &str| (median(&self.recompute, name), median(&self.plain_recompute, name));
        let (time, plain_time) = pair("seconds");
        row("full recomputation, s", "10", time, plain_time, 2);
        let (time, plain_time) = pair("cpu_seconds");
        row("full recomputation, CPU s", "", time, plain_time, 2);
        let (peak, plain_peak) = pair("peak_mib");
        row("full recomputation, peak MiB", "2048", peak, plain_peak, 0);
        let pair = |name: &str| (median(&self.increment, name), median(&self.plain_increment, name));
        // Plain SQL computes only the lists.
        for (unit, plain) in [("s", "seconds"), ("CPU s", "cpu_seconds")] {
            let lists = median(&self.increment, &format!("lists_{plain}"));
            let (whole, plain) = pair(plain);
            let bound = if unit == "s" { "1" } else { "" };
            row(
                &format!("one more hour: stored, all tier lists computed again, {unit}"),
                bound,
                lists,
                plain,
                2,
            );
            row(
                &format!("one more hour: stored, the whole snapshot computed again and saved, {unit}"),
                "",
                whole,
                plain,
                2,
            );
        }
        let (time, plain_time) = pair("ingest_seconds");
        row("of which storing, s", "", time, plain_time, 2);
        let (peak, plain_peak) = pair("peak_mib");
        row("one more hour, peak MiB", "", peak, plain_peak, 0);
        let head = "| figure | bound | hitrate | plain SQL | ratio |\n|---|---|---|---|---|\n";
        format!("{head}{text}\n{}", self.parts())
    }

    fn parts(&self) -> String {
        let mut text = "| part | s | CPU s |\n|---|---|---|\n".to_owned();
        for (what, rows, name) in [
            ("full recomputation: days from all readings", &self.recompute, "days"),
            ("full recomputation: tier lists and snapshot", &self.recompute, "snapshot"),
            ("one more hour: storing", &self.increment, "ingest"),
            ("one more hour: tier lists, snapshot, saved", &self.increment, "publish"),
            ("first hour of a day, which closes the day before", &self.increment, "first_of_a_day"),
        ] {
            let [wall, cpu] = ["seconds", "cpu_seconds"].map(|unit| median(rows, &format!("{name}_{unit}")));
            let _ = writeln!(text, "| {what} | {wall:.2} | {cpu:.2} |");
        }
        text
    }
}

fn median(rows: &[Value], name: &str) -> f64 {
    let mut values: Vec<f64> = rows.iter().filter_map(|row| row[name].as_f64()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The peak resident set size of this process so far, MiB; 0 if the system does not report it.
pub fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Ticks per second in which Linux reports CPU time.
const TICKS: f64 = 100.0;

/// CPU time of this process so far, all threads, seconds. On a shared machine it varies less than wall time.
pub fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in parentheses may contain spaces; user and system time are the 12th and 13th field after it.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

/// Measures wall and CPU time since its creation.
pub struct Stopwatch {
    wall: Instant,
    cpu: f64,
}

impl Stopwatch {
    /// Starts.
    pub fn start() -> Self {
        Self { wall: Instant::now(), cpu: cpu_seconds() }
    }

    /// Seconds since the start: wall, CPU.
    pub fn read(&self) -> [f64; 2] {
        [self.wall.elapsed().as_secs_f64(), cpu_seconds() - self.cpu]
    }
}
