//! `hitrate check`: checks the whole installation, or whether the stored numbers reproduce what is known to be true.

use super::tables::{Column, Report, Table, dash, fixed, number, percent, text};
use super::{Common, advance, exit, output, progress, running, runtime};
use crate::analysis::numbers::ListAgreement;
use crate::archive::{Archive, Scope};
use crate::check::numbers::{AGGREGATE_BOUND, CheckedRun, IDENTITY_BOUND, ModeAdvice, Published};
use crate::check::{self, CheckState, Finding, StoreFacts};
use crate::clock::Clock;
use crate::domain::format;
use crate::pipeline::DataDir;
use crate::scheduler::CronExpression;
use crate::serve::outbox;
use crate::store::Store;
use crate::table::{Cell, columns, tsv};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::collections::BTreeSet;

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
hitrate check\n  \
hitrate check --all --json\n  \
hitrate check numbers\n\n\
Exit code 1 if a check failed; warnings alone give 0. The command also works while the service runs."
)]
pub struct CheckArgs {
    #[command(subcommand)]
    what: Option<What>,
    /// Read every archived run instead of a sample.
    #[arg(long)]
    all: bool,
    /// Send nothing to the upstream.
    #[arg(long)]
    offline: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Compare hit rates with the upstream's own aggregate, and effective prices with the price identity, run by run.
    /// Check that letters, order and figures of the published lists agree, and that no published preference expects a
    /// loss.
    #[command(after_help = "Examples:\n  \
hitrate check numbers\n  \
hitrate check numbers --json")]
    Numbers,
}

/// What `hitrate check --json` prints.
#[derive(Debug, Serialize)]
struct Checked {
    /// The worst outcome.
    state: CheckState,
    findings: Vec<Finding>,
}

/// Checks the installation, or the numbers.
pub fn run(common: &Common, args: &CheckArgs) -> Result<u8> {
    match args.what {
        Some(What::Numbers) => numbers(common),
        None => installation(common, args),
    }
}

/// Prints one line for each check; exit code 1 if one failed.
fn installation(common: &Common, args: &CheckArgs) -> Result<u8> {
    let (data, now) = (common.data(), Common::clock().now());
    if !data.path().is_dir() {
        bail!(
            "there is no data folder {}; name it with --data-dir, or run `hitrate collect`",
            data.path().display()
        );
    }
    if !output::has_own(&data).with_context(|| format!("cannot read {}", data.path().display()))? {
        bail!(
            "there is no hitrate data in {}; name the data folder with --data-dir, or run `hitrate collect`",
            data.path().display()
        );
    }
    let mut findings = Vec::new();
    let archive = Archive::open(data.archive());
    // Before the store is read: a run is archived first.
    let before = archive.run_ids();
    let facts = facts(common, &data, before.as_ref().map_or(0, BTreeSet::len), &mut findings);
    match &facts {
        Some(facts) => findings.extend(check::store(facts, schedule(common).as_ref(), now)),
        None => findings.push(without_store("runs")),
    }
    archives(&data, args.all, &mut findings);
    if let (Some(facts), Ok(before), Ok(after)) = (&facts, before, archive.run_ids()) {
        findings.push(check::agreement(facts, &before, &after));
    } else {
        findings.push(match &facts {
            Some(_) => Finding::skipped("agreement", "the archive cannot be listed"),
            None => without_store("agreement"),
        });
    }
    findings.push(check::snapshot(&data, facts.as_ref()));
    findings.push(facts.as_ref().map_or_else(|| without_store("numbers"), check::numbers_hold));
    settings(common, args, facts.as_ref(), &mut findings)?;
    findings.extend(check::folder(&data));
    let worst = |state| findings.iter().any(|finding| finding.state == state);
    let state = [CheckState::Failed, CheckState::Warning].into_iter().find(|state| worst(*state));
    let checked = Checked { state: state.unwrap_or(CheckState::Ok), findings };
    common.print(&checked, || describe_findings(&checked))?;
    Ok(if checked.state == CheckState::Failed { exit::ERROR } else { exit::OK })
}

/// A check that needs the store.
fn without_store(check: &'static str) -> Finding {
    Finding::skipped(check, "the store cannot be read")
}

/// What only the process with the store can read: this one, or the running server. `archived` is the number of archived
/// runs.
fn facts(
    common: &Common,
    data: &DataDir,
    archived: usize,
    findings: &mut Vec<Finding>,
) -> Option<StoreFacts> {
    let is_missing = !data.store().exists();
    let is_held = is_missing && running::has_server(data);
    if is_missing {
        findings.push(missing_store(data, is_held, archived));
        if !is_held {
            return None;
        }
    }
    // Invalid settings are a finding of their own.
    let settings = running::settings_or_defaults(common);
    let paths = ["/local/check".to_owned()];
    let read = |store: &Store| Ok(StoreFacts::read(store, data)?);
    let asked = settings.and_then(|(config, _)| {
        running::read_or_ask_as(&config, common, "the state of the store", &paths, read)
    });
    match asked {
        Ok(mut facts) => facts.pop(),
        Err(error) => {
            let action = "follow the message; `hitrate replay` rebuilds a damaged store from the archive";
            findings.push(Finding::failed("store", super::in_words(&error), action));
            None
        }
    }
}

