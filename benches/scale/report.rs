//! The tables that `make bench-scale` prints.

use crate::generate::Scale;
use crate::{bytes, ours, plain};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

/// Bytes of a MiB.
const MIB: f64 = 1_048_576.0;

/// Everything measured; times in seconds.
pub struct Report {
    scale: Scale,
    bytes: [u64; 2],
    /// Our full recomputation.
    pub recompute: Vec<Value>,
    /// That of plain SQL.
    pub plain_recompute: Vec<Value>,
    /// Our hourly increment.
    pub increment: Vec<Value>,
    /// That of plain SQL.
    pub plain_increment: Vec<Value>,
}

impl Report {
    /// An empty report beside the sizes of both files.
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

    /// Markdown.
    pub fn tables(&self) -> String {
        let mut text = String::new();
        let readings = self.scale.readings() as f64;
        let [ours, plain] = self.bytes.map(|bytes| bytes as f64);
        let mut row = |what: &str, bound: &str, ours: f64, plain: f64, digits: usize| {
            let ratio = ours / plain;
            // Writing to a String cannot fail.
            let _ = writeln!(text, "| {what} | {bound} | {ours:.digits$} | {plain:.digits$} | {ratio:.2} |");
        };
        row("on disk, bytes a reading", "45", ours / readings, plain / readings, 1);
        row("on disk, MiB", "", ours / MIB, plain / MIB, 0);
        let pair = |name: &str| (median(&self.recompute, name), median(&self.plain_recompute, name));
        let (time, plain_time) = pair("seconds");
        row("full recomputation, s", "10", time, plain_time, 2);
        let (time, plain_time) = pair("cpu_seconds");
        row("full recomputation, CPU s", "", time, plain_time, 2);
        let (peak, plain_peak) = pair("peak_mib");
        row("full recomputation, peak MiB", "2048", peak, plain_peak, 0);
        let pair = |name: &str| (median(&self.increment, name), median(&self.plain_increment, name));
        // Plain SQL makes its lists of what it stored, and no more.
        for (unit, plain) in [("s", "seconds"), ("CPU s", "cpu_seconds")] {
            let lists = median(&self.increment, &format!("lists_{plain}"));
            let (whole, plain) = pair(plain);
            let bound = if unit == "s" { "1" } else { "" };
            row(&format!("one more hour: stored, all tier lists anew, {unit}"), bound, lists, plain, 2);
            row(
                &format!("one more hour: stored, whole snapshot anew and saved, {unit}"),
                "",
                whole,
                plain,
                2,
            );
        }
        let (time, plain_time) = pair("ingest_seconds");
        row("of it storing, s", "", time, plain_time, 2);
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

/// The largest resident set of this process so far, MiB; 0 where the system does not tell.
pub fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Ticks a second in which Linux tells CPU time.
const TICKS: f64 = 100.0;

/// CPU time of this process so far, all threads, seconds: on a machine that others use too, the steadier figure.
pub fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th field after it.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

/// Wall and CPU time since it was made.
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
