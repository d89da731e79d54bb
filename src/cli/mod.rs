//! The command line: one file per verb. `--json` prints exactly one JSON document on standard output; logs go to
//! standard error.

mod accept;
mod alerts;
mod alerts_check;
mod backtest;
mod backup;
mod changes;
mod check;
mod collect;
mod cost;
mod dataset;
mod demo;
mod export;
mod import;
mod logging;
mod logs;
mod mcp;
mod mine;
mod model;
mod open;
mod output;
mod plain;
mod prefs;
mod publish;
mod query;
mod replay;
mod rollup;
mod running;
mod serve;
mod share;
mod show;
mod status;
mod stopping;
mod study;
mod tables;
mod terminal;
mod tiers;
mod traffic;
mod workload;

use crate::clock::SystemClock;
use crate::config::{Config, LogFormat};
use crate::pipeline::{DataDir, PipelineError, refuse_half_replay};
use crate::snapshot::{self, Snapshot};
use crate::store::StoreError;
use anyhow::{Context, Result, bail};
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tables::Report;
use terminal::{Form, Look, When};

const DEFAULT_DATA_DIR: &str = "hitrate-data";

/// Documented exit codes.
pub mod exit {
    /// Done.
    pub const OK: u8 = 0;
    /// Something went wrong, for example an invalid setting; standard error says what.
    pub const ERROR: u8 = 1;
    /// The command line is invalid.
    pub const USAGE: u8 = 2;
    /// `prefs --check` could not compare the file; standard error says why.
    pub const UNCHECKED: u8 = 3;
    /// The upstream is down or refuses requests.
    pub const UPSTREAM: u8 = 4;
    /// The run is stored, but parts of it failed; for `replay` and `publish`: some runs or pages are missing; for `traffic import`: some
    /// entries or files could not be read; for `import file`: some rows could not be used; for `import upstream`: some
    /// requests are left; for `backup`: the data folder lacks its store or a file of the archive; for `restore`: damaged
    /// files were left out.
    pub const PARTIAL: u8 = 5;
    /// The store was written by a newer version.
    pub const TOO_NEW: u8 = 6;
    /// The run is suspect: it is archived but not published.
    pub const SUSPECT: u8 = 7;
    /// Another process holds the store.
    pub const LOCKED: u8 = 8;
}

/// Shows which inference providers really cache your prompts and what you pay, and derives router preferences.
#[derive(Debug, Parser)]
#[command(name = "hitrate", version, about, long_about = None, propagate_version = true, max_term_width = 110)]
#[command(
    after_help = "Without a verb, hitrate starts the service: collector, site and API (`hitrate serve`).\n\n\
Examples:\n  \
hitrate demo\n  \
hitrate tiers\n  \
hitrate prefs moonshotai/kimi-k2.6 --for opencode\n\n\
Exit codes: 0 ok, 1 error, 2 usage, 3 could not compare, 4 upstream unavailable, 5 partial, 6 store written by a newer version, 7 suspect run, 8 store in use."
)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Option<Verb>,
}

