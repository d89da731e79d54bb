//! `hitrate workload`, and how every verb resolves its workload: from a name, a file, or a request log to fit.

use super::tables::{clean, percent, thousands, usd};
use super::{Common, exit, progress};
use crate::domain::workload::{Workload, unknown};
use crate::domain::workload_file::{self, FileKind};
use crate::request_log::{self, Fit, Log, ReuseFrom, Shape, Skipped};
use crate::snapshot::Snapshot;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Arguments of `workload`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate workload show\n  \
hitrate workload fit requests.jsonl")]
pub struct WorkloadArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Fit a workload to a request log: JSON Lines of usage objects in the format of OpenAI, Anthropic, OpenRouter or
    /// LiteLLM.
    #[command(after_help = "Examples:\n  \
hitrate workload fit requests.jsonl\n  \
hitrate workload fit requests.jsonl --name mine --toml >> workloads.toml")]
    Fit(FitArgs),
    /// Print the available workloads, in the format of a workload file.
    #[command(after_help = "Examples:\n  \
hitrate workload show\n  \
hitrate workload show chat")]
    Show(ShowArgs),
}

#[derive(Debug, Args)]
struct FitArgs {
    /// Path of the log; `-` reads standard input.
    log: String,
    /// Name of the workload.
    #[arg(long, default_value = "log")]
    name: String,
    /// Print only the workload, as TOML to append to your workload file.
    #[arg(long, conflicts_with = "json")]
    toml: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Print only this workload.
    name: Option<String>,
}

/// What was recognised in a request log, and the fit: the contract of `hitrate workload fit --json`.
#[derive(Debug, Serialize)]
pub struct FitDocument {
    /// The path of the log, as given.
    pub log: String,
    /// Lines that are not empty.
    pub lines: usize,
    /// Number of requests of each recognised shape.
    pub shapes: BTreeMap<Shape, usize>,
    /// Skipped lines, with reasons and the numbers of the first lines.
    pub skipped: Vec<Skipped>,
    #[serde(flatten)]
    pub fit: Fit,
}

pub struct Chosen {
    pub workload: Workload,
    /// The request log that it was fitted to, if any.
    pub fit: Option<FitDocument>,
}

#[derive(Serialize)]
struct Shown<'a> {
    workload: &'a [Workload],
}

/// Fits a workload or shows the available ones.
pub fn run(common: &Common, args: &WorkloadArgs) -> Result<u8> {
    match &args.what {
        What::Fit(args) => {
            let fitted = fit_file(&args.log, &args.name)?;
            let toml = as_toml(std::slice::from_ref(&fitted.fit.workload))?;
            common.print(&fitted, || match args.toml {
                true => toml,
                false => format!("{}\n\n{toml}", describe(&fitted)),
            })?;
        }
        What::Show(args) => {
            let mut all = common.settings()?.workloads(common.data().path())?;
            if let Some(name) = &args.name {
                if !all.iter().any(|workload| workload.name == *name) {
                    bail!(unknown(name, names(&all)));
                }
                all.retain(|workload| workload.name == *name);
            }
            let toml = as_toml(&all)?;
            common.print(&all, || toml)?;
        }
    }
    Ok(exit::OK)
}

fn as_toml(workloads: &[Workload]) -> Result<String> {
    Ok(toml::to_string(&Shown { workload: workloads })?.trim_end().to_owned())
}

fn names(workloads: &[Workload]) -> impl Iterator<Item = &str> {
    workloads.iter().map(|w| w.name.as_str())
}

/// Finds the workload that `wanted` refers to: one of the snapshot's workloads by name, otherwise a file. The default
/// is the first workload.
pub fn choose(common: &Common, snapshot: &Snapshot, wanted: Option<&str>) -> Result<Chosen> {
    let known = |workload: &Workload| Chosen { workload: workload.clone(), fit: None };
    let Some(wanted) = wanted else {
        let first = snapshot.workloads.first();
        return first.map(known).context("the snapshot has no workloads; the next collection adds them");
    };
    if let Some(workload) = snapshot.workload(wanted) {
        return Ok(known(workload));
    }
    let (path, name) = match wanted.rsplit_once('#') {
        Some((path, name)) if !Path::new(wanted).exists() => (path, Some(name)),
        _ => (wanted, None),
    };
    if Path::new(path).is_file() {
        return of_file(path, name);
    }
    // A workload that was added to the user's file after the snapshot was built.
    let own = common.settings()?.workloads(common.data().path())?;
    match own.iter().find(|w| w.name == wanted) {
        Some(workload) => Ok(known(workload)),
        None => bail!(unknown(wanted, names(&own).chain(["a workload file", "or a request log"]))),
    }
}

fn of_file(path: &str, name: Option<&str>) -> Result<Chosen> {
    let Some(kind) = kind(path)? else {
        let fit = fit_file(path, "log")?;
        return Ok(Chosen { workload: fit.fit.workload.clone(), fit: Some(fit) });
    };
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let all = workload_file::read(&text, kind, path)?;
    let found = match (name, all.as_slice()) {
        (None, [only]) => Some(only),
        (None, _) => bail!(
            "{path} contains several workloads ({}); choose one with {path}#{}",
            names(&all).collect::<Vec<_>>().join(", "),
            all[0].name
        ),
        (Some(name), all) => all.iter().find(|w| w.name == name),
    };
    let workload = found.cloned();
    let workload =
        workload.with_context(|| format!("{path}: {}", unknown(name.unwrap_or_default(), names(&all))))?;
    Ok(Chosen { workload, fit: None })
}

