//! Snapshots: everything published at one moment. A snapshot is immutable and has an id. The pipeline builds it; the
//! site, the API and preferences read it.

mod changes;
pub mod content;
pub mod current;
pub mod find;
mod finite;
mod hourly;
mod imports;
pub mod movers;
pub mod price_gap;
pub mod store;

pub use content::*;
pub use current::Current;
pub use imports::{ImportedPoint, Imports};
