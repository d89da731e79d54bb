//! The user's own traffic, in a database of its own beside the public record. It is opened only while it is used, so
//! that the command line and a running server can share it.

mod calls;

pub use calls::{CallFilter, OwnCall};
