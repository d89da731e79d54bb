//! `hitrate prefs`.

use super::{Common, exit, print_json, print_text};
use crate::clock::Clock;
use crate::preferences::{Mode, openrouter};
use anyhow::{Result, bail};
use clap::Args;

/// Arguments of `prefs`.
#[derive(Debug, Args)]
pub struct PrefsArgs {
    /// Model id or canonical slug.
    model: String,
    /// The router it is for.
    #[arg(long = "for", value_name = "TARGET", default_value = "openrouter", value_parser = ["openrouter"])]
    target: String,
    /// How much it takes over: avoid the bad ones, shortlist the good ones, pin the best.
    #[arg(long, default_value = "avoid", value_parser = ["avoid", "shortlist", "pin"])]
    mode: String,
    /// Workload to rank by [default: coding-agent].
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
}

/// Prints a preference from the saved snapshot, as of that snapshot: a person asks for what the data said. The API,
/// which routers follow unattended, gives none once the data are stale.
pub fn run(common: &Common, args: &PrefsArgs) -> Result<u8> {
    let snapshot = common.snapshot()?;
    let model = super::model::find(&snapshot, &args.model)?;
    let Some(mode) = Mode::ALL.into_iter().find(|mode| mode.as_str() == args.mode) else {
        bail!("unknown mode `{}`", args.mode);
    };
    let workload = args.workload.as_deref().unwrap_or(snapshot.default_workload());
    if !snapshot.workloads.iter().any(|known| known.name == workload) {
        let known: Vec<&str> = snapshot.workloads.iter().map(|workload| workload.name.as_str()).collect();
        bail!("unknown workload `{workload}`: one of {}", known.join(", "));
    }
    let mut preference = openrouter::preference(&snapshot, model, mode, workload, snapshot.as_of);
    let now = Common::clock().now();
    if now > preference.valid_until {
        preference.warnings.push(format!(
            "expired: the data are of {}; collect before you use this",
            snapshot.as_of.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        ));
    }
    if common.json {
        print_json(&preference)?;
    } else {
        print_text(&serde_json::to_string_pretty(&preference)?)?;
    }
    Ok(exit::OK)
}
