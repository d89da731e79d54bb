//! Limits on the command line.

use crate::domain::limits::Limits;
use anyhow::{Result, anyhow};
use clap::Args;

/// Hard limits: what an endpoint must keep to be used at all. What is not known of an endpoint does not keep a limit.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
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
    /// The limits, checked.
    ///
    /// # Errors
    /// What cannot be meant, by name.
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