/// The kind of a file, from its name or, failing that, its first bytes; `None` is a request log.
fn kind(path: &str) -> Result<Option<FileKind>> {
    let extension = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or_default();
    match extension {
        "toml" => return Ok(Some(FileKind::Toml)),
        "jsonl" | "ndjson" | "log" => return Ok(None),
        _ => {}
    }
    let file = File::open(path).with_context(|| format!("cannot read {path}"))?;
    let mut head = Vec::new();
    BufReader::new(file).take(4096).read_to_end(&mut head)?;
    let head = String::from_utf8_lossy(&head);
    let mut start = head.trim_start_matches('\u{feff}').trim_start().chars().filter(|c| !c.is_whitespace());
    let opening: String = start.by_ref().take(11).collect();
    Ok(match opening.as_str() {
        r#"{"workload""# => Some(FileKind::Json),
        log if log.starts_with(['{', '[']) && !log.starts_with("[[") => None,
        _ => Some(FileKind::Toml),
    })
}

fn fit_file(path: &str, name: &str) -> Result<FitDocument> {
    let log = if path == "-" {
        request_log::read(std::io::stdin().lock())
    } else {
        let file = File::open(path).with_context(|| format!("cannot read the request log {path}"))?;
        let bar = progress(usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX), "reading (bytes)");
        let log = request_log::read(&mut BufReader::new(bar.wrap_read(file)) as &mut dyn BufRead);
        bar.finish_and_clear();
        log
    };
    let log = log.with_context(|| format!("cannot read the request log {path}"))?;
    let fit = request_log::fit(&log, name).with_context(|| unusable(path, &log))?;
    workload_file::check(&fit.workload, path)?;
    let Log { lines, shapes, skipped, .. } = log;
    Ok(FitDocument { log: path.to_owned(), lines, shapes, skipped, fit })
}

/// Why a log cannot be used, with the reasons why its lines were skipped.
fn unusable(path: &str, log: &Log) -> String {
    let reasons = skipped(&log.skipped);
    format!("{path} cannot be fitted: expected one JSON object per line with the usage of a request{reasons}")
}

/// What was recognised in a request log, and how well the fitted session represents it.
pub fn describe(document: &FitDocument) -> String {
    let fit = &document.fit;
    let shapes: Vec<String> =
        document.shapes.iter().map(|(shape, count)| format!("{count} recognised as {shape}")).collect();
    let mut lines = vec![format!(
        "{}: {} requests in {} lines, {}.",
        clean(&document.log),
        fit.requests,
        document.lines,
        shapes.join(", ")
    )];
    if !document.skipped.is_empty() {
        lines.push(format!("Skipped{}", skipped(&document.skipped)));
    }
    lines.push(grouped(document));
    lines.push(
        match fit.reuse_from {
            ReuseFrom::Found => "The cache found nearly everything, so the rest counts as new.",
            ReuseFrom::Growth => {
                "Prompts build on each other; the previous prompt counts as reusable, whether or not the cache found it."
            }
            ReuseFrom::FoundOnly => {
                "Prompts do not build on each other; only what the cache found counts as reusable. If the log \
                 reports no cached tokens, nothing counts as reusable."
            }
        }
        .to_owned(),
    );
    let cached = if fit.workload.output_cached { "are" } else { "are not" };
    let seen = if fit.output_cached_seen { "observed" } else { "assumed" };
    lines.push(format!("Outputs {cached} found in the cache on the next turn ({seen})."));
    let of = |what: &str, log: f64, fitted: f64| {
        format!("{what} {} (fitted {})", thousands(log), thousands(fitted))
    };
    lines.push(format!(
        "Mean session: {}, {}, {}, reusable {} (fitted {}).",
        of("turns", fit.log.turns, fit.fitted.turns),
        of("prompt tokens", fit.log.prompt_tokens, fit.fitted.prompt_tokens),
        of("output tokens", fit.log.output_tokens, fit.fitted.output_tokens),
        percent(Some(fit.log.reusable_share())),
        percent(Some(fit.fitted.reusable_share()))
    ));
    if let Some(hits) = fit.hit_rate {
        lines.push(format!("The log's own hit rate is {}.", percent(Some(hits))));
    }
    if let Some(cost) = fit.cost {
        lines.push(format!("The log's total cost is {}.", usd(cost)));
    }
    lines.join("\n")
}

fn grouped(document: &FitDocument) -> String {
    let fit = &document.fit;
    let groups = [
        (fit.grouping.by_id, "by session id"),
        (fit.grouping.by_time, "inferred from pauses and growing prompts, without session ids"),
        (fit.grouping.by_growth, "inferred from growing prompts alone, without session ids or times"),
    ];
    let groups: Vec<String> =
        groups.iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!("{count} {how}")).collect();
    let cuts = match fit.cuts {
        0 => String::new(),
        cuts => format!(", {cuts} of them started because less than half of a context was kept"),
    };
    let noun = if fit.sessions == 1 { "session" } else { "sessions" };
    format!("{} {noun}{cuts}; requests grouped as follows: {}.", fit.sessions, groups.join(", "))
}

/// `: 3 lines (4, 9, 12): not valid JSON; …`
fn skipped(skipped: &[Skipped]) -> String {
    let one = |s: &Skipped| {
        let more = if s.lines > s.first.len() { ", …" } else { "" };
        let first: Vec<String> = s.first.iter().map(ToString::to_string).collect();
        let noun = if s.lines == 1 { "line" } else { "lines" };
        format!("{} {noun} ({}{more}): {}", s.lines, first.join(", "), s.reason)
    };
    let all: Vec<String> = skipped.iter().map(one).collect();
    if all.is_empty() { ".".to_owned() } else { format!(": {}.", all.join("; ")) }
}