/// Options that are valid for every verb, before or after it.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Folder for archive, store and snapshots [default: hitrate-data].
    #[arg(
        long,
        global = true,
        help_heading = "Global options",
        env = "HITRATE_DATA_DIR",
        value_name = "DIR"
    )]
    data_dir: Option<PathBuf>,
    /// Settings file [default: hitrate.toml in the data folder, if it exists].
    #[arg(long, global = true, help_heading = "Global options", env = "HITRATE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON document on standard output; if the API answers the same question, it is the API's `data`.
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
    /// Form of tables: `text` fits the terminal, `tsv` has a header line and values without units, `auto` is `text` on a
    /// terminal and `tsv` in a pipe.
    #[arg(
        long,
        global = true,
        help_heading = "Global options",
        value_name = "FORM",
        value_enum,
        default_value = "auto"
    )]
    table: Form,
    /// Show all columns of a table, whatever the width of the terminal.
    #[arg(long, global = true, help_heading = "Global options")]
    wide: bool,
    /// When to use colour: `auto` is on a terminal, unless NO_COLOR is set.
    #[arg(
        long,
        global = true,
        help_heading = "Global options",
        value_name = "WHEN",
        value_enum,
        default_value = "auto"
    )]
    color: When,
    /// Form of the log on standard error: `text` for people, `json` for one object a line [default: setting `log.format`].
    #[arg(
        long,
        global = true,
        help_heading = "Global options",
        env = "HITRATE_LOG_FORMAT",
        value_name = "FORM"
    )]
    log_format: Option<LogFormat>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Collect every hour and serve the site and the API (the default).
    Serve(serve::ServeArgs),
    /// Run the whole service against a simulated upstream: no network, no key.
    Demo(demo::DemoArgs),
    /// Collect once.
    Collect(collect::CollectArgs),
    /// Accept the changed fields of a suspect run, and publish the run.
    Accept(accept::AcceptArgs),
    /// Rebuild the store and the snapshot from the archive alone.
    Replay(replay::ReplayArgs),
    /// Print the tier list of the providers.
    Tiers(tiers::TiersArgs),
    /// Print whether the data are current, and how the last runs went.
    Status(status::StatusArgs),
    /// Print what changed over the whole record: prices, endpoints, models, tiers, recommendations.
    Changes(changes::ChangesArgs),
    /// Print who serves the traffic: the shares of providers, or of a model's endpoints.
    Share(share::ShareArgs),
    /// Test, list and switch the receivers of alerts.
    Alerts(alerts::AlertsArgs),
    /// Print the address of a model's page.
    Open(open::OpenArgs),
    /// Compare the endpoints of a model.
    Model(model::ModelArgs),
    /// Print a preference to copy into a router.
    Prefs(prefs::PrefsArgs),
    /// Print what a session costs at every endpoint of a model, or across all models.
    Cost(cost::CostArgs),
    /// Fit a workload to request logs, or print the available workloads.
    Workload(workload::WorkloadArgs),
    /// Read your own logs: your hit rates, misses, spend, and what they would have cost elsewhere.
    Traffic(traffic::TrafficArgs),
    /// Print what each routing policy would have cost, day by day.
    Backtest(backtest::BacktestArgs),
    /// Write stored data to a file.
    Export(export::ExportArgs),
    /// Import data from before the record or from outside it: files, or what the upstream still offers.
    Import(import::ImportArgs),
    /// Write the record as monthly Parquet files that DuckDB, Polars and pandas read as they are.
    Dataset(dataset::DatasetArgs),
    /// Answer a question in SQL over the documented views of the record.
    Query(query::QueryArgs),
    /// Roll up the hourly readings that are older than the setting.
    Rollup(rollup::RollupArgs),
    /// Write the whole site as static files, for any web host.
    Publish(publish::PublishArgs),
    /// Answer an AI agent through the Model Context Protocol, on standard input and output.
    Mcp(mcp::McpArgs),
    /// Check the installation: store, archive, snapshot, settings, clock, disk, upstream, alerts.
    Check(check::CheckArgs),
    /// Write or verify a backup of the data folder, also while the service runs.
    Backup(backup::BackupArgs),
    /// Make a new data folder of a backup.
    Restore(backup::RestoreArgs),
    /// Check the method on simulated worlds with a known truth.
    Study(study::StudyArgs),
    /// Check the health of a running server (for containers).
    Healthcheck(running::HealthcheckArgs),
    /// Print the effective settings.
    Config(show::ConfigArgs),
    /// Print the OpenAPI description of the API.
    #[command(after_help = "Example:\n  hitrate openapi > openapi.json")]
    Openapi,
    /// Print a completion script.
    Completions(show::CompletionsArgs),
    /// Print the version.
    #[command(after_help = "Examples:\n  hitrate version\n  hitrate version --json")]
    Version,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::init(cli.common.log_format(), cli.common.color);
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) if is_broken_pipe(&error) => ExitCode::from(exit::OK),
        Err(error) => {
            eprintln!("hitrate: {}", plain::harmless(&in_words(&error)));
            ExitCode::from(code_of(&error))
        }
    }
}

