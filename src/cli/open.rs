//! `hitrate open`: the address of a model's page.

use super::{Common, exit, model};
use crate::serve::Announced;
use crate::site::model_page;
use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

/// Arguments of `open`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate open moonshotai/kimi-k2.6\n  \
xdg-open \"$(hitrate open moonshotai/kimi-k2.6)\"")]
pub struct OpenArgs {
    /// Model id (`author/name`, `author/name:free`) or canonical slug.
    model: String,
}

#[derive(Serialize)]
struct Address<'a> {
    model_id: &'a str,
    url: String,
}

/// Prints the address of a model's page: at `serve.public_url`, or on the server that runs on the data folder.
pub fn run(common: &Common, args: &OpenArgs) -> Result<u8> {
    let snapshot = common.snapshot()?;
    let model = model::find(&snapshot, &args.model)?;
    let public = Some(common.settings()?.serve.public_url).filter(|url| !url.is_empty());
    let base = public.or_else(|| Announced::read(&common.data()).map(|server| server.url)).context(
        "no address is known: start `hitrate serve` on this data folder, or set `serve.public_url` in the settings",
    )?;
    let url = format!("{}{}", base.trim_end_matches('/'), model_page(&model.model_id));
    let address = Address { model_id: &model.model_id, url };
    common.print(&address, || address.url.clone())?;
    Ok(exit::OK)
}
