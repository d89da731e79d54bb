//! Everything published at one moment: immutable, with an id; built by the pipeline, read by site, API and preferences.

pub mod content;
pub mod current;
pub mod find;
mod finite;
mod hourly;
pub mod movers;
pub mod price_gap;
pub mod store;

pub use content::*;
pub use current::Current;
