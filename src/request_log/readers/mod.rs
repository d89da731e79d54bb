//! The readers, one file for each format, and the list of all of them.

mod agents;
mod aider;
mod claude_code;
mod cline;
mod cline_cli;
mod cline_client;
mod codex;
mod codex_exec;
mod codex_totals;
mod gemini_cli;
mod kimi_cli;
mod llm;
mod opencode;
mod pi;

use super::format::Format;

/// The formats of each group. A reader adds its format to the list of its group.
pub const FORMATS: &[&[&Format]] = &[ROUTERS, GATEWAYS, AGENTS, ACCOUNTS];

/// Routers and standard telemetry.
const ROUTERS: &[&Format] = &[];

/// Gateways and observability tools, and plain usage of the providers' APIs.
const GATEWAYS: &[&Format] = &[];

/// Coding agents and other clients.
const AGENTS: &[&Format] = &[
    &claude_code::CLAUDE_CODE,
    &codex::CODEX,
    &codex_exec::CODEX_EXEC,
    &gemini_cli::GEMINI_CLI,
    &opencode::OPENCODE,
    &cline::CLINE,
    &cline_cli::CLINE_CLI,
    &cline::ROO,
    &cline::KILO,
    &kimi_cli::KIMI_CLI,
    &pi::PI,
    &aider::AIDER,
    &llm::LLM,
];

/// Usage exports of accounts.
const ACCOUNTS: &[&Format] = &[];
