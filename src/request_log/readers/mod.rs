//! The readers, one file for each format, and the list of all of them.

// Gateways, plain usage and accounts.
mod account;
mod answer;
mod anthropic_cost_report;
mod anthropic_usage;
mod anthropic_usage_report;
mod api_usage;
mod bedrock_usage;
mod crush;
mod gemini_usage;
mod goose;
mod helicone;
mod hermes;
mod langfuse;
mod langfuse_usage;
mod litellm;
mod litellm_daily;
mod litellm_payload;
mod litellm_spend;
mod ollama_cloud;
mod ollama_usage;
mod openai_costs;
mod openai_usage;
mod openai_usage_buckets;
mod outcome;
mod plain;
#[cfg(test)]
mod testing;
mod vercel;

use super::format::Format;

/// The formats of each group. A reader adds its format to the list of its group.
pub const FORMATS: &[&[&Format]] = &[ROUTERS, GATEWAYS, AGENTS, ACCOUNTS];

/// Routers and standard telemetry.
const ROUTERS: &[&Format] = &[];

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
const AGENTS: &[&Format] = &[];

/// Usage exports of accounts.
const ACCOUNTS: &[&Format] = &[
    &anthropic_usage_report::FORMAT,
    &anthropic_cost_report::FORMAT,
    &openai_usage_buckets::FORMAT,
    &openai_costs::FORMAT,
    &ollama_cloud::USAGE,
    &ollama_cloud::BALANCE,
];
