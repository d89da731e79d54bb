//! The Model Context Protocol: read-only tools over the JSON API, on standard input and output and over HTTP.
//!
//! A tool sends requests to the API, either to its routes in this process or to a server, and shortens the answers. So
//! its data are those of the API, and both ways give the same answers.

mod address;
mod arguments;
mod failure;
mod gate;
mod http;
mod reply;
mod server;
mod source;
mod tools;

pub use failure::{Failure, Problem};
pub use gate::Gate;
pub use http::router;
pub use server::{StdioError, Tools, serve_stdio};
pub use source::Source;

use crate::domain::ids::names;

names! {
    /// A tool.
    ToolName as "tool" {
        /// Finds models by parts of their names.
        FindModel = "find_model",
        /// Recommends the hosts of a model.
        RecommendHost = "recommend_host",
        /// Compares the endpoints of a model.
        CompareEndpoints = "compare_endpoints",
        /// Returns hit rates and prices over time.
        History = "history",
        /// Prices a session at every endpoint of a model.
        SessionCost = "session_cost",
        /// Lists recent changes.
        WhatChanged = "what_changed",
    }
}
