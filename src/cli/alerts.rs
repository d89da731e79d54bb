//! `hitrate alerts`: tests the receivers of alerts, lists them and their deliveries, turns them on and off.
//!
//! All of it works beside a running server: the state of the deliveries is a file that is changed under a lock.

use super::alerts_check::{self, CheckArgs};
use super::tables::{Column, Report, Table, line as clean_detail, name, number, text};
use super::{Common, exit, runtime};
use crate::alerts::channels::Preview;
use crate::alerts::delivery::Outbox;
use crate::domain::delivery::{Delivery, DeliveryOutcome, ReceiverState, ReceiverStatus};
use crate::domain::format::moment;
use crate::serve::outbox;
use crate::table::{Cell, columns, tsv};
use crate::wording;
use anyhow::{Result, bail};
use clap::{Args, Subcommand};

/// Options of `hitrate alerts`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate alerts list\n  \
hitrate alerts test team-slack\n  \
hitrate alerts log")]
pub struct AlertsArgs {
    #[command(subcommand)]
    verb: AlertsVerb,
}

#[derive(Debug, Subcommand)]
enum AlertsVerb {
    /// Send a test message to one receiver or to all, now.
    Test(TestArgs),
    /// Send what is due, once; `hitrate serve` does this by itself.
    #[command(after_help = "Example:\n  hitrate alerts send")]
    Send,
    /// List the receivers with their state.
    #[command(after_help = "Examples:\n  hitrate alerts list\n  hitrate alerts list --json")]
    List,
    /// Print what the rules would have reported over the recorded changes.
    Check(CheckArgs),
    /// Print the last deliveries, newest first.
    Log(LogArgs),
    /// Turn a receiver on again.
    #[command(after_help = "Example:\n  hitrate alerts enable team-slack")]
    Enable(OneArgs),
    /// Turn a receiver off until it is enabled; what waits for it is dropped.
    #[command(after_help = "Example:\n  hitrate alerts disable team-slack")]
    Disable(OneArgs),
}

/// Arguments of `alerts test`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate alerts test\n  \
hitrate alerts test team-slack\n  \
hitrate alerts test team-slack --dry-run\n\n\
The exit code is 1 if a receiver did not accept the message.")]
struct TestArgs {
    /// Name of the receiver [default: all].
    receiver: Option<String>,
    /// Print headers and body without sending them; secrets are masked.
    #[arg(long)]
    dry_run: bool,
}

/// Arguments of `alerts log`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate alerts log\n  \
hitrate alerts log --receiver team-slack --json")]
struct LogArgs {
    /// Only the deliveries to this receiver.
    #[arg(long, value_name = "NAME")]
    receiver: Option<String>,
}

/// The name of a receiver.
#[derive(Debug, Args)]
struct OneArgs {
    /// Name of the receiver.
    receiver: String,
}

/// Runs `hitrate alerts`.
pub fn run(common: &Common, args: &AlertsArgs) -> Result<u8> {
    let outbox = outbox(&common.settings()?, &common.data(), Common::clock());
    match &args.verb {
        AlertsVerb::Test(args) => test(common, &outbox, args),
        AlertsVerb::Send => send(common, &outbox),
        AlertsVerb::List => list(common, &outbox),
        AlertsVerb::Log(args) => log(common, &outbox, args),
        AlertsVerb::Enable(args) => {
            outbox.enable(&args.receiver)?;
            changed(common, &outbox, &args.receiver)
        }
        AlertsVerb::Check(args) => alerts_check::run(common, args),
        AlertsVerb::Disable(args) => {
            outbox.disable(&args.receiver)?;
            changed(common, &outbox, &args.receiver)
        }
    }
}

fn test(common: &Common, outbox: &Outbox, args: &TestArgs) -> Result<u8> {
    let names = args.receiver.clone().map_or_else(|| outbox.names(), |name| vec![name]);
    if names.is_empty() {
        bail!(
            "there is no receiver to test: the settings have no `[[alerts.receivers]]`; see docs/following.md"
        );
    }
    if args.dry_run {
        return preview(common, outbox, &names);
    }
    let deliveries: Result<Vec<Delivery>> = runtime()?.block_on(async {
        let mut deliveries = Vec::new();
        for name in &names {
            deliveries.push(outbox.test(name).await?);
        }
        Ok(deliveries)
    });
    let deliveries = deliveries?;
    let line = |one: &Delivery| {
        let status = one.status.map_or_else(|| "no response".to_owned(), |status| format!("status {status}"));
        match one.outcome {
            DeliveryOutcome::Delivered => format!("{}: delivered ({status})", one.receiver),
            _ => format!("{}: not delivered ({status}): {}", one.receiver, clean_detail(&one.detail)),
        }
    };
    common.print(&deliveries, || deliveries.iter().map(line).collect::<Vec<_>>().join("\n"))?;
    let is_well = deliveries.iter().all(|one| one.outcome == DeliveryOutcome::Delivered);
    Ok(if is_well { exit::OK } else { exit::ERROR })
}

