//! The readers, one file for each format, and the list of all of them.

use super::format::Format;

/// The formats of each group. A reader adds its format to the list of its group.
pub const FORMATS: &[&[&Format]] = &[ROUTERS, GATEWAYS, AGENTS, ACCOUNTS];

/// Routers and standard telemetry.
const ROUTERS: &[&Format] = &[];

/// Gateways and observability tools, and plain usage of the providers' APIs.
const GATEWAYS: &[&Format] = &[];

/// Coding agents and other clients.
const AGENTS: &[&Format] = &[];

/// Usage exports of accounts.
const ACCOUNTS: &[&Format] = &[];