/// The finding of a store whose file is missing: it was lost, unless nothing was recorded yet.
fn missing_store(data: &DataDir, is_held: bool, archived: usize) -> Finding {
    const CHECK: &str = "store";
    let lost = format!("{} is missing", data.store().display());
    if is_held {
        return Finding::failed(
            CHECK,
            format!("{lost}: it was deleted while the server runs, which still has it open"),
            "make a backup now (`hitrate backup` copies it from the server), then restart the service: it rebuilds the record \
             from the archive",
        );
    }
    if archived > 0 {
        let runs = format::counted(archived as u64, "run");
        return Finding::failed(
            CHECK,
            format!("{lost}, but the archive has {runs}"),
            "start the service or run `hitrate collect`: both rebuild the record from the archive; or restore a backup",
        );
    }
    if data.snapshots().exists() || data.imports().exists() {
        return Finding::failed(
            CHECK,
            format!("{lost}, and the archive has no run, but other parts of a record are there"),
            "restore the data folder from a backup (`hitrate restore`)",
        );
    }
    Finding::warning(
        CHECK,
        "there is no store yet",
        "run `hitrate collect`, start the service, or rebuild it with `hitrate replay`",
    )
}

/// The archive of the sweeps, and that of the history import.
fn archives(data: &DataDir, all: bool, findings: &mut Vec<Finding>) {
    for (what, folder) in [("archive", data.archive()), ("history archive", data.history())] {
        if what != "archive" && !folder.exists() {
            continue;
        }
        let bar = progress(0, "reading the archive");
        let scope = if all { Scope::All } else { Scope::Sample };
        let read = Archive::open(folder).verify(scope, advance(&bar));
        bar.finish_and_clear();
        findings.push(match read {
            Ok(verified) => check::archive(what, &verified),
            Err(error) => {
                let action = "give the folder to the user of the service, or copy it from a backup";
                Finding::failed(what, error.to_string(), action)
            }
        });
    }
}

/// The schedule of the settings; `None` if they cannot be read, which is a finding of its own.
fn schedule(common: &Common) -> Option<CronExpression> {
    common.settings().ok().and_then(|config| CronExpression::parse(&config.schedule.cron).ok())
}

/// Settings, contact, schedule, disk, upstream, clock, private listener and alerts.
fn settings(
    common: &Common,
    args: &CheckArgs,
    facts: Option<&StoreFacts>,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let (data, now) = (common.data(), Common::clock().now());
    let config = match common.settings() {
        Ok(config) => config,
        Err(error) => {
            let action = "correct the setting; `hitrate config --defaults` prints every one";
            findings.push(Finding::failed("settings", super::in_words(&error), action));
            findings.push(check::clock(facts, None, now));
            return Ok(());
        }
    };
    findings.push(match config.workloads(data.path()) {
        Ok(_) => Finding::ok("settings", "they are valid"),
        Err(error) => Finding::failed("settings", error.to_string(), "correct the file of `workloads.file`"),
    });
    findings.push(check::contact(&config));
    let (schedule, runs_per_day) = check::schedule(&config, now);
    findings.push(schedule);
    findings.push(check::disk(&data, runs_per_day));
    let time = if args.offline {
        findings.push(Finding::skipped("upstream", "not requested (`--offline`)"));
        None
    } else {
        let (finding, time) = runtime()?.block_on(check::upstream(&config, &data));
        findings.push(finding);
        time
    };
    // Again: reading the archive took time.
    findings.push(check::clock(facts, time, Common::clock().now()));
    findings.push(check::private_listener(&config));
    let outbox = outbox(&config, &data, Common::clock());
    findings.push(check::alerts(&config, &outbox));
    Ok(())
}

/// One line for each check, and what to do below it.
fn describe_findings(checked: &Checked) -> String {
    let names: BTreeSet<usize> = checked.findings.iter().map(|finding| finding.check.len()).collect();
    let width = names.last().copied().unwrap_or_default();
    let mut lines = Vec::new();
    for finding in &checked.findings {
        lines.push(format!("{:8} {:width$}  {}", finding.state, finding.check, finding.detail));
        if !finding.action.is_empty() {
            lines.push(format!("{:8} {:width$}  → {}", "", "", finding.action));
        }
    }
    let of = |state| checked.findings.iter().filter(|finding| finding.state == state).count() as u64;
    lines.push(format!(
        "{}, {} failed",
        format::counted(of(CheckState::Warning), "warning"),
        of(CheckState::Failed)
    ));
    lines.join("\n")
}

