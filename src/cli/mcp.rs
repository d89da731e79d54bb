//! `hitrate mcp`: the tools of the Model Context Protocol on standard input and output.

use super::serve::stop_on_signal;
use super::{Common, exit, runtime};
use crate::api::{self, ApiState};
use crate::clock::{Clock, FixedClock};
use crate::fetch::ApiClient;
use crate::mcp::{Source, Tools, serve_stdio};
use crate::snapshot::{self, Current};
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long a request to a server may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How clients start the tools.
const EXAMPLES: &str = "Examples:
  hitrate mcp
  hitrate mcp --url http://127.0.0.1:8080

In an agent (DIR is the data folder, URL a server that runs hitrate serve):
  claude mcp add hitrate -- hitrate mcp --data-dir DIR        Claude Code
  claude mcp add --transport http hitrate URL/mcp             Claude Code, without a local program
  codex mcp add hitrate -- hitrate mcp --url URL              Codex CLI

  opencode.json:     {\"mcp\": {\"hitrate\": {\"type\": \"local\", \"command\": [\"hitrate\", \"mcp\", \"--url\", \"URL\"]}}}
  .cursor/mcp.json:  {\"mcpServers\": {\"hitrate\": {\"command\": \"hitrate\", \"args\": [\"mcp\", \"--url\", \"URL\"]}}}

Standard output carries only the protocol; logs go to standard error. The command ends when its input ends.";

/// Arguments of `mcp`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct McpArgs {
    /// URL of a hitrate server to query, such as http://127.0.0.1:8080 [default: the saved snapshot of the data folder].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Answer as if it were this time (RFC 3339), to view recorded days: recommendations expire.
    #[arg(long, value_name = "RFC3339", conflicts_with = "url")]
    now: Option<DateTime<Utc>>,
}

/// Serves until standard input ends or a signal arrives.
///
/// # Errors
/// If there is no snapshot, or the server does not answer or has no data; both are checked before the first message.
pub fn run(common: &Common, args: &McpArgs) -> Result<u8> {
    let runtime = runtime()?;
    let served = runtime.block_on(serve(common, args));
    // A pending read of standard input cannot be cancelled.
    runtime.shutdown_background();
    served?;
    Ok(exit::OK)
}

async fn serve(common: &Common, args: &McpArgs) -> Result<()> {
    let cancel = stop_on_signal();
    let source = match &args.url {
        Some(url) => Source::server(ApiClient::new(url, PATIENCE).context("option --url")?),
        None => saved(common, args.now)?,
    };
    let checked = tokio::select! {
        checked = source.check() => checked,
        () = cancel.cancelled() => return Ok(()),
    };
    checked.with_context(|| format!("cannot read the data from {source:?}"))?;
    Ok(serve_stdio(Tools::new(source), cancel).await?)
}

/// The API over the saved snapshot. A newer snapshot is loaded before the next request.
fn saved(common: &Common, now: Option<DateTime<Utc>>) -> Result<Source> {
    let clock: Arc<dyn Clock> = match now {
        Some(now) => Arc::new(FixedClock(now)),
        None => Common::clock(),
    };
    let current = Arc::new(Current::new(Some(common.snapshot()?)));
    let now = Arc::new(move || clock.now());
    let routes = api::router(ApiState { current: current.clone(), bodies: Arc::default(), now });
    let folder: PathBuf = common.data().snapshots();
    Ok(Source::refreshed(routes, move || refresh(&current, &folder)))
}

/// Loads the saved snapshot if it is not the one that is held. The held one stays if that fails.
fn refresh(current: &Current, folder: &std::path::Path) {
    let held = current.get().map(|snapshot| snapshot.id.clone());
    if snapshot::store::current_id(folder).is_none_or(|saved| Some(saved) == held) {
        return;
    }
    match snapshot::store::load(folder) {
        Ok(Some(newer)) => current.set(Arc::new(newer)),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "the newer snapshot is not used"),
    }
}