/// An error with its causes, each said once: many messages contain their cause already.
fn in_words(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// A reader that closes the pipe (`hitrate tiers | head`) is not a failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

fn code_of(error: &anyhow::Error) -> u8 {
    let store = error.chain().find_map(|cause| {
        cause.downcast_ref::<StoreError>().or_else(|| match cause.downcast_ref::<PipelineError>() {
            Some(PipelineError::Store(store)) => Some(store),
            _ => None,
        })
    });
    match store {
        Some(StoreError::TooNew { .. }) => exit::TOO_NEW,
        Some(StoreError::Locked { .. }) => exit::LOCKED,
        _ => exit::ERROR,
    }
}

fn run(cli: Cli) -> Result<u8> {
    let common = cli.common;
    match cli.verb.unwrap_or(Verb::Serve(serve::ServeArgs::default())) {
        Verb::Serve(args) => serve::run(&common, &args),
        Verb::Demo(args) => demo::run(&common, &args),
        Verb::Collect(args) => collect::run(&common, &args),
        Verb::Accept(args) => accept::run(&common, &args),
        Verb::Replay(args) => replay::run(&common, &args),
        Verb::Tiers(args) => tiers::run(&common, &args),
        Verb::Status(args) => status::run(&common, &args),
        Verb::Changes(args) => changes::run(&common, &args),
        Verb::Share(args) => share::run(&common, &args),
        Verb::Alerts(args) => alerts::run(&common, &args),
        Verb::Open(args) => open::run(&common, &args),
        Verb::Model(args) => model::run(&common, &args),
        Verb::Prefs(args) => prefs::run(&common, &args),
        Verb::Cost(args) => cost::run(&common, &args),
        Verb::Workload(args) => workload::run(&common, &args),
        Verb::Traffic(args) => traffic::run(&common, &args),
        Verb::Backtest(args) => backtest::run(&common, &args),
        Verb::Export(args) => export::run(&common, &args),
        Verb::Import(args) => import::run(&common, &args),
        Verb::Dataset(args) => dataset::run(&common, &args),
        Verb::Query(args) => query::run(&common, &args),
        Verb::Rollup(args) => rollup::run(&common, &args),
        Verb::Publish(args) => publish::run(&common, &args),
        Verb::Mcp(args) => mcp::run(&common, &args),
        Verb::Check(args) => check::run(&common, &args),
        Verb::Backup(args) => backup::run(&common, &args),
        Verb::Restore(args) => backup::restore(&common, &args),
        Verb::Study(args) => study::run(&common, &args),
        Verb::Healthcheck(args) => running::healthcheck(&common, &args),
        Verb::Config(args) => show::config(&common, &args),
        Verb::Openapi => show::openapi(),
        Verb::Completions(args) => show::completions(&args, &mut Cli::command()),
        Verb::Version => show::version(&common),
    }
}

impl Common {
    fn data(&self) -> DataDir {
        DataDir::new(self.data_dir.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_DATA_DIR)))
    }

    /// The form of the log. Invalid settings are reported by the command, not here.
    fn log_format(&self) -> LogFormat {
        let of_settings = || self.settings().map_or(LogFormat::Text, |config| config.log.format);
        self.log_format.unwrap_or_else(of_settings)
    }

    /// The data folder, if it has a store.
    fn recorded(&self) -> Result<DataDir> {
        let data = self.data();
        if !data.store().exists() {
            bail!("there is no store in {} yet; run `hitrate collect` to create one", data.path().display());
        }
        refuse_half_replay(&data)?;
        Ok(data)
    }

    fn settings(&self) -> Result<Config> {
        Ok(Config::load(self.config.as_deref(), self.data().path())?)
    }

    /// The saved snapshot of the data folder.
    fn snapshot(&self) -> Result<Snapshot> {
        let data = self.data();
        let loaded = snapshot::store::load(&data.snapshots())?;
        loaded.with_context(|| {
            format!(
                "there is no snapshot in {} yet; run `hitrate collect` to create one, or `hitrate demo` to try hitrate without an upstream",
                data.path().display()
            )
        })
    }

    /// Prints one JSON document with `--json`, and otherwise a text for people.
    fn print(&self, value: &impl serde::Serialize, text: impl FnOnce() -> String) -> Result<()> {
        if self.json { print_json(value) } else { print_text(&text()) }
    }

    /// Prints one JSON document with `--json`, and otherwise texts and tables for people, or the tables alone in a pipe.
    fn report(&self, value: &impl serde::Serialize, report: impl FnOnce() -> Report) -> Result<()> {
        if self.json { print_json(value) } else { self.show(&report()) }
    }

    fn show(&self, report: &Report) -> Result<()> {
        let look = Look::of(self.table, self.color, self.wide);
        report.asides(&look).into_iter().for_each(|aside| eprintln!("{}", plain::shown(aside)));
        print_text(&report.render(&look))
    }

    fn clock() -> Arc<SystemClock> {
        Arc::new(SystemClock)
    }
}

