//! The one integration-test binary: every further one would link DuckDB and Polars again.

mod analysis;
mod api;
mod backtest;
mod binary;
mod cli;
mod cost;
mod docs;
mod fetch;
mod intervals;
mod json_schema;
mod look;
mod pipeline;
mod preferences;
mod recorded;
mod rig;
mod sample;
mod scheduler;
mod serve;
mod simulator;
mod site;
mod site_files;
mod source;
mod store;
mod traces;
mod upstream;
mod walls;
