//! Verbs that only print: settings, OpenAPI, completions, version.

use super::{Common, exit, print_json, print_text};
use crate::config;
use anyhow::Result;
use clap::Args;

/// Arguments of `config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Print every setting with its default and a description.
    #[arg(long)]
    defaults: bool,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell to generate the script for.
    shell: clap_complete::Shell,
}

/// Prints the effective settings, or the documented defaults.
pub fn config(common: &Common, args: &ConfigArgs) -> Result<u8> {
    if args.defaults {
        print_text(config::DEFAULTS.trim_end())?;
        return Ok(exit::OK);
    }
    let settings = common.settings()?;
    if common.json {
        print_json(&settings)?;
    } else {
        print_text(toml::to_string_pretty(&settings)?.trim_end())?;
    }
    Ok(exit::OK)
}

/// Prints the OpenAPI description of the API.
pub fn openapi() -> Result<u8> {
    print_json(&crate::api::openapi())?;
    Ok(exit::OK)
}

/// Prints a completion script.
pub fn completions(args: &CompletionsArgs, command: &mut clap::Command) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "hitrate", &mut script);
    print_text(String::from_utf8_lossy(&script).trim_end())?;
    Ok(exit::OK)
}

/// Prints the version.
pub fn version(common: &Common) -> Result<u8> {
    let version = env!("CARGO_PKG_VERSION");
    if common.json {
        print_json(
            &serde_json::json!({ "version": version, "method_version": crate::analysis::METHOD_VERSION }),
        )?;
    } else {
        print_text(&format!("hitrate {version}, method {}", crate::analysis::METHOD_VERSION))?;
    }
    Ok(exit::OK)
}
