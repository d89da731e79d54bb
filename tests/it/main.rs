//! The one integration-test binary: every further one would link DuckDB and Polars again.

mod analysis;
mod api;
mod cli;
mod fetch;
mod intervals;
mod json_schema;
mod pipeline;
mod preferences;
mod recorded;
mod sample;
mod scheduler;
mod simulator;
mod site;
mod source;
mod store;
mod walls;
