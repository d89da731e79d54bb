//! `hitrate` shows which inference providers really cache your prompts and what you pay, and derives router
//! preferences from that.
//!
//! The modules are listed in dependency order, which `tests/it/walls.rs` enforces: `domain` depends on nothing;
//! `archive`, `analysis`, `imports`, `snapshot` on `domain`, `durable` and `wording`; `store` also on `request_log`; `upstream` on
//! `config` and `domain`;
//! `alerts` on `clock`, `config`, `domain`, `durable` and `fetch`;
//! `study` on `analysis`, `simulator` and `domain`; `site`, `api`, `preferences` on `domain` and `snapshot` alone;
//! `static_site` on `site`, `snapshot` and `domain`; `mcp` on `fetch`, `preferences` and `domain`; `pipeline` on what collects, records and computes; `serve`, `cli` on
//! all.

pub mod domain;

pub mod background;
pub mod clock;
pub mod config;
pub mod durable;
pub mod failpoint;
pub mod secret;
pub mod wording;

pub mod analysis;
pub mod archive;
pub mod fetch;
pub mod imports;
pub mod request_log;
pub mod simulator;
pub mod snapshot;
pub mod store;
pub mod upstream;

pub mod alerts;
pub mod cost;
pub mod prepared;
pub mod table;

pub mod api;
pub mod mcp;
pub mod preferences;
pub mod site;

pub mod plausibility;

pub mod backup;
pub mod check;
pub mod scheduler;

pub mod pipeline;
pub mod study;
pub mod traffic;

pub mod cli;
pub mod connections;
pub mod private;
pub mod serve;
pub mod static_site;
