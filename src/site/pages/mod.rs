//! The pages, one file or folder each.

pub mod changes;
pub mod compare;
pub mod cost;
pub mod endpoint;
pub mod explore;
pub mod front;
pub mod method;
pub mod model;
pub mod models;
pub mod problem;
pub mod provider;
pub mod providers;
pub mod reference;
pub mod search;
pub mod share;
pub mod status;