fn print_json(value: &impl serde::Serialize) -> Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Prints a text for people; names in it cannot control a terminal.
fn print_text(text: &str) -> Result<()> {
    print_exactly(&plain::shown(text))
}

/// Prints a text for a file as it is.
fn print_exactly(text: &str) -> Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the async runtime")
}

/// A progress bar on standard error; hidden if standard error is not a terminal.
fn progress(total: usize, what: &str) -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new(total as u64);
    let style = indicatif::ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}

/// Shows on a bar how much of a total is done.
fn advance(bar: &indicatif::ProgressBar) -> impl Fn(usize, usize) + Sync {
    |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_the_message_contains_is_said_once() {
        let cause = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let error = anyhow::Error::from(cause()).context(format!("a.csv: {}", cause()));
        assert_eq!(in_words(&error), format!("a.csv: {}", cause()));
        let error = anyhow::Error::from(cause()).context("cannot read a.csv");
        assert_eq!(in_words(&error), format!("cannot read a.csv: {}", cause()));
        let said = format!("cannot listen on 127.0.0.1:80: {}; choose another address", cause());
        let error = anyhow::Error::from(cause()).context(said.clone());
        assert_eq!(in_words(&error), said);
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn common_options_stand_before_or_after_the_verb() {
        for line in [
            &["hitrate", "--data-dir", "d", "tiers", "--lens", "cache"][..],
            &["hitrate", "tiers", "--lens", "cache", "--data-dir", "d"],
        ] {
            let cli = Cli::try_parse_from(line).expect("valid");
            assert_eq!(cli.common.data().path(), std::path::Path::new("d"));
        }
    }

    /// The commands of the examples in a help: lines that are indented by two spaces, up to a pipe or redirection.
    fn examples(help: &str) -> Vec<Vec<String>> {
        let after = help.split_once("Examples:\n").or_else(|| help.split_once("Example:\n"));
        let lines = after.map(|(_, lines)| lines.lines()).into_iter().flatten();
        let indented = lines.take_while(|line| line.starts_with("  ")).map(str::trim);
        indented
            .map(|line| {
                // The command inside of `$(…)`, for a line that uses the output.
                let inner = line.split_once("$(").and_then(|(_, rest)| rest.split_once(')'));
                let command = inner.map_or(line, |(command, _)| command);
                let words = command.split_whitespace();
                words.take_while(|word| !["|", ">", ">>"].contains(word)).map(str::to_owned).collect()
            })
            .collect()
    }

    fn check_examples(command: &clap::Command, path: &str) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = examples(&help);
        assert!(!examples.is_empty(), "`{path} --help` has no example");
        for example in examples {
            let line = example.join(" ");
            assert!(line.starts_with(path), "`{path} --help` has an example of another command: {line}");
            if let Err(error) = Cli::try_parse_from(&example) {
                panic!("the example `{line}` of `{path} --help` is refused: {error}");
            }
        }
        for child in command.get_subcommands().filter(|child| child.get_name() != "help") {
            check_examples(child, &format!("{path} {}", child.get_name()));
        }
    }

    #[test]
    fn every_help_has_examples_and_they_are_valid() {
        check_examples(&Cli::command(), "hitrate");
    }

    #[test]
    fn tiers_are_those_of_the_default_lens_of_the_site() {
        let cli = Cli::try_parse_from(["hitrate", "tiers"]).expect("valid");
        let Some(Verb::Tiers(args)) = cli.verb else { panic!("another verb") };
        assert_eq!(args.lens, crate::domain::tier::Lens::Cost);
    }
}
