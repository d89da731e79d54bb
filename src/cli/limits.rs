//! Limits on the command line.

use crate::domain::limits::Limits;
use anyhow::{Result, anyhow};
use clap::Args;

/// Hard limits that an endpoint must satisfy to be used at all. An unknown value does not satisfy a limit.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Coarsest acceptable weight format, such as fp8.
    #[arg(long, value_name = "FORMAT")]
    quant_floor: Option<String>,
    /// Prompts must not be used for training.
    #[arg(long)]
    no_training: bool,
    /// Prompts must not be retained.
    #[arg(long)]
    no_retention: bool,
    /// Zero data retention; also sent to the router.
    #[arg(long)]
    zdr: bool,
    /// Request parameters that an endpoint must support, such as tools,response_format.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    parameters: Vec<String>,
    /// Minimum context length, in tokens.
    #[arg(long, value_name = "TOKENS")]
    context: Option<i64>,
    /// Region: eu, us, or the name of a region.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Maximum list price of prompt tokens, USD per million.
    #[arg(long, value_name = "USD")]
    max_input: Option<f64>,
    /// Maximum list price of completion tokens, USD per million.
    #[arg(long, value_name = "USD")]
    max_output: Option<f64>,
    /// Minimum availability over a day, or uptime if availability is not published, 0 to 1.
    #[arg(long, value_name = "SHARE")]
    min_availability: Option<f64>,
}

impl LimitArgs {
    /// The limits, checked.
    ///
    /// # Errors
    /// The invalid value, by name.
    pub fn limits(&self) -> Result<Limits> {
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
