//! The readers, one file for each format, and the list of all of them.

// Routers and standard telemetry.
pub mod litellm_spans;
mod openrouter;
mod openrouter_activity;
mod openrouter_activity_csv;
mod openrouter_broadcast;
mod openrouter_generation;
mod openrouter_span;
mod openrouter_usage;
mod otel_events;
mod otel_genai;
mod otel_names;
mod otel_span;
mod otlp;
mod otlp_attributes;
// Gateways, plain usage and accounts.
mod account;
mod agents;
mod aider;
mod answer;
mod anthropic_cost_report;
mod anthropic_usage;
mod anthropic_usage_report;
mod api_usage;
mod bedrock_usage;
mod claude_code;
mod cline;
mod cline_cli;
mod cline_client;
mod cline_history;
mod codex;
mod codex_exec;
mod codex_totals;
mod crush;
mod gemini_cli;
mod gemini_usage;
mod goose;
mod helicone;
mod hermes;
mod kimi_cli;
mod langfuse;
mod langfuse_usage;
mod litellm;
mod litellm_daily;
mod litellm_payload;
mod litellm_spend;
mod llm;
mod ollama_cloud;
mod ollama_usage;
mod openai_costs;
mod openai_usage;
mod openai_usage_buckets;
mod opencode;
mod outcome;
mod pi;
mod plain;
#[cfg(test)]
mod testing;
mod vercel;

use super::format::Format;

/// The formats of each group. A reader adds its format to the list of its group.
pub const FORMATS: &[&[&Format]] = &[ROUTERS, GATEWAYS, AGENTS, ACCOUNTS];

/// Routers and standard telemetry.
const ROUTERS: &[&Format] = &[
    &openrouter_activity_csv::FORMAT,
    &openrouter_generation::FORMAT,
    &openrouter_activity::ACTIVITY,
    &openrouter_activity::ANALYTICS,
    &openrouter_usage::FORMAT,
    &openrouter_broadcast::FORMAT,
    &otel_genai::FORMAT,
];

/// Gateways and observability tools, and plain usage of the providers' APIs.
const GATEWAYS: &[&Format] = &[
    &litellm_spend::FORMAT,
    &litellm_payload::FORMAT,
    &litellm_daily::FORMAT,
    &langfuse::FORMAT,
    &helicone::FORMAT,
    &vercel::FORMAT,
    &hermes::FORMAT,
    &goose::FORMAT,
    &crush::FORMAT,
    &openai_usage::FORMAT,
    &anthropic_usage::FORMAT,
    &gemini_usage::FORMAT,
    &bedrock_usage::FORMAT,
    &ollama_usage::FORMAT,
];

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
const ACCOUNTS: &[&Format] = &[
    &anthropic_usage_report::FORMAT,
    &anthropic_cost_report::FORMAT,
    &openai_usage_buckets::FORMAT,
    &openai_costs::FORMAT,
    &ollama_cloud::USAGE,
    &ollama_cloud::BALANCE,
];
