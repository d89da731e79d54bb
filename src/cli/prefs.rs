//! `hitrate prefs`.

use super::{Common, exit, print_json, print_text};
use crate::clock::Clock;
use crate::domain::limits::Limits;
use crate::preferences::{Mode, Wish, advise, known_workload};
use anyhow::{Result, anyhow};
use clap::Args;

/// Arguments of `prefs`.
#[derive(Debug, Args)]
pub struct PrefsArgs {
    /// Model id or canonical slug.
    model: String,
    /// The router it is for.
    #[arg(long = "for", value_name = "TARGET", default_value = "openrouter", value_parser = ["openrouter"])]
    target: String,
    /// How much it takes over: avoid the bad ones, shortlist the good ones, pin the best, or try the good ones in order
    /// (which switches the router's sticky routing off).
    #[arg(long, default_value = "avoid", value_parser = ["avoid", "shortlist", "pin", "order"])]
    mode: String,
    /// Workload to rank by; `traffic` is the mix that its endpoints serve [default: coding-agent].
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    #[command(flatten)]
    limits: LimitArgs,
}

/// Hard limits: what an endpoint must keep to be used at all. What is not known of an endpoint does not keep a limit.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// Coarsest weight format that will do, such as fp8.
    #[arg(long, value_name = "FORMAT")]
    quant_floor: Option<String>,
    /// Prompts must not be used for training.
    #[arg(long)]
    no_training: bool,
    /// Prompts must not be kept.
    #[arg(long)]
    no_retention: bool,
    /// Zero data retention: the router is told too.
    #[arg(long)]
    zdr: bool,
    /// Request parameters that must be taken, such as tools,response_format.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    parameters: Vec<String>,
    /// Shortest context length that will do, tokens.
    #[arg(long, value_name = "TOKENS")]
    context: Option<i64>,
    /// Region: eu, us, or the name of one.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Highest list price of prompt tokens, USD per million.
    #[arg(long, value_name = "USD")]
    max_input: Option<f64>,
    /// Highest list price of completion tokens, USD per million.
    #[arg(long, value_name = "USD")]
    max_output: Option<f64>,
    /// Lowest availability over a day (uptime where that is not published), 0 to 1.
    #[arg(long, value_name = "SHARE")]
    min_availability: Option<f64>,
}

impl LimitArgs {
    fn limits(&self) -> Result<Limits> {
        let limits = Limits {
            quant_floor: self
                .quant_floor
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(|why| anyhow!("{why}"))?,
            no_training: self.no_training,
            no_retention: self.no_retention,
            zdr: self.zdr,
            parameters: self.parameters.clone(),
            context: self.context,
            region: self.region.clone(),
            max_input: self.max_input,
            max_output: self.max_output,
            min_availability: self.min_availability,
        };
        limits.checked().map_err(|why| anyhow!("{why}"))
    }
}

/// Prints a preference from the saved snapshot, as of that snapshot: a person asks for what the data said. The API,
/// which routers follow unattended, gives none once the data are stale.
pub fn run(common: &Common, args: &PrefsArgs) -> Result<u8> {
    let limits = args.limits.limits()?;
    let snapshot = common.snapshot()?;
    let model = super::model::find(&snapshot, &args.model)?;
    let mode: Mode = args.mode.parse().map_err(|why: String| anyhow!("{why}"))?;
    let workload = known_workload(&snapshot, args.workload.as_deref()).map_err(|why| anyhow!("{why}"))?;
    let wish = Wish { mode, workload, limits: &limits };
    let mut preference = advise(&snapshot, model, &wish, snapshot.as_of);
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