/// Sends what is due: for those who run `hitrate collect` by a timer of their own.
fn send(common: &Common, outbox: &Outbox) -> Result<u8> {
    let run = runtime()?.block_on(outbox.run_due())?;
    common.print(&run, || format!("delivered: {}, failed: {}", run.delivered, run.failed))?;
    Ok(if run.failed == 0 { exit::OK } else { exit::ERROR })
}

fn preview(common: &Common, outbox: &Outbox, names: &[String]) -> Result<u8> {
    let mut previews = Vec::new();
    for name in names {
        match outbox.preview(name)? {
            Ok(preview) => previews.push(preview),
            Err(problem) => bail!("receiver `{name}`: {problem}"),
        }
    }
    let shown = |one: &Preview| {
        let mut lines = vec![format!("{} ({}) to {}", one.receiver, one.kind, one.to)];
        lines.extend(one.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        lines.push(String::new());
        lines.push(one.body.clone());
        lines.join("\n")
    };
    common.print(&previews, || previews.iter().map(shown).collect::<Vec<_>>().join("\n\n"))?;
    Ok(exit::OK)
}

columns!(ReceiverStatus, |row| {
    "name": Cell::text(&row.name),
    "kind": Cell::text(&row.kind),
    "state": Cell::text(row.state),
    "since": Cell::Time(row.since),
    "delivered_at": Cell::Time(row.delivered_at),
    "waiting": Cell::count(row.waiting),
});

fn list(common: &Common, outbox: &Outbox) -> Result<u8> {
    const COLUMNS: [Column; 6] = [
        name("receiver", 1),
        text("kind", 1),
        text("state", 1),
        text("since (UTC)", 2),
        text("last delivery (UTC)", 2),
        number("waiting", 1),
    ];
    let status = outbox.status()?;
    common.report(&status.receivers, || {
        let mut table = Table::new(&COLUMNS, tsv(&status.receivers));
        for one in &status.receivers {
            table.row([
                one.name.clone(),
                one.kind.clone(),
                wording::alerts::receiver(one.state).to_owned(),
                one.since.map_or_else(|| "-".to_owned(), moment),
                one.delivered_at.map_or_else(|| "-".to_owned(), moment),
                one.waiting.to_string(),
            ]);
        }
        let report = Report::default();
        if status.receivers.is_empty() {
            return report
                .aside("The settings have no `[[alerts.receivers]]`; see docs/following.md.")
                .table(table);
        }
        let off = status.receivers.iter().filter(|one| one.state == ReceiverState::SwitchedOff);
        let report = off.fold(report, |report, one| {
            report.aside(format!("Turn {0} on again with: hitrate alerts enable {0}", one.name))
        });
        report.table(table)
    })?;
    Ok(exit::OK)
}

columns!(Delivery, |row| {
    "at": Cell::Time(Some(row.at)),
    "receiver": Cell::text(&row.receiver),
    "message_id": Cell::text(&row.message_id),
    "notices": Cell::count(row.notices),
    "attempt": Cell::Whole(Some(i64::from(row.attempt))),
    "outcome": Cell::text(row.outcome),
    "status": Cell::Whole(row.status.map(i64::from)),
    "detail": Cell::text(&row.detail),
});

fn log(common: &Common, outbox: &Outbox, args: &LogArgs) -> Result<u8> {
    const COLUMNS: [Column; 7] = [
        text("time (UTC)", 1),
        name("receiver", 1),
        text("outcome", 1),
        number("status", 1),
        number("notices", 3),
        number("attempt", 2),
        name("reason", 2),
    ];
    let mut deliveries = outbox.status()?.deliveries;
    if let Some(wanted) = &args.receiver {
        // The log keeps receivers that are no longer in the settings.
        deliveries.retain(|one| one.receiver == *wanted);
    }
    common.report(&deliveries, || {
        let mut table = Table::new(&COLUMNS, tsv(&deliveries));
        for one in &deliveries {
            table.row([
                moment(one.at),
                one.receiver.clone(),
                wording::alerts::outcome(one.outcome).to_owned(),
                one.status.map_or_else(|| "-".to_owned(), |status| status.to_string()),
                one.notices.to_string(),
                one.attempt.to_string(),
                clean_detail(&one.detail),
            ]);
        }
        let report = Report::default();
        match deliveries.is_empty() {
            true => report.aside("Nothing is delivered yet.").table(table),
            false => report.table(table),
        }
    })?;
    Ok(exit::OK)
}

/// Prints the receiver that was turned on or off.
fn changed(common: &Common, outbox: &Outbox, name: &str) -> Result<u8> {
    let status = outbox.status()?;
    let one = status.receivers.iter().find(|one| one.name == name);
    let line =
        || one.map_or_else(String::new, |one| format!("{name}: {}", wording::alerts::receiver(one.state)));
    common.print(&one, line)?;
    Ok(exit::OK)
}
