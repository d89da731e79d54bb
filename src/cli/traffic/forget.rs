//! `hitrate traffic forget`: deletes imported calls.

use crate::cli::tables::clean;
use crate::cli::{Common, exit};
use crate::domain::format::counted;
use crate::domain::window::start;
use crate::pipeline::traffic_options;
use crate::store::{Forget, Forgotten, TrafficStore};
use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use clap::Args;

/// Options of `hitrate traffic forget`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate traffic forget --source gateway\n  \
hitrate traffic forget --before 2026-06-01\n  \
hitrate traffic forget --source gateway --from 2026-08-01 --to 2026-08-15\n  \
hitrate traffic forget --all")]
#[group(id = "what", required = true, multiple = true, args = ["source", "before", "from", "to", "all"])]
pub struct ForgetArgs {
    /// Delete calls of this source; `hitrate traffic files` lists the sources.
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    source: Option<String>,
    /// Delete calls before this time: an RFC 3339 time, or a UTC day for its midnight.
    #[arg(long, value_name = "TIME", value_parser = start, conflicts_with_all = ["all", "from", "to"])]
    before: Option<DateTime<Utc>>,
    /// Delete calls from this time on.
    #[arg(long, value_name = "TIME", value_parser = start, conflicts_with = "all")]
    from: Option<DateTime<Utc>>,
    /// Delete calls before this time.
    #[arg(long, value_name = "TIME", value_parser = start, conflicts_with = "all")]
    to: Option<DateTime<Utc>>,
    /// Delete everything.
    #[arg(long)]
    all: bool,
}

/// Runs `hitrate traffic forget`.
pub fn run(common: &Common, args: &ForgetArgs) -> Result<u8> {
    if args.from.zip(args.to).is_some_and(|(from, to)| from >= to) {
        bail!("--from must be before --to");
    }
    let data = common.data();
    let forgotten = match TrafficStore::open_existing(traffic_options(&common.settings()?, &data))? {
        Some(store) => {
            if let Some(source) = &args.source {
                check(&store.sources()?, source)?;
            }
            let to = args.to.or(args.before);
            store.forget(&Forget { source: args.source.clone(), from: args.from, to })?
        }
        None => Forgotten::default(),
    };
    common.print(&forgotten, || {
        let files = match forgotten.files {
            0 => String::new(),
            files => format!(" and {}", counted(files, "imported file")),
        };
        format!(
            "Deleted {}{files}. {} of {} remain.",
            counted(forgotten.calls, "call"),
            counted(forgotten.remaining_calls, "call"),
            counted(forgotten.remaining_files, "file")
        )
    })?;
    Ok(exit::OK)
}

/// A source that does not exist is an error, not a deletion of nothing.
fn check(known: &[String], source: &str) -> Result<()> {
    if known.iter().any(|name| name == source) {
        return Ok(());
    }
    let known: Vec<String> = known.iter().map(|name| clean(name)).collect();
    match known.as_slice() {
        [] => bail!("there is no source `{}`: nothing is imported", clean(source)),
        known => bail!("there is no source `{}`: one of {}", clean(source), known.join(", ")),
    }
}
