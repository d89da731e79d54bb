//! The readers, one file for each format, and the list of all of them.

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
mod outcome;

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
const GATEWAYS: &[&Format] = &[];

/// Coding agents and other clients.
const AGENTS: &[&Format] = &[];

/// Usage exports of accounts.
const ACCOUNTS: &[&Format] = &[];
