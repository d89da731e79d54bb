//! Verbs that only print: settings, OpenAPI, completions, version.

use super::{Common, exit, print_json, print_text};
use crate::analysis::METHOD_VERSION;
use crate::config;
use anyhow::Result;
use clap::Args;

/// Arguments of `config`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate config\n  \
hitrate config --defaults > hitrate.toml")]
pub struct ConfigArgs {
    /// Print every setting with its default and a description.
    #[arg(long)]
    defaults: bool,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate completions bash > ~/.local/share/bash-completion/completions/hitrate\n  \
hitrate completions fish > ~/.config/fish/completions/hitrate.fish")]
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
    let text = toml::to_string_pretty(&settings)?;
    common.print(&settings, || text.trim_end().to_owned())?;
    Ok(exit::OK)
}

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

pub fn version(common: &Common) -> Result<u8> {
    let (version, method) = (env!("CARGO_PKG_VERSION"), METHOD_VERSION);
    let document = serde_json::json!({ "version": version, "method_version": method });
    common.print(&document, || format!("hitrate {version}, method {method}"))?;
    Ok(exit::OK)
}
