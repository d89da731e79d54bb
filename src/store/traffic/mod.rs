//! The user's own traffic, in a database of its own beside the public record. It is opened only while it is used, so
//! that the command line and a running server can share it.

mod answer_rows;
pub mod answers;
mod calls;
mod files;
mod forget;
mod import;
mod matching;
mod names;
mod open;
mod previous;
mod resolve;
mod rows;
mod sessions;

pub use calls::{CallFilter, OwnCall};
pub use files::ImportedFile;
pub use forget::{Forget, Forgotten};
pub use import::{ImportOptions, Imported};
pub use matching::Overlap;
pub use open::TrafficStore;
pub use resolve::Resolved;
