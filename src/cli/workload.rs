//! `hitrate workload`, and how every verb resolves its workload: from a name, a file, or a request log to fit.

use super::tables::{line, percent, thousands, usd};
use super::{Common, exit, logs, mine};
use crate::domain::workload::{Workload, unknown};
use crate::domain::workload_file::{self, FileKind};
use crate::request_log::{Decision, Fit, Format, LeftOut, LogFile, ReuseFrom, Unread, fit, format, requests};
use crate::snapshot::{ModelEntry, Snapshot};
use crate::traffic::acting::MINE;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
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
    /// Fit a workload to request logs: files or folders in any format that `hitrate traffic inspect` reads.
    #[command(after_help = "Examples:\n  \
hitrate workload fit requests.jsonl\n  \
hitrate workload fit spend_logs.json activity.csv\n  \
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
    /// Paths of the logs or of folders with logs; `-` reads standard input.
    #[arg(required = true, value_name = "PATH")]
    logs: Vec<String>,
    /// Format of the logs, instead of the one that their first entries show.
    #[arg(long, value_name = "ID", value_parser = logs::known_format)]
    format: Option<&'static Format>,
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

/// What was recognised in request logs, and the fit: the contract of `hitrate workload fit --json`.
#[derive(Debug, Serialize)]
pub struct FitDocument {
    /// The paths of the logs, as given.
    pub paths: Vec<String>,
    /// Number of files of each format.
    pub formats: BTreeMap<&'static str, u64>,
    /// Entries that could not be used, by reason, with the first lines.
    pub unread: BTreeMap<String, Unread>,
    /// Calls that are not requests.
    pub left_out: LeftOut,
    /// The rules of the input and output fields, by model.
    pub rule: Vec<Decision>,
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
            let fitted = fit_logs(&args.logs, args.format, &args.name)?;
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
    if Path::new(path).exists() {
        return of_file(path, name);
    }
    // A workload that was added to the user's file after the snapshot was built.
    let own = common.settings()?.workloads(common.data().path())?;
    match own.iter().find(|w| w.name == wanted) {
        Some(workload) => Ok(known(workload)),
        None => bail!(unknown(wanted, names(&own).chain(["a workload file", "or a request log"]))),
    }
}

/// The same, where `mine` is the workload fitted to the user's own calls of a model, or of all models. A workload of that
/// name in the snapshot overrides it.
pub fn choose_for(
    common: &Common,
    snapshot: &Snapshot,
    wanted: Option<&str>,
    model: Option<&ModelEntry>,
) -> Result<Chosen> {
    if wanted == Some(MINE) && snapshot.workload(MINE).is_none() {
        return Ok(Chosen { workload: mine::workload(common, model)?, fit: None });
    }
    choose(common, snapshot, wanted)
}

fn of_file(path: &str, name: Option<&str>) -> Result<Chosen> {
    let Some(kind) = kind(path)? else {
        let fit = fit_logs(&[path.to_owned()], None, "log")?;
        return Ok(Chosen { workload: fit.fit.workload.clone(), fit: Some(fit) });
    };
    let text = crate::config::read_text(Path::new(path)).with_context(|| format!("cannot read {path}"))?;
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
    if Path::new(path).is_dir() {
        return Ok(None);
    }
    let extension = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or_default();
    match extension {
        "toml" => return Ok(Some(FileKind::Toml)),
        "jsonl" | "ndjson" | "log" | "csv" | "db" | "sqlite" | "gz" | "zst" => return Ok(None),
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
        log if ["data:", "event:", "SQLite"].iter().any(|start| log.starts_with(start)) => None,
        log if log.contains('\u{fffd}') => None,
        _ => Some(FileKind::Toml),
    })
}

