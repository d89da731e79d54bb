//! `hitrate changes`: what changed over the whole record.

use super::tables::{Column, Report, Table, clean, name, text};
use super::{Common, exit, running};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::change_filter::{ChangeFilter, is_named};
use crate::domain::window;
use crate::domain::written_name::WrittenName;
use crate::pipeline::{RecordedChanges, recorded_changes};
use crate::snapshot::find::nearest_names;
use crate::store::ChangeNames;
use crate::table::tsv;
use anyhow::{Result, bail, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Serialize;
use uuid::Uuid;

/// Number of changes in a table.
const LIMIT: usize = 100;

/// Arguments of `changes`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate changes\n  \
hitrate changes --kind price_changed --kind price_schedule --from 2026-08-01\n  \
hitrate changes --from 2026-08-01 --to 2026-08-07 --json\n  \
hitrate changes --model moonshotai/kimi-k2.6 --provider deepinfra")]
pub struct ChangesArgs {
    /// Only changes of this kind; may be repeated.
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(ChangeKind::ALL.map(ChangeKind::as_str)))]
    kind: Vec<String>,
    /// Only changes of this model, which may be gone: a model id, a canonical slug for all its variants, or a pattern such
    /// as `deepseek/*`.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Only changes of this provider and its endpoints, by base slug.
    #[arg(long, value_name = "SLUG")]
    provider: Option<String>,
    /// Only changes of this endpoint: its UUID or its tag.
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<String>,
    /// Only changes from this time on: an RFC 3339 time, or a date for the start of that UTC day.
    #[arg(long, alias = "since", value_name = "TIME", value_parser = window::start)]
    from: Option<DateTime<Utc>>,
    /// Only changes up to this time: an RFC 3339 time, or a date for the end of that UTC day.
    #[arg(long, value_name = "TIME", value_parser = window::moment)]
    to: Option<DateTime<Utc>>,
    /// Number of changes to print; 0 means all [default: 100, with --json all].
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// The document of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    changes: &'a [Change],
}

/// Prints the changes of the record, newest first.
pub fn run(common: &Common, args: &ChangesArgs) -> Result<u8> {
    if let (Some(from), Some(to)) = (args.from, args.to) {
        ensure!(from <= to, "--from {} is after --to {}", from.to_rfc3339(), to.to_rfc3339());
    }
    let bound = |name: &str, time: Option<DateTime<Utc>>| {
        time.map(|time| format!("{name}={}", time.to_rfc3339_opts(SecondsFormat::Micros, true)))
    };
    let bounds: Vec<String> =
        [bound("from", args.from), bound("to", args.to)].into_iter().flatten().collect();
    let path = format!("/local/changes?{}", bounds.join("&"));
    let workloads = common.settings()?.workloads(common.data().path())?;
    let RecordedChanges { mut changes, names, simulated, since } =
        running::read_or_ask(common, ("a list of changes", &path), |store| {
            Ok(recorded_changes(store, &workloads, (args.from, args.to))?)
        })?;
    let filter = filter(args, &names)?;
    changes.retain(|change| filter.admits(change));
    let all = changes.len();
    let limit = args.limit.unwrap_or(if common.json { 0 } else { LIMIT });
    if limit > 0 {
        changes.truncate(limit);
    }
    common.report(&Document { changes: &changes }, || describe(&changes, all, since).simulated(simulated))?;
    Ok(exit::OK)
}

/// The wanted changes.
///
/// # Errors
/// If a name is not in the record; the error lists the nearest names.
fn filter(args: &ChangesArgs, names: &ChangeNames) -> Result<ChangeFilter> {
    let model = args.model.as_deref().map(|name| known_model(name, names)).transpose()?;
    if let Some(slug) = args.provider.as_deref().filter(|slug| !names.providers.contains(*slug)) {
        return unknown("provider", slug, names.providers.iter());
    }
    let endpoint = args.endpoint.as_deref().map(|name| {
        // A UUID in any of its forms.
        let name = Uuid::parse_str(name).map_or_else(|_| name.to_owned(), |id| id.to_string());
        if names.endpoints.contains(&name) {
            Ok(name)
        } else {
            unknown("endpoint", &name, names.endpoints.iter())
        }
    });
    Ok(ChangeFilter {
        kinds: args.kind.iter().filter_map(|kind| ChangeKind::parse(kind)).collect(),
        model,
        provider: args.provider.clone(),
        endpoint: endpoint.transpose()?,
        from: args.from,
        to: args.to,
        min_percent: None,
    })
}

/// The model of a name, which may be an alias and may have shortcuts.
fn known_model(name: &str, names: &ChangeNames) -> Result<String> {
    for name in [name, WrittenName::parse(name).model] {
        if names.models.iter().any(|known| is_named(name, known)) {
            return Ok(name.to_owned());
        }
        if let Some(target) = names.aliases.get(name) {
            return Ok(target.clone());
        }
    }
    unknown("model", name, names.models.iter())
}

fn unknown<'a, T>(what: &str, name: &str, known: impl Iterator<Item = &'a String>) -> Result<T> {
    match nearest_names(name, known.map(String::as_str)).as_slice() {
        [] => bail!("the record has no {what} `{name}`"),
        near => bail!("the record has no {what} `{name}`; similar names: {}", near.join(", ")),
    }
}

fn describe(changes: &[Change], all: usize, since: Option<DateTime<Utc>>) -> Report {
    const COLUMNS: [Column; 5] =
        [text("time (UTC)", 2), text("change", 4), name("model", 1), name("endpoint", 3), name("why", 1)];
    let mut table = Table::new(&COLUMNS, tsv(changes));
    for change in changes {
        let provider = change.provider.as_ref().map(ToString::to_string);
        let endpoint = change.tag.as_ref().map(ToString::to_string).or(provider);
        table.row([
            change.at.format("%Y-%m-%d %H:%M").to_string(),
            change.kind.as_str().replace('_', " "),
            change.model_id.clone().unwrap_or_else(|| "-".to_owned()),
            endpoint.unwrap_or_else(|| "-".to_owned()),
            change.why.clone(),
        ]);
    }
    if all == 0 {
        let begin = since
            .map_or_else(String::new, |since| format!("; the record begins on {}", since.format("%Y-%m-%d")));
        return Report::default().table(table).text(format!("No change matches{begin}."));
    }
    let shown = changes.len();
    let more = if shown < all { " (--limit 0 prints all)" } else { "" };
    Report::default().table(table).text(clean(&format!("{shown} of {all} changes{more}")))
}
