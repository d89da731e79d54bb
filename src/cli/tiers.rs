//! `hitrate tiers`: prints a tier list.

use super::{Common, exit, print_json, print_text, running, tables};
use crate::domain::tier::Lens;
use crate::domain::tier_list::TierList;
use crate::domain::window::moment;
use crate::pipeline::{build_snapshot, open_store};
use crate::snapshot::Snapshot;
use crate::store::StoreError;
use anyhow::{Context, Error, Result, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;

/// Arguments of `tiers`.
#[derive(Debug, Args)]
pub struct TiersArgs {
    /// Lens to rank by: cache, cost, reliability, speed or overall.
    #[arg(long, default_value = "cache")]
    lens: Lens,
    /// Workload for cost and overall [default: coding-agent].
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// Show the list as known at this time: an RFC 3339 time, or a date for the end of that UTC day.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    as_of: Option<DateTime<Utc>>,
}

/// Prints a tier list from the saved snapshot, or recomputed for a past day.
pub fn run(common: &Common, args: &TiersArgs) -> Result<u8> {
    let snapshot = match args.as_of {
        None => common.snapshot()?,
        Some(time) => past(common, time)?,
    };
    let list = pick(&snapshot, args.lens, args.workload.as_deref())?;
    if common.json {
        print_json(list)?;
    } else {
        print_text(&tables::tiers(list, snapshot.simulated))?;
    }
    Ok(exit::OK)
}

fn pick<'a>(snapshot: &'a Snapshot, lens: Lens, workload: Option<&str>) -> Result<&'a TierList> {
    let workload = snapshot.workload_name(workload).map_err(Error::msg)?;
    snapshot
        .tier_list(lens, Some(workload))
        .context("the snapshot does not contain this tier list; the next collection adds it")
}

/// The snapshot as it would have been at a given time: what was known then, with the tier history up to then.
fn past(common: &Common, time: DateTime<Utc>) -> Result<Snapshot> {
    let data = common.data();
    if !data.store().exists() {
        bail!("there is no store in {} yet; run `hitrate collect` to create one", data.path().display());
    }
    match open_store(&common.settings()?, &data) {
        Ok(store) => {
            let workloads = common.settings()?.workloads(data.path())?;
            Ok(build_snapshot(&store, Some(time), workloads, time)?)
        }
        Err(StoreError::Locked { .. }) => {
            let time = time.to_rfc3339_opts(SecondsFormat::Micros, true);
            let body = running::ask(&data, &format!("/local/snapshot?as_of={time}"))?;
            serde_json::from_slice(&body).context("the server's response is not a snapshot")
        }
        Err(error) => Err(error.into()),
    }
}