fn fit_logs(paths: &[String], format: Option<&'static Format>, name: &str) -> Result<FitDocument> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(logs::read(path, format)?.files);
    }
    let (requests, left_out) = requests(&files);
    let path = paths.join(", ");
    let unread = unread(&files);
    let fit = fit(&requests, name).with_context(|| unusable(&path, &unread, left_out))?;
    workload_file::check(&fit.workload, &path)?;
    let mut formats = BTreeMap::new();
    files.iter().for_each(|file| *formats.entry(file.format.id).or_default() += 1);
    let rule = files.into_iter().flat_map(|file| file.decisions).collect();
    Ok(FitDocument { paths: paths.to_vec(), formats, unread, left_out, rule, fit })
}

/// What could not be read in all files.
fn unread(files: &[LogFile]) -> BTreeMap<String, Unread> {
    let mut all: BTreeMap<String, Unread> = BTreeMap::new();
    for (reason, unread) in files.iter().flat_map(|file| &file.found.unread) {
        let known = all.entry(reason.clone()).or_default();
        known.entries += unread.entries;
        // Lines of several files would not say where to look.
        known.first = if files.len() == 1 { unread.first.clone() } else { Vec::new() };
    }
    all
}

/// Why a log cannot be used, with what it contains instead of requests.
fn unusable(path: &str, unread: &BTreeMap<String, Unread>, left_out: LeftOut) -> String {
    let mut reasons = vec![format!("{} cannot be fitted", line(path))];
    if left_out.aggregates > 0 {
        reasons.push(format!(
            "{} sums over several calls, whose counts are not prompts; expected a log with one record per request",
            left_out.aggregates
        ));
    }
    reasons.extend(left_out_texts(left_out));
    reasons.extend(unread.iter().map(|(why, unread)| skipped(why, unread)));
    reasons.join("; ")
}

fn left_out_texts(left_out: LeftOut) -> Vec<String> {
    let LeftOut { failures, replays, without_prompt, duplicates, aggregates: _ } = left_out;
    let parts = [
        (failures, "failed"),
        (replays, "replayed from a gateway's own cache"),
        (without_prompt, "without prompt tokens"),
        (duplicates, "repeated records"),
    ];
    parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
}

/// What was recognised in request logs, and how well the fitted session represents it.
pub fn describe(document: &FitDocument) -> String {
    let fit = &document.fit;
    let formats: Vec<&str> =
        document.formats.keys().map(|id| format(id).map_or(*id, |format| format.title)).collect();
    let files = match document.formats.values().sum::<u64>() {
        1 => String::new(),
        files => format!(" in {files} files"),
    };
    let paths: Vec<String> = document.paths.iter().map(|path| line(path)).collect();
    let noun = if fit.requests == 1 { "request" } else { "requests" };
    let mut lines =
        vec![format!("{}: {} {noun}{files}, {}.", paths.join(", "), fit.requests, formats.join(", "))];
    let mut left_out = left_out_texts(document.left_out);
    if document.left_out.aggregates > 0 {
        left_out.push(format!("{} sums over several calls", document.left_out.aggregates));
    }
    left_out.extend(document.unread.iter().map(|(why, unread)| skipped(why, unread)));
    if !left_out.is_empty() {
        lines.push(format!("Left out: {}.", left_out.join("; ")));
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
        (fit.grouping.by_id, "by session"),
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
    let own = match fit.grouping.with_own_id {
        0 => String::new(),
        own => format!(
            " The session ids of {own} requests occur once each: they name requests, so they are not used."
        ),
    };
    format!("{} {noun}{cuts}; requests grouped as follows: {}.{own}", fit.sessions, groups.join(", "))
}

/// `3 entries (line 4, 9, 12): not valid JSON`
fn skipped(why: &str, unread: &Unread) -> String {
    let first: Vec<String> = unread.first.iter().filter(|line| **line > 0).map(ToString::to_string).collect();
    let more = if unread.entries > first.len() as u64 { ", …" } else { "" };
    let lines = if first.is_empty() { String::new() } else { format!(" (line {}{more})", first.join(", ")) };
    let noun = if unread.entries == 1 { "entry" } else { "entries" };
    format!("{} {noun}{lines}: {}", unread.entries, line(why))
}