/// Prints the acceptance numbers of every run; exit code 1 if one misses its bound.
fn numbers(common: &Common) -> Result<u8> {
    let data = common.recorded()?;
    let asked = ("the acceptance numbers", "/local/check");
    let facts: StoreFacts = running::read_or_ask(common, asked, |store| Ok(StoreFacts::read(store, &data)?))?;
    let checked = facts.numbers.map_err(anyhow::Error::msg)?;
    if checked.is_empty() {
        bail!("there is no run with usage yet; run `hitrate collect` to create one");
    }
    common.report(&checked, || describe(&checked))?;
    Ok(if checked.iter().all(CheckedRun::agrees) { exit::OK } else { exit::ERROR })
}

columns!(CheckedRun, |row| {
    "run_id": Cell::text(&row.run_id),
    "holds": Cell::Flag(Some(row.holds)),
    "models": Cell::count(row.models),
    "aggregate_difference": Cell::Number(row.aggregate_difference),
    "endpoints": Cell::count(row.endpoints),
    "identity_error": Cell::Number(row.identity_error),
    "identity_within_one_percent": Cell::Number(row.identity_within_one_percent),
});

columns!(ListAgreement, |row| {
    "lens": Cell::text(row.lens),
    "workload": Cell::maybe(row.workload.as_ref()),
    "rated": Cell::count(row.rated),
    "contradicting": Cell::count(row.contradicting),
    "wrong_pairs": Cell::count(row.wrong_pairs),
    "held_bands": Cell::Number(Some(row.held_bands)),
});

columns!(ModeAdvice, |row| {
    "mode": Cell::text(row.mode),
    "workload": Cell::text(&row.workload),
    "given": Cell::count(row.given),
    "none": Cell::count(row.none),
    "expected_losses": Cell::count(row.expected_losses),
    "median_saving": Cell::Number(row.median_saving),
});

/// The acceptance numbers run by run.
fn describe(runs: &[CheckedRun]) -> Report {
    const COLUMNS: [Column; 7] = [
        text("run", 1),
        text("result", 1),
        number("models", 4),
        number("hit rate vs upstream", 2),
        number("endpoints", 5),
        number("identity error", 2),
        number("within 1 %", 3),
    ];
    let mut table = Table::new(&COLUMNS, tsv(runs));
    for run in runs {
        table.row([
            run.run_id.clone(),
            if run.holds { "ok".into() } else { "MISSED".to_owned() },
            run.models.to_string(),
            fixed(run.aggregate_difference, 6),
            run.endpoints.to_string(),
            dash(run.identity_error, |error| format::percent(error, 4)),
            percent(run.identity_within_one_percent),
        ]);
    }
    let bounds = format!(
        "Medians. Bounds: {AGGREGATE_BOUND} for the hit rate, {} for the price",
        format::percent(IDENTITY_BOUND, 2)
    );
    let report = Report::default().text(bounds).table(table);
    match runs.last().and_then(|run| run.published.as_ref()) {
        Some(published) => with_published(report, published),
        None => report,
    }
}

/// The agreement of the published lists and preferences.
fn with_published(report: Report, published: &Published) -> Report {
    const LISTS: [Column; 6] = [
        text("lens", 1),
        text("workload", 1),
        number("rated", 4),
        number("letters off", 2),
        number("wrong pairs", 2),
        number("held by", 3),
    ];
    const ADVICE: [Column; 6] = [
        text("mode", 1),
        text("workload", 1),
        number("given", 3),
        number("none", 4),
        number("expected losses", 2),
        number("median saving", 2),
    ];
    let mut lists = Table::new(&LISTS, tsv(&published.lists));
    for list in &published.lists {
        lists.row([
            list.lens.to_string(),
            list.workload.clone().unwrap_or_else(|| "-".to_owned()),
            list.rated.to_string(),
            list.contradicting.to_string(),
            list.wrong_pairs.to_string(),
            format!("{:.2} bands", list.held_bands),
        ]);
    }
    let mut advice = Table::new(&ADVICE, tsv(&published.advice));
    for mode in &published.advice {
        advice.row([
            mode.mode.to_string(),
            mode.workload.clone(),
            mode.given.to_string(),
            mode.none.to_string(),
            mode.expected_losses.to_string(),
            percent(mode.median_saving),
        ]);
    }
    let verdict = if published.holds { "ok" } else { "MISSED" };
    report
        .text(format!(
            "\n\nSnapshot {}: {verdict}\nLetters, order and published figures of the lists; a figure may be held at the \
             edge of its row by one band",
            published.snapshot
        ))
        .table(lists)
        .text("Preferences without limits, compared with the average of the traffic")
        .table(advice)
}
